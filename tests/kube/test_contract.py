"""What the gateway promises, on the embedded cluster and, unchanged, on a real API server."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from genet.errors import AlreadyExists, Conflict, Invalid, NotFound, QuotaRefused
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import LEASES, NODES, PODS, RESOURCE_QUOTAS, SECRETS, SERVICES, Pod, Secret
from genet.kube.state import compare_and_set
from genet.kube.watch import Scope

IMAGE = os.environ.get("GENET_TEST_IMAGE", "cluster.local/busybox:1")


def secret(name: str, value: str = "one", **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}, "stringData": {"value": value}}


def pod(name: str, *, node_selector: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {"genet.io/managed": "true"}},
        "spec": {
            "containers": [
                {
                    "name": "main",
                    "image": IMAGE,
                    "command": ["sh", "-c", "echo one; echo two; trap 'exit 0' TERM; sleep 3600 & wait"],
                    "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
                }
            ],
            "nodeSelector": node_selector or {},
            # the token of a service account may come later than the account itself
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
        },
    }


NOWHERE = {"genet.io/no-such-node": "true"}


@asynccontextmanager
async def following(cache: Cache[Any]) -> AsyncIterator[None]:
    task = asyncio.create_task(cache.run())
    await cache.wait_ready()
    yield
    task.cancel()
    await asyncio.wait([task])


@pytest.fixture
async def pods(kube: KubeClient, namespace: str) -> AsyncIterator[Cache[Pod]]:
    cache = Cache(kube, PODS, scope=Scope(namespace))
    async with following(cache):
        yield cache


async def test_what_is_created_can_be_read_and_is_gone_after_deletion(kube, namespace):
    created = await kube.create(SECRETS, secret("a"), namespace)
    assert (created.metadata.name, created.metadata.namespace) == ("a", namespace)
    assert created.metadata.uid
    assert created.metadata.creation_timestamp is not None
    found = await kube.get(SECRETS, "a", namespace)
    assert found == created
    assert found.data == {"value": b"one"}
    assert await kube.delete(SECRETS, "a", namespace) is None
    with pytest.raises(NotFound):
        await kube.get(SECRETS, "a", namespace)
    with pytest.raises(NotFound):
        await kube.delete(SECRETS, "a", namespace)


async def test_a_second_object_of_a_name_is_refused(kube, namespace):
    await kube.create(SECRETS, secret("a"), namespace)
    with pytest.raises(AlreadyExists):
        await kube.create(SECRETS, secret("a", "two"), namespace)


async def test_a_dry_run_creates_nothing(kube, namespace):
    assert (await kube.create(SECRETS, secret("a"), namespace, dry_run=True)).metadata.name == "a"
    with pytest.raises(NotFound):
        await kube.get(SECRETS, "a", namespace)


async def test_a_bad_object_is_invalid_and_the_error_names_the_field(kube, namespace):
    with pytest.raises(Invalid) as caught:
        await kube.create(PODS, pod("Not_A_Name"), namespace)
    assert "metadata.name" in {error.field for error in caught.value.errors}


async def test_replace_is_compare_and_set(kube, namespace):
    first = await kube.create(SECRETS, secret("a"), namespace)
    manifest = secret("a", "two")
    manifest["metadata"]["resourceVersion"] = first.metadata.resource_version
    second = await kube.replace(SECRETS, manifest, namespace)
    assert int(second.metadata.resource_version) > int(first.metadata.resource_version)
    with pytest.raises(Conflict):
        await kube.replace(SECRETS, manifest, namespace)


async def test_a_merge_patch_sets_and_removes_and_respects_a_version_it_names(kube, namespace):
    first = await kube.create(SECRETS, secret("a", x="1", y="2"), namespace)
    second = await kube.patch(SECRETS, "a", {"metadata": {"labels": {"x": None, "z": "3"}}}, namespace)
    assert second.metadata.labels == {"y": "2", "z": "3"}
    stale = {"metadata": {"resourceVersion": first.metadata.resource_version, "labels": {"y": "lost"}}}
    with pytest.raises(Conflict):
        await kube.patch(SECRETS, "a", stale, namespace)


async def test_a_json_patch_applies_whole_or_not_at_all(kube, namespace):
    await kube.create(SECRETS, secret("a", x="1"), namespace)
    set_x = {"op": "replace", "path": "/metadata/labels/x", "value": "2"}
    patched = await kube.patch(
        SECRETS, "a", [{"op": "test", "path": "/metadata/labels/x", "value": "1"}, set_x], namespace
    )
    assert patched.metadata.labels == {"x": "2"}
    with pytest.raises(Invalid):
        await kube.patch(SECRETS, "a", [set_x, {"op": "test", "path": "/metadata/labels/x", "value": "1"}], namespace)
    assert (await kube.get(SECRETS, "a", namespace)).metadata.labels == {"x": "2"}


async def test_only_the_object_that_was_judged_is_deleted(kube, namespace):
    first = await kube.create(SECRETS, secret("a"), namespace)
    second = await kube.patch(SECRETS, "a", {"metadata": {"labels": {"x": "1"}}}, namespace)
    with pytest.raises(Conflict):
        await kube.delete(SECRETS, "a", namespace, uid="00000000-0000-0000-0000-000000000000")
    with pytest.raises(Conflict):
        await kube.delete(SECRETS, "a", namespace, resource_version=first.metadata.resource_version)
    await kube.delete(
        SECRETS, "a", namespace, uid=second.metadata.uid, resource_version=second.metadata.resource_version
    )


async def test_a_list_is_complete_over_its_pages_and_selectors_narrow_it(kube, namespace):
    for index in range(7):
        await kube.create(SECRETS, secret(f"s{index}", parity=str(index % 2)), namespace)
    listing = await kube.list(SECRETS, namespace, label_selector="parity", page_size=3)
    assert [found.metadata.name for found in listing.items] == [f"s{index}" for index in range(7)]
    assert int(listing.resource_version) > 0
    odd = await kube.list(SECRETS, namespace, label_selector="parity in (1),parity!=0")
    assert {found.metadata.name for found in odd.items} == {"s1", "s3", "s5"}
    one = await kube.list(SECRETS, namespace, field_selector="metadata.name=s4")
    assert [found.metadata.name for found in one.items] == ["s4"]
    assert {"s0", "s6"} <= {found.metadata.name for found in (await kube.list(SECRETS)).items}


async def test_an_empty_list_is_empty(kube, namespace):
    assert (await kube.list(LEASES, namespace)).items == []


async def test_a_resource_quota_refuses_and_says_so(kube, namespace, until):
    await kube.create(RESOURCE_QUOTAS, {"metadata": {"name": "q"}, "spec": {"hard": {"services": "0"}}}, namespace)
    quotas = Cache(kube, RESOURCE_QUOTAS, scope=Scope(namespace))
    async with following(quotas):
        await until(lambda: any(quota.status.hard for quota in quotas.all()))
    with pytest.raises(QuotaRefused, match="exceeded quota"):
        await kube.create(SERVICES, {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}, namespace)


async def test_nodes_say_what_they_have(kube):
    nodes = (await kube.list(NODES)).items
    assert any(
        condition.type == "Ready" and condition.status == "True"
        for node in nodes
        for condition in node.status.conditions
    )
    assert all("cpu" in node.status.allocatable for node in nodes)


async def logged(kube, namespace, container="main", **how):
    async with kube.log_stream(namespace, "p", container=container, idle_seconds=5, **how) as chunks:
        return b"".join([chunk async for chunk in chunks])


async def test_a_pod_runs_logs_and_ends(kube, namespace, pods, until):
    created = await kube.create(PODS, pod("p"), namespace)
    pods.merge(created)
    assert pods.get("p", namespace).metadata.uid == created.metadata.uid
    await until(lambda: pods.get("p", namespace).status.phase == "Running")
    running = pods.get("p", namespace)
    assert running.spec.node_name
    assert running.status.pod_ip
    (container,) = running.status.container_statuses
    assert container.ready
    assert container.state.running is not None
    assert await logged(kube, namespace) == b"one\ntwo\n"
    assert await logged(kube, namespace, tail_lines=1) == b"two\n"
    with pytest.raises(Invalid):
        await logged(kube, namespace, "other")
    ending = await kube.delete(PODS, "p", namespace, uid=created.metadata.uid)
    assert ending is not None
    assert ending.metadata.deletion_timestamp is not None
    pods.merge(ending)
    await until(lambda: pods.get("p", namespace) is None)
    with pytest.raises(NotFound):
        await logged(kube, namespace)


async def test_a_pod_that_never_started_has_no_logs_and_goes_at_once(kube, namespace, pods, until):
    await kube.create(PODS, pod("p", node_selector=NOWHERE), namespace)
    await until(lambda: pods.get("p", namespace) and pods.get("p", namespace).status.conditions)
    (scheduled,) = pods.get("p", namespace).status.conditions
    assert (scheduled.type, scheduled.status, scheduled.reason) == ("PodScheduled", "False", "Unschedulable")
    with pytest.raises(Invalid):
        await logged(kube, namespace)
    ended = await kube.delete(PODS, "p", namespace)
    await until(lambda: pods.get("p", namespace) is None)
    if ended is not None:
        pods.merge(ended)
    assert pods.get("p", namespace) is None


async def test_the_cache_follows_what_others_do(kube, namespace, pods, until):
    await kube.create(PODS, pod("p", node_selector=NOWHERE), namespace)
    await until(lambda: pods.get("p", namespace))
    await kube.patch(PODS, "p", {"metadata": {"annotations": {"genet.io/protected-until": "later"}}}, namespace)
    await until(lambda: pods.get("p", namespace).metadata.annotations == {"genet.io/protected-until": "later"})
    assert not pods.staleness().stale


async def test_of_many_who_count_at_once_none_is_lost(kube, namespace):
    async def increment(known: Secret | None) -> dict[str, Any]:
        if known is None:
            return secret("counter", "1")
        return {"stringData": {"value": str(int(known.data["value"]) + 1)}}

    await asyncio.gather(*(compare_and_set(kube, SECRETS, "counter", namespace, increment) for _ in range(20)))
    assert (await kube.get(SECRETS, "counter", namespace)).data == {"value": b"20"}


async def test_who_changes_nothing_writes_nothing(kube, namespace):
    async def leave_alone(known: Secret | None) -> None:
        return None

    assert await compare_and_set(kube, SECRETS, "a", namespace, leave_alone) is None
    created = await kube.create(SECRETS, secret("a"), namespace)
    assert await compare_and_set(kube, SECRETS, "a", namespace, leave_alone) == created
    assert (await kube.get(SECRETS, "a", namespace)) == created
