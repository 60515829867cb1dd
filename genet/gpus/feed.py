"""The exporters' readings, refreshed from Prometheus, and what can be said of that source.

Readings outlive a failed round for a while, marked stale: one late answer must not turn the heatmap grey. After that
they are dropped, because old utilization shown as present is worse than none.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from genet.errors import Unavailable
from genet.gpus.metrics import METRICS, Locate, read
from genet.gpus.model import Reading
from genet.gpus.overview import SourceState, State
from genet.prometheus import Prometheus, Sample

KEPT: Final = timedelta(seconds=60)
"""How long readings are shown after the last round that worked."""

_OFF: Final = SourceState(state="off", message=None, checked_at=None)
_LOG = logging.getLogger(__name__)


class Feed:
    """Holds the latest readings of each node."""

    def __init__(self, prometheus: Prometheus | None, clock: Callable[[], datetime]) -> None:
        self._prometheus = prometheus
        self._clock = clock
        self._by_node: dict[str, tuple[Reading, ...]] = {}
        self._fresh_at: datetime | None = None
        self._source = _OFF
        if prometheus is not None:
            self._source = SourceState(state="unavailable", message="not asked yet", checked_at=None)

    @property
    def source(self) -> SourceState:
        return self._source

    @property
    def is_on(self) -> bool:
        return self._prometheus is not None

    def of(self, node: str) -> tuple[Reading, ...]:
        return self._by_node.get(node, ())

    async def refresh(self, locate: Locate) -> frozenset[str]:
        """One round of questions; never fails for Prometheus' sake.

        Returns:
            The nodes of which something else is known than before.
        """
        if self._prometheus is None:
            return frozenset()
        before = self._by_node
        try:
            # One by one: an answer for all would be a hundred megabytes where there are 40,000 devices.
            samples: list[Sample[dict[str, str]]] = []
            for metric in METRICS:
                samples += await self._prometheus.query(metric)
        except Unavailable as error:
            self._fail(error.detail)
        else:
            # In a thread, since 40,000 devices have some 280,000 series: the loop must go on answering.
            found = await asyncio.to_thread(read, samples, locate)
            self._by_node = found.by_node
            self._fresh_at = self._clock()
            self._tell("ok", _remark(len(samples), found.homeless, found.not_numbers))
        touched = before.keys() | self._by_node.keys()
        return frozenset(node for node in touched if before.get(node) != self._by_node.get(node))

    def _fail(self, message: str) -> None:
        if self._fresh_at is not None and self._clock() - self._fresh_at < KEPT:
            self._tell("stale", message)
        else:
            self._by_node = {}
            self._tell("unavailable", message)

    def _tell(self, state: State, message: str | None) -> None:
        told = SourceState(state=state, message=message, checked_at=self._clock().replace(microsecond=0))
        if (told.state, told.message) != (self._source.state, self._source.message):
            _LOG.log(logging.INFO if state == "ok" else logging.WARNING, "Prometheus is %s: %s", state, message)
        self._source = told


def _remark(series: int, homeless: int, not_numbers: int) -> str | None:
    """What is wrong with an answer that came; numbers only where they are all there is to say."""
    if not series:
        return "Prometheus has no DCGM metrics"
    remarks = []
    if homeless:
        remarks.append("some series name no GPU of a node of this cluster")
    if not_numbers:
        remarks.append("some values are not numbers")
    return "; ".join(remarks) or None
