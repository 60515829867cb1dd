"""One round of questions to Prometheus, and what of the answers is new since the round before.

The number of questions is fixed, whatever the size of the cluster: one for each of DCGM's metrics, because all of them
at once would be a hundred megabytes where there are 40,000 cards, and one for each other exporter. An answer is
decoded, taken in and dropped before the next question.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, Protocol

import msgspec
from msgspec.structs import replace

from genet.errors import Unavailable
from genet.gpus.model import Reading
from genet.gpus.telemetry.amd import Amd
from genet.gpus.telemetry.dcgm import Dcgm
from genet.gpus.telemetry.devices import Host, Rows
from genet.gpus.telemetry.frames import HostReadings, Portion, Summary
from genet.gpus.telemetry.hami import Hami
from genet.gpus.telemetry.idle import WINDOW_SECONDS, Idle, expressions
from genet.gpus.telemetry.npu import Npu
from genet.prometheus import Prometheus, Sample

ROUND_SECONDS: Final = 30.0
_PATIENCE: Final = 2
"""Questions in a row that fail before the rest is not asked: each of them may take its whole time."""
_PORTION: Final = 50
"""Hosts told at once."""
_MOST_DEVICES: Final = 512
"""Of one host, parts of cards among them; no node has so many."""
_MOST_BYTES: Final = 4096
"""Of one reading, or of one host's clues; a real one has some hundred."""


class Exporter(Protocol):
    """One round of one exporter's series."""

    @property
    def name(self) -> str: ...
    @property
    def labels(self) -> type[Any]: ...
    @property
    def queries(self) -> Mapping[str, str]:
        """PromQL, by what is missing when there is no answer."""

    @property
    def busy(self) -> Iterable[str]:
        """Comparisons that hold while a device is at work; see `idle.expressions`."""

    @property
    def rows(self) -> Rows[Any]: ...
    def take(self, samples: Iterable[Sample[Any]]) -> None:
        """Take in the answer to one of the queries."""

    def identity(self, labels: Any) -> tuple[str, str]:
        """The card and the part of it that a series speaks of."""

    def readings(self, now: float) -> Iterator[tuple[Host, list[Reading]]]:
        """All devices, each host once."""


EXPORTERS: Final[tuple[Callable[[], Exporter], ...]] = (Dcgm, Hami, Amd, Npu)


