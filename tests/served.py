"""A replica behind real sockets in the test's own process: streams, slow readers and what a proxy would see.

Who is calling is up to the test, so that people who are not logged in can be had over loopback too.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from litestar.connection import ASGIConnection

from genet.auth.dev import dev_user
from genet.auth.user import Caller
from genet.settings import Settings
from genet.web.app import create_app
from genet.web.boundary import ASGIApp
from genet.web.server import server_of
from genet.web.services import Services
from tests.processes import free_port

PATH = "/api/cluster/gpu-overview"
STREAM = f"{PATH}/stream"


@asynccontextmanager
async def served(settings: Settings, services: Services) -> AsyncIterator[int]:
    """The port of the whole application. Logged in is who says so with `?user=`, and nobody else."""

    async def identify(connection: ASGIConnection[Any, Any, Any, Any]) -> Caller | None:
        name = connection.query_params.get("user")
        return Caller(dev_user(name, settings), by="dev") if name else None

    async with listening(create_app(settings, services, identify=identify)) as port:
        try:
            yield port
        finally:
            services.drain()


@asynccontextmanager
async def listening(app: ASGIApp) -> AsyncIterator[int]:
    """The port of any application."""
    port = free_port()
    server = server_of(app, "127.0.0.1", port)
    serving = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(10):
            while not await _listens(port):  # noqa: ASYNC110 # a socket tells nobody that it listens
                await asyncio.sleep(0.01)
        yield port
    finally:
        server.stop()
        async with asyncio.timeout(10):
            await serving


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


class Answer:
    """One answer as it comes over the wire, without a client library's help or patience."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.raw = b""
        """All of the body that has been read, decoded."""
        self.is_over = False
        self.writer = writer
        self._reader = reader
        self._buffer = b""
        self._decode = bytes

    async def begin(self) -> None:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        self.status = int(head[0].split()[1])
        self.headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
        if self.headers.get("content-encoding") == "gzip":
            self._decode = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress  # type: ignore[assignment] # as bytes()

    async def chunk(self) -> bytes:
        """What came next, decoded: may be nothing yet. Sets `is_over` at the end."""
        async with asyncio.timeout(10):
            if "content-length" in self.headers:
                data = await self._reader.readexactly(int(self.headers.pop("content-length")))
            else:
                size = int((await self._reader.readline()) or b"0", 16)
                self.is_over = size == 0
                data = await self._reader.readexactly(size)
                await self._reader.readline()
        data = self._decode(data)
        self.raw += data
        return data

    async def event(self) -> tuple[str | None, dict[str, str]]:
        """Name and fields of the next event that has a name; None: the end."""
        while True:
            while b"\n\n" not in self._buffer:
                data = await self.chunk()
                if self.is_over:
                    return None, {}
                self._buffer += data
            block, _, self._buffer = self._buffer.partition(b"\n\n")
            fields = dict(line.split(": ", 1) for line in block.decode().splitlines() if not line.startswith(":"))
            if "event" in fields:
                return fields["event"], fields

    async def data(self, name: str) -> Any:
        event, fields = await self.event()
        assert event == name, fields
        return msgspec.json.decode(fields["data"])


@asynccontextmanager
async def asked(
    port: int, path: str, headers: Mapping[str, str] | None = None, *, limit: int = 2**20
) -> AsyncIterator[Answer]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=limit)
    try:
        lines = [f"GET {path} HTTP/1.1", "Host: localhost"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        answer = Answer(reader, writer)
        async with asyncio.timeout(10):
            await answer.begin()
        yield answer
    finally:
        writer.close()
