"""Runs one command in a pod to its end, and really ends it where that takes too long or nobody waits for it any more.

The command is started through the container's shell, which says its PID and then becomes the command. Where there is no
shell the command is started as it is; such a one cannot be ended, and the answer says so.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated, Final

import msgspec

from genet.errors import FieldError, Invalid, RateLimited, Unavailable
from genet.kube.client import KubeClient
from genet.kube.exec import Channel, Ended, Execution
from genet.pods import processes
from genet.pods.killing import Killing
from genet.pods.place import NotRunning, Place, means_gone, started
from genet.pods.processes import Started
from genet.pods.tasks import Tasks

MOST_BYTES: Final = 1024 * 1024
"""Kept of each stream; what is more is read and thrown away, so that the command does not wait for ever."""
_START_SECONDS: Final = 10.0
_LAST_WORDS_SECONDS: Final = 2.0
_LONGEST_LINE: Final = 4096
_NOT_STARTED: Final = frozenset({126, 127})
_RETRY_SECONDS: Final = 5.0

Word = Annotated[str, msgspec.Meta(max_length=128 * 1024)]
"""Linux' own limit of one argument; that none can hold a NUL is said by `unusable`."""


class ExecRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    command: Annotated[list[Word], msgspec.Meta(min_length=1, max_length=1000)]
    """A program and its arguments; no shell reads them unless it is the program."""
    timeout_seconds: Annotated[int, msgspec.Meta(ge=1, le=3600)] = 300
    container: str | None = None
    """The pod's first where it is not named."""


class ExecResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    exit_code: int | None
    """Null: it was ended, or the connection was lost."""
    stdout: str
    stderr: str
    truncated: bool
    """Whether either stream was longer than 1 MiB, of which the beginning is here."""
    timed_out: bool
    process_left: bool
    """Whether it, or something that it started, may still run although nobody waits for it."""


class ExecFailed(Invalid):
    """The command could not be started."""

    code = "exec_failed"


def unusable(command: Sequence[str]) -> list[FieldError]:
    """What no program can be given."""
    return [
        FieldError(f"command[{index}]", "holds a NUL character") for index, word in enumerate(command) if "\0" in word
    ]


def _not_started(command: Sequence[str], why: str) -> ExecFailed:
    wrong = FieldError("command[0]", f"cannot be started: {why}")
    return ExecFailed(f"{command[0]!r} cannot be started: {why}", errors=[wrong])


@dataclass
class _Streams:
    """What a command has said."""

    cookie: str | None
    """None: no shell says anything first."""
    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)
    is_cut: bool = False
    began: Started | None = None
    has_begun: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, channel: Channel, data: bytes) -> None:
        stream = self.out if channel is Channel.STDOUT else self.err
        room = MOST_BYTES + (_LONGEST_LINE if self._is_first_line(channel) else 0) - len(stream)
        self.is_cut |= len(data) > room
        stream += data[: max(0, room)]
        if self._is_first_line(channel) and b"\n" in stream:
            line, _, rest = bytes(stream).partition(b"\n")
            self.began = processes.read_start(line, self.cookie or "")
            if self.began is not None:
                self.is_cut |= len(rest) > MOST_BYTES
                stream[:] = rest[:MOST_BYTES]
            self.has_begun.set()

    def _is_first_line(self, channel: Channel) -> bool:
        return channel is Channel.STDERR and self.cookie is not None and not self.has_begun.is_set()


