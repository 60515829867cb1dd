"""Rows of devices while a round's answers come in, metric by metric; shared by the readers of all exporters. Pure.

Traps of every exporter in Kubernetes:

- Where the scrape does not honour labels, `pod` is the exporter's own and the holder is `exported_pod`. An idle card
  has no `exported_pod` at all, so this is a property of the job, known when all its series have been seen.
- Rows may be repeated per holder, some of them per process: the device's own value is the row without a pod, else
  the largest. Never the sum.
- Whoever may have a target scraped may write what they like: a value, a number or a text without bounds must cost its
  own series, and not the round. Values that nothing can have are not known; texts are bounded in `rounds`.
"""

import math
import re
from collections.abc import Iterator, Sequence
from sys import intern
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec

from genet.gpus.model import PodKey


class Where(msgspec.Struct, gc=False):
    """The labels that any series may have and that tell on which node it was measured."""

    name: str = msgspec.field(name="__name__", default="")
    job: str = ""
    instance: str = ""
    """Address of the scraped target, with its port."""
    node: str = ""
    kubernetes_node: str = ""
    pod: str = ""
    namespace: str = ""
    exported_pod: str = ""
    exported_namespace: str = ""

    @property
    def target(self) -> str:
        """The target's host: a node's name or address, or the exporter pod's address."""
        return self.instance.rpartition(":")[0].strip("[]")

    @property
    def holders(self) -> "Holders":
        if not self.pod and not self.exported_pod:
            return _NOBODY
        return (
            (self.namespace, self.pod) if self.namespace and self.pod else None,
            (self.exported_namespace, self.exported_pod) if self.exported_namespace and self.exported_pod else None,
        )


class Host(msgspec.Struct, frozen=True, order=True, array_like=True):
    """Where an exporter's devices are, as far as labels tell: names and addresses, the best first."""

    exporter: str
    clues: tuple[str, ...]


Holders = tuple[PodKey | None, PodKey | None]
"""Whom a series names if the scrape honours labels, and if it does not."""

Labels = TypeVar("Labels", bound=Where)
Key = tuple[str, ...]

_Row = tuple[Labels, dict[Holders, list[float | None]]]
_ALIKE: Final = ("name", "job", "instance", "namespace")
"""Labels that many devices share; each text is kept once."""
_NOBODY: Final[Holders] = (None, None)
_MOST: Final = 1e15
"""More than any device has of anything, in whatever unit."""
_NUMBER: Final = re.compile(r"\d{1,4}", re.ASCII)


class Device(NamedTuple, Generic[Labels]):
    """What one exporter says of one card or one part of it."""

    labels: Labels
    """Of the first series."""
    pods: tuple[PodKey, ...]
    values: Sequence[float | None]
    """By number of the metric; None: not measured."""

    def whole(self, metric: int, unit: float = 1) -> int | None:
        value = self.values[metric]
        return None if value is None else round(value / unit)

    def percent(self, metric: int) -> int | None:
        value = self.values[metric]
        return None if value is None else min(100, round(value))

    def watts(self, metric: int) -> float | None:
        value = self.values[metric]
        return None if value is None else round(value, 1)


class Rows(Generic[Labels]):
    """The devices of one exporter, gathered from its series."""

    def __init__(self, exporter: str, metrics: int) -> None:
        self._exporter = exporter
        self._metrics = metrics
        self._hosts: dict[tuple[str, ...], Host] = {}
        self._rows: dict[Host, dict[Key, _Row[Labels]]] = {}
        self._relabelled: set[str] = set()
        self.devices = 0
        self.nameless = 0
        """Series that name no device."""
        self.not_numbers = 0
        """Series whose value is NaN or infinite."""

    def host(self, *clues: str) -> Host:
        """Where a series was measured: names and addresses, the best first; those that are empty are none."""
        found = self._hosts.get(clues)
        if found is None:
            named = tuple(dict.fromkeys(clue for clue in clues if clue))
            found = self._hosts[clues] = Host(self._exporter, named)
        return found

    def add(self, host: Host, key: Key, labels: Labels, *, metric: int, value: float | None, holders: Holders) -> None:
        """Take in one series.

        Args:
            host: where the device is.
            key: tells the host's devices apart.
            labels: of the series.
            metric: its number.
            value: None: the exporter says that it does not know; the device and its holder count all the same.
            holders: whom it names.
        """
        if labels.exported_pod:
            self._relabelled.add(labels.job)
        devices = self._rows.get(host)
        if devices is None:
            devices = self._rows[host] = {}
        row = devices.get(key)
        if row is None:
            for name in _ALIKE:
                setattr(labels, name, intern(getattr(labels, name)))
            row = devices[key] = (labels, {})
            self.devices += 1
        values = row[1].get(holders)
        if values is None:
            values = row[1][holders] = [None] * self._metrics
        if value is None:
            return
        if not math.isfinite(value):
            self.not_numbers += 1
            return
        if not 0 <= value <= _MOST:
            return
        before = values[metric]
        if before is None or value > before:
            values[metric] = value

    def drain(self) -> Iterator[tuple[Host, list[Device[Labels]]]]:
        """The devices of each host, once: what was handed out is forgotten."""
        for host in sorted(self._rows):
            yield host, [self._device(*row) for row in self._rows.pop(host).values()]

    def _device(self, labels: Labels, by_holder: dict[Holders, list[float | None]]) -> Device[Labels]:
        side = int(labels.job in self._relabelled)
        pods = dict.fromkeys(pod for holders in by_holder if (pod := holders[side]) is not None)
        if len(by_holder) == 1:
            (values,) = by_holder.values()
        else:
            own = [row for holders, row in by_holder.items() if holders[side] is None]
            everybody = list(by_holder.values())
            values = [_largest(own, metric, _largest(everybody, metric)) for metric in range(self._metrics)]
        return Device(labels, tuple(pods), values)


def is_number(text: str) -> bool:
    """Whether it can be a device's number on its node."""
    return _NUMBER.fullmatch(text) is not None


def _largest(rows: list[list[float | None]], metric: int, default: float | None = None) -> float | None:
    return max((value for row in rows if (value := row[metric]) is not None), default=default)
