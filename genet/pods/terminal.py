"""A login shell of a pod on somebody's screen: bytes both ways, until one side has enough.

Nothing is decoded: a character may come in two messages. Neither side can make the other's words pile up here: what the
screen does not take, the shell cannot say, and what the shell does not read is not taken from the screen, beyond one
paste. The shell ends with its terminal, and so does what runs in it, but not what was started with nohup, or in tmux.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Annotated, Final, Literal, Protocol

import msgspec

from genet.errors import GenetError, Unavailable
from genet.kube.exec import Ended, Execution
from genet.pods import processes
from genet.pods.exec import ExecFailed
from genet.pods.place import NotRunning, means_gone
from genet.pods.processes import Started

MOST_BYTES: Final = 2 * 1024 * 1024
"""Of one message: a paste is one."""
MOST_TEXT: Final = 1024
"""Of one message that is not for the shell (characters)."""
LONGEST_SIDE: Final = 1000
"""Of a terminal, in columns or rows."""
_WAITING_BYTES: Final = 1024 * 1024
_START_SECONDS: Final = 10.0
_LONGEST_LINE: Final = 4096
_NOT_STARTED: Final = frozenset({126, 127})
_KILLED: Final = 128
"""Exit codes beyond it are those of signals."""

Side = Annotated[int, msgspec.Meta(ge=1, le=LONGEST_SIDE)]


class Close:
    """Codes with which a terminal's WebSocket is closed; 4000 and a status say what an HTTP answer would."""

    ENDED: Final = 1000
    RECONNECT: Final = 1001
    """The server goes; others are there."""
    TOO_LARGE: Final = 1009
    MALFORMED: Final = 4400
    LOGGED_OUT: Final = 4401
    FORBIDDEN: Final = 4403
    IDLE: Final = 4408


class Size(msgspec.Struct, frozen=True):
    cols: Side = 80
    rows: Side = 24


class Resize(msgspec.Struct, frozen=True):
    type: Literal["resize"]
    cols: Side
    rows: Side


_RESIZE = msgspec.json.Decoder(Resize)


class Screen(Protocol):
    """Somebody's browser."""

    async def receive(self) -> bytes | str | None:
        """Bytes for the shell, or a text message. None: it has gone."""
        ...

    async def send(self, data: bytes | str) -> None:
        """Returns when it has been taken; raises ConnectionError when it has gone."""
        ...


@dataclass(frozen=True)
class End:
    """Why a terminal ended, for its screen."""

    close: int
    error: str | None = None
    exit: int | None = None

    def message(self) -> str | None:
        if self.exit is not None:
            return msgspec.json.encode({"type": "exit", "code": self.exit}).decode()
        if self.error is not None:
            return msgspec.json.encode({"type": "error", "code": self.error}).decode()
        return None


@dataclass(frozen=True)
class Pace:
    """How long what takes (seconds)."""

    idle: float
    """Silence of both sides that ends a terminal."""
    heartbeat: float = 20.0
    """How often something is sent although there is nothing to say, for the proxies on the way."""