class Exec:
    """Call it to run a command.

    Args:
        kube: the gateway.
        killing: what ends processes.
        per_user: commands of one person that may run at once, on this replica.
    """

    def __init__(self, kube: KubeClient, killing: Killing, *, per_user: int) -> None:
        self._kube = kube
        self._killing = killing
        self._per_user = per_user
        self._running: Counter[str] = Counter()
        self._tasks = Tasks()
        self._closing = asyncio.Event()

    async def __call__(
        self, user: str, where: Place, command: Sequence[str], timeout_seconds: float, gone: asyncio.Event
    ) -> ExecResult:
        """Run `command`; `user` is the userIdentifier of who asks, and `gone` set when nobody waits any more.

        Cancelled, it ends the command as well, and does not wait for that.

        Raises:
            ExecFailed: it could not be started.
            NotRunning: the container does not run.
            NotFound: the pod is gone.
            RateLimited: as many run already.
            Unavailable: the API server or the node does not answer; the command may have been started.
        """
        if self._running[user] >= self._per_user:
            detail = f"{self._per_user} of your commands run already; wait until one has ended"
            raise RateLimited(detail, retry_after=_RETRY_SECONDS)
        self._running[user] += 1
        stop = asyncio.Event()
        running = self._tasks.start(self._run(where, command, timeout_seconds, stop))
        running.add_done_callback(lambda _: self._done(user))
        watching = [asyncio.ensure_future(event.wait()) for event in (gone, self._closing)]
        try:
            await asyncio.wait({running, *watching}, return_when=asyncio.FIRST_COMPLETED)
            stop.set()
            return await asyncio.shield(running)
        finally:
            stop.set()
            for task in watching:
                task.cancel()

    async def close(self) -> None:
        """End all that run; for the server's own end."""
        self._closing.set()
        await self._tasks.settle()

    def _done(self, user: str) -> None:
        self._running[user] -= 1
        if not self._running[user]:
            del self._running[user]

    async def _run(
        self, where: Place, command: Sequence[str], timeout_seconds: float, stop: asyncio.Event
    ) -> ExecResult:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_seconds
        streams = _Streams(secrets.token_hex(16))
        result = await self._attempt(where, command, streams, deadline, stop)
        if result is not None:
            return result
        streams = _Streams(None)
        result = await self._attempt(where, command, streams, deadline, stop)
        if result is None:
            raise _not_started(command, "no such program, or it cannot be run")
        return result

    async def _attempt(
        self, where: Place, command: Sequence[str], streams: _Streams, deadline: float, stop: asyncio.Event
    ) -> ExecResult | None:
        """None: nothing was started."""
        loop = asyncio.get_running_loop()
        argv = command if streams.cookie is None else processes.start(streams.cookie, command)
        async with started(self._kube, where, argv) as execution:
            reading = asyncio.ensure_future(_read(execution, streams))
            stopping = asyncio.ensure_future(stop.wait())
            try:
                await asyncio.wait(
                    {reading, stopping}, timeout=deadline - loop.time(), return_when=asyncio.FIRST_COMPLETED
                )
                if reading.done():
                    return await self._ended(where, command, streams, reading)
                is_left = await self._end(where, streams)
                await asyncio.wait({reading}, timeout=_LAST_WORDS_SECONDS)
                return _result(streams, None, timed_out=not stop.is_set(), is_left=is_left)
            finally:
                stopping.cancel()
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def _ended(
        self, where: Place, command: Sequence[str], streams: _Streams, reading: "asyncio.Future[Ended]"
    ) -> ExecResult | None:
        try:
            ended = reading.result()
        except Unavailable:
            if streams.began is None:
                raise
            # the command does not know that nobody hears it
            return _result(streams, None, timed_out=False, is_left=await self._end(where, streams))
        if ended.code is None and means_gone(ended.message):
            raise NotRunning("the container ended")
        if streams.cookie is not None and streams.began is None:
            if ended.code is None or ended.code in _NOT_STARTED:
                return None
            raise Unavailable("the container's shell ended before it began")
        if ended.code is None:
            return None if streams.began is None else _result(streams, None, timed_out=False, is_left=False)
        if ended.code in _NOT_STARTED and (complaint := _complaint(streams)):
            raise _not_started(command, complaint)
        return _result(streams, ended.code, timed_out=False, is_left=False)

    async def _end(self, where: Place, streams: _Streams) -> bool:
        if streams.cookie is None:
            return True
        if streams.began is None:  # it may be about to start: what cannot be found yet cannot be ended
            with suppress(TimeoutError):
                await asyncio.wait_for(streams.has_begun.wait(), _START_SECONDS)
        return await self._killing.family(where, streams.cookie, streams.began)


async def _read(execution: Execution, streams: _Streams) -> Ended:
    async for channel, data in execution.outputs():
        streams.take(channel, data)
    return execution.ended or Ended(None)


def _complaint(streams: _Streams) -> str | None:
    """What the shell says of a command that it could not become: its lines begin with its name, which is the cookie."""
    prefix = f"{streams.cookie}: "
    last = streams.err.decode(errors="replace").rstrip("\n").rpartition("\n")[2]
    return last.rpartition(": ")[2] if last.startswith(prefix) else None


def _result(streams: _Streams, code: int | None, *, timed_out: bool, is_left: bool) -> ExecResult:
    return ExecResult(
        exit_code=code,
        stdout=streams.out.decode(errors="replace"),
        stderr=streams.err.decode(errors="replace"),
        truncated=streams.is_cut,
        timed_out=timed_out,
        process_left=is_left,
    )
