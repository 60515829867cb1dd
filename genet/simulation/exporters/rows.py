"""What all exporters have in common: one row per device and holder, for as long as that one holds it.

Labels change with the holder. Before its pod started and after it is gone a device's row is another one, without a pod
or with the next one's; so a question about a stretch of time gets a row for everybody who held the device within it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from math import inf

from genet.simulation.devices import Devices, Gpu, Partition, Use
from genet.simulation.promql import Labels, Matcher, Series

SilentSince = Callable[[str], float]
"""Unix seconds since when a node's exporters answer nobody; infinity for one that is there."""


@dataclass(frozen=True, slots=True)
class Row:
    gpu: Gpu
    partition: Partition | None
    uses: tuple[Use, ...]
    """All that touch the stretch of time."""
    holder: Use | None
    """Whom the labels name: the first, however many share the device."""
    since: float
    until: float
    has_gaps: bool = False
    """Between the two, others hold the device as well."""

    def series(self, labels: Labels, value: Callable[[float], float]) -> Series:
        since, until, gaps, uses, who = self.since, self.until, self.has_gaps, self.uses, _who(self.holder)

        def at(moment: float) -> float | None:
            if not since <= moment < until or (gaps and _who(_holder(uses, moment)) != who):
                return None
            return value(moment)

        return Series(labels, at, since, until, steady=self._quiet)

    @property
    def _quiet(self) -> bool:
        """Nothing changes on the device as long as it is held so."""
        return not self.gpu.foreign and all(
            use.idle_from <= max(self.since, use.since) or use.since >= self.until or use.until <= self.since
            for use in self.uses
        )


class Exporter:
    """One maker's, where each device and holder has one row and all labels come from it."""

    vendor: str
    metrics: Sequence[str]

    def __init__(self, devices: Devices, silent_since: SilentSince) -> None:
        self._devices = devices
        self._silent_since = silent_since

    def series(self, matchers: Sequence[Matcher], start: float, end: float) -> Iterator[Series]:
        metrics, others = chosen(self.metrics, matchers)
        for node, gpus in self._devices.by_node.items() if metrics else ():
            own = [gpu for gpu in gpus if gpu.vendor == self.vendor]
            for row in rows(self._devices, own, self._silent_since(node), start, end):
                labels = self.labels(row)
                if all(matcher.matches(labels) for matcher in others):
                    for metric in metrics:
                        if self.has(metric, row):
                            yield row.series({"__name__": metric, **labels}, partial(self.value, metric, row))

    def labels(self, row: Row) -> dict[str, str]:
        raise NotImplementedError

    def has(self, metric: str, row: Row) -> bool:
        raise NotImplementedError

    def value(self, metric: str, row: Row, at: float) -> float:
        raise NotImplementedError


def rows(devices: Devices, gpus: Iterable[Gpu], silent: float, start: float, end: float) -> Iterator[Row]:
    """Of all the devices of some cards of one node, from `start` to `end`."""
    for gpu in gpus if start < silent else ():
        for partition in gpu.partitions or (None,):
            uses = tuple(
                use
                for use in devices.uses.get(gpu.uuid, ())
                if use.device.partition == partition and use.since <= end and use.until > start
            )
            if start == end or not uses:
                yield Row(gpu, partition, uses, _holder(uses, start), -inf, silent)
                continue
            edges = {edge for use in uses for edge in (use.since, use.until) if start < edge <= end}
            spans: dict[tuple[str, ...], Row] = {}
            for since, then in pairwise([start, *sorted(edges), inf]):
                holder, until = _holder(uses, since), min(then, silent)
                row = Row(gpu, partition, uses, holder, since, until)
                if before := spans.get(_who(holder)):
                    row = replace(before, until=until, has_gaps=before.has_gaps or before.until < since)
                spans[_who(holder)] = row
            yield from spans.values()


def chosen(metrics: Sequence[str], matchers: Sequence[Matcher]) -> tuple[list[str], list[Matcher]]:
    """The metrics that are asked for, and what their labels have to be."""
    by_name = [matcher for matcher in matchers if matcher.label == "__name__"]
    others = [matcher for matcher in matchers if matcher.label != "__name__"]
    return [name for name in metrics if all(matcher.matches({"__name__": name}) for matcher in by_name)], others


def _holder(uses: Iterable[Use], at: float) -> Use | None:
    for use in uses:
        if use.held and use.since <= at < use.until:
            return use
    return None


def _who(use: Use | None) -> tuple[str, ...]:
    """A pod that was made again under its name has the same labels."""
    return (use.namespace, use.pod, use.container) if use else ()
