"""The stream over real sockets: what a browser sees of it, and what becomes of clients that go, or stop reading."""

import asyncio
import socket

import pytest
from litestar import Litestar, get
from prometheus_client import REGISTRY

from genet.gpus.overview import Audience, Form
from genet.gpus.wire.stream import ANONYMOUS_STREAMS
from genet.web.event_stream import EventStream
from tests.gpus.builders import GPU
from tests.replicas import settings, until
from tests.served import STREAM, asked, listening, served

MEMBER = f"{STREAM}?user=alice"


@pytest.fixture
async def port(replica, kubeconfig):
    async with served(settings(kubeconfig), replica.services) as number:
        yield number


def listeners(replica):
    return sum(len(channel.listeners) for channel in replica.services.overview._streams._channels.values())


def add_node(cluster, name, cards=4):
    capacity = {"cpu": "8", "memory": "64Gi", "pods": "110", GPU: str(cards)}
    status = {"capacity": capacity, "allocatable": capacity, "conditions": [{"type": "Ready", "status": "True"}]}
    cluster.store.create("nodes", {"metadata": {"name": name}, "status": status})


def cordon(cluster, name, *, on):
    node = cluster.store.get("nodes", "", name)
    cluster.store.update("nodes", {**node, "spec": {"unschedulable": on}})


async def test_its_headers_keep_proxies_from_gathering_events(port):
    async with asked(port, MEMBER) as answer:
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert (answer.headers["cache-control"], answer.headers["x-accel-buffering"]) == ("no-store", "no")
        assert "content-encoding" not in answer.headers
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_what_changes_comes_by_itself(replica, cluster, port, coding):
    add_node(cluster, "n1")
    await until(lambda: replica.services.nodes.get("n1"))
    async with asked(port, f"{MEMBER}&format=columnar", {"Accept-Encoding": coding}) as answer:
        assert (await answer.data("snapshot"))["nodes"]["name"] == ["n1"]
        for on in (True, False):
            cordon(cluster, "n1", on=on)
            change = await answer.data("change")
            assert [node["schedulable"] for node in change["nodes"]] == [not on]
        add_node(cluster, "n2")
        assert [node["nodeName"] for node in (await answer.data("change"))["nodes"]] == ["n2"]


async def test_a_client_that_comes_back_misses_nothing(replica, cluster, port):
    add_node(cluster, "n1")
    await until(lambda: replica.services.nodes.get("n1"))
    async with asked(port, MEMBER) as answer:
        _, fields = await answer.event()
    async with asked(port, MEMBER) as answer:
        await answer.data("snapshot")
        for on in (True, False):
            cordon(cluster, "n1", on=on)
            await answer.data("change")
    async with asked(port, MEMBER, {"Last-Event-ID": fields["id"]}) as answer:
        for on in (True, False):
            assert [node["schedulable"] for node in (await answer.data("change"))["nodes"]] == [not on]


async def test_who_has_gone_is_forgotten(replica, port):
    async with asked(port, MEMBER), asked(port, STREAM):
        await until(lambda: listeners(replica) == 2)
    await until(lambda: listeners(replica) == 0)


async def test_too_many_without_login_are_refused_and_let_in_when_others_go(replica, port):
    waiting = [asked(port, STREAM) for _ in range(ANONYMOUS_STREAMS)]
    for stream in waiting:
        assert (await stream.__aenter__()).status == 200
    async with asked(port, STREAM) as refused:
        assert (refused.status, refused.headers["retry-after"]) == (429, "30")
        assert b'"rate_limited"' in await refused.chunk()
    async with asked(port, MEMBER) as member:
        assert member.status == 200
    await waiting[0].__aexit__(None, None, None)
    await until(lambda: listeners(replica) < ANONYMOUS_STREAMS)
    async with asked(port, STREAM) as let_in:
        assert let_in.status == 200
    for stream in waiting[1:]:
        await stream.__aexit__(None, None, None)


async def test_streams_end_when_the_replica_drains(replica, port):
    async with asked(port, MEMBER) as answer:
        await answer.data("snapshot")
        replica.services.drain()
        assert (await answer.event())[0] is None
    async with asked(port, MEMBER) as answer:
        assert (answer.status, (await answer.event())[0]) == (200, None)


async def test_whoever_does_not_read_costs_little_and_is_let_go(replica, cluster):
    overview = replica.services.overview

    @get(STREAM)
    async def impatient() -> EventStream:
        listener = await overview.listen(Form.OBJECT, Audience.MEMBER, None)
        return EventStream(listener.chunks(gzip=False), on_end=listener.close, headers={}, write_seconds=0.3)

    for number in range(4):
        add_node(cluster, f"n{number}", cards=500)
    await until(lambda: replica.services.nodes.get("n3"))
    async with listening(Litestar([impatient], openapi_config=None)) as port:
        deaf = socket.socket()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(deaf, ("127.0.0.1", port))
        await loop.sock_sendall(deaf, f"GET {MEMBER} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await until(lambda: listeners(replica) == 1)
        async with asked(port, MEMBER) as reading:
            await reading.data("snapshot")
            rounds = 0
            async with asyncio.timeout(30):
                while listeners(replica) > 1:
                    rounds += 1
                    for number in range(4):
                        cordon(cluster, f"n{number}", on=rounds % 2 == 1)
                    await reading.event()
            [channel] = overview._streams._channels.values()
            assert channel._bytes <= 4 * 1024 * 1024
        deaf.close()
        overview.end_streams()


async def test_hours_of_a_stream_are_no_latency(replica, port):
    async with asked(port, MEMBER) as answer:
        await answer.data("snapshot")
    await until(lambda: listeners(replica) == 0)
    paths = {sample.labels.get("path") for metric in REGISTRY.collect() for sample in metric.samples}
    assert STREAM not in paths
