"""Logs that are followed, on the embedded cluster; for what its kubelet never does there is a server of our own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from genet.errors import Invalid, RateLimited
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import PODS
from genet.pods.follow import OF_A_REPLICA, OF_A_USER, Follow, Follows
from genet.settings import Kubernetes
from genet.simulation.cluster import Cluster
from genet.simulation.pod_life import Pace
from tests.listening import listening
from tests.replicas import switch, until

NAMESPACE = "default"


class Reader:
    """Takes a stream apart, event by event."""

    def __init__(self, follow: Follow, **how: float) -> None:
        self.follow = follow
        self.chunks = follow.chunks(**how)
        self.last_id: str | None = None
        self._events: list[tuple[str, Any]] = []
        self._text = b""

    async def event(self) -> tuple[str, Any]:
        while not self._events:
            async with asyncio.timeout(10):
                self._text += await anext(self.chunks)
            *blocks, self._text = self._text.split(b"\n\n")
            for block in blocks:
                fields = dict(line.split(": ", 1) for line in block.decode().split("\n") if ": " in line)
                if "event" in fields:
                    self._events.append((fields["event"], (fields.get("id"), msgspec.json.decode(fields["data"]))))
        name, (id_, data) = self._events.pop(0)
        self.last_id = id_ or self.last_id
        return name, data

    async def lines(self, count: int) -> list[str]:
        found: list[str] = []
        for _ in range(count):
            name, data = await self.event()
            assert name == "log", (name, data, found)
            found.append(data["line"])
        return found

    async def close(self) -> None:
        self.follow.close()
        await self.chunks.aclose()


class Room:
    def __init__(self, kube: KubeClient, pods: Cache[Any]) -> None:
        self.kube, self.pods = kube, pods
        self.follows = Follows(kube, pods=pods, clock=lambda: datetime.now(UTC))
        self.readers: list[Reader] = []

    def read(self, name: str = "p", *, last_id: str | None = None, tail: int = 500, **how: float) -> Reader:
        pod = self.pods.get(name, NAMESPACE)
        assert pod is not None
        follow = self.follows.open(pod, "alice", container=None, tail_lines=tail, since_seconds=None, last_id=last_id)
        self.readers.append(Reader(follow, **how))
        return self.readers[-1]


@asynccontextmanager
async def room_of(kubeconfig: Path) -> AsyncIterator[Room]:
    async with KubeClient.connect(Kubernetes(kubeconfig=str(kubeconfig)), {}) as kube:
        pods = Cache(kube, PODS)
        running = asyncio.create_task(pods.run())
        await pods.wait_ready()
        room = Room(kube, pods)
        try:
            yield room
        finally:
            for reader in room.readers:
                await reader.close()
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with Cluster("empty", pace=Pace(0, 0, 0)) as embedded:
        yield embedded


@pytest.fixture
async def room(cluster: Cluster, tmp_path: Path) -> AsyncIterator[Room]:
    cluster.write_kubeconfig(tmp_path / "kubeconfig")
    async with room_of(tmp_path / "kubeconfig") as one:
        yield one


async def start(room: Room, cluster: Cluster, script: str, **spec: Any) -> Callable[[str], None]:
    """A pod `p` that runs the script; gives what prints more lines."""
    container = {"name": "main", "image": "debian:13", "command": ["sh", "-c", script]}
    manifest = {"metadata": {"name": "p"}, "spec": {"containers": [container], **spec}}
    await room.kube.create(PODS, manifest, NAMESPACE)
    await until(lambda: room.pods.get("p", NAMESPACE))

    def say(text: str) -> None:
        pod = cluster.store.get("pods", NAMESPACE, "p")
        cluster.containers._lives_of(pod, "main")[-1].write(text, datetime.now(UTC))

    return say


async def runs(room: Room) -> None:
    def is_running() -> bool:
        pod = room.pods.get("p", NAMESPACE)
        return bool(pod and pod.status.container_statuses and pod.status.container_statuses[0].state.running)

    await until(is_running)


def upstreams(cluster: Cluster) -> int:
    return sum("/log" in stream._request.path for stream in cluster.api.faults._streams)


async def test_lines_come_with_their_times_as_they_are_printed(room, cluster):
    say = await start(room, cluster, "echo one; sleep 3600")
    await runs(room)
    reader = room.read()
    name, data = await reader.event()
    assert (name, data["line"], data["time"][-1], len(data["time"])) == ("log", "one", "Z", 30)
    say("two\nthree\n")
    assert await reader.lines(2) == ["two", "three"]


async def test_whoever_comes_again_goes_on_behind_the_line_they_read_last(room, cluster):
    say = await start(room, cluster, "echo one; sleep 3600")
    await runs(room)
    say("\n".join(f"line {number}" for number in range(300)) + "\n")
    first = room.read()
    told = await first.lines(100)
    await first.close()
    say("meanwhile\n")
    second = room.read(last_id=first.last_id)
    told += await second.lines(202)
    assert told == ["one", *(f"line {number}" for number in range(300)), "meanwhile"]


async def test_a_broken_connection_to_the_kubelet_loses_and_doubles_nothing(room, cluster):
    say = await start(room, cluster, "sleep 3600")
    await runs(room)
    reader = room.read()
    told = []
    for number in range(10):
        say(f"line {number}\n")
        told += await reader.lines(1)
        await switch(cluster, "drop")
    assert told == [f"line {number}" for number in range(10)]


async def test_of_a_log_followed_from_its_end_every_new_line_is_told(room, cluster):
    say = await start(room, cluster, "echo old; echo last; sleep 3600")
    await runs(room)
    await until(lambda: len(cluster.containers.logs(cluster.store.get("pods", NAMESPACE, "p"), "main", previous=False)))
    reader = room.read(tail=0)
    coming = asyncio.create_task(reader.lines(2))
    await until(lambda: upstreams(cluster))
    await switch(cluster, "drop")
    say("new\nnewer\n")
    assert await coming == ["new", "newer"]


async def test_a_container_that_has_not_started_is_waited_for(room, cluster):
    await start(room, cluster, "echo here; sleep 3600", nodeName="nowhere")
    reader = room.read()
    coming = asyncio.create_task(reader.lines(1))
    await asyncio.sleep(0)
    assert not coming.done()
    pod = cluster.store.get("pods", NAMESPACE, "p")
    cluster.store.delete("pods", NAMESPACE, "p", grace_period_seconds=0)
    with pytest.raises(AssertionError, match="deleted"):
        await coming
    assert pod


async def test_a_restart_is_said_and_the_next_life_followed(room, cluster):
    await start(room, cluster, "echo born; sleep 0.3; echo last words; exit 7")
    await runs(room)
    reader = room.read()
    assert await reader.lines(2) == ["born", "last words"]
    assert await reader.event() == ("restarted", {"restarts": 1, "exitCode": 7, "reason": "Error"})
    assert await reader.lines(1) == ["born"]


async def test_what_was_printed_before_a_restart_that_nobody_saw_is_told_first(room, cluster):
    say = await start(room, cluster, "echo born; sleep 0.5; exit 7")
    await runs(room)
    reader = room.read()
    assert await reader.lines(1) == ["born"]
    await reader.close()
    say("unheard\nunfinished")
    await until(lambda: room.pods.get("p", NAMESPACE).status.container_statuses[0].restart_count == 1)
    await runs(room)
    again = room.read(last_id=reader.last_id)
    assert (await again.lines(1))[0] == "unheard"
    name, _ = await again.event()
    if name == "log":  # a line without its end, where the runtime keeps it
        name, _ = await again.event()
    assert name == "restarted"
    assert await again.lines(1) == ["born"]


async def test_the_end_says_that_the_container_has_finished(room, cluster):
    await start(room, cluster, "echo one; exit 0", restartPolicy="Never")
    await until(lambda: room.pods.get("p", NAMESPACE).status.phase == "Succeeded")
    reader = room.read()
    assert await reader.lines(1) == ["one"]
    assert await reader.event() == ("end", {"reason": "finished"})
    with pytest.raises(StopAsyncIteration):
        await reader.event()
    again = room.read(last_id=reader.last_id)
    assert await again.event() == ("end", {"reason": "finished"})


async def test_the_end_says_that_the_pod_is_gone(room, cluster):
    await start(room, cluster, "echo one; sleep 3600")
    await runs(room)
    reader = room.read()
    assert await reader.lines(1) == ["one"]
    await room.kube.delete(PODS, "p", NAMESPACE)
    assert await reader.event() == ("end", {"reason": "deleted"})


async def test_when_the_client_has_gone_nobody_reads_from_the_kubelet(room, cluster):
    await start(room, cluster, "echo one; sleep 3600")
    await runs(room)
    reader = room.read()
    await reader.lines(1)
    assert upstreams(cluster) == 1
    await reader.close()
    await until(lambda: upstreams(cluster) == 0)


async def test_a_session_that_ends_is_told_and_a_replica_that_ends_is_not(room, cluster):
    await start(room, cluster, "echo one; sleep 3600")
    await runs(room)
    ended, drained = room.read(), room.read()
    await ended.lines(1)
    await drained.lines(1)
    ended.follow.expire()
    assert await ended.event() == ("auth", {})
    room.follows.close()
    for reader in (ended, drained, room.read()):
        with pytest.raises(StopAsyncIteration):
            await reader.event()


async def test_a_quiet_log_has_a_heartbeat(room, cluster):
    await start(room, cluster, "sleep 3600")
    await runs(room)
    reader = room.read(heartbeat_seconds=0.02)
    assert [await anext(reader.chunks) for _ in range(3)] == [b"retry: 2000\n\n", b":\n\n", b":\n\n"]


async def test_nobody_follows_without_limit(room, cluster):
    await start(room, cluster, "sleep 3600")
    pod = room.pods.get("p", NAMESPACE)
    how = {"container": None, "tail_lines": 1, "since_seconds": None, "last_id": None}
    follows = [room.follows.open(pod, "alice", **how) for _ in range(OF_A_USER)]
    with pytest.raises(RateLimited, match="you follow"):
        room.follows.open(pod, "alice", **how)
    follows.pop().close()
    room.follows.open(pod, "alice", **how)
    for number in range(OF_A_REPLICA - OF_A_USER):
        room.follows.open(pod, f"user{number}", **how)
    with pytest.raises(RateLimited, match="too many"):
        room.follows.open(pod, "bob", **how)


async def test_a_container_that_is_not_there_cannot_be_followed(room, cluster):
    await start(room, cluster, "sleep 3600")
    pod = room.pods.get("p", NAMESPACE)
    with pytest.raises(Invalid) as refused:
        room.follows.open(pod, "alice", container="other", tail_lines=1, since_seconds=None, last_id=None)
    assert refused.value.errors[0].field == "container"


# --- a kubelet of the test's own

STATUS = {"name": "main", "restartCount": 0, "state": {"running": {}}, "lastState": {}}
POD = {
    "metadata": {"name": "p", "namespace": NAMESPACE, "uid": "0a1b2c3d", "resourceVersion": "1"},
    "spec": {"nodeName": "n", "containers": [{"name": "main"}]},
    "status": {"phase": "Running", "containerStatuses": [STATUS]},
}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"


class Endless:
    """A log that never ends, and how much of it has been taken."""

    def __init__(self, line: bytes) -> None:
        self.line = line
        self.written = 0
        self.asked: list[str] = []
        self.is_gone = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head.split()[1])
        writer.write(HEAD)
        try:
            while True:
                writer.write(self.line)
                await writer.drain()
                self.written += len(self.line)
        finally:
            self.is_gone.set()


@asynccontextmanager
async def endless(log: Any, tmp_path: Path) -> AsyncIterator[Room]:
    async with listening(log) as address:
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": f"http://{address}"}}],
            "users": [{"name": "u", "user": {}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        (tmp_path / "kubeconfig").write_bytes(msgspec.json.encode(config))
        async with KubeClient.connect(Kubernetes(kubeconfig=str(tmp_path / "kubeconfig")), {}) as kube:
            pods = Cache(kube, PODS)
            pods.merge(PODS.one.decode(msgspec.json.encode(POD)))
            room = Room(kube, pods)
            try:
                yield room
            finally:
                for reader in room.readers:
                    await reader.close()


async def settled(log: Endless) -> int:
    """How much was taken when no more is."""
    before = -1
    while before != log.written:
        before = log.written
        await asyncio.sleep(0.1)
    return before


async def test_who_does_not_read_keeps_the_kubelet_waiting_and_nobody_else(tmp_path):
    log = Endless(b"2026-01-02T03:04:05.000000001Z " + b"x" * 1000 + b"\n")
    async with endless(log, tmp_path) as room:
        stalled = room.read()
        await anext(stalled.chunks)
        taken = await settled(log)
        assert taken < 16 * 2**20, "what is not read stays where it is"
        fast = room.read()
        assert await fast.lines(5000) == ["x" * 1000] * 5000
        await stalled.close()
        await fast.close()


async def test_who_reads_too_slowly_for_too_long_is_told_and_goes_on_later(tmp_path):
    log = Endless(b"2026-01-02T03:04:05.000000001Z " + b"x" * 1000 + b"\n")
    async with endless(log, tmp_path) as room:
        slow = room.read(slow_seconds=0.0)
        name = ""
        while name != "end":
            name, data = await slow.event()
        assert data == {"reason": "slow"}
        assert slow.last_id is not None


async def test_of_a_line_without_end_no_more_than_its_beginning_is_kept(tmp_path):
    log = Endless(b"x" * 65536)
    async with endless(log, tmp_path) as room:
        reader = room.read()
        ((line,),) = [await reader.lines(1)]
        assert line.endswith("[cut here: the line is longer than 128 KiB]")
        reading = asyncio.create_task(anext(reader.chunks))
        while log.written < 64 * 2**20:  # noqa: ASYNC110 # seen from outside
            await asyncio.sleep(0.01)
        splitter_bytes = sum(len(piece) for piece in [reader._text, reader.follow._piece or b""])
        assert splitter_bytes < 2**20
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading


async def test_a_log_that_was_rotated_meanwhile_is_said_to_have_a_gap(tmp_path):
    log = Endless(b"2026-01-02T03:04:05.000000001Z later\n")
    async with endless(log, tmp_path) as room:
        reader = room.read(last_id="0a1b2c3d-0-1700000000000000000-1-1")
        assert await reader.event() == ("gap", {})
        assert await reader.lines(1) == ["later"]
        assert "sinceTime=2023-11-14T22:13:19Z" in log.asked[0]


async def test_an_id_of_another_pod_is_none(tmp_path):
    log = Endless(b"2026-01-02T03:04:05.000000001Z later\n")
    async with endless(log, tmp_path) as room:
        reader = room.read(last_id="ffffffff-0-1700000000000000000-1-1")
        assert await reader.lines(1) == ["later"]
        assert "tailLines=500" in log.asked[0]
