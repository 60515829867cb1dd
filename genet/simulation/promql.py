"""The part of PromQL that Genet's queries are written in, computed over series that are functions of time.

An expression turns series into series and computes no value before it is asked for one, so that a question about a day
of 40,000 cards looks no further than it has to. Traps kept, all as Prometheus 2.42 does them: `timestamp()` of a
selector is the time of the scrape, of anything else that of the evaluation; the steps of a subquery are multiples of
the step, whenever it is asked, and both ends of its range belong to it; regular expressions are anchored; a missing
label equals ""; whatever computes drops `__name__`, and series that differ in nothing else are an error then.
"""

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final, NamedTuple, Protocol

SCRAPE_SECONDS: Final = 15

Labels = Mapping[str, str]
At = Callable[[float], float | None]


class QueryError(Exception):
    """The query cannot be understood, or answered."""


class Series(NamedTuple):
    labels: Labels
    at: At
    """The value at a moment (unix seconds), or None where the series has none."""
    since: float = -inf
    until: float = inf
    """No value before and from then on; what was scraped is there for a while longer."""
    rising: bool = False
    """A later value is never smaller."""
    steady: bool = False
    """Between the two it has a value always or, where only some are kept, always or never."""


class Matcher(NamedTuple):
    label: str
    operator: str
    value: str

    def matches(self, labels: Labels) -> bool:
        found = labels.get(self.label, "")
        if self.operator in ("=", "!="):
            return (found == self.value) is (self.operator == "=")
        return bool(re.fullmatch(self.value, found)) is (self.operator == "=~")


Source = Callable[[Sequence[Matcher], float, float], Iterable[Series]]
"""The series that match and have a value somewhere from one moment to another."""


class Expression(Protocol):
    def series(self, source: Source, start: float, end: float) -> Iterable[Series]:
        """What it may be at some moment of that time."""


def last_scrape(at: float) -> float:
    return at - at % SCRAPE_SECONDS


@dataclass(frozen=True, slots=True)
class Selector:
    matchers: tuple[Matcher, ...]

    def series(self, source: Source, start: float, end: float) -> Iterator[Series]:
        for series in source(self.matchers, last_scrape(start), last_scrape(end)):
            yield series._replace(at=_scraped(series.at))


def _scraped(at: At) -> At:
    return lambda moment: at(moment - moment % SCRAPE_SECONDS)


@dataclass(frozen=True, slots=True)
class Compare:
    """`of > 5`: only what is so."""

    operator: str
    of: Expression
    limit: float

    def series(self, source: Source, start: float, end: float) -> Iterator[Series]:
        holds = COMPARISONS[self.operator]
        for series in self.of.series(source, start, end):
            yield series._replace(at=_kept(series.at, holds, self.limit))


def _kept(at: At, holds: Callable[[float, float], bool], limit: float) -> At:
    def kept(moment: float) -> float | None:
        value = at(moment)
        return value if value is not None and holds(value, limit) else None

    return kept


@dataclass(frozen=True, slots=True)
class Compute:
    """`of * 100`, or `100 * of` where the number `is_left`."""

    operator: str
    of: Expression
    number: float
    is_left: bool = False

    def series(self, source: Source, start: float, end: float) -> Iterator[Series]:
        compute, number = ARITHMETIC[self.operator], self.number

        def computed(at: At) -> At:
            if self.is_left:
                return lambda moment: None if (value := at(moment)) is None else compute(number, value)
            return lambda moment: None if (value := at(moment)) is None else compute(value, number)

        for series in _unnamed(self.of.series(source, start, end)):
            yield series._replace(at=computed(series.at), rising=False)


@dataclass(frozen=True, slots=True)
class Timestamp:
    of: Expression

    def series(self, source: Source, start: float, end: float) -> Iterator[Series]:
        moment_of = last_scrape if isinstance(self.of, Selector) else float

        def time_of(at: At) -> At:
            return lambda moment: None if at(moment) is None else moment_of(moment)

        for series in _unnamed(self.of.series(source, start, end)):
            yield series._replace(at=time_of(series.at), rising=True)


