"""A shell in a pod, in the person's own terminal: bytes both ways over a WebSocket (`genet.terminal.v1`).

The connection is httpx's: its TLS, its proxies, its time limits, and no redirects; wsproto knows the frames. One thread
waits for the keyboard, the server and changes of the window's size at once.

Trap: a terminal that is left raw is of no use to anybody, so it is put right however this ends.
"""

import base64
import os
import secrets
import select
import signal
import sys
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import httpcore
import httpx
import msgspec
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.utilities import LocalProtocolError

from genet.client.api import Api, Query
from genet.client.errors import ClientError, Unreachable, printable

PROTOCOL: Final = "genet.terminal.v1"
_CHUNK: Final = 65536
_PING_SECONDS: Final = 20.0
_SILENCE_SECONDS: Final = 90.0
_SWITCHING: Final = 101
_CLOSES: Final = {
    1009: "too much was sent at once",
    4401: "the login has ended",
    4403: "that is not allowed, or not any more",
    4404: "there is no such pod, or not any more",
    4408: "nothing was typed for too long",
    4409: "the container does not run, or has ended",
    4422: "there is no shell in the image, or no such container",
    4429: "too many terminals are open already",
    4503: "Kubernetes does not answer; try again later",
    1001: "the server goes away; begin again",
}


class _Said(msgspec.Struct):
    type: str
    code: int | str | None = None


def run(api: Api, path: str, query: Query) -> int:
    """The shell's exit code; raises ClientError where there is none.

    Args:
        api: where.
        path: of the terminal.
        query: what is added to it, besides the window's size.
    """
    keyboard, screen = sys.stdin.fileno(), sys.stdout.fileno()
    columns, rows = _size(screen)
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
        "Sec-WebSocket-Protocol": PROTOCOL,
    }
    query = {**query, "cols": columns, "rows": rows}
    with api.open(path, query, headers, expected=_SWITCHING, silence=_SILENCE_SECONDS) as answer:
        if answer.headers.get("Sec-WebSocket-Protocol") != PROTOCOL:
            raise Unreachable("the server speaks another protocol of terminals than this program")
        with _raw(keyboard), _resized() as resized:
            return _Session(answer, keyboard, screen, resized).run()


class _Session:
    def __init__(self, answer: httpx.Response, keyboard: int, screen: int, resized: int) -> None:
        self._stream: Any = answer.extensions["network_stream"]
        self._socket: Any = self._stream.get_extra_info("socket")
        self._connection = Connection(ConnectionType.CLIENT)
        self._keyboard = keyboard
        self._screen = screen
        self._resized = resized
        self._text = ""
        self._open = {keyboard, resized}

    def run(self) -> int:
        code = self._received(0.05)  # what came with the answer's head is in no socket any more
        heard = time.monotonic()
        while code is None:
            ready, _, _ = select.select([self._socket, *self._open], [], [], _PING_SECONDS)
            if self._socket in ready:
                heard = time.monotonic()
                code = self._received(_SILENCE_SECONDS)
            elif time.monotonic() - heard > _SILENCE_SECONDS:
                raise Unreachable("the server has not answered for a while")
            if code is None and self._keyboard in ready:
                self._type()
            if code is None and self._resized in ready:
                os.read(self._resized, _CHUNK)
                self._resize()
            if not ready:
                self._send(Ping())
        return code

    def _received(self, seconds: float) -> int | None:
        """What has come is shown; the exit code once there is one."""
        while True:
            try:
                data = self._stream.read(_CHUNK, timeout=seconds)
            except httpcore.ReadTimeout:
                return None
            except (httpcore.NetworkError, OSError):
                raise Unreachable("the connection broke") from None
            if not data:
                raise Unreachable("the connection broke")
            self._connection.receive_data(data)
            for event in self._connection.events():
                code = self._take(event)
                if code is not None:
                    return code
            if not getattr(self._socket, "pending", lambda: 0)():
                return None

    def _take(self, event: Any) -> int | None:
        if isinstance(event, BytesMessage):
            _write(self._screen, bytes(event.data))
        elif isinstance(event, TextMessage):
            self._text += event.data
            if event.message_finished:
                text, self._text = self._text, ""
                return _told(text)
        elif isinstance(event, Ping):
            self._send(event.response())
        elif isinstance(event, CloseConnection):
            with suppress(LocalProtocolError, Unreachable):
                self._send(event.response())
            raise ClientError(_CLOSES.get(event.code, f"the server ended it ({event.code})"))
        elif not isinstance(event, Pong):
            raise Unreachable("the server sends what is no terminal")
        return None

    def _type(self) -> None:
        typed = os.read(self._keyboard, _CHUNK)
        if typed:
            self._send(BytesMessage(typed))
        else:
            self._open.discard(self._keyboard)

    def _resize(self) -> None:
        columns, rows = _size(self._screen)
        size = {"type": "resize", "cols": columns, "rows": rows}
        self._send(TextMessage(msgspec.json.encode(size).decode()))

    def _send(self, event: Any) -> None:
        try:
            self._stream.write(self._connection.send(event), timeout=_SILENCE_SECONDS)
        except (httpcore.NetworkError, httpcore.TimeoutException, OSError):
            raise Unreachable("the connection broke") from None


def _told(text: str) -> int | None:
    try:
        said = msgspec.json.decode(text, type=_Said)
    except msgspec.DecodeError:
        raise Unreachable("the server sends what is no terminal") from None
    if said.type == "exit":
        return said.code if isinstance(said.code, int) else 1
    if said.type == "error":
        raise ClientError(f"the shell did not start: {printable(str(said.code))}")
    return None  # of a newer server


def _size(screen: int) -> tuple[int, int]:
    """Columns and rows; a terminal that does not know its own (0 x 0) is as large as most."""
    found = os.get_terminal_size(screen)
    return (found.columns or 80, found.lines or 24)


@contextmanager
def _raw(keyboard: int) -> Iterator[None]:
    before = termios.tcgetattr(keyboard)
    try:
        tty.setraw(keyboard)
        yield
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


@contextmanager
def _resized() -> Iterator[int]:
    """A file descriptor that can be read when the window has another size."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = signal.signal(signal.SIGWINCH, lambda *_: _wake(writing))
    try:
        yield reading
    finally:
        signal.signal(signal.SIGWINCH, before)
        os.close(reading)
        os.close(writing)


def _wake(pipe: int) -> None:
    with suppress(BlockingIOError):  # it is full of the same news
        os.write(pipe, b".")


def _write(screen: int, data: bytes) -> None:
    while data:
        data = data[os.write(screen, data) :]
