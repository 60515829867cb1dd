"""The small part of PromQL that Genet's fixed queries are written in: parsed here, computed over series of a function.

Understood: selectors with all four matchers (`{__name__=~"..."}` too), `last|avg|max|min_over_time(x[5m])`,
`sum|avg|max|min|count` with `by (...)`, and `or`. Anything else is a QueryError, which Prometheus' HTTP API calls
`bad_data`. Traps kept: regular expressions are anchored, a missing label equals "", functions and aggregations drop
`__name__` (last_over_time does not), and a range still holds the series whose labels ended inside it.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

SCRAPE_SECONDS: Final = 15
_SAMPLES: Final = 20
"""A longer range is looked at in this many even steps: 40,000 GPUs times a day of scrapes would tell nothing more."""

Labels = Mapping[str, str]


class QueryError(Exception):
    """The query cannot be understood."""


class Sample(NamedTuple):
    labels: Labels
    value: float


@dataclass(frozen=True, slots=True)
class Series:
    """One series as a function of time, scraped from `since` until before `until` (unix seconds)."""

    labels: Labels
    since: float
    until: float
    at: Callable[[float], float]


class Matcher(NamedTuple):
    label: str
    operator: str
    value: str

    def matches(self, labels: Labels) -> bool:
        found = labels.get(self.label, "")
        if self.operator in ("=", "!="):
            return (found == self.value) is (self.operator == "=")
        return bool(re.fullmatch(self.value, found)) is (self.operator == "=~")


class Source(Protocol):
    def series(self, matchers: Sequence[Matcher], start: float, end: float) -> Iterable[Series]:
        """The series that match and have a scrape in [start, end]."""


class Expression(Protocol):
    def evaluate(self, source: Source, at: float) -> list[Sample]: ...


@dataclass(frozen=True, slots=True)
class Selector:
    matchers: tuple[Matcher, ...]
    seconds: float = 0

    def evaluate(self, source: Source, at: float) -> list[Sample]:
        if self.seconds:
            raise QueryError('invalid expression type "range vector" for range query, must be Scalar or instant Vector')
        scrape = last_scrape(at)
        return [Sample(series.labels, series.at(scrape)) for series in source.series(self.matchers, scrape, scrape)]


@dataclass(frozen=True, slots=True)
class OverTime:
    function: str
    selector: Selector

    def evaluate(self, source: Source, at: float) -> list[Sample]:
        start, end = at - self.selector.seconds, last_scrape(at)
        samples = []
        for series in source.series(self.selector.matchers, start, end):
            first, last = max(start, series.since), last_scrape(min(end, series.until - 1e-3))
            if last < first:
                continue
            if self.function == "last_over_time":
                samples.append(Sample(series.labels, series.at(last)))
                continue
            step = max(1, int((last - first) // SCRAPE_SECONDS // _SAMPLES)) * SCRAPE_SECONDS
            times = [last - step * number for number in range(int((last - first) // step) + 1)]
            samples.append(Sample(_unnamed(series.labels), _REDUCE[self.function[:3]]([series.at(t) for t in times])))
        return samples


@dataclass(frozen=True, slots=True)
class Aggregate:
    operator: str
    by: tuple[str, ...]
    of: Expression

    def evaluate(self, source: Source, at: float) -> list[Sample]:
        groups: dict[tuple[str, ...], list[float]] = {}
        for labels, value in self.of.evaluate(source, at):
            groups.setdefault(tuple(labels.get(name, "") for name in self.by), []).append(value)
        return [
            Sample(
                {name: text for name, text in zip(self.by, key, strict=True) if text}, _REDUCE[self.operator](values)
            )
            for key, values in groups.items()
        ]


@dataclass(frozen=True, slots=True)
class Or:
    left: Expression
    right: Expression

    def evaluate(self, source: Source, at: float) -> list[Sample]:
        samples = self.left.evaluate(source, at)
        known = {frozenset(_unnamed(labels).items()) for labels, _ in samples}
        return samples + [
            sample
            for sample in self.right.evaluate(source, at)
            if frozenset(_unnamed(sample.labels).items()) not in known
        ]


def parse(query: str) -> Expression:
    parser = _Parser(query)
    expression = parser.alternatives()
    parser.end()
    return expression


def evaluate_range(
    expression: Expression, source: Source, times: Sequence[float]
) -> list[tuple[Labels, list[tuple[float, float]]]]:
    """The expression at each moment, as series of (time, value)."""
    rows: dict[frozenset[tuple[str, str]], tuple[Labels, list[tuple[float, float]]]] = {}
    for at in times:
        for labels, number in expression.evaluate(source, at):
            rows.setdefault(frozenset(labels.items()), (labels, []))[1].append((at, number))
    return list(rows.values())


def parse_duration(text: str) -> int:
    """`1h30m` -> 5400 seconds."""
    if not re.fullmatch(r"(\d+[smhdw])+", text):
        raise ValueError(text)
    return sum(int(number) * _SECONDS[unit] for number, unit in re.findall(r"(\d+)(\w)", text))


def last_scrape(at: float) -> float:
    return at // SCRAPE_SECONDS * SCRAPE_SECONDS


_REDUCE: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "sum": sum,
    "avg": lambda values: sum(values) / len(values),
    "max": max,
    "min": min,
    "count": len,
}
_OVER_TIME: Final = ("last_over_time", "avg_over_time", "max_over_time", "min_over_time")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<duration>(?:\d+[smhdw])+)|(?P<name>[a-zA-Z_:][\w:]*)"""
    r"""|(?P<sign>=~|!~|!=|[={}()\[\],]))"""
)


