"""What runs inside containers: their output, and what `exec` finds there.

Commands decide behaviour. The small shell (shell.py) runs what it knows; `tail /dev/zero` is killed for its memory;
`python`, `torchrun` and `deepspeed` print a training log that is a function of time, so that 50,000 running pods cost
nothing until somebody reads one; `nerdctl` saves other containers as images (nerdctl.py); any other program, and an
image's own entry point, runs silently until it is stopped.
On TERM a main process ends at once, unless its script says `trap '' TERM`: then it takes the whole grace period.
"""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from genet.simulation.devices import Devices
from genet.simulation.nerdctl import Nerdctl
from genet.simulation.pod_status import all_containers
from genet.simulation.processes import Processes
from genet.simulation.shell import FOREVER, Machine, Shell, Write
from genet.simulation.tty import Screen, Tty

Obj = dict[str, Any]
Line = tuple[datetime, str]

_KEPT_LINES: Final = 10_000
_TRAINING: Final = ("python", "python3", "torchrun", "deepspeed")
_STEP_SECONDS: Final = 20
_STEPS_REMEMBERED: Final = 500
_POLL_SECONDS: Final = 0.2
_WITHOUT_SHELL: Final = ("distroless", "noshell")
"""In the name of an image."""


class Containers:
    def __init__(
        self,
        clock: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]],
        devices: Devices,
        nerdctl: Nerdctl,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._devices = devices
        self._nerdctl = nerdctl
        self._lives: dict[tuple[str, str], list[_Life]] = {}

    def logs(self, pod: Obj, container: str, *, previous: bool) -> list[Line]:
        """The lines so far of the container's present life, or of the one before it."""
        lives = self._lives_of(pod, container)
        index = -2 if previous else -1
        return lives[index].read(self._clock()) if len(lives) >= -index else []

    async def follow(self, pod: Obj, container: str) -> AsyncIterator[Line]:
        """The lines so far, then new ones as they come, until the container ends."""
        lives = self._lives_of(pod, container)
        if not lives:
            return
        life, seen = lives[-1], 0
        while True:
            ended = life.ended
            lines = life.read(self._clock())
            new, seen = life.written - seen, life.written
            for line in lines[max(0, len(lines) - new) :]:
                yield line
            if ended:
                return
            await self._sleep(_POLL_SECONDS)

    async def exec(  # noqa: PLR0917 - the three streams belong together
        self,
        pod: Obj,
        container: str,
        command: Sequence[str],
        stdin: AsyncIterator[bytes] | None,
        screen: Screen | None,
        write_out: Write,
        write_err: Write,
    ) -> int:
        """Runs a command beside the main process; its exit code. It goes on when nobody waits any more.

        Raises:
            CannotStart: there is no such program.
        """
        machine = self._machine(pod, container)
        if screen is None:
            return await Shell(machine, write_out, write_err, stdin=stdin).run(command)
        tty = Tty(screen, write_out)
        feeding = asyncio.create_task(_feed(tty, stdin))
        try:
            return await Shell(machine, tty.write, tty.write, stdin=tty, tty=tty).run(command)
        finally:
            feeding.cancel()

    async def run(self, pod: Obj, container: Obj) -> int:
        """A container's main process, from its start to its end; raises OutOfMemory."""

        async def write(data: bytes) -> None:
            life.write(data.decode(errors="replace"), self._clock())

        async def serve(program: Sequence[str]) -> int:
            name = program[0].rpartition("/")[2]
            if name == "nerdctl":
                return await self._nerdctl.run(pod, container, program[1:], write)
            if name in _TRAINING:
                life.train(pod["metadata"]["name"], self._clock())
            await self._sleep(FOREVER)
            return 0

        life = _Life(Processes(self._clock))
        life.shell = shell = Shell(self._machine(pod, container["name"], life), write, write, unknown=serve)
        lives = self._lives.setdefault((pod["metadata"]["uid"], container["name"]), [])
        lives[:] = [*lives[-1:], life]
        argv = [*(container.get("command") or ()), *(container.get("args") or ())]
        try:
            return await shell.run(argv or ["entrypoint"])
        finally:
            life.end(self._clock())
            life.processes.end_all()

    def ignores_term(self, pod: Obj) -> bool:
        """Whether a main process of the pod has asked not to hear TERM."""
        lives = [self._lives.get((pod["metadata"]["uid"], item["name"])) for item in all_containers(pod["spec"])]
        shells = [life[-1].shell for life in lives if life]
        return any(shell.ignores_term for shell in shells if shell)

    def command_lines(self, pod: Obj, container: str) -> list[str]:
        """Of all processes that the container has now."""
        return [line for life in self._lives_of(pod, container)[-1:] for line in life.processes.command_lines()]

    def forget(self, pod: Obj) -> None:
        for container in all_containers(pod["spec"]):
            for life in self._lives.pop((pod["metadata"]["uid"], container["name"]), ()):
                life.processes.end_all()

    def close(self) -> None:
        """End all processes there are."""
        for lives in self._lives.values():
            for life in lives:
                life.processes.end_all()

    def _lives_of(self, pod: Obj, container: str) -> list["_Life"]:
        """A container that ran before anybody looked (a scenario's) gets its life now, from its status."""
        lives = self._lives.setdefault((pod["metadata"]["uid"], container), [])
        statuses = pod.get("status", {}).get("containerStatuses", ())
        running = next((item["state"].get("running") for item in statuses if item["name"] == container), None)
        if running and not lives:
            lives.append(life := _Life(Processes(self._clock)))
            life.processes.new(_spec(pod, container).get("command") or ["entrypoint"], {}, None, leads=True)
            if (_spec(pod, container).get("command") or [""])[0] in _TRAINING:
                life.train(pod["metadata"]["name"], datetime.fromisoformat(running["startedAt"]))
        return lives

    def _machine(self, pod: Obj, container: str, life: "_Life | None" = None) -> Machine:
        hostname: str = pod["spec"].get("hostname") or pod["metadata"]["name"]
        declared = {item["name"]: item["value"] for item in _spec(pod, container).get("env") or () if "value" in item}
        gpus = [device.gpu for device in self._devices.of(pod, container)]
        lines = [f"GPU {index}: {gpu.model} (UUID: {gpu.uuid})" for index, gpu in enumerate(dict.fromkeys(gpus))]
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOSTNAME": hostname, "HOME": "/root", **declared}
        lives = [life] if life else self._lives_of(pod, container)
        processes = lives[-1].processes if lives else Processes(self._clock)
        has_shell = not any(word in _spec(pod, container).get("image", "") for word in _WITHOUT_SHELL)
        return Machine(hostname, env, lines, self._sleep, processes, has_shell)


