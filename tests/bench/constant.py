"""Servers to compare with, for benches only.

    python -m tests.bench.constant CONFIG PORT      the whole application, and a route that says constant bytes
    python -m tests.bench.constant bare PORT        Granian and those bytes
    python -m tests.bench.constant empty PORT       Granian, the framework, and a handler that does nothing

The first is put together as `genet.web.server` does it, so both answers pass the same boundary, gate, measures and
server in the same process. `?size=` says how many, `?status=304` that there are none.
"""

import asyncio
import os
import signal
import sys
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar, Response, get

from genet.auth.clock import utc_now
from genet.gpus.wire import columnar
from genet.settings.sources import load
from genet.web.app import create_litestar
from genet.web.boundary import LOOPBACK_NAMES, Boundary
from genet.web.guards import OPERATION
from genet.web.services import running
from genet.web.turns import Turns

_HEADERS = {
    "ETag": '"0123456789abcdef0123456789abcdef-gzip"',
    "Vary": "Accept, Accept-Encoding, Cookie, Authorization",
    "Cache-Control": "private, no-cache",
    "Genet-Updated-At": "2026-01-01T00:00:00Z",
}


@cache
def content(size: int) -> bytes:
    return os.urandom(size)


@get("/bench/constant", opt={OPERATION: "cluster:gpu-overview"}, include_in_schema=False)
async def constant(size: int = 0, status: int = 200) -> Response[Any]:
    if status == 304:
        return Response(None, status_code=304, headers=_HEADERS)
    headers = {**_HEADERS, "Content-Encoding": "gzip"}
    return Response(content(size), headers=headers, media_type=columnar.MEDIA_TYPE)


async def application(config: Path, port: int) -> None:
    settings = load({}, config)
    async with running(settings, utc_now) as services:
        app = create_litestar(settings)
        app.register(constant)
        app.state.services = services
        await _serve(Turns(Boundary(app, hosts=LOOPBACK_NAMES, trusts_local_programs=True)), port)


@get(["/", "/readyz"])
async def nothing() -> str:
    return ""


async def plain(scope: Any, receive: Any, send: Any) -> None:
    """ASGI; says nothing else, and that it is ready to whoever asks."""
    size = int(parse_qs(scope["query_string"].decode()).get("size", ["0"])[0])
    headers = [(b"content-type", b"application/octet-stream"), (b"content-length", str(size).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content(size), "more_body": False})


async def _serve(app: Any, port: int) -> None:
    server = Server(app, address="127.0.0.1", port=port, interface=Interfaces.ASGINL, log_enabled=False)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
    await server.serve()


if __name__ == "__main__":
    what, port_ = sys.argv[1:]
    others = {"bare": plain, "empty": Litestar([nothing], logging_config=None, openapi_config=None)}
    asyncio.run(_serve(others[what], int(port_)) if what in others else application(Path(what), int(port_)))
