"""A person's volumes over HTTP: what they are, why one is not bound, and how one grows."""

from typing import Any

import pytest

from tests.replicas import replica_of, settings, until

NAMESPACE = "user-alice-alice"
SOFT = {"name": "work", "mountPath": "/work", "size": "5Gi", "maxSize": "8Gi", "storageClass": "soft"}
HARD = SOFT | {"name": "hard", "mountPath": "/hard", "storageClass": "hard"}
GOLD = {"name": "gold", "mountPath": "/gold", "size": "1Gi", "storageClass": "gold", "reclaimPolicy": "Delete"}
DISK = {"name": "disk", "mountPath": "/disk", "type": "hostpath", "path": "/srv/{userIdentifier}"}
OLD = {"name": "old", "mountPath": "/old", "type": "existing", "claimName": "legacy", "readOnly": True}
SCRATCH = {"name": "scratch", "mountPath": "/s", "type": "emptyDir", "sizeLimit": "2Gi"}
EVERYTHING: list[dict[str, Any]] = [SOFT, HARD, GOLD, DISK, OLD, SCRATCH]


@pytest.fixture
async def replica(kubeconfig, cluster):
    for name, grows in (("soft", True), ("hard", False)):
        cluster.store.create(
            "storageclasses",
            {"metadata": {"name": name}, "provisioner": "genet.io/simulation", "allowVolumeExpansion": grows},
        )
    async with replica_of(settings(kubeconfig, storage={"volumes": EVERYTHING})) as one:
        await one.synced()
        yield one


async def volumes(replica, user="alice", **params):
    answer = await replica.ask("GET", "/api/volumes", user=user, params=params)
    assert answer.status_code == 200, answer.text
    return {volume["name"]: volume for volume in answer.json()["volumes"]}


async def resize(replica, name, size, user="alice", **params):
    return await replica.ask("POST", f"/api/volumes/{name}/resize", user=user, params=params, json={"size": size})


async def test_before_the_first_pod_they_are_shown_as_not_made(replica):
    found = await volumes(replica)
    assert list(found) == [volume["name"] for volume in EVERYTHING]
    assert {name: volume["status"] for name, volume in found.items()} == {
        **dict.fromkeys(found, "NotMade"),
        "scratch": "PerPod",
    }
    assert found["old"]["reason"] == {"code": "claim_missing", "params": {}}


async def test_with_a_pod_they_say_what_they_are_and_who_uses_them(replica, cluster):
    pod = (await replica.create(name="one")).json()["id"]
    found = await volumes(replica)
    assert found["work"] == {
        "name": "work",
        "type": "pvc",
        "mountPath": "/work",
        "readOnly": False,
        "size": "5Gi",
        "requested": "5Gi",
        "capacity": "5Gi",
        "maxSize": "8Gi",
        "growable": True,
        "status": "Bound",
        "reason": None,
        "message": None,
        "reclaimPolicy": "Retain",
        "usedBy": [pod],
    }
    assert (found["hard"]["growable"], found["hard"]["status"]) == (False, "Bound")
    assert (found["disk"]["status"], found["disk"]["reclaimPolicy"]) == ("Bound", None)
    assert cluster.store.get("persistentvolumes", "", "genet.alice-alice.disk")["status"]["phase"] == "Bound"
    assert (found["scratch"]["size"], found["scratch"]["usedBy"]) == ("2Gi", [])
    assert found["gold"]["reclaimPolicy"] == "Delete"


async def test_one_that_cannot_be_bound_says_why(replica):
    await replica.create(name="one")
    gold = (await volumes(replica))["gold"]
    assert gold["status"] == "Pending"
    assert gold["reason"] == {
        "code": "storage_class_missing",
        "params": {"claim": "alice-alice-gold", "storageClass": "gold"},
    }
    assert "no storage class gold" in gold["message"]


async def test_a_directory_that_the_configuration_has_elsewhere_by_now_is_said(replica, kubeconfig):
    await replica.create(name="one")
    moved = settings(kubeconfig, storage={"volumes": [DISK | {"path": "/elsewhere/{userIdentifier}"}]})
    async with replica_of(moved) as newer:
        await newer.synced()
        assert "at /srv/alice-alice" in (await volumes(newer))["disk"]["message"]


async def test_one_grows_and_never_shrinks(replica):
    await replica.create(name="one")
    grown = await resize(replica, "work", "7Gi")
    assert grown.status_code == 200, grown.text
    assert (grown.json()["requested"], grown.json()["capacity"]) == ("7Gi", "7Gi")
    assert (await resize(replica, "work", "7Gi")).status_code == 200
    smaller = await resize(replica, "work", "6Gi")
    assert (smaller.status_code, smaller.json()["errors"][0]["field"]) == (422, "size")
    assert "never gets smaller" in smaller.json()["errors"][0]["message"]


