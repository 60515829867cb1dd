"""What there is and what is asked for, added up over caches that are fed by hand."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from genet.errors import Unavailable
from genet.flows.monitor import Monitor
from genet.gpus.facts import NODE_INDEX, Facts, by_node
from genet.gpus.service import OverviewService
from genet.kube.cache import Cache
from genet.kube.client import KubeClient, Listing
from genet.kube.objects import NAMESPACES, NODES, PODS, SECRETS
from genet.kube.transport import Transport
from tests.gpus.builders import GPU, node, pod

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
GIB = 2**30


class Clock:
    now = NOW

    def __call__(self):
        return self.now


class Cluster:
    """A monitor, and the caches that it looks at."""

    def __init__(self):
        async def never():
            raise AssertionError("nothing is asked for")

        kube = KubeClient(Transport(never), 1.0)
        self.clock = Clock()
        self.nodes = Cache(kube, NODES)
        self.pods = Cache(kube, PODS, indexes={NODE_INDEX: by_node})
        facts = Facts(self.nodes, self.pods)
        self.monitor = Monitor(
            facts,
            OverviewService(facts, (), None),
            namespaces=Cache(kube, NAMESPACES),
            records=Cache(kube, SECRETS),
            restarts=Cache(kube, SECRETS),
            clock=self.clock,
            replica="genet-0",
        )

    def listed(self, nodes=(), pods=()):
        self.nodes.apply(Listing(list(nodes), "10"))
        self.pods.apply(Listing(list(pods), "10"))


def machine(name, cpu, memory, **more):
    made = node(name, **more)
    capacity = {**made.status.capacity, "cpu": cpu, "memory": memory}
    return replace(made, status=replace(made.status, capacity=capacity, allocatable={**capacity, "cpu": "7500m"}))


async def test_amounts_of_nodes_and_of_the_pods_on_them_add_up():
    cluster = Cluster()
    cluster.listed(
        [machine("n1", "8", "64Gi"), machine("n2", "8", "64Gi", ready="False")],
        [
            pod("a", "500m", resource="cpu"),
            pod("b", "1Gi", resource="memory"),
            pod("c", 4, resource="cpu", phase="Succeeded"),
            pod("d", 4, resource="cpu", phase="Failed"),
            pod("e", 4, resource="cpu", phase="Pending", on=""),
            pod("f", 1, resource="cpu", phase="Pending"),
            pod("g", 0, phase="Odd"),
        ],
    )
    state = await cluster.monitor.cluster()
    assert (state.nodes, state.nodes_ready, state.gpus.total_devices) == (2, 1, 8)
    assert (state.cpu.capacity_cores, state.cpu.allocatable_cores, state.cpu.requested_cores) == (16, 15, 1.5)
    memory = (state.memory.capacity_bytes, state.memory.allocatable_bytes, state.memory.requested_bytes)
    assert memory == (128 * GIB, 128 * GIB, GIB)
    assert state.pods_by_phase == {"Pending": 2, "Running": 2, "Succeeded": 1, "Failed": 1, "Unknown": 1}


async def test_amounts_that_no_cluster_has_are_numbers_all_the_same():
    cluster = Cluster()
    cluster.listed([machine("n1", "1e300", "lots")])
    state = await cluster.monitor.cluster()
    assert (state.cpu.capacity_cores, state.memory.capacity_bytes) == (2**53 - 1, 0)


async def test_before_the_first_lists_nothing_is_added_up():
    cluster = Cluster()
    with pytest.raises(Unavailable):
        await cluster.monitor.cluster()
    assert {cache.age_seconds for cache in cluster.monitor.system().caches} == {None}


def test_a_replica_says_who_it_is_and_what_it_holds():
    cluster = Cluster()
    cluster.listed([machine("n1", "8", "64Gi")], [pod("a", resource=GPU)])
    cluster.listed([machine("n1", "8", "64Gi")], [])
    cluster.clock.now = NOW + timedelta(minutes=2, seconds=3.9)
    state = cluster.monitor.system()
    assert (state.replica, state.uptime_seconds) == ("genet-0", 123)
    told = {cache.kind: (cache.objects, cache.restarts) for cache in state.caches}
    assert told == {"Node": (1, 1), "Pod": (0, 1), "Namespace": (0, 0), "Record": (0, 0), "Restart": (0, 0)}
