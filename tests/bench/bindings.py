"""How long after a pod's binding one stream client knows.

    python -m tests.bench.bindings KUBERNETES PORT PATH PODS READER

Each pod is created with the name of its node, so that its creation binds it: one with a free card, another each time.
The clock begins to run just before that request is sent, and stops when the client has the event, or the snapshot, that
shows one more card of the node in use: so the API server's own time is part of it. READER is the process that asks
Prometheus (0: none): whether it has computed within the last second, or meanwhile, tells which ones fell into a round.
"""

import asyncio
import json
import statistics
import sys
import time
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import msgspec

from tests.bench.machine import cpu_seconds

_PAUSE_SECONDS = 0.1
_STEP = 37
"""From one node to the next: they shall not all be of one kind."""
_LOOK_SECONDS = 0.2
_BUSY_SECONDS = 1.0
_USED = 1
_RESOURCE = "nvidia.com/gpu"
_LIMIT_SECONDS = 20.0
_SPEC = {
    "terminationGracePeriodSeconds": 0,
    "containers": [{"name": "main", "image": "bench:1", "command": ["sleep", "3600"],
                    "resources": {"limits": {_RESOURCE: "1"}}}],
}  # fmt: skip


class Seen:
    """What the stream has told so far: cards in use, by node."""

    def __init__(self) -> None:
        self.used: dict[str, int] = {}
        self.sizes: list[int] = []
        """Of the events so far, in bytes."""
        self.changed = asyncio.Event()
        self.at = 0.0
        self._types: set[str] = set()

    async def follow(self, url: str) -> None:
        timeout = aiohttp.ClientTimeout(total=None)
        headers = {"Accept-Encoding": "identity"}
        async with (
            aiohttp.ClientSession(timeout=timeout, read_bufsize=1 << 22) as client,
            client.get(url, headers=headers) as answer,
        ):
            async for event, data in _events(answer):
                self.at = time.monotonic()
                document = msgspec.json.decode(data)
                if event == "snapshot":
                    self._take_columns(document)
                else:
                    self.sizes.append(len(data))
                    for kind, node in zip(document["types"], document["nodes"], strict=True):
                        if kind in self._types:
                            self.used[node["nodeName"]] = sum(slot["status"] == "used" for slot in node["slots"])
                self.changed.set()

    async def until(self, condition: Callable[[], bool]) -> float:
        """When it was told."""
        async with asyncio.timeout(_LIMIT_SECONDS):
            while not condition():
                self.changed.clear()
                await self.changed.wait()
        return self.at

    def _take_columns(self, document: dict[str, Any]) -> None:
        groups, nodes = document["groups"], document["nodes"]
        self._types = {group["type"] for group in groups if group["resourceName"] == _RESOURCE}
        states, start = b64decode(document["state"]), 0
        for name, group, count in zip(nodes["name"], nodes["group"], nodes["devices"], strict=True):
            if groups[group]["type"] in self._types:
                self.used[name] = states.count(_USED, start, start + count)
            start += count


async def free_nodes(url: str) -> list[str]:
    """Those that could take one more pod, whose card would be its own."""
    async with aiohttp.ClientSession() as client, client.get(url) as answer:
        document = msgspec.json.decode(await answer.read())
    return [
        node["nodeName"]
        for group in document["acceleratorGroups"]
        for node in group["nodes"]
        if group["resourceName"] == _RESOURCE and node["ready"] and node["schedulable"]
        if not node["timeSharingEnabled"] and any(slot["status"] == "free" for slot in node["slots"])
    ]


class Busy:
    """Whether the reader computes: a round of metrics is on."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.last = 0.0

    async def follow(self) -> None:
        before = 0.0
        while self._pid:
            now = cpu_seconds(self._pid)
            if now - before > _LOOK_SECONDS / 50:
                self.last = time.monotonic()
            before = now
            await asyncio.sleep(_LOOK_SECONDS)


async def _events(answer: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, bytes]]:
    buffer = bytearray()
    async for chunk in answer.content.iter_any():
        buffer += chunk
        while (end := buffer.find(b"\n\n")) >= 0:
            lines = bytes(buffer[:end]).split(b"\n")
            del buffer[: end + 2]
            fields = dict(line.split(b": ", 1) for line in lines if b": " in line)
            if b"event" in fields:
                yield fields[b"event"].decode(), fields[b"data"]


async def main(kubernetes: str, url: str, pods: int, reader: int) -> dict[str, Any]:
    seen, busy, told = Seen(), Busy(reader), []
    async with asyncio.TaskGroup() as group, aiohttp.ClientSession(kubernetes) as api:
        tasks = [group.create_task(seen.follow(url)), group.create_task(busy.follow())]
        await seen.changed.wait()
        free = await free_nodes(url.replace("/stream", "").replace("columnar", "object"))
        for number in range(pods):
            node = free[number * _STEP % len(free)]
            before = seen.used[node]
            pod: dict[str, Any] = {
                "metadata": {"name": f"bench-{time.monotonic_ns()}"},
                "spec": {**_SPEC, "nodeName": node},
            }
            began = time.monotonic()
            async with api.post("/api/v1/namespaces/default/pods", json=pod) as answer:
                answer.raise_for_status()
                created = time.monotonic()
            at = await seen.until(lambda: seen.used[node] > before)  # noqa: B023 # awaited at once
            told.append({
                "seconds": at - began,
                "created": created - began,
                "is_round": at - busy.last < _BUSY_SECONDS or busy.last > began,
            })  # fmt: skip
            async with api.delete(f"/api/v1/namespaces/default/pods/{pod['metadata']['name']}") as answer:
                answer.raise_for_status()
            await seen.until(lambda: seen.used[node] == before)  # noqa: B023 # as above
            await asyncio.sleep(_PAUSE_SECONDS)
        for task in tasks:
            task.cancel()
    return {"pods": told, "event": statistics.median(seen.sizes)}


if __name__ == "__main__":
    kubernetes_, port, path, pods_, reader_ = sys.argv[1:]
    print(json.dumps(asyncio.run(main(kubernetes_, f"http://127.0.0.1:{port}{path}", int(pods_), int(reader_)))))
