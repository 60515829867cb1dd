"""Whose a namespace is, and how it is made ready: over HTTP, as its owner meets it."""

import asyncio

import pytest

from genet import naming
from tests.replicas import replica_of, settings, switch

NAMESPACE = "user-alice-alice"
PLURALS = ("resourcequotas", "limitranges", "networkpolicies", "persistentvolumeclaims")


def foreign(cluster, **annotations):
    """A namespace of alice's name that is not hers, with a pod in it."""
    made = cluster.store.create("namespaces", {"metadata": {"name": NAMESPACE, "annotations": annotations}})
    pod = {"metadata": {"name": "pod-alice-alice-a", "namespace": NAMESPACE}, "spec": {"containers": []}, "status": {}}
    cluster.store.create("pods", pod)
    return made


async def test_the_first_pod_finds_everything_ready(replica, cluster):
    assert (await replica.create()).status_code == 201
    meta = cluster.store.get("namespaces", "", NAMESPACE)["metadata"]
    assert meta["labels"].items() >= {
        ("genet.io/managed", "true"),
        ("genet.io/user", "alice-alice"),
        ("pod-security.kubernetes.io/enforce", "baseline"),
    }
    assert meta["annotations"]["genet.io/owner"] == "dev|alice"
    assert [len(cluster.store.list(plural, NAMESPACE)) for plural in PLURALS] == [1, 1, 2, 1]


@pytest.mark.parametrize("owner", [{}, {naming.OWNER: "proxy|alice|alice@lab.example"}], ids=["nobody", "another"])
async def test_a_namespace_that_is_not_marked_as_ones_own_is_never_used_nor_changed(kubeconfig, cluster, owner):
    before = foreign(cluster, **owner)
    async with replica_of(settings(kubeconfig)) as replica:
        await replica.synced()
        pod = "/api/pods/pod-alice-alice-a"
        answers = [
            await replica.create(),
            await replica.ask("GET", "/api/pods"),
            await replica.ask("GET", pod),
            await replica.ask("GET", f"{pod}/logs"),
            await replica.ask("GET", f"{pod}/events"),
            await replica.ask("POST", f"{pod}/extend", json={"hours": 1}),
            await replica.ask("DELETE", pod),
        ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, "namespace_taken")}
    assert cluster.store.get("namespaces", "", NAMESPACE) == before
    assert len(cluster.store.list("pods", NAMESPACE)) == 1


async def test_a_namespace_that_the_cache_has_not_heard_of_yet_is_looked_at(replica, cluster):
    await switch(cluster, "freeze")
    foreign(cluster)
    assert await replica.pods() == []
    answer = await replica.ask("GET", "/api/pods/pod-alice-alice-a")
    assert answer.json()["code"] == "namespace_taken"


async def test_a_namespace_on_its_way_out_is_not_used(replica, cluster):
    await replica.create(name="a")
    namespace = cluster.store.get("namespaces", "", NAMESPACE)
    namespace["metadata"]["finalizers"] = ["tests/held"]
    cluster.store.update("namespaces", namespace)
    cluster.store.delete("namespaces", "", NAMESPACE)
    answer = await replica.create(name="b")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize("plural", PLURALS)
async def test_preparation_goes_on_where_it_was_broken_off(replica, cluster, plural):
    group = "/apis/networking.k8s.io/v1" if plural == "networkpolicies" else "/api/v1"
    await switch(cluster, "fail", status=500, path=f"{group}/namespaces/{NAMESPACE}/{plural}")
    assert (await replica.create()).status_code == 503
    assert cluster.store.list("pods", NAMESPACE) == []
    assert (await replica.create()).status_code == 201
    assert [len(cluster.store.list(plural, NAMESPACE)) for plural in PLURALS] == [1, 1, 2, 1]


async def test_first_pods_at_two_replicas_do_not_get_in_each_others_way(replica, kubeconfig):
    async with replica_of(settings(kubeconfig)) as other:
        await other.synced()
        answers = await asyncio.gather(*(one.create(name=f"n{n}") for n, one in enumerate([replica, other, replica])))
    assert [answer.status_code for answer in answers] == [201, 201, 201]


async def test_a_changed_setting_reaches_the_namespace_with_the_next_pod(replica, kubeconfig, cluster):
    await replica.create(name="a")
    async with replica_of(settings(kubeconfig, podLimitPerUser=9)) as newer:
        await newer.synced()
        assert (await newer.create(name="b")).status_code == 201
    assert cluster.store.get("resourcequotas", NAMESPACE, "genet")["spec"]["hard"]["pods"] == "9"


async def test_a_users_own_limits_count_in_both_walls(replica, cluster):
    await replica.create(name="a")
    namespace = cluster.store.get("namespaces", "", NAMESPACE)
    namespace["metadata"]["annotations"] |= {naming.POD_LIMIT: "1", naming.GPU_LIMIT: "lots"}
    cluster.store.update("namespaces", namespace)
    answer = await replica.create(name="b")
    assert answer.json()["quota"] == {"resource": "pods", "used": 1, "asked": 1, "limit": 1}
    hard = cluster.store.get("resourcequotas", NAMESPACE, "genet")["spec"]["hard"]
    assert (hard["pods"], hard["requests.nvidia.com/gpu"]) == ("1", "4")


async def test_genets_own_account_is_bound_before_anything_else_is_made(cluster, kubeconfig):
    kubernetes = {"kubeconfig": str(kubeconfig), "serviceAccount": "genet-system/genet"}
    async with replica_of(settings(kubeconfig, kubernetes=kubernetes)) as replica:
        await replica.synced()
        assert (await replica.create()).status_code == 201
    binding = cluster.store.get("rolebindings", NAMESPACE, "genet-tenant")
    assert binding["roleRef"]["name"] == "genet-tenant"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "namespace": "genet-system", "name": "genet"}]
    others = [obj for plural in PLURALS for obj in cluster.store.list(plural, NAMESPACE)]
    assert all(int(binding["metadata"]["resourceVersion"]) < int(o["metadata"]["resourceVersion"]) for o in others)
