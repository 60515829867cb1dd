"""Two replicas; one that is killed is started again, at the same address."""

import os
import signal
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import httpx

from tests.processes import GENET, environment, free_port, program

READY_WITHIN = 180
"""Seconds that a replica may take to start on a machine that does much else."""


class Pair:
    def __init__(self, config: Path, stack: ExitStack) -> None:
        self._config = config
        self._stack = stack
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._ports = [free_port(), free_port()]
        self.logs = [config.with_suffix(f".{number}.log") for number in range(2)]
        self._http = stack.enter_context(httpx.Client(trust_env=False, timeout=30))
        self.kills = 0
        for number in range(2):
            self.start(number)

    def url(self, number: int) -> str:
        return f"http://127.0.0.1:{self._ports[number]}"

    def start(self, number: int) -> None:
        command = [*GENET, "serve", "--config", str(self._config), "--port", str(self._ports[number])]
        running = program(command, log=self.logs[number], env=environment())
        self._processes[number] = self._stack.enter_context(running)

    def wait(self) -> None:
        """Until both are ready."""
        deadline = time.monotonic() + READY_WITHIN
        for number in range(2):
            while not self._is_ready(number):
                assert self._processes[number].poll() is None, self.logs[number].read_text()[-5000:]
                assert time.monotonic() < deadline, f"replica {number} is not ready after {READY_WITHIN} s"
                time.sleep(0.1)

    def kill(self, number: int) -> None:
        os.kill(self._processes[number].pid, signal.SIGKILL)
        self._processes[number].wait()
        self.kills += 1

    def _is_ready(self, number: int) -> bool:
        try:
            return self._http.get(f"{self.url(number)}/readyz").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False
