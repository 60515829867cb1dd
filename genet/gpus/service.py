"""The overview as the web asks for it: from memory, always, and never by listing or by waiting for Prometheus.

Changes in the caches only mark nodes; a request rebuilds what is marked, so a burst of events about one node costs one
rebuild, and events that nobody looks at cost next to nothing. A round of metrics touches nearly every node: `run`
rebuilds those in small portions between which the loop answers others.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from genet.accelerators import counts_devices
from genet.errors import Unavailable
from genet.gpus.facts import Facts
from genet.gpus.feed import Feed
from genet.gpus.fleet import Fleet, Representation
from genet.gpus.holders import Ledger, node_use
from genet.gpus.inventory import inventory
from genet.gpus.metrics import Locator
from genet.gpus.overview import Audience, Sources, SourceState
from genet.prometheus import Prometheus
from genet.settings import GPUType

_PORTION: Final = 50
_NOT_LISTED: Final = "the GPUs of the cluster have not been listed yet"
_STALE: Final = "the Kubernetes API does not answer; what it said last is shown"


class OverviewService:
    def __init__(
        self,
        facts: Facts,
        types: Sequence[GPUType],
        prometheus: Prometheus | None,
        *,
        refresh_seconds: float = 10.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._facts = facts
        self._types = tuple(types)
        self._refresh_seconds = refresh_seconds
        self._clock = clock
        self._feed = Feed(prometheus, clock)
        self._fleet = Fleet([kind.name for kind in types])
        self._ledger = Ledger()
        self._is_device = counts_devices(kind.resource_name for kind in types)

    async def run(self) -> None:
        """Keep the exporters' readings fresh until cancelled.

        Begins when the nodes are known: before, every series would be of a node nobody has heard of.
        """
        await self._facts.wait_ready()
        while True:
            await self.refresh()
            await asyncio.sleep(self._refresh_seconds)

    async def refresh(self) -> None:
        """Ask Prometheus once and take in what it says; a failure is told in `sources` alone."""
        changed = await self._feed.refresh(Locator(self._facts.nodes.all(), self._facts.pods.all()))
        waiting = iter(changed)
        while portion := tuple(islice(waiting, _PORTION)):
            self._facts.marked.update(portion)
            self._rebuild()
            await asyncio.sleep(0)

    def overview(self, audience: Audience) -> Representation:
        """What this audience sees now.

        Raises:
            Unavailable: the first lists are not in yet; an empty cluster is never shown for that.
        """
        if not self._facts.is_ready:
            raise Unavailable(_NOT_LISTED)
        self._rebuild()
        kubernetes = self._kubernetes()
        sources = Sources(kubernetes=kubernetes, prometheus=self._feed.source, dra=self._facts.dra(self._clock()))
        updated_at = kubernetes.checked_at or self._now()
        return self._fleet.render(audience, sources, updated_at, prometheus_enabled=self._feed.is_on)

    def ledger(self) -> Ledger:
        """Who holds what, of all nodes, now.

        Raises:
            Unavailable: as for `overview`.
        """
        if not self._facts.is_ready:
            raise Unavailable(_NOT_LISTED)
        self._rebuild()
        return self._ledger

    def _kubernetes(self) -> SourceState:
        """Fresh content is good for now; stale content for when it was last fresh."""
        states = (self._facts.nodes.staleness(), self._facts.pods.staleness())
        if not any(state.stale for state in states):
            return SourceState(state="ok", message=self._facts.remark, checked_at=self._now())
        age = timedelta(seconds=max(state.age_seconds for state in states))
        return SourceState(state="stale", message=_STALE, checked_at=_second(self._clock() - age))

    def _now(self) -> datetime:
        return _second(self._clock())

    def _rebuild(self) -> None:
        for name in self._facts.marked:
            facts = self._facts.of(name, self._feed.of(name))
            devices = inventory(facts, self._types) if facts else {}
            self._fleet.put(name, devices)
            self._ledger.put(name, node_use(devices, facts.pods if facts else (), self._is_device))
        self._facts.marked.clear()


def _second(moment: datetime) -> datetime:
    """Times of the overview are whole seconds, so that requests within one share its representation."""
    return moment.replace(microsecond=0)