async def test_one_that_nobody_makes_larger_says_so(replica, cluster):
    """The API server only notes what is asked for; who carries it out is the class's provisioner."""
    await replica.create(name="one")
    (volume,) = [one for one in cluster.store.list("storageclasses") if one["metadata"]["name"] == "soft"]
    cluster.store.update("storageclasses", {**volume, "provisioner": "csi.example.com"})
    grown = (await resize(replica, "work", "7Gi")).json()
    assert (grown["requested"], grown["capacity"], grown["status"], grown["reason"]) == ("7Gi", "5Gi", "Bound", None)
    assert "waits for whoever provisions the storage class soft to make it 7Gi" in grown["message"]


@pytest.mark.parametrize("size", ["9Gi", "lots", "0", "-1Gi", "0.5", "", "1e40"])
async def test_what_is_no_size_for_it_is_refused_by_its_field(replica, size):
    await replica.create(name="one")
    answer = await resize(replica, "work", size)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "size")
    assert (await volumes(replica))["work"]["requested"] == "5Gi"


async def test_a_class_that_lets_nothing_grow_is_named(replica):
    await replica.create(name="one")
    answer = await resize(replica, "hard", "6Gi")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_growable")
    assert "'hard' does not let volumes grow" in answer.json()["detail"]


@pytest.mark.parametrize("name", ["disk", "old", "scratch", "gold"])
async def test_what_has_no_room_to_grow_in_is_refused(replica, name):
    await replica.create(name="one")
    answer = await resize(replica, name, "6Gi")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_growable")


async def test_one_that_is_not_there_is_not_found(replica):
    assert (await resize(replica, "work", "6Gi")).status_code == 404
    await replica.create(name="one")
    assert (await resize(replica, "nothing", "6Gi")).status_code == 404


async def test_the_quota_has_room_for_what_all_may_grow_to_and_no_more(replica, cluster):
    await replica.create(name="one")
    [quota] = cluster.store.list("resourcequotas", NAMESPACE)
    assert quota["spec"]["hard"]["requests.storage"] == str((8 + 8 + 1 + 10) * 2**30)
    quota["spec"]["hard"]["requests.storage"] = "21Gi"
    cluster.store.update("resourcequotas", quota)
    answer = await resize(replica, "work", "7Gi")
    assert (answer.status_code, answer.json()["code"]) == (403, "quota_exceeded")


async def test_others_volumes_are_seen_and_changed_by_administrators_alone(replica):
    await replica.create(name="one")
    for ask in (
        replica.ask("GET", "/api/volumes", user="mallory", params={"owner": "alice-alice"}),
        resize(replica, "work", "7Gi", user="mallory", owner="alice-alice"),
    ):
        assert (await ask).status_code == 404
    assert (await volumes(replica, user="mallory"))["work"]["status"] == "NotMade"
    assert (await resize(replica, "work", "7Gi", user="mallory")).status_code == 404
    assert (await volumes(replica, user="admin", owner="alice-alice"))["work"]["requested"] == "5Gi"
    assert (await resize(replica, "work", "7Gi", user="admin", owner="alice-alice")).status_code == 200


async def test_a_claim_goes_when_the_last_pod_is_gone_whoever_deleted_it(replica, cluster):
    """Two pods; one is deleted by its owner, the other with kubectl."""
    cluster.store.create("storageclasses", {"metadata": {"name": "gold"}, "provisioner": "genet.io/simulation"})

    def claim():
        return cluster.store.find("persistentvolumeclaims", NAMESPACE, "alice-alice-gold")

    first, second = [(await replica.create(name=name)).json()["id"] for name in ("one", "two")]
    assert (await replica.ask("DELETE", f"/api/pods/{first}")).status_code == 204
    await until(lambda: cluster.store.find("pods", NAMESPACE, first) is None)
    assert "deletionTimestamp" not in claim()["metadata"]
    cluster.store.delete("pods", NAMESPACE, second, grace_period_seconds=0)
    await until(lambda: claim() is None)
    assert cluster.store.find("persistentvolumeclaims", NAMESPACE, "alice-alice-work") is not None
    assert (await replica.create(name="three")).status_code == 201
    assert claim() is not None


async def test_a_replica_that_was_not_there_removes_what_was_missed(kubeconfig, cluster):
    cluster.store.create("storageclasses", {"metadata": {"name": "gold"}, "provisioner": "genet.io/simulation"})
    configuration = settings(kubeconfig, storage={"volumes": [GOLD]})
    async with replica_of(configuration) as one:
        await one.synced()
        pod = (await one.create(name="one")).json()["id"]
    cluster.store.delete("pods", NAMESPACE, pod, grace_period_seconds=0)
    assert cluster.store.find("persistentvolumeclaims", NAMESPACE, "alice-alice-gold") is not None
    async with replica_of(configuration) as another:
        await another.synced()
        await until(lambda: cluster.store.find("persistentvolumeclaims", NAMESPACE, "alice-alice-gold") is None)
