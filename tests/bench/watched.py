"""`genet` with somebody beside it who looks whether its event loop still turns, and who held it when it did not.

    python -m tests.bench.watched FILE serve --port 8080

A thread hands the loop a call every few milliseconds and notes how long after the time at which it meant to the call
ran. That is independent of the server's own sampler, and never less than the truth: where C code held the interpreter,
the thread itself came late. Beside it stands what happened meanwhile:

- the process computed: the loop was blocked, by a step of its own or by a thread that held the interpreter;
- the loop's thread waited for a core: others had it, which says something about the machine and nothing about the
  server.

Each lag is a line of JSON in FILE, and so is each look of the garbage collector that took long.
"""

import asyncio
import gc
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import msgspec

from genet.cli import main
from tests.bench.machine import waited_seconds

_EVERY_SECONDS = 0.01
_NOTED_SECONDS = 0.015
_COLLECTION_SECONDS = 0.002
_DEPTH = 6


class Lag(msgspec.Struct, tag=True):
    at: float
    """When it ended; monotonic, the same clock in all processes."""
    seconds: float
    process_seconds: float
    """Processor time that all threads took meanwhile."""
    loop_seconds: float
    """Of that the loop's thread."""
    waited_seconds: float
    """How long the loop's thread waited for a core."""
    doing: tuple[str, ...]
    """Where the loop's thread was, innermost first, when it was last looked at."""

    @property
    def blocked_seconds(self) -> float:
        """What is left of it when nobody else wants the core."""
        return min(self.seconds, self.process_seconds)


class Collection(msgspec.Struct, tag=True):
    at: float
    seconds: float
    """Processor time."""
    generation: int


class Watched(asyncio.DefaultEventLoopPolicy):
    """Says which loop the program runs on."""

    def __init__(self) -> None:
        super().__init__()
        self.made = threading.Event()
        self.loop: asyncio.AbstractEventLoop

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        self.loop = super().new_event_loop()
        self.made.set()
        return self.loop


def watch(policy: Watched, output: IO[bytes]) -> None:
    policy.made.wait()
    thread = threading.main_thread()
    assert thread.ident is not None
    assert thread.native_id is not None
    clock = time.pthread_getcpuclockid(thread.ident)
    ran = threading.Event()
    ended = 0.0

    def answer() -> None:
        nonlocal ended
        ended = time.monotonic()
        ran.set()

    while True:
        began = time.monotonic()
        process, loop, waited = time.process_time(), time.clock_gettime(clock), waited_seconds(thread.native_id)
        time.sleep(_EVERY_SECONDS)
        ran.clear()
        try:
            policy.loop.call_soon_threadsafe(answer)
        except RuntimeError:
            return  # it has ended
        doing: tuple[str, ...] = ()
        while not ran.wait(_NOTED_SECONDS):
            doing = _stack(thread.ident)
        seconds = ended - began - _EVERY_SECONDS
        if seconds > _NOTED_SECONDS:
            lag = Lag(
                at=ended,
                seconds=seconds,
                process_seconds=time.process_time() - process,
                loop_seconds=time.clock_gettime(clock) - loop,
                waited_seconds=waited_seconds(thread.native_id) - waited,
                doing=doing,
            )
            _note(output, lag)


def _stack(thread: int) -> tuple[str, ...]:
    frame = sys._current_frames().get(thread)
    lines: list[str] = []
    while frame is not None and len(lines) < _DEPTH:
        lines.append(f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_qualname}:{frame.f_lineno}")
        frame = frame.f_back
    return tuple(lines)


class _Collections:
    """Notes how long the garbage collector takes."""

    def __init__(self, output: IO[bytes]) -> None:
        self._output = output
        self._began = 0.0

    def __call__(self, phase: str, info: Mapping[str, Any]) -> None:
        now = time.thread_time()
        if phase == "start":
            self._began = now
        elif now - self._began > _COLLECTION_SECONDS:
            _note(self._output, Collection(time.monotonic(), now - self._began, info["generation"]))


def _note(output: IO[bytes], what: Lag | Collection) -> None:
    output.write(msgspec.json.encode(what) + b"\n")


if __name__ == "__main__":
    chosen = Watched()
    asyncio.set_event_loop_policy(chosen)
    with Path(sys.argv[1]).open("wb", buffering=0) as file:
        gc.callbacks.append(_Collections(file))
        threading.Thread(target=watch, args=(chosen, file), daemon=True).start()
        sys.exit(main(sys.argv[2:]))
