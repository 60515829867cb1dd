"""The overview as the web asks for it: from memory, always, and never by listing or by waiting for Prometheus.

Changes in the caches only mark nodes; a request rebuilds what is marked, so a burst of events about one node costs one
rebuild, and events that nobody looks at cost next to nothing. A round of metrics touches nearly every node: those are
rebuilt in small portions between which the loop answers others.

What is said of the cluster is written by many hands. A node that the merge stumbles over is shown as unknown, and a
round or an event that fails is logged and followed by the next: neither ends the server.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from genet.accelerators import counts_devices
from genet.errors import Unavailable
from genet.gpus.facts import Facts
from genet.gpus.merge.inventory import Kind, NodeDevices, inventory
from genet.gpus.merge.unreadable import unreadable
from genet.gpus.overview import Audience, Availability, Form, Moment, Sources, SourceState, Summary
from genet.gpus.telemetry.feed import Feed, Rounds
from genet.gpus.unfailing import again_and_again
from genet.gpus.usage.holders import Ledger, NodeUse, node_use
from genet.gpus.wire.fleet import Devices, Fleet
from genet.gpus.wire.renderings import SLICE_SECONDS, Renderings, Representation, Variant
from genet.gpus.wire.stream import Listener, Streams
from genet.settings import GPUType

_NOT_LISTED: Final = "the GPUs of the cluster have not been listed yet"
_STALE: Final = "the Kubernetes API does not answer; what it said last is shown"
_AGAIN_SECONDS: Final = 1.0
_LOG = logging.getLogger(__name__)


class OverviewService:
    def __init__(
        self,
        facts: Facts,
        types: Sequence[GPUType],
        rounds: Rounds | None,
        *,
        refresh_seconds: float = 10.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._facts = facts
        self._types = tuple(types)
        self._refresh_seconds = refresh_seconds
        self._clock = clock
        self._feed = Feed(rounds, clock)
        self._fleet = Fleet([kind.name for kind in types])
        self._renderings = Renderings(self._fleet, self.settle, lambda: not self._facts.marked)
        self._streams = Streams(self._fleet, self._renderings, self.settle, self.moment, instance=secrets.token_hex(4))
        self._shown: dict[Variant, Representation] = {}
        self._told: Sources | None = None
        self._ledger = Ledger()
        self._is_device = counts_devices(kind.resource_name for kind in types)
        self._unreadable: set[str] = set()

    async def run(self) -> None:
        """Keep the exporters' readings fresh, and tell the streams, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(again_and_again(self._streams.run, _AGAIN_SECONDS))
            group.create_task(self._keep_fresh())

    async def _keep_fresh(self) -> None:
        """Begins when the nodes are known: before, every series would be of a node nobody has heard of."""
        await self._facts.wait_ready()
        try:
            await again_and_again(self.refresh, self._refresh_seconds)
        finally:
            await self._feed.close()

    async def refresh(self) -> None:
        """Ask Prometheus once and take in what it says; a failure is told in `sources` alone."""
        changed = set(await self._feed.refresh(self._facts.nodes.all(), self._facts.pods.all()))
        # not marked: whoever waits for one pod's node does not wait for the readings of five thousand
        await self._rebuild(changed, self._streams.gather)
        self._streams.tell_gathered()
        await self.settle()

    async def overview(self, form: Form, audience: Audience) -> Representation:
        """What this audience sees now.

        Raises:
            Unavailable: the first lists are not in yet; an empty cluster is never shown for that.
        """
        self._require_ready()
        rendering = await self._renderings.latest(form, audience)
        moment, shown = self.moment(), self._shown.get((form, audience))
        if shown is None or shown.rendering is not rendering or shown.moment != moment:
            shown = self._shown[form, audience] = Representation(rendering, moment, form)
        return shown

    async def listen(self, form: Form, audience: Audience, last_id: str | None, user: str | None = None) -> Listener:
        """A place in the stream of changes.

        Raises:
            Unavailable: as for `overview`.
            RateLimited: too many listen without login already, or too many of one user's.
        """
        self._require_ready()
        await self.settle()  # or the first to listen would see the groups come
        return self._streams.open(form, audience, last_id, user)

    def end_streams(self) -> None:
        """For good: whoever listens finds another replica."""
        self._streams.close()

    async def availability(self) -> Availability:
        """What new pods could get.

        Raises:
            Unavailable: as for `overview`.
        """
        self._require_ready()
        await self.settle()
        return self._fleet.availability(self.moment().updated_at)

    async def devices(self) -> Callable[[str, str], Devices]:
        """Tells what a node has of a resource, by their names.

        Raises:
            Unavailable: as for `overview`.
        """
        self._require_ready()
        await self.settle()
        return self._fleet.devices

    async def summary(self) -> Summary:
        """How many devices of which type are in what state.

        Raises:
            Unavailable: as for `overview`.
        """
        self._require_ready()
        await self.settle()
        return self._fleet.summary()

    async def settle(self) -> None:
        """Bring the fleet up to what is known; readings of a round still being taken in come when they come."""
        await self._rebuild(self._facts.marked, self._streams.changed)
        told = self.moment().sources.timeless()
        if told != self._told:
            self._told = told
            self._fleet.touch()

    def moment(self) -> Moment:
        """What can be seen now. Fresh content is good for now; stale content for when it was last fresh."""
        kubernetes = self._kubernetes()
        sources = Sources(kubernetes=kubernetes, prometheus=self._feed.source, dra=self._facts.dra(self._clock()))
        return Moment(kubernetes.checked_at or self._now(), sources)

    async def ledger(self) -> Ledger:
        """Who holds what, of all nodes, now.

        Raises:
            Unavailable: as for `overview`.
        """
        self._require_ready()
        await self.settle()
        return self._ledger

    def _require_ready(self) -> None:
        if not self._facts.is_ready:
            raise Unavailable(_NOT_LISTED)

    def _kubernetes(self) -> SourceState:
        states = (self._facts.nodes.staleness(), self._facts.pods.staleness())
        if not any(state.stale for state in states):
            return SourceState(state="ok", message=self._facts.remark, checked_at=self._now())
        age = timedelta(seconds=max(state.age_seconds for state in states))
        return SourceState(state="stale", message=_STALE, checked_at=_second(self._clock() - age))

    def _now(self) -> datetime:
        return _second(self._clock())

    async def _rebuild(self, names: set[str], changed: Callable[[str, frozenset[Audience]], None]) -> None:
        """Merge these nodes anew, in slices between which the loop does other things, until none is left."""
        until = time.perf_counter() + SLICE_SECONDS
        while names:
            name = names.pop()
            devices, use = self._merged(name)
            if audiences := self._fleet.put(name, devices):
                changed(name, audiences)
            self._ledger.put(name, use)
            if time.perf_counter() > until:
                await asyncio.sleep(0)
                until = time.perf_counter() + SLICE_SECONDS

    def _merged(self, name: str) -> tuple[dict[Kind, NodeDevices], NodeUse]:
        try:
            facts = self._facts.of(name, self._feed.of(name))
            devices = inventory(facts, self._types) if facts else {}
            use = node_use(devices, facts.pods if facts else (), self._is_device)
        except Exception:  # noqa: BLE001  # whatever it is, it concerns this one alone
            if name not in self._unreadable:  # once: it may be merged many times a second
                self._unreadable.add(name)
                _LOG.exception("what is said of a node cannot be merged", extra={"node": name})
            node = self._facts.nodes.get(name)
            devices = unreadable(node, self._types) if node else {}
            return devices, node_use(devices, (), self._is_device)
        self._unreadable.discard(name)
        return devices, use


def _second(moment: datetime) -> datetime:
    """Times of the overview are whole seconds, so that requests within one share its representation."""
    return moment.replace(microsecond=0)
