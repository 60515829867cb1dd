"""How the embedded Prometheus can be made to misbehave, for tests: it answers in one of these ways until told another.

well       as it should
down       cut the connection without a word
slow       wait first, `seconds` long
error      status 500
html       a page, as a proxy in between would send, with status 200
truncated  valid JSON up to its middle, and a good end of the answer
drip       a byte every `seconds`
nan        every value is NaN
half       every other series is missing, always the same ones
"""

import asyncio
import math
import zlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Literal

import msgspec
from aiohttp import web

from genet.simulation.promql import Labels, Matcher, Series, Source

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_PAGE = "<!DOCTYPE html><title>Sign in</title><p>Please sign in.</p>\n"


class Conduct(msgspec.Struct, forbid_unknown_fields=True):
    answer: Literal["well", "down", "slow", "error", "html", "truncated", "drip", "nan", "half"]
    seconds: float = 10.0


class PrometheusFaults:
    def __init__(self) -> None:
        self.conduct = Conduct("well")

    def spoil(self, source: Source) -> Source:
        """The series as they are told: all of them rightly, unless it has been told otherwise."""

        def spoilt(matchers: Sequence[Matcher], start: float, end: float) -> Iterator[Series]:
            answer = self.conduct.answer
            for series in source(matchers, start, end):
                if answer != "half" or _is_kept(series.labels):
                    yield series._replace(at=lambda _: math.nan, steady=False) if answer == "nan" else series

        return spoilt

    @web.middleware
    async def intercept(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        conduct = self.conduct
        match conduct.answer:
            case "down":
                assert request.transport is not None  # noqa: S101 - somebody has just asked
                request.transport.abort()
                return web.Response()
            case "slow":
                await asyncio.sleep(conduct.seconds)
            case "error":
                return web.Response(status=500, text="Internal Server Error")
            case "html":
                return web.Response(text=_PAGE, content_type="text/html")
        response = await handler(request)
        if conduct.answer in ("truncated", "drip") and isinstance(response, web.Response):
            body = bytes(response.body or b"")  # type: ignore[arg-type]  # never a payload here
            if conduct.answer == "truncated":
                return web.Response(body=body[: len(body) // 2], content_type=response.content_type)
            return await _drip(request, body, response.content_type, conduct.seconds)
        return response


async def _drip(request: web.Request, body: bytes, content_type: str, seconds: float) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": content_type, "Content-Length": str(len(body))})
    await response.prepare(request)
    for byte in body:
        await response.write(bytes((byte,)))
        await asyncio.sleep(seconds)
    return response


def _is_kept(labels: Labels) -> bool:
    return zlib.crc32(repr(sorted(labels.items())).encode()) % 2 == 0
