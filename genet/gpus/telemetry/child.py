"""The server's side of its reader: starts it when it is needed, bounds it, ends it, starts it again.

Traps: a child that has been killed leaves half a frame behind, so nothing of an ended child is ever read on; and one
that cannot live must not be started over and over, so each failure doubles the wait before the next try.
"""

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from genet.errors import Unavailable
from genet.gpus.telemetry.frames import Ask, Orders, Portion, Summary, pack, unpack

COMMAND: Final = (sys.executable, "-m", "genet.gpus.telemetry.reader")
ROUND_SECONDS: Final = 45.0
"""For the answer to one `Ask`. The reader bounds its questions itself; this is for a reader that hangs."""
MAX_BYTES: Final = 400 * 1024 * 1024
"""Resident memory beyond which the reader is killed."""

_MEMORY: Final = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "262144"}
"""glibc's allocator: one heap, and large answers outside it, so that they are given back when they have been read."""
_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 60.0
_WATCH_SECONDS: Final = 1.0
_END_SECONDS: Final = 2.0


class Reader:
    """One child process at most, started by the first question."""

    def __init__(
        self,
        orders: Orders,
        *,
        command: Sequence[str] = COMMAND,
        round_seconds: float = ROUND_SECONDS,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._orders = orders
        self._command = command
        self._round_seconds = round_seconds
        self._max_bytes = max_bytes
        self._process: Process | None = None
        self._failures = 0
        self._not_before = 0.0
        self._decoder = msgspec.msgpack.Decoder(Portion | Summary)

    @property
    def pid(self) -> int | None:
        """None: no child is running."""
        return self._process.pid if self._process is not None else None

    async def ask(self, *, everything: bool, take: Callable[[Portion], None]) -> Summary:
        """One round; only one at a time.

        Args:
            everything: whether hosts of which nothing is new are told as well. A child that has just been started
                tells everything anyway.
            take: given each portion as it comes; what was taken before a failure stays true.

        Raises:
            Unavailable: the child did not answer; it has been ended and will be started again.
        """
        loop = asyncio.get_running_loop()
        if loop.time() < self._not_before:
            raise Unavailable("the reader of Prometheus is about to be started again")
        watch: asyncio.Task[None] | None = None
        try:
            async with asyncio.timeout(self._round_seconds):
                process = self._process or await self._start()
                watch = asyncio.create_task(self._watch(process))
                summary = await self._round(process, Ask(everything), take)
        except TimeoutError as error:
            await self._give_up()
            raise Unavailable(f"the reader of Prometheus did not answer within {self._round_seconds:g} s") from error
        except (EOFError, ConnectionError) as error:
            is_fat = watch is not None and watch.done()
            await self._give_up()
            why = f"grew beyond {self._max_bytes >> 20} MiB" if is_fat else "ended unexpectedly"
            raise Unavailable(f"the reader of Prometheus {why}") from error
        except (ValueError, OSError) as error:
            await self._give_up()
            raise Unavailable("the reader of Prometheus does not work") from error
        except BaseException:
            await self.close()  # half an answer is on its way: nothing can be asked of this child any more
            raise
        finally:
            if watch is not None:
                watch.cancel()
        self._failures = 0
        return summary

    async def close(self) -> None:
        """End the child. Can be called twice; the next question starts another."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None  # noqa: S101 # asked for at the start
        process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _END_SECONDS)
        if process.returncode is None:
            process.kill()
            await process.wait()

    async def _start(self) -> Process:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=PIPE,
            stdout=PIPE,
            env={**os.environ, **_MEMORY},
            # ctrl-C goes to the whole terminal group; the reader ends when its input does
            start_new_session=True,
        )
        self._process = process
        await _say(process, self._orders)
        return process

    async def _round(self, process: Process, ask: Ask, take: Callable[[Portion], None]) -> Summary:
        assert process.stdout is not None  # noqa: S101 # asked for at the start
        await _say(process, ask)
        while True:
            frame: Portion | Summary = await unpack(process.stdout, self._decoder)
            if isinstance(frame, Summary):
                return frame
            take(frame)
            await asyncio.sleep(0)  # others' turn: a round may be a hundred portions

    async def _watch(self, process: Process) -> None:
        """Ends, and the child with it, when that has grown too large."""
        while _resident_bytes(process.pid) <= self._max_bytes:  # noqa: ASYNC110  # memory tells nobody that it grows
            await asyncio.sleep(_WATCH_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            process.kill()

    async def _give_up(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        await self.close()
        pause = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**self._failures)
        self._failures += 1
        self._not_before = asyncio.get_running_loop().time() + pause


async def _say(process: Process, frame: Orders | Ask) -> None:
    assert process.stdin is not None  # noqa: S101 # asked for at the start
    process.stdin.write(pack(frame))
    await process.stdin.drain()


def _resident_bytes(pid: int) -> int:
    """0 where nobody can tell: it has ended, or the system is no Linux."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0)
