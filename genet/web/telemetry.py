"""What operators see of the loop on which everything runs, and what is left out of the requests' measures."""

import asyncio
import time
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, Histogram

UNMEASURED: Final = "unmeasured"
"""Opt of handlers whose requests last for hours: in a histogram of latencies they would say nothing."""

_SAMPLE_SECONDS: Final = 0.02
_BUCKETS: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25)


class LoopLag:
    """How much later than asked for the event loop comes back: what every request waits while something blocks it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._lag = Histogram(
            "genet_event_loop_lag_seconds", "Delay of the event loop", buckets=_BUCKETS, registry=registry
        )
        self._longest = Gauge(
            "genet_event_loop_lag_longest_seconds", "Longest delay of the event loop so far", registry=registry
        )

    async def sample(self) -> None:
        """Until cancelled."""
        longest = 0.0
        while True:
            before = time.perf_counter()
            await asyncio.sleep(_SAMPLE_SECONDS)
            lag = max(0.0, time.perf_counter() - before - _SAMPLE_SECONDS)
            self._lag.observe(lag)
            if lag > longest:
                longest = lag
                self._longest.set(longest)
