"""What a server asks of the API server, written down on the way, and asked again by a client that does nothing else."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

_USUAL = (("GET", 404), ("PATCH", 409))
"""Answers that a server has to live with: what is not there, and what somebody was faster with."""
_PASSED = ("Content-Type", "Accept")


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    """With its query."""
    body: str
    content_type: str

    def renamed(self, names: Mapping[str, str]) -> "Call":
        path, body = self.path, self.body
        for old, new in names.items():
            path, body = path.replace(old, new), body.replace(old, new)
        return Call(self.method, path, body, self.content_type)


@dataclass
class Door:
    """In front of an API server; remembers the calls that pass."""

    url: str
    calls: list[Call] = field(default_factory=list)


@asynccontextmanager
async def recording(server: str) -> AsyncIterator[Door]:
    door = Door("")
    passing: set[asyncio.Task[Any]] = set()

    async def passed_on(request: web.Request) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None  # in a handler there is one
        passing.add(task)
        task.add_done_callback(passing.discard)
        body = await request.read()
        kind = request.headers.get("Content-Type", "")
        door.calls.append(Call(request.method, request.raw_path, body.decode(), kind))
        headers = {name: request.headers[name] for name in _PASSED if name in request.headers}
        url = server + request.raw_path
        async with session.request(request.method, url, data=body or None, headers=headers) as answer:
            response = web.StreamResponse(status=answer.status, headers={"Content-Type": "application/json"})
            await response.prepare(request)
            with suppress(ConnectionError):  # a watch that is over
                async for piece in answer.content.iter_any():
                    await response.write(piece)
            return response

    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{rest:.*}", passed_on)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        door.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield door
        finally:
            for task in passing:
                task.cancel()
            await asyncio.gather(*passing, return_exceptions=True)
            await runner.cleanup()


class Bare:
    """Sends calls as they are, one after the other; of what is answered only versions and uids are taken."""

    def __init__(self, server: str, session: aiohttp.ClientSession) -> None:
        self._server = server
        self._session = session
        self._versions: dict[str, tuple[str, str]] = {}

    async def ask(self, calls: list[Call]) -> float:
        """Seconds until all were answered."""
        began = time.perf_counter()
        for call in calls:
            await self._ask(call)
        return time.perf_counter() - began

    async def _ask(self, call: Call) -> None:
        place = call.path.partition("?")[0]
        body = call.body
        if place in self._versions:
            version, uid = self._versions[place]
            body = re.sub(r'("resourceVersion": ?)"[0-9]+"', rf'\1"{version}"', body)
            body = re.sub(r'("uid": ?)"[^"]+"', rf'\1"{uid}"', body)
        headers = {"Accept": "application/json", "Content-Type": call.content_type or "application/json"}
        url = self._server + call.path
        async with self._session.request(call.method, url, data=body or None, headers=headers) as answer:
            text = await answer.read()
            if answer.status >= 400 and (call.method, answer.status) not in _USUAL:
                raise RuntimeError(f"{call.method} {call.path}: {answer.status} {text[:300]!r}")
        told: dict[str, Any] = json.loads(text)
        meta = told.get("metadata", {})
        if meta.get("resourceVersion"):
            own = f"{place}/{meta.get('name')}" if call.method == "POST" else place
            self._versions[own] = meta["resourceVersion"], meta.get("uid", "")
