"""One process started in a container, over the API server's WebSocket.

Protocols v5.channel.k8s.io and v4.channel.k8s.io: each message is one byte that names the channel, then data. v4 cannot
say that the input has ended, so what reads its input to the end must not be given one.

Traps: closing the stream ends no process, and the API server says nothing of its PID: whoever wants to end one has to
have it say its PID itself. A process that cannot be started is reported like one that failed, but without an exit code.
A pong cannot be waited for: a reader who takes his time stops it with everything else.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import IntEnum
from socket import IPPROTO_TCP, SO_KEEPALIVE, SOL_SOCKET, TCP_KEEPIDLE
from typing import Final
from urllib.parse import quote

import aiohttp
import msgspec

from genet.errors import Unavailable
from genet.kube.transport import Transport

PROTOCOLS: Final = ("v5.channel.k8s.io", "v4.channel.k8s.io")
PIECE_BYTES: Final = 16 * 1024
"""Most of what is sent to a process at once: what is larger would wait whole in every buffer on the way."""
_PING_SECONDS: Final = 20.0
_KEEP_ALIVE_SECONDS: Final = 30


class Channel(IntEnum):
    STDIN = 0
    STDOUT = 1
    STDERR = 2
    STATUS = 3
    RESIZE = 4
    CLOSE = 255


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int | None
    """None: it did not; it could not be started, or the container ended under it."""
    message: str = ""


class _Cause(msgspec.Struct):
    reason: str = ""
    message: str = ""


class _Details(msgspec.Struct):
    causes: tuple[_Cause, ...] = ()


class _Status(msgspec.Struct):
    status: str = ""
    message: str = ""
    details: _Details | None = None


_STATUS = msgspec.json.Decoder(_Status)


class Execution:
    """A started process: its streams. Use `async with executing(…) as execution:`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ended: Ended | None = None

    @property
    def ended(self) -> Ended | None:
        """None: `outputs` is not over."""
        return self._ended

    async def write(self, data: bytes) -> None:
        """To its standard input; waits while the process does not read.

        Raises:
            Unavailable: the connection is gone.
        """
        for start in range(0, len(data), PIECE_BYTES):
            await self._send(Channel.STDIN, data[start : start + PIECE_BYTES])

    async def resize(self, cols: int, rows: int) -> None:
        """Of its terminal. Raises Unavailable."""
        await self._send(Channel.RESIZE, msgspec.json.encode({"Width": cols, "Height": rows}))

    async def outputs(self) -> AsyncGenerator[tuple[Channel, bytes]]:
        """What it says on STDOUT and STDERR, until it ends.

        Raises:
            Unavailable: the connection broke before that.
        """
        while True:
            message = await self._socket.receive()
            match message.type:
                case aiohttp.WSMsgType.BINARY | aiohttp.WSMsgType.TEXT:
                    data = message.data if isinstance(message.data, bytes) else message.data.encode()
                    if data[:1] == bytes([Channel.STATUS]):
                        self._ended = _ended(data[1:])
                        return
                    if len(data) > 1 and data[0] in (Channel.STDOUT, Channel.STDERR):
                        yield Channel(data[0]), data[1:]
                case aiohttp.WSMsgType.ERROR:
                    raise Unavailable("the connection to the container broke") from message.data
                case _:
                    raise Unavailable("the connection to the container ended before the process did")

    async def keep_alive(self) -> None:
        """Until cancelled: proxies cut connections on which nothing is said."""
        transport = self._socket.get_extra_info("socket")
        if transport is not None:
            with suppress(OSError):
                transport.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1)
                transport.setsockopt(IPPROTO_TCP, TCP_KEEPIDLE, _KEEP_ALIVE_SECONDS)
        with suppress(aiohttp.ClientError, OSError):  # the reader says what is wrong
            while True:
                await asyncio.sleep(_PING_SECONDS)
                await self._socket.ping()

    async def _send(self, channel: Channel, data: bytes) -> None:
        try:
            await self._socket.send_bytes(bytes([channel]) + data)
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable("the connection to the container broke") from error


@asynccontextmanager
async def executing(
    transport: Transport,
    namespace: str,
    pod: str,
    command: Sequence[str],
    *,
    container: str,
    stdin: bool = False,
    tty: bool = False,
    connect_seconds: float,
) -> AsyncIterator[Execution]:
    """Start a process. Leaving closes the connection, and leaves the process where it is.

    Raises:
        GenetError: what the API server said instead, as `genet.kube.client` has it; Unavailable for no answer in time.
    """
    flags = {"stdin": stdin, "stdout": True, "stderr": not tty, "tty": tty}
    query = [("container", container), *((name, str(on).lower()) for name, on in flags.items())]
    query += [("command", word) for word in command]
    path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(pod, safe='')}/exec"
    opening = transport.socket(path, query=query, protocols=PROTOCOLS)
    try:
        async with asyncio.timeout(connect_seconds) as limit, opening as socket:
            limit.reschedule(None)
            if socket.protocol is None:
                raise Unavailable("the Kubernetes API knows no way to run commands in pods that Genet knows")
            execution = Execution(socket)
            pinging = asyncio.create_task(execution.keep_alive())
            try:
                yield execution
            finally:
                pinging.cancel()
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise Unavailable(f"the container could not be reached within {connect_seconds:g} s") from error


def _ended(data: bytes) -> Ended:
    try:
        status = _STATUS.decode(data)
    except msgspec.DecodeError as error:
        raise Unavailable(f"the Kubernetes API sent what cannot be read: {error}") from error
    if status.status == "Success":
        return Ended(0)
    causes = status.details.causes if status.details else ()
    codes = [cause.message for cause in causes if cause.reason == "ExitCode" and cause.message.isdecimal()]
    return Ended(int(codes[0]) if codes else None, status.message)