class _Life:
    """One life of a container, and what it has printed."""

    def __init__(self, processes: Processes) -> None:
        self.processes = processes
        self.shell: Shell | None = None
        self.written = 0
        """Lines ever written; only the last ones are kept."""
        self.ended = False
        self._lines: deque[Line] = deque(maxlen=_KEPT_LINES)
        self._rest = ""
        self._training: tuple[str, datetime, int] | None = None

    def write(self, text: str, at: datetime) -> None:
        *whole, self._rest = (self._rest + text).split("\n")
        self._lines.extend((at, line) for line in whole)
        self.written += len(whole)

    def train(self, name: str, since: datetime) -> None:
        self._training = (name, since, 0)

    def end(self, at: datetime) -> None:
        self.read(at)
        self._training = None
        self.ended = True

    def read(self, now: datetime) -> list[Line]:
        if self._training:
            name, since, step = self._training
            last = int((now - since).total_seconds() // _STEP_SECONDS)
            for number in range(max(step, last - _STEPS_REMEMBERED) + 1, last + 1):
                self.write(_step(name, number), since + timedelta(seconds=_STEP_SECONDS * number))
            self._training = (name, since, max(step, last))
        return list(self._lines)


async def _feed(tty: Tty, stdin: AsyncIterator[bytes] | None) -> None:
    if stdin is not None:
        async for data in stdin:
            await tty.feed(data)


def _spec(pod: Obj, container: str) -> Obj:
    return next(item for item in all_containers(pod["spec"]) if item["name"] == container)


def _step(name: str, number: int) -> str:
    noise = random.Random(f"{name}/{number}").uniform(-1, 1)  # noqa: S311 - a repeatable log line
    loss = 1.8 + 9 / (1 + number / 25) ** 0.5 + 0.05 * noise
    return f"step {number * 50} loss {loss:.4f} {118 + 4 * noise:.1f} samples/s\n"
