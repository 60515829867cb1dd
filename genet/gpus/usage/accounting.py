"""From series over a time to GPU-hours. Pure.

A time is cut into windows, the last of which ends with it; each is accounted by the first source that saw it, and one
that no source saw is a gap, never zero hours.

Genet's own numbers are sums of samples: divided by the samples of a series that is always there, they are the mean
number of devices, however often and by how many replicas that was said. The exporters' are as they were at the end of
each window: a rougher guess, for times in which Genet was not scraped.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from genet.prometheus import Series

_STEPS: Final = tuple(timedelta(minutes=n) for n in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 480))
_MOST_WINDOWS: Final = 336
"""A week of half-hours."""

ByKey = Mapping[str, Sequence[float | None]]
"""By key, the values of each window; None: the source has none."""


class Windows(NamedTuple):
    """A time cut into steps; only the first may be shorter."""

    start: datetime
    end: datetime
    step: timedelta

    @property
    def number(self) -> int:
        return -((self.start - self.end) // self.step)

    @property
    def first_end(self) -> datetime:
        return self.end - (self.number - 1) * self.step

    def hours(self, place: int) -> float:
        width = self.step if place else self.first_end - self.start
        return width / timedelta(hours=1)

    def begins(self, place: int) -> datetime:
        return self.first_end + (place - 1) * self.step if place else self.start


class Use(NamedTuple):
    """Of one key in one window, in devices: means over the window."""

    devices: float
    busy: float = 0.0
    """Sum of the shares of time in which they worked, of those that are measured."""
    measured: float = 0.0


class Account(msgspec.Struct, frozen=True):
    """What one source says, by window."""

    covered: Sequence[bool]
    """Whether it saw the window; if so, who is not in `use` held nothing."""
    use: Mapping[str, Sequence[Use | None]]


class Total(NamedTuple):
    gpu_hours: float
    mean_utilization: float | None
    """Percent, over the devices that were measured."""


class Span(NamedTuple):
    start: datetime
    end: datetime


class Totals(NamedTuple):
    by_key: dict[str, Total]
    gaps: tuple[Span, ...]


def windows(start: datetime, end: datetime) -> Windows:
    """Of a step that suits the time."""
    step = next((step for step in _STEPS if (end - start) <= _MOST_WINDOWS * step), _STEPS[-1])
    return Windows(start, end, step)


def by_key(found: Iterable[Series], key_of: Callable[[Mapping[str, str]], str]) -> ByKey:
    """Series by the key of their labels; those of one key are added up."""
    values: dict[str, list[float | None]] = {}
    for series in found:
        known = values.setdefault(key_of(series.labels), [None] * len(series.values))
        for place, value in enumerate(series.values):
            if value is not None:
                known[place] = (known[place] or 0.0) + value
    return values


def own_account(beats: Sequence[float | None], devices: ByKey, busy: ByKey, measured: ByKey) -> Account:
    """Of Genet's own numbers, as sums of samples; `beats`: how many samples there were."""
    nothing = (None,) * len(beats)

    def mean(total: float | None, beat: float) -> float:
        return (total or 0.0) / beat

    use = {
        key: [
            Use(mean(amount, beat), mean(work, beat), mean(seen, beat)) if beat else None
            for beat, amount, work, seen in zip(
                beats, amounts, busy.get(key, nothing), measured.get(key, nothing), strict=True
            )
        ]
        for key, amounts in devices.items()
    }
    return Account([bool(beat) for beat in beats], use)


def exporters_account(beats: Sequence[float | None], devices: ByKey, percent: ByKey, measured: ByKey) -> Account:
    """Of the pods that exporters name, as they were at the end of each window; `beats`: how many cards they saw.

    `percent` is the sum over the cards that are `measured`, which speak for all that the pods hold. Exporters that
    never name a pod cannot tell that nobody holds anything: then nothing is covered.
    """
    nothing = (None,) * len(beats)
    use = {
        key: [
            None if amount is None else _spoken_for(amount, work, seen)
            for amount, work, seen in zip(amounts, percent.get(key, nothing), measured.get(key, nothing), strict=True)
        ]
        for key, amounts in devices.items()
    }
    return Account([bool(beat) and bool(devices) for beat in beats], use)


def _spoken_for(amount: float, percent: float | None, measured: float | None) -> Use:
    if percent is None or not measured:
        return Use(amount)
    return Use(amount, amount * percent / measured / 100, amount)


def totals(cut: Windows, accounts: Sequence[Account]) -> Totals:
    """Each window by the first of the accounts that covers it."""
    sources = [next((a for a in accounts if a.covered[place]), None) for place in range(cut.number)]
    hours = [cut.hours(place) for place in range(cut.number)]
    found: dict[str, Total] = {}
    for key in {key for account in accounts for key in account.use}:
        held = busy = measured = 0.0
        for place, source in enumerate(sources):
            use = source.use[key][place] if source is not None and key in source.use else None
            if use is not None:
                held += use.devices * hours[place]
                busy += use.busy * hours[place]
                measured += use.measured * hours[place]
        if held:
            found[key] = Total(held, 100 * busy / measured if measured else None)
    return Totals(found, tuple(_gaps(cut, [source is not None for source in sources])))


def _gaps(cut: Windows, covered: Sequence[bool]) -> Iterator[Span]:
    start: datetime | None = None
    for place, is_covered in enumerate(covered):
        if is_covered and start is not None:
            yield Span(start, cut.begins(place))
            start = None
        elif not is_covered and start is None:
            start = cut.begins(place)
    if start is not None:
        yield Span(start, cut.end)
