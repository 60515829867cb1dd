"""The small part of PromQL that Genet's fixed queries are written in, computed over what a source says now.

Understood: selectors with all four matchers (`{__name__=~"..."}` too), and `sum|avg|max|min|count` of them with
`by (...)`. Anything else is a QueryError, which Prometheus' HTTP API calls `bad_data`. Traps kept: regular expressions
are anchored, a missing label equals "", aggregations drop `__name__`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

Labels = Mapping[str, str]


class QueryError(Exception):
    """The query cannot be understood."""


class Sample(NamedTuple):
    labels: Labels
    value: float


class Matcher(NamedTuple):
    label: str
    operator: str
    value: str

    def matches(self, labels: Labels) -> bool:
        found = labels.get(self.label, "")
        if self.operator in ("=", "!="):
            return (found == self.value) is (self.operator == "=")
        return bool(re.fullmatch(self.value, found)) is (self.operator == "=~")


Source = Callable[[Sequence[Matcher]], Iterable[Sample]]
"""The samples that match."""


def evaluate(query: str, source: Source) -> list[Sample]:
    aggregate = _AGGREGATE.fullmatch(query.strip())
    if aggregate is None:
        return list(source(_matchers(query.strip())))
    operator, before, inner, after = aggregate.groups(default="")
    names = [name.strip() for name in (before or after).split(",") if name.strip()]
    groups: dict[tuple[str, ...], list[float]] = {}
    for labels, value in evaluate(inner, source):
        groups.setdefault(tuple(labels.get(name, "") for name in names), []).append(value)
    return [
        Sample({name: text for name, text in zip(names, key, strict=True) if text}, _REDUCE[operator](values))
        for key, values in groups.items()
    ]


def _matchers(selector: str) -> list[Matcher]:
    parts = _SELECTOR.fullmatch(selector)
    if parts is None or not selector:
        raise QueryError(f"parse error: unexpected {selector!r}")
    matchers = [Matcher("__name__", "=", parts["name"])] if parts["name"] else []
    for label, operator, text in _MATCHER.findall(parts["matchers"] or ""):
        matchers.append(Matcher(label, operator, re.sub(r"\\(.)", r"\1", text[1:-1])))
    return matchers


_REDUCE: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "sum": sum,
    "avg": lambda values: sum(values) / len(values),
    "max": max,
    "min": min,
    "count": len,
}
_BY: Final = r"\s*(?:by\s*\(([\w\s,]*)\)\s*)?"
_AGGREGATE: Final = re.compile(rf"({'|'.join(_REDUCE)}){_BY}\((.*?)\){_BY}", re.DOTALL)
_MATCHER: Final = re.compile(r"""(\w+)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")
_ONE: Final = rf"\s*{_MATCHER.pattern}\s*"
_SELECTOR: Final = re.compile(rf"(?P<name>[a-zA-Z_:][\w:]*)?\s*(?:{{(?P<matchers>(?:{_ONE}(?:,{_ONE})*)?,?\s*)}})?")
