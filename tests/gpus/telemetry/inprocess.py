"""Rounds without the process around them, for tests of what is done with their outcome."""

import time
from collections.abc import Callable

from genet.gpus.telemetry.frames import Portion, Summary
from genet.gpus.telemetry.idle import Idle
from genet.gpus.telemetry.rounds import Rounds
from genet.prometheus import Prometheus


class InProcess:
    def __init__(self, url: str, *, clock: Callable[[], float] = time.time, timeout_seconds: float = 5.0) -> None:
        self.idle = Idle(5)
        self.rounds = Rounds(Prometheus(url, timeout_seconds=timeout_seconds), self.idle, clock)

    async def ask(self, *, everything: bool, take: Callable[[Portion], None]) -> Summary:
        async for frame in self.rounds.ask(everything=everything):
            if isinstance(frame, Summary):
                return frame
            take(frame)
        raise EOFError

    async def close(self) -> None:
        """There is nothing to end."""
