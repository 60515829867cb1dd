"""Switches that make the embedded cluster misbehave, for tests: POST `/simulation/{switch}`, parameters as JSON.

    compact                                         forget history: old watches and continue tokens get 410
    drop                                            cut every open stream (watch, log, exec) without a good-bye
    freeze                                          open streams stay open and never say anything again (half-open)
    fail    {"status": 429, "times": 3, "retryAfter": 1, "path": "/api/v1/pods"}    refuse the next requests
    delay   {"seconds": 0.5, "times": 3, "path": "/apis/"}                          let the next requests wait first
    lose    {"times": 1, "method": "PUT", "path": "/api/v1/"}                       do the next, and cut, not answer
    heal                                            no request is refused, delayed or lost any more
    prometheus  {"answer": "slow", "seconds": 10}   until told another answer; prometheus_faults.py has them all
    signer  {"conduct": "ignores-expiry"}           until told another; signing.py has them all

`path` is a prefix; it and `method` may be left out. `"skip": 2` lets so many of these requests pass first. A page in a
browser cannot reach the switches: the server refuses such requests.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import msgspec
from aiohttp import web

from genet.simulation.errors import ApiError, bad_request
from genet.simulation.prometheus_faults import Conduct, PrometheusFaults
from genet.simulation.signing import Conduct as Signing
from genet.simulation.signing import Signer
from genet.simulation.store import Store

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

REASONS = {429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout"}


class Trouble(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What happens to the next `times` requests under `path`."""

    times: int = 1
    skip: int = 0
    method: str = ""
    path: str = "/"
    status: int = 0
    retry_after: int | None = None
    seconds: float = 0.0
    is_lost: bool = msgspec.field(name="isLost", default=False)

    def meets(self, request: web.Request) -> bool:
        return request.path.startswith(self.path) and self.method in ("", request.method)


class Stream:
    """One open answer. All it says goes through here, so that it can be cut or silenced."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._open = asyncio.Event()
        self._open.set()

    async def passage(self) -> None:
        """Returns at once, or never when the stream is frozen (until it is cut)."""
        await self._open.wait()

    def freeze(self) -> None:
        self._open.clear()

    def cut(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()


class Faults:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._troubles: list[Trouble] = []
        self.refused: list[str] = []
        """Method and path of requests that were refused because of a switch."""
        self._streams: set[Stream] = set()
        self.prometheus = PrometheusFaults()
        self.signer = Signer(store)

    @contextmanager
    def stream(self, request: web.Request) -> Iterator[Stream]:
        stream = Stream(request)
        self._streams.add(stream)
        try:
            yield stream
        finally:
            self._streams.discard(stream)

    def drop(self) -> None:
        for stream in list(self._streams):
            stream.cut()

    async def switch(self, request: web.Request) -> web.Response:
        name = request.match_info["switch"]
        if name == "compact":
            self._store.compact()
        elif name == "drop":
            self.drop()
        elif name == "heal":
            self._troubles.clear()
        elif name == "freeze":
            for stream in self._streams:
                stream.freeze()
        elif name in ("fail", "delay"):
            self._troubles.append(_decode(await request.read(), Trouble))
        elif name == "lose":
            trouble = _decode(await request.read(), Trouble)
            trouble.is_lost = True
            self._troubles.append(trouble)
        elif name == "prometheus":
            self.prometheus.conduct = _decode(await request.read(), Conduct)
        elif name == "signer":
            self.signer.behaviour = _decode(await request.read(), Signing)
        else:
            raise web.HTTPNotFound
        return web.Response(status=204)

    @web.middleware
    async def intercept(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        trouble = next((item for item in self._troubles if item.meets(request)), None)
        if trouble is None or request.path.startswith("/simulation/"):
            return await handler(request)
        if trouble.skip > 0:
            trouble.skip -= 1
            return await handler(request)
        trouble.times -= 1
        if trouble.times <= 0 and trouble in self._troubles:
            self._troubles.remove(trouble)
        await asyncio.sleep(trouble.seconds)
        if trouble.is_lost:
            return await _unheard(request, handler)
        if not trouble.status:
            return await handler(request)
        self.refused.append(f"{request.method} {request.path}")
        details = {} if trouble.retry_after is None else {"retryAfterSeconds": trouble.retry_after}
        reason = REASONS.get(trouble.status, "InternalError")
        raise ApiError(trouble.status, reason, "the embedded cluster was told to refuse this request", details)


async def _unheard(request: web.Request, handler: Handler) -> web.StreamResponse:
    answer = await handler(request)
    if request.transport is not None:
        request.transport.abort()
    return answer


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise bad_request(str(error)) from error
