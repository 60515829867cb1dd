"""The exporters' readings by node, refreshed round by round, and what can be said of that source.

Readings outlive a failed round for a while, marked stale: one late answer must not turn the heatmap grey. After that
they are dropped, because old utilization shown as present is worse than none. A value that a round could not learn is
unknown at once.

Readings stay encoded until somebody looks at their node: all of them decoded would be a third of the server's memory.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol

import msgspec

from genet import accelerators
from genet.errors import Unavailable
from genet.gpus.model import Reading
from genet.gpus.overview import SourceState, State
from genet.gpus.telemetry.devices import Host
from genet.gpus.telemetry.frames import Portion, Summary
from genet.gpus.telemetry.join import joined
from genet.gpus.telemetry.locate import places
from genet.kube.objects import Node, Pod

KEPT: Final = timedelta(seconds=60)
"""How long readings are shown after the last round that worked."""

_OFF: Final = SourceState(state="off", message=None, checked_at=None)
_MEASURED: Final = ("nvidia", "amd", "ascend")
"""Vendors whose exporters are known."""
_CARDS: Final = "nvidia.com/gpu.count"
"""GPU feature discovery's label, the only one that counts cards and not what they are shared into."""
_OF_NVIDIA: Final = ("dcgm", "hami")
_SMALL_ARRAY, _MEDIUM_ARRAY = 0x90, 0xDC
_LOG = logging.getLogger(__name__)


class Rounds(Protocol):
    """Who asks Prometheus: `telemetry.child.Reader`."""

    async def ask(self, *, everything: bool, take: Callable[[Portion], None]) -> Summary: ...
    async def close(self) -> None: ...


class Feed:
    """Holds the latest readings of each node."""

    def __init__(self, rounds: Rounds | None, clock: Callable[[], datetime]) -> None:
        self._rounds = rounds
        self._clock = clock
        self._readings: dict[Host, bytes] = {}
        self._places: Mapping[Host, str] = {}
        self._by_node: Mapping[str, Collection[Host]] = {}
        self._decoder = msgspec.msgpack.Decoder(tuple[Reading, ...])
        self._fresh_at: datetime | None = None
        self._one_at_a_time = asyncio.Lock()  # what a round tells is the difference to the one before
        self._source = _OFF
        if rounds is not None:
            self._source = SourceState(state="unavailable", message="not asked yet", checked_at=None)

    @property
    def source(self) -> SourceState:
        return self._source

    @property
    def is_on(self) -> bool:
        return self._rounds is not None

    def of(self, node: str) -> tuple[Reading, ...]:
        hosts = self._by_node.get(node, ())
        return joined(reading for host in hosts for reading in self._decoder.decode(self._readings[host]))

    async def refresh(self, nodes: Collection[Node], pods: Iterable[Pod]) -> frozenset[str]:
        """One round of questions; never fails for Prometheus' sake.

        Returns:
            The nodes of which something else is known than before.
        """
        if self._rounds is None:
            return frozenset()
        async with self._one_at_a_time:
            return await self._refresh(self._rounds, nodes, pods)

    async def close(self) -> None:
        if self._rounds is not None:
            await self._rounds.close()

    async def _refresh(self, rounds: Rounds, nodes: Collection[Node], pods: Iterable[Pod]) -> frozenset[str]:
        told = _Told()
        try:
            summary = await rounds.ask(everything=not self._readings, take=told.take)
        except Unavailable as error:
            return self._fail(error.detail)
        if summary.error is not None:
            return self._fail(summary.error)
        readings = told.readings if summary.is_complete else self._readings | told.readings
        for host in told.gone:
            readings.pop(host, None)
        changed = await self._replace(readings, nodes, pods)
        self._fresh_at = self._clock()
        homeless = len(readings) > len(self._places)
        await asyncio.sleep(0)  # each of these steps looks at every node: others have their turn between them
        silent = _silent(nodes, self._by_node)
        await asyncio.sleep(0)
        partly = self._unmeasured(nodes)
        await asyncio.sleep(0)
        self._tell("ok", _remark(summary, is_homeless=homeless, silent=silent, partly=partly))
        return changed

    async def _replace(self, readings: dict[Host, bytes], nodes: Iterable[Node], pods: Iterable[Pod]) -> frozenset[str]:
        before, were = self._readings, self._places
        now = await places(readings, nodes, pods)
        by_node: dict[str, list[Host]] = {}
        for host, place in now.items():
            by_node.setdefault(place, []).append(host)
        for hosts in by_node.values():
            hosts.sort()
        await asyncio.sleep(0)
        self._readings, self._places, self._by_node = readings, now, by_node
        changed = set[str]()
        for host in before.keys() | readings.keys():
            there, then = now.get(host), were.get(host)
            if there != then or before.get(host) != readings.get(host):
                changed.update(filter(None, (there, then)))
        return frozenset(changed)

    def _unmeasured(self, nodes: Iterable[Node]) -> int:
        """Cards that no exporter speaks of, although it speaks of others of their node."""
        missing = 0
        for node in nodes:
            counted, hosts = node.metadata.labels.get(_CARDS, ""), self._by_node.get(node.metadata.name, ())
            if not counted.isdecimal() or not _is_ready(node):
                continue
            by_exporter = dict.fromkeys(_OF_NVIDIA, 0)
            for host in hosts:
                if host.exporter in by_exporter:
                    by_exporter[host.exporter] += _length(self._readings[host])
            described = max(by_exporter.values())
            missing += max(0, int(counted) - described) if described else 0
        return missing

    def _fail(self, message: str) -> frozenset[str]:
        if self._fresh_at is not None and self._clock() - self._fresh_at < KEPT:
            self._tell("stale", message)
            return frozenset()
        forgotten = frozenset(self._by_node)
        self._readings, self._places, self._by_node = {}, {}, {}
        self._tell("unavailable", message)
        return forgotten

    def _tell(self, state: State, message: str | None) -> None:
        told = SourceState(state=state, message=message, checked_at=self._clock().replace(microsecond=0))
        if (told.state, told.message) != (self._source.state, self._source.message):
            _LOG.log(logging.INFO if state == "ok" else logging.WARNING, "Prometheus is %s: %s", state, message)
        self._source = told