class _Parser:
    def __init__(self, query: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        self._next = 0
        position, query = 0, query.rstrip()
        while position < len(query):
            token = _TOKEN.match(query, position)
            if token is None:
                raise QueryError(f"parse error: unexpected character at {position}: {query[position:]!r}")
            self._tokens.append((token.lastgroup or "", token[token.lastgroup or 0]))
            position = token.end()

    def alternatives(self) -> Expression:
        expression = self._term()
        while self._take("or"):
            expression = Or(expression, self._term())
        return expression

    def end(self) -> None:
        if self._next < len(self._tokens):
            raise QueryError(f"parse error: unexpected {self._text()!r}")

    def _term(self) -> Expression:
        if self._take("("):
            expression = self.alternatives()
            self._expect(")")
            return expression
        if self._text() in _REDUCE:
            return self._aggregate()
        if self._text() in _OVER_TIME:
            function = self._any("name")
            self._expect("(")
            selector = self._selector()
            self._expect(")")
            if not selector.seconds:
                raise QueryError(f'expected type range vector in call to function "{function}", got instant vector')
            return OverTime(function, selector)
        return self._selector()

    def _aggregate(self) -> Aggregate:
        operator = self._any("name")
        by = self._by()
        self._expect("(")
        of = self.alternatives()
        self._expect(")")
        return Aggregate(operator, by or self._by(), of)

    def _by(self) -> tuple[str, ...]:
        if not self._take("by"):
            return ()
        self._expect("(")
        names: list[str] = []
        while not self._take(")"):
            names.append(self._any("name"))
            self._take(",")
        return tuple(names)

    def _selector(self) -> Selector:
        matchers: list[Matcher] = []
        if self._kind() == "name":
            matchers.append(Matcher("__name__", "=", self._any("name")))
        if self._take("{"):
            while not self._take("}"):
                label, operator = self._any("name"), self._any("sign")
                matchers.append(Matcher(label, operator, re.sub(r"\\(.)", r"\1", self._any("string")[1:-1])))
                self._take(",")
        if not matchers:
            raise QueryError(f"parse error: unexpected {self._text()!r}")
        seconds = 0
        if self._take("["):
            seconds = parse_duration(self._any("duration"))
            self._expect("]")
        return Selector(tuple(matchers), seconds)

    def _kind(self) -> str:
        return self._tokens[self._next][0] if self._next < len(self._tokens) else "end of input"

    def _text(self) -> str:
        return self._tokens[self._next][1] if self._next < len(self._tokens) else "end of input"

    def _take(self, text: str) -> bool:
        taken = self._text() == text
        self._next += taken
        return taken

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise QueryError(f"parse error: unexpected {self._text()!r}, expected {text!r}")

    def _any(self, kind: str) -> str:
        if self._kind() != kind:
            raise QueryError(f"parse error: unexpected {self._text()!r}, expected {kind}")
        self._next += 1
        return self._tokens[self._next - 1][1]


def _unnamed(labels: Labels) -> Labels:
    return {name: value for name, value in labels.items() if name != "__name__"}
