"""What the tests of the world share: time that passes only when told to, and an embedded cluster that lives in it."""

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from genet.simulation.cluster import Cluster
from genet.simulation.resources import KINDS

Obj = dict[str, Any]

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


class VirtualTime:
    def __init__(self) -> None:
        self._now = START
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def clock(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), next(self._order), future))
        await future

    async def advance(self, seconds: float) -> None:
        """Lets so much time pass, waking every sleeper at its moment."""
        end = self._now + timedelta(seconds=seconds)
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self._now, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)
                await settle()
        self._now = end


async def settle() -> None:
    """Lets everything happen that needs no time."""
    for _ in range(25):
        await asyncio.sleep(0)


class World:
    """A cluster with its time, and short words for what tests do."""

    def __init__(self, cluster: Cluster, time: VirtualTime) -> None:
        self.cluster = cluster
        self.store = cluster.store
        self.time = time

    def create(self, plural: str, name: str, spec: Obj | None = None, **fields: Any) -> Obj:
        metadata = {"name": name, **({"namespace": "default"} if KINDS[plural].namespaced else {})}
        obj = {"metadata": metadata, **({"spec": spec} if spec is not None else {}), **fields}
        return self.store.create(plural, self.cluster.api.admission.create(KINDS[plural], obj))

    def pod(self, name: str, command: str | None = None, *, limits: Obj | None = None, **spec: Any) -> Obj:
        container: Obj = {
            "name": "main",
            "image": spec.pop("image", "debian:13"),
            "env": spec.pop("env", []),
            "resources": {"limits": limits or {}},
        }
        if command is not None:
            container["command"] = ["sh", "-c", command]
        return self.create("pods", name, {"containers": [container], **spec})

    def get(self, name: str, plural: str = "pods", namespace: str = "default") -> Obj:
        return self.store.get(plural, namespace, name)

    def state(self, name: str) -> Obj:
        state: Obj = self.get(name)["status"]["containerStatuses"][0]["state"]
        return state

    def reasons(self, name: str) -> list[str]:
        events = [event for event in self.store.list("events") if event["involvedObject"]["name"] == name]
        return [
            event["reason"] for event in sorted(events, key=lambda event: int(event["metadata"]["resourceVersion"]))
        ]

    async def exec(self, pod: Obj, *command: str, stdin: AsyncIterator[bytes] | None = None) -> tuple[int, str, str]:
        out, err = bytearray(), bytearray()

        async def to_out(data: bytes) -> None:
            out.extend(data)

        async def to_err(data: bytes) -> None:
            err.extend(data)

        code = await self.cluster.containers.exec(pod, "main", command, stdin, None, to_out, to_err)
        return code, out.decode(), err.decode()

    def logs(self, name: str, *, previous: bool = False) -> list[str]:
        return [text for _, text in self.cluster.containers.logs(self.get(name), "main", previous=previous)]


@asynccontextmanager
async def world(scenario: str) -> AsyncIterator[World]:
    time = VirtualTime()
    async with Cluster(scenario, clock=time.clock, sleep=time.sleep) as cluster:
        yield World(cluster, time)