class _Told:
    """What one round brings."""

    def __init__(self) -> None:
        self.readings: dict[Host, bytes] = {}
        self.gone: list[Host] = []

    def take(self, portion: Portion) -> None:
        self.readings.update({told.host: told.readings for told in portion.hosts})
        self.gone.extend(portion.gone)


def _silent(nodes: Iterable[Node], spoken_of: Collection[str]) -> int:
    """Nodes with devices of which no exporter says anything, although they are in order."""
    is_measured: dict[str, bool] = {}
    silent = 0
    for node in nodes:
        for resource, amount in node.status.capacity.items():
            if resource not in is_measured:
                vendor = accelerators.vendor_of(resource)
                is_measured[resource] = vendor is not None and vendor.name in _MEASURED
            if is_measured[resource] and amount != "0":
                silent += node.metadata.name not in spoken_of and _is_ready(node)
                break
    return silent


def _is_ready(node: Node) -> bool:
    return any(condition.type == "Ready" and condition.status == "True" for condition in node.status.conditions)


def _length(array: bytes) -> int:
    """Of a msgpack array, without decoding it."""
    kind = array[0]
    if kind < _MEDIUM_ARRAY:
        return kind - _SMALL_ARRAY
    return int.from_bytes(array[1 : 3 if kind == _MEDIUM_ARRAY else 5])


def _remark(summary: Summary, *, is_homeless: bool, silent: int, partly: int) -> str | None:
    """What is wrong with an answer that came; numbers only where they are all there is to say."""
    remarks = []
    if summary.missing:
        (what, why), *more = summary.missing
        others = f" and {len(more)} more" if more else ""
        remarks.append(f"nothing is known of {what}{others}: {why}")
    elif not summary.devices:
        remarks.append("Prometheus has no metrics of GPUs")
    if is_homeless or summary.nameless:
        remarks.append("some series name no GPU of a node of this cluster")
    if summary.not_numbers:
        remarks.append("some values are not numbers")
    if summary.unmeasured:
        remarks.append("some GPUs have no utilization")
    if silent and summary.devices:
        remarks.append(f"nothing is measured on {silent} {'nodes' if silent > 1 else 'node'} with GPUs")
    if partly:
        remarks.append(f"nothing is measured on {partly} {'GPUs' if partly > 1 else 'GPU'} of nodes whose others are")
    return "; ".join(remarks) or None