@dataclass(frozen=True, slots=True)
class OverTime:
    """`max_over_time(of[seconds:step])`, `rate(of[seconds])`.

    Searched backwards, and no further than to the first hit where that will do.

    Without a step, `[seconds]`, a selector's own scrapes are the steps.
    """

    function: str
    of: Expression
    seconds: float
    step: float

    def series(self, source: Source, start: float, end: float) -> Iterator[Series]:
        for series in _unnamed(self.of.series(source, start - self.seconds, end)):
            is_latest = self.function == "max" and series.rising
            yield Series(series.labels, self._latest(series) if is_latest else self._reduced(series))

    def _values(self, series: Series, moment: float) -> Iterator[float]:
        at, first = series.at, max(moment - self.seconds, series.since)
        step = last = min(moment, series.until + SCRAPE_SECONDS)
        step = last - last % self.step
        while step >= first:
            value = at(step)
            if value is not None:
                yield value
            elif series.steady and step < series.until:
                return
            step -= self.step

    def _latest(self, series: Series) -> At:
        return lambda moment: next(self._values(series, moment), None)

    def _reduced(self, series: Series) -> At:
        reduce = self._rate if self.function == "rate" else REDUCE[self.function]
        return lambda moment: reduce(values) if (values := list(self._values(series, moment))) else None

    def _rate(self, values: Sequence[float]) -> float | None:
        """Per second, of a counter that never starts anew; the latest value is the first."""
        return (values[0] - values[-1]) / ((len(values) - 1) * self.step) if len(values) > 1 else None


@dataclass(frozen=True, slots=True)
class Aggregate:
    function: str
    of: Expression
    names: frozenset[str] = frozenset()
    without: bool = False

    def series(self, source: Source, start: float, end: float) -> Iterator[Series]:
        groups: dict[frozenset[tuple[str, str]], list[At]] = {}
        for series in self.of.series(source, start, end):
            groups.setdefault(self._group(series.labels), []).append(series.at)
        while groups:  # let go of one by one: all at once would take a tenth of a second
            group, members = groups.popitem()
            yield Series(dict(sorted(group)), _together(members, REDUCE[self.function]))

    def _group(self, labels: Labels) -> frozenset[tuple[str, str]]:
        if self.without:
            dropped = self.names | {"__name__"}
            return frozenset(item for item in labels.items() if item[0] not in dropped)
        return frozenset((name, labels[name]) for name in self.names if labels.get(name))


def _together(members: Sequence[At], reduce: Callable[[Sequence[float]], float]) -> At:
    def at(moment: float) -> float | None:
        values = [value for member in members if (value := member(moment)) is not None]
        return reduce(values) if values else None

    return at


@dataclass(frozen=True, slots=True)
class Or:
    """The left side, and of the right one what the left has nothing of at that moment."""

    left: Expression
    right: Expression

    def series(self, source: Source, start: float, end: float) -> Iterator[Series]:
        known: dict[frozenset[tuple[str, str]], list[At]] = {}
        for series in self.left.series(source, start, end):
            known.setdefault(_identity(series.labels), []).append(series.at)
            yield series
        for series in self.right.series(source, start, end):
            left = known.get(_identity(series.labels))
            yield series._replace(at=_else(left, series.at)) if left else series


def _else(left: Sequence[At], right: At) -> At:
    return lambda moment: right(moment) if all(at(moment) is None for at in left) else None


def _identity(labels: Labels) -> frozenset[tuple[str, str]]:
    return frozenset(item for item in labels.items() if item[0] != "__name__")


def _unnamed(found: Iterable[Series]) -> Iterator[Series]:
    """QueryError where two series differ in their name alone."""
    seen: set[int] = set()
    for series in found:
        identity = hash(_identity(series.labels))  # the labels themselves would be a hundred megabytes of 40,000 cards
        if identity in seen:
            raise QueryError("vector cannot contain metrics with the same labelset")
        seen.add(identity)
        yield series._replace(labels={name: value for name, value in series.labels.items() if name != "__name__"})


REDUCE: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "sum": sum,
    "avg": lambda values: sum(values) / len(values),
    "max": max,
    "min": min,
    "count": len,
}
COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
ARITHMETIC: Final[Mapping[str, Callable[[float, float], float]]] = {
    "*": operator.mul,
    "/": operator.truediv,
    "+": operator.add,
    "-": operator.sub,
}
