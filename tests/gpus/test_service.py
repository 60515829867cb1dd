"""The service on caches that are fed by hand and a Prometheus on loopback."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from genet.errors import Unavailable
from genet.gpus.facts import NODE_INDEX, Facts, by_node
from genet.gpus.overview import Audience, Form, GPUOverview
from genet.gpus.service import OverviewService
from genet.kube.cache import Cache
from genet.kube.client import KubeClient, Listing
from genet.kube.objects import NODES, PODS, Node
from genet.kube.watch import Changes, Trouble
from genet.settings import Kubernetes
from tests.gpus.builders import node, pod, series
from tests.gpus.telemetry.inprocess import InProcess
from tests.listening import listening

NOW = datetime(2026, 6, 1, 12, 0, 0, 500_000, tzinfo=UTC)


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now

    def monotonic(self):
        return self.now.timestamp()


class Cluster:
    """Two caches without an API server: what a watch would bring is put in by hand."""

    def __init__(self, kube, clock):
        self.nodes = Cache(kube, NODES, clock=clock.monotonic)
        self.pods = Cache(kube, PODS, indexes={NODE_INDEX: by_node}, clock=clock.monotonic)
        self.version = 100

    def listed(self, nodes=(), pods=()):
        self.nodes.apply(Listing(list(nodes), "10"))
        self.pods.apply(Listing(list(pods), "10"))

    def event(self, cache, kind, obj):
        self.version += 1
        newer = msgspec.structs.replace(obj.metadata, resource_version=str(self.version))
        cache.apply(Changes([(kind, msgspec.structs.replace(obj, metadata=newer))], str(self.version)))


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def cluster(clock):
    async with KubeClient.connect(Kubernetes()) as kube:
        yield Cluster(kube, clock)


class Exporters:
    """What Prometheus answers; None: it is out of order."""

    def __init__(self):
        self.samples = []
        self.asked = 0

    async def serve(self, reader, writer):
        self.asked += 1
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        query = parse_qs(urlsplit(head.split()[1]).query)["query"][0]
        status, body = "500 Internal Server Error", b""
        if self.samples is not None:
            found = [
                {"metric": s.labels, "value": [1, str(s.value)]} for s in self.samples if s.labels["__name__"] == query
            ]
            status, body = "200 OK", json.dumps({"data": {"result": found}}).encode()
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        )
        writer.write(body)
        await writer.drain()


@asynccontextmanager
async def prometheus():
    exporters = Exporters()
    async with listening(exporters.serve) as address:
        yield exporters, InProcess(f"http://{address}")


async def seen(service, audience=Audience.MEMBER):
    return msgspec.json.decode((await service.overview(Form.OBJECT, audience)).plain, type=GPUOverview)


async def used(service):
    return (await seen(service)).summary.used_devices


async def slot(service, index):
    return (await seen(service)).accelerator_groups[0].nodes[0].slots[index]


async def test_before_the_first_lists_there_is_no_empty_cluster_to_see(cluster, clock):
    service = OverviewService(Facts(cluster.nodes, cluster.pods), [], None, clock=clock)
    with pytest.raises(Unavailable):
        await service.overview(Form.OBJECT, Audience.MEMBER)
    cluster.nodes.apply(Listing([node()], "10"))
    with pytest.raises(Unavailable):
        await service.overview(Form.OBJECT, Audience.MEMBER)


async def test_what_was_listed_before_the_service_came_is_shown(cluster, clock):
    cluster.listed([node()], [pod("a", 2)])
    assert await used(OverviewService(Facts(cluster.nodes, cluster.pods), [], None, clock=clock)) == 2


async def test_every_change_of_pods_and_nodes_is_followed(cluster, clock):
    service = OverviewService(Facts(cluster.nodes, cluster.pods), [], None, clock=clock)
    cluster.listed([node()], [pod("a", 2)])
    assert await used(service) == 2
    cluster.event(cluster.pods, "ADDED", pod("b", 1, on=""))
    assert await used(service) == 2
    cluster.event(cluster.pods, "MODIFIED", pod("b", 1))
    assert await used(service) == 3
    cluster.event(cluster.pods, "DELETED", pod("a", 2))
    assert await used(service) == 1
    cluster.event(cluster.nodes, "ADDED", node("n2"))
    assert (await seen(service)).summary.total_devices == 8
    cluster.event(cluster.nodes, "DELETED", node("n1"))
    assert (await seen(service)).summary.total_devices == 4


async def test_a_name_that_comes_back_on_another_node_leaves_the_first(cluster, clock):
    service = OverviewService(Facts(cluster.nodes, cluster.pods), [], None, clock=clock)
    cluster.listed([node("n1"), node("n2")], [pod("a", 1, on="n1")])
    again = pod("a", 1, on="n2")
    again = msgspec.structs.replace(again, metadata=msgspec.structs.replace(again.metadata, uid="uid-again"))
    assert await used(service) == 1
    cluster.event(cluster.pods, "MODIFIED", again)
    nodes = (await seen(service)).accelerator_groups[0].nodes
    assert [n.used_devices for n in nodes] == [0, 1]


class CountingCache(Cache[Node]):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.asked = []

    def get(self, name, namespace=""):
        self.asked.append(name)
        return super().get(name, namespace)


async def test_an_event_rebuilds_its_node_alone(cluster, clock):
    async with KubeClient.connect(Kubernetes()) as kube:
        cluster.nodes = CountingCache(kube, NODES)
        service = OverviewService(Facts(cluster.nodes, cluster.pods), [], None, clock=clock)
        cluster.listed([node(f"n{i}") for i in range(20)])
        await service.overview(Form.OBJECT, Audience.MEMBER)
        assert len(cluster.nodes.asked) == 20
        cluster.nodes.asked.clear()
        for units in (1, 2, 3):
            cluster.event(cluster.pods, "MODIFIED", pod("a", units, on="n7"))
        await service.overview(Form.OBJECT, Audience.MEMBER)
        await service.overview(Form.OBJECT, Audience.PUBLIC)
        assert cluster.nodes.asked == ["n7"]


async def test_a_cluster_without_prometheus_says_so(cluster, clock):
    service = OverviewService(Facts(cluster.nodes, cluster.pods), [], None, clock=clock)
    cluster.listed([node()])
    await service.refresh()
    overview = await seen(service)
    assert not overview.prometheus_enabled
    assert (overview.sources.prometheus.state, overview.sources.dra.state) == ("off", "off")
    assert overview.sources.kubernetes.state == "ok"


async def test_readings_show_after_a_refresh(cluster, clock):
    async with prometheus() as (exporters, client):
        service = OverviewService(Facts(cluster.nodes, cluster.pods), [], client, clock=clock)
        cluster.listed([node()], [pod("a")])
        assert (await seen(service)).sources.prometheus.state == "unavailable"
        label = {"pod": "a", "namespace": "user-ann-a"}
        exporters.samples = [
            series(metric, value, 3, **label)
            for metric, value in (("DCGM_FI_DEV_GPU_UTIL", 55), ("DCGM_FI_DEV_FB_USED", 9))
        ]
        await service.refresh()
        shown = await slot(service, 3)
        assert (shown.status, shown.attribution, shown.utilization, shown.memory_used) == ("used", "exporter", 55, 9)
        source = (await seen(service)).sources.prometheus
        assert (source.state, source.message, source.checked_at) == ("ok", None, NOW.replace(microsecond=0))


async def test_a_failing_prometheus_is_stale_first_and_forgotten_later(cluster, clock, caplog):
    async with prometheus() as (exporters, client):
        service = OverviewService(Facts(cluster.nodes, cluster.pods), [], client, clock=clock)
        cluster.listed([node()], [pod("a")])
        exporters.samples = [series("DCGM_FI_DEV_GPU_UTIL", 55)]
        await service.refresh()
        exporters.samples = None
        clock.now += timedelta(seconds=10)
        await service.refresh()
        source = (await seen(service)).sources.prometheus
        assert (source.state, source.message) == ("stale", "Prometheus answered with HTTP status 500")
        assert (await slot(service, 0)).utilization == 55
        clock.now += timedelta(seconds=60)
        await service.refresh()
        assert (await seen(service)).sources.prometheus.state == "unavailable"
        assert (await slot(service, 0)).utilization is None
        assert await used(service) == 1
        exporters.samples = [series("DCGM_FI_DEV_GPU_UTIL", 56)]
        await service.refresh()
        assert (await seen(service)).sources.prometheus.state == "ok"
        assert (await slot(service, 0)).utilization == 56
    warned = [record.name for record in caplog.records if record.levelname == "WARNING"]
    assert warned.count("genet.gpus.telemetry.feed") == 2


async def test_answers_that_say_less_than_they_should_are_remarked_on(cluster, clock):
    async with prometheus() as (exporters, client):
        service = OverviewService(Facts(cluster.nodes, cluster.pods), [], client, clock=clock)
        cluster.listed([node()])
        await service.refresh()
        assert (await seen(service)).sources.prometheus.message == "Prometheus has no metrics of GPUs"
        exporters.samples = [
            series("DCGM_FI_DEV_GPU_UTIL", "nan"),
            series("DCGM_FI_DEV_GPU_UTIL", 1, host="elsewhere"),
        ]
        await service.refresh()
        message = (await seen(service)).sources.prometheus.message
        assert message == "some series name no GPU of a node of this cluster; some values are not numbers"
        assert (await slot(service, 0)).utilization is None


async def test_the_readings_are_kept_fresh_until_cancelled(cluster, clock):
    async with prometheus() as (exporters, client):
        service = OverviewService(Facts(cluster.nodes, cluster.pods), [], client, clock=clock, refresh_seconds=0)
        exporters.samples = [series("DCGM_FI_DEV_GPU_UTIL", 55)]
        running = asyncio.create_task(service.run())
        await asyncio.sleep(0)  # before the first list there is nothing to join series with, so nothing is asked
        assert exporters.asked == 0
        cluster.listed([node()])
        async with asyncio.timeout(5):
            while (await slot(service, 0)).utilization is None:  # noqa: ASYNC110 # what it waits for is no event but a reading
                await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


async def test_an_api_server_that_is_gone_leaves_what_it_said_last_marked_stale(cluster, clock):
    service = OverviewService(Facts(cluster.nodes, cluster.pods), [], None, clock=clock)
    cluster.listed([node()], [pod("a")])
    fresh = await service.overview(Form.OBJECT, Audience.MEMBER)
    cluster.pods.apply(Trouble(Unavailable("dial tcp 10.0.0.7:6443: connection refused")))
    clock.now += timedelta(seconds=20)
    stale = await seen(service)
    assert stale.sources.kubernetes.state == "stale"
    assert stale.sources.kubernetes.checked_at == NOW.replace(microsecond=0)
    assert stale.updated_at == NOW.replace(microsecond=0)
    assert stale.summary.used_devices == 1
    assert "10.0.0.7" not in str(stale.sources)
    assert (await service.overview(Form.OBJECT, Audience.MEMBER)).etag != fresh.etag