class Rounds:
    """Asks, and remembers what it told last."""

    def __init__(self, prometheus: Prometheus, idle: Idle, clock: Callable[[], float]) -> None:
        self._prometheus = prometheus
        self._idle = idle
        self._clock = clock
        self._told: dict[Host, int] = {}
        """The readings told last, as a hash."""
        self.seen: set[str] = set()
        """Exporters that spoke of devices."""
        self.first = asyncio.Event()
        """Set when some did."""
        self._unusable = 0
        """Devices of this round that are not told, as nothing real is described like that."""

    async def ask(self, *, everything: bool) -> AsyncIterator[Portion | Summary]:
        """One round: portions, then the summary.

        Args:
            everything: whether hosts of which nothing is new are told as well.
        """
        exporters = [make() for make in EXPORTERS]
        self._unusable = 0
        missing = await self._gather(exporters)
        devices = sum(exporter.rows.devices for exporter in exporters)
        if missing and not devices:
            yield Summary(error=missing[0][1])
            return
        if everything:
            self._told.clear()
        is_complete = not self._told
        unmeasured = 0
        hosts: set[Host] = set()
        fresh = self._fresh(exporters, hosts)
        while portion := tuple(islice(fresh, _PORTION)):
            unmeasured += sum(count for _, count in portion)
            yield Portion(hosts=tuple(told for told, _ in portion if told is not None))
        gone = tuple(self._told.keys() - hosts)
        for host in gone:
            del self._told[host]
        if gone:
            yield Portion(gone=gone)
        self._idle.forget(self._clock())
        if devices:
            self.first.set()
        yield Summary(
            is_complete=is_complete,
            missing=tuple(missing),
            devices=devices,
            nameless=sum(exporter.rows.nameless for exporter in exporters) + self._unusable,
            not_numbers=sum(exporter.rows.not_numbers for exporter in exporters),
            unmeasured=unmeasured,
        )

    async def _gather(self, exporters: Iterable[Exporter]) -> list[tuple[str, str]]:
        """Ask everything; returns what is missing, and why."""
        missing: list[tuple[str, str]] = []
        failures = 0
        questions = [(exporter, *query) for exporter in exporters for query in exporter.queries.items()]
        try:
            async with asyncio.timeout(ROUND_SECONDS):
                for exporter, what, promql in questions:
                    if failures == _PATIENCE:
                        missing.append((what, "it was not asked for any more"))
                        continue
                    try:
                        exporter.take(await self._prometheus.scan(promql, exporter.labels))
                        failures = 0
                    except Unavailable as error:
                        missing.append((what, error.detail))
                        failures += 1
        except TimeoutError:
            missing.append(("some of the metrics", f"Prometheus took more than {ROUND_SECONDS:g} s for all of them"))
        return missing

    def _fresh(self, exporters: Iterable[Exporter], hosts: set[Host]) -> Iterator[tuple[HostReadings | None, int]]:
        """Each host's readings if they are new, and of how many of its devices the utilization is not known."""
        now = self._clock()
        for exporter in exporters:
            if exporter.rows.devices:
                self.seen.add(exporter.name)
            for host, found in exporter.readings(now):
                found.sort(key=lambda reading: (reading.index, reading.instance or ""))
                readings = [self._with_idle(exporter.name, reading, now) for reading in found]
                encoded = self._encoded(host, readings)
                if encoded is None:
                    continue
                hosts.add(host)
                digest = hash(encoded)
                is_new = self._told.get(host) != digest
                self._told[host] = digest
                yield HostReadings(host, encoded) if is_new else None, sum(map(_is_unmeasured, readings))

    def _encoded(self, host: Host, readings: Sequence[Reading]) -> bytes | None:
        """The host's readings, without what nothing real could be; None: none of them is left."""
        usable = readings if _small(host) else ()
        told = [encoded for encoded in map(_small, usable) if encoded is not None][:_MOST_DEVICES]
        self._unusable += len(readings) - len(told)
        return msgspec.msgpack.encode(told) if told else None

    def _with_idle(self, exporter: str, reading: Reading, now: float) -> Reading:
        key = (exporter, reading.uuid, reading.instance or "")
        since = self._idle.since(key, reading.utilization, reading.idle_since, now)
        return reading if since == reading.idle_since else replace(reading, idle_since=since)


async def look_back(prometheus: Prometheus, idle: Idle, exporters: Iterable[str], now: float) -> None:
    """Ask Prometheus when the devices of these exporters were last at work.

    Raises:
        Unavailable: it could not be learned.
    """
    for make in EXPORTERS:
        exporter = make()
        if exporter.name not in exporters or not exporter.busy:
            continue
        at_work: dict[tuple[str, str], float] = {}
        for promql in expressions(exporter.busy, idle.percent):
            for sample in await prometheus.scan(promql, exporter.labels):
                identity = exporter.identity(sample.labels)
                at_work[identity] = max(sample.value, at_work.get(identity, 0.0))
        idle.look_back(exporter.name, at_work, now - WINDOW_SECONDS)


def _small(told: Reading | Host) -> msgspec.Raw | None:
    """Encoded; None: too long, or of letters that cannot be."""
    try:
        encoded = msgspec.msgpack.encode(told)
    except ValueError:
        return None
    return msgspec.Raw(encoded) if len(encoded) <= _MOST_BYTES else None


def _is_unmeasured(reading: Reading) -> bool:
    """AMD's partitions have no utilization, and a card that is broken need not have any."""
    is_partition = reading.vendor == "amd" and reading.instance is not None
    is_known = reading.memory_used is not None and reading.fault is None and not is_partition
    return is_known and reading.utilization is None
