"""What administrators are told of the cluster and of the replica, and that nobody else is."""

import msgspec
import pytest

from genet import __version__
from genet.flows.monitor import ClusterState, SystemState
from tests.gpus.builders import GPU
from tests.replicas import switch, until

PATHS = ["/api/monitor/cluster", "/api/monitor/system"]


async def told(replica, what, kind):
    answer = await replica.ask("GET", f"/api/monitor/{what}", user="admin")
    assert answer.status_code == 200
    return msgspec.convert(answer.json(), kind)


def add_node(cluster, name):
    capacity = {"cpu": "8", "memory": "64Gi", "pods": "110", GPU: "4"}
    conditions = [{"type": "Ready", "status": "True"}]
    status = {"capacity": capacity, "allocatable": capacity, "conditions": conditions}
    cluster.store.create("nodes", {"metadata": {"name": name}, "status": status})


@pytest.mark.parametrize("path", PATHS)
async def test_administrators_alone_are_told(replica, path):
    refused = await replica.ask("GET", path)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await replica.ask("GET", path, user="admin")).status_code == 200


async def test_gpus_are_those_of_the_overview(replica, cluster):
    add_node(cluster, "n1")
    await until(lambda: replica.services.nodes.get("n1"))
    state = await told(replica, "cluster", ClusterState)
    overview = (await replica.ask("GET", "/api/cluster/gpu-overview")).json()
    assert msgspec.to_builtins(state.gpus) == overview["summary"]
    assert (state.nodes, state.nodes_ready, state.gpus.total_devices) == (2, 2, 4)  # the scenario has one of its own


async def test_a_cluster_without_gpus_has_every_key_too(replica):
    state = await told(replica, "cluster", ClusterState)
    assert (state.nodes, state.gpus.total_devices, state.gpus.by_type) == (1, 0, {})
    assert state.pods_by_phase == dict.fromkeys(("Pending", "Running", "Succeeded", "Failed", "Unknown"), 0)


async def test_the_replica_says_what_it_knows_and_how_fresh_that_is(replica, cluster):
    add_node(cluster, "n1")
    await until(lambda: replica.services.nodes.get("n1"))
    state = await told(replica, "system", SystemState)
    assert (state.version, state.sources.kubernetes.state) == (__version__, "ok")
    assert state.uptime_seconds >= 0
    assert state.replica
    caches = {cache.kind: cache for cache in state.caches}
    assert set(caches) >= {"Node", "Pod", "Namespace", "Record", "Restart"}
    assert caches["Node"].objects == 2
    assert all(cache.age_seconds is not None and cache.restarts == 0 for cache in state.caches)


async def test_before_the_first_lists_the_replica_answers_for_itself_alone(unsynced):
    answer = await unsynced.ask("GET", PATHS[0], user="admin")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    state = await told(unsynced, "system", SystemState)
    assert {cache.age_seconds for cache in state.caches} == {None}


async def test_a_list_that_had_to_be_made_anew_is_counted(replica, cluster):
    add_node(cluster, "n1")
    await until(lambda: replica.services.nodes.get("n1"))
    await switch(cluster, "compact")
    await switch(cluster, "drop")
    await until(lambda: any(cache.restarts for cache in replica.services.caches))
    caches = {cache.kind: cache for cache in (await told(replica, "system", SystemState)).caches}
    assert sum(cache.restarts for cache in caches.values()) > 0