class _Typed:
    """What was typed and the shell has not read yet; `put` waits while that is much."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._bytes = 0
        self._changed = asyncio.Condition()

    async def put(self, data: bytes) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._bytes < _WAITING_BYTES)
            self._parts.append(data)
            self._bytes += len(data)
            self._changed.notify_all()

    async def get(self) -> bytes:
        async with self._changed:
            await self._changed.wait_for(lambda: self._parts)
            data = self._parts.pop(0)
            self._bytes -= len(data)
            self._changed.notify_all()
            return data


class Session:
    """One terminal."""

    def __init__(self, execution: Execution, screen: Screen, cookie: str, pace: Pace) -> None:
        self._execution = execution
        self._screen = screen
        self._cookie = cookie
        self._pace = pace
        self._typed = _Typed()
        self._sending = asyncio.Lock()
        self._time = asyncio.get_running_loop().time
        self._last = self._time()
        self._first = b""
        self._has_begun = asyncio.Event()
        self.began: Started | None = None

    @property
    def ended(self) -> Ended | None:
        return self._execution.ended

    async def run(
        self,
        size: Size,
        logged_out: asyncio.Event,
        draining: asyncio.Event,
        check: Callable[[], None],
        is_gone: Callable[[], bool],
    ) -> End:
        """Whichever of its parts is over first says why all of it is."""
        await self._execution.resize(size.cols, size.rows)
        parts = (
            self._print(is_gone),
            self._type(),
            self._feed(),
            self._beat(check),
            self._watch(),
            _when(logged_out, End(Close.LOGGED_OUT)),
            _when(draining, End(Close.RECONNECT)),
        )
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        # of several at once the one that comes first above
        return next(_outcome(task) for task in tasks if task in done)

    async def begin(self) -> None:
        """Wait until the shell has said who it is, if it is about to: what cannot be found yet cannot be ended."""
        with suppress(GenetError, TimeoutError):
            async with asyncio.timeout(_START_SECONDS), aclosing(self._execution.outputs()) as outputs:
                while self.began is None and (more := await anext(outputs, None)) is not None:
                    self._take_first(more[1])

    async def _print(self, is_gone: Callable[[], bool]) -> End:
        try:
            async with aclosing(self._execution.outputs()) as outputs:
                async for _, data in outputs:
                    self._last = self._time()
                    said = data if self._has_begun.is_set() else self._take_first(data)
                    if said:
                        await self._send(said)
        except Unavailable as error:
            if is_gone():
                raise NotRunning("the pod ended") from error
            raise
        return self._exit(self._execution.ended or Ended(None), is_gone)

    def _take_first(self, data: bytes) -> bytes:
        """Of what comes before the shell has said who it is; gives what comes behind that."""
        self._first += data
        line, newline, rest = self._first.partition(b"\n")
        if newline or len(self._first) > _LONGEST_LINE:
            self.began = processes.read_start(line, self._cookie)
            if self.began is None:
                raise ExecFailed("the container has no shell that Genet can use")
            self._has_begun.set()
            return rest
        return b""

    def _exit(self, ended: Ended, is_gone: Callable[[], bool]) -> End:
        if ended.code is None or ended.code in _NOT_STARTED:
            if is_gone() or means_gone(ended.message):
                raise NotRunning("the container ended")
            if self.began is None:
                raise ExecFailed("the container has no shell")
        if ended.code is None or (ended.code > _KILLED and is_gone()):
            raise NotRunning("the container ended")
        return End(Close.ENDED, exit=ended.code)

    async def _type(self) -> End:
        while (message := await self._screen.receive()) is not None:
            self._last = self._time()
            if len(message) > (MOST_BYTES if isinstance(message, bytes) else MOST_TEXT):
                return End(Close.TOO_LARGE, "body_too_large")
            if isinstance(message, bytes):
                if message:
                    await self._typed.put(message)
                continue
            try:
                wanted = _RESIZE.decode(message)
            except (msgspec.DecodeError, UnicodeError):
                return End(Close.MALFORMED, "invalid")
            await self._execution.resize(wanted.cols, wanted.rows)
        return End(Close.ENDED)

    async def _feed(self) -> End:
        await self._has_begun.wait()  # or the terminal's own echo would come before what the shell says of itself
        while True:
            await self._execution.write(await self._typed.get())
            self._last = self._time()

    async def _beat(self, check: Callable[[], None]) -> End:
        while True:
            await asyncio.sleep(self._pace.heartbeat)
            try:
                check()
            except GenetError as error:
                return End(Close.FORBIDDEN, error.code)
            await self._send(b"")

    async def _watch(self) -> End:
        while (left := self._last + self._pace.idle - self._time()) > 0:  # noqa: ASYNC110 # moved on by both sides
            await asyncio.sleep(left)
        return End(Close.IDLE)

    async def _send(self, data: bytes) -> None:
        async with self._sending:
            await self._screen.send(data)


async def _when(event: asyncio.Event, end: End) -> End:
    await event.wait()
    return end


def _outcome(task: "asyncio.Task[End]") -> End:
    """Raises GenetError when the terminal broke; a screen that has gone is no failure."""
    with suppress(ConnectionError):
        return task.result()
    return End(Close.ENDED)
