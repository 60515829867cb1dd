"""Processes of a container: numbers, descent, sessions, signals, and the files of /proc that tell of them.

As in Linux a process that ends leaves its children behind, which the first process adopts; all of them end with that.
"""

import asyncio
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

HUP, INT, KILL, TERM, CONT = 1, 2, 9, 15, 18
SIGNALS: Final = {"HUP": HUP, "INT": INT, "KILL": KILL, "TERM": TERM, "CONT": CONT}
_FIRST: Final = 1
_FILE = re.compile(r"/proc/(\d+)/(stat|environ|cmdline)")
_GLOB = re.compile(r"/proc/\[0-9\]\*/(\w+)")


class Process:
    """Made by `Processes.new`, which knows it until it ends."""

    def __init__(  # noqa: PLR0917 - what a process is born with
        self, table: "Processes", pid: int, parent: int, session: int, argv: Sequence[str], env: Mapping[str, str]
    ) -> None:
        self.pid = pid
        self.parent = parent
        self.session = session
        self.argv = list(argv)
        self.env = dict(env)
        """As it was when its program began."""
        self.ignores: set[int] = set()
        self.began = table.ticks()
        self._table = table
        self._task: asyncio.Task[int] | None = None
        self._signal = 0

    def start(self, work: Coroutine[Any, Any, int]) -> None:
        self._task = asyncio.create_task(work)
        self._task.add_done_callback(self._ended)

    async def wait(self) -> int:
        """Its exit code, 128 and a signal's number if that ended it; whoever waits may stop doing so."""
        if self._task is None:
            return 0
        await asyncio.wait({self._task})
        return 128 + self._signal if self._task.cancelled() else self._task.result()

    def signal(self, number: int) -> None:
        if number == CONT or (number in self.ignores and number != KILL):
            return
        self._signal = number
        if self._task:
            self._task.cancel()

    def file(self, name: str) -> bytes:
        if name == "environ":
            return b"".join(f"{key}={value}\0".encode() for key, value in self.env.items())
        if name == "cmdline":
            return b"".join(f"{word}\0".encode() for word in self.argv)
        ignored = sum(1 << (number - 1) for number in self.ignores)
        comm = self.argv[0].rpartition("/")[2] if self.argv else "?"
        fields = [self.parent, self.session, self.session, *[0] * 15, self.began, *[0] * 10, ignored, *[0] * 19]
        return f"{self.pid} ({comm[:15]}) S {' '.join(map(str, fields))}\n".encode()

    def _ended(self, task: asyncio.Task[int]) -> None:
        self._table.ended(self)
        if not task.cancelled():
            task.exception()  # is for whoever waits


class Processes:
    """Those of one container."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._by_pid: dict[int, Process] = {}
        self._next = _FIRST

    def new(self, argv: Sequence[str], env: Mapping[str, str], parent: Process | None, *, leads: bool) -> Process:
        """`leads`: a session of its own, as everything has that comes into the container from outside."""
        pid, self._next = self._next, self._next + 1
        session = parent.session if parent and not leads else pid
        process = Process(self, pid, parent.pid if parent else 0, session, argv, env)
        process.ignores |= parent.ignores if parent else set()
        self._by_pid[pid] = process
        return process

    def kill(self, pid: int, number: int) -> bool:
        """Whether there is such a process. The first hears nothing from inside that it does not want to hear."""
        process = self._by_pid.get(pid)
        if process is not None and pid != _FIRST:
            process.signal(number)
        return process is not None

    def ended(self, process: Process) -> None:
        self._by_pid.pop(process.pid, None)
        for other in self._by_pid.values():
            if other.parent == process.pid:
                other.parent = _FIRST

    def end_all(self) -> None:
        for process in list(self._by_pid.values()):
            process.signal(KILL)
        self._by_pid.clear()

    def ticks(self) -> int:
        return int(self._clock().timestamp() * 100)

    def matching(self, pattern: str) -> list[str] | None:
        """Files of /proc that a pattern of a shell stands for; None: it is none."""
        found = _GLOB.fullmatch(pattern)
        return [f"/proc/{pid}/{found[1]}" for pid in sorted(self._by_pid)] if found else None

    def read(self, path: str) -> bytes | None:
        found = _FILE.fullmatch(path)
        process = self._by_pid.get(int(found[1])) if found else None
        return process.file(found[2]) if found and process else None

    def command_lines(self) -> list[str]:
        return [" ".join(self._by_pid[pid].argv) for pid in sorted(self._by_pid)]
