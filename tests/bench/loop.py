"""Whether the server's event loop still turns, whatever happens."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import httpx

from genet.demo import Embedded
from tests.bench.table import Table, most
from tests.bench.world import COLUMNAR, Server

_BAR_MS = 50
_LISTING_SECONDS = 6.0


class Phase(NamedTuple):
    name: str
    began: float
    ended: float


class Phases:
    """What went on when; times are monotonic, the same clock in all processes."""

    def __init__(self) -> None:
        self._phases: list[Phase] = []

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self._phases.append(Phase(name, began, time.monotonic()))

    def report(self, table: Table, server: Server) -> None:
        table.head("the event loop after the first sync, by a thread that watches it: worst delay (upper bound)")
        began = self._phases[0].began
        lags = [lag for lag in server.lags() if lag.at > began]
        for phase in self._phases:
            inside = [lag for lag in lags if phase.began < lag.at <= phase.ended]
            whole = max((lag.seconds for lag in inside), default=0.0) * 1e3
            worst = max(inside, key=lambda lag: lag.blocked_seconds, default=None)
            blocked = worst.blocked_seconds * 1e3 if worst else 0.0
            table.row(
                phase.name,
                f"{whole:.0f} ms, blocked {blocked:.0f}",
                f"{worst.loop_seconds * 1e3:.0f} by the loop {worst.doing[0] if worst.doing else ''}" if worst else "",
                most(blocked, _BAR_MS, "ms"),
            )
        own, samples = server.slow_samples()
        others = sum(lag.seconds * 1e3 > _BAR_MS for lag in lags)
        blocked_often = sum(lag.blocked_seconds * 1e3 > _BAR_MS for lag in lags)
        table.row("delays beyond 50 ms", f"{others}, blocked {blocked_often}", f"its own sampler: {own} of {samples}")
        longest = max((found.seconds for found in server.collections() if found.at > began), default=0.0)
        table.row("longest garbage collection", f"{longest * 1e3:.0f} ms", "", most(longest * 1e3, _BAR_MS, "ms"))


def list_again(table: Table, cluster: Embedded, server: Server) -> None:
    """The API server forgets its history and drops the watches: 410, and everything is listed anew."""
    before = server.cpu()
    slowest = 0.0
    with httpx.Client(timeout=60) as client:
        for fault in ("compact", "drop"):
            client.post(f"{cluster.server}/simulation/{fault}", json={}).raise_for_status()
        end = time.monotonic() + _LISTING_SECONDS
        while time.monotonic() < end:
            began = time.monotonic()
            client.get(server.url + COLUMNAR).raise_for_status()
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.05)
    table.head("the API server has forgotten its history: everything is listed again")
    table.row(
        "slowest overview meanwhile",
        f"{slowest * 1e3:.0f} ms",
        f"{server.cpu() - before:.1f} s of the server's processor time",
    )
