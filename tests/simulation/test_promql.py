import math
from collections.abc import Iterable, Sequence

import pytest

from genet.simulation.promql import Matcher, QueryError, Series, evaluate_range, parse

NOW = 60_000.0


class Fixed:
    """`m` of card 0 is 10, of card 1 is 30; card 2 counts scrapes and has been gone for a minute."""

    def series(self, matchers: Sequence[Matcher], start: float, end: float) -> Iterable[Series]:
        cards = (
            Series({"__name__": "m", "gpu": "0", "host": "a"}, -math.inf, math.inf, lambda _: 10),
            Series({"__name__": "m", "gpu": "1", "host": "a"}, -math.inf, math.inf, lambda _: 30),
            Series({"__name__": "m", "gpu": "2", "host": "b"}, NOW - 120, NOW - 60, lambda at: at // 15),
            Series({"__name__": "other", "gpu": "0"}, -math.inf, math.inf, lambda _: 1),
        )
        for series in cards:
            if series.since <= end and series.until > start and all(item.matches(series.labels) for item in matchers):
                yield series


def values(query: str) -> list[tuple[dict[str, str], float]]:
    return [(dict(labels), value) for labels, value in parse(query).evaluate(Fixed(), NOW)]


@pytest.mark.parametrize(
    ("query", "cards"),
    [
        ("m", ["0", "1"]),
        ('m{gpu="0"}', ["0"]),
        ('m{gpu!="0"}', ["1"]),
        ('m{host=~"a|b", gpu=~"[01]"}', ["0", "1"]),
        ('m{host=~""}', []),
        ('m{gpu!~"0"}', ["1"]),
        ('m{none=""}', ["0", "1"]),
        ('{__name__=~"oth.*"}', ["0"]),
        ('{__name__=~"oth"}', []),
    ],
)
def test_matchers_choose_series(query: str, cards: list[str]):
    assert [labels["gpu"] for labels, _ in values(query)] == cards


def test_functions_over_time_look_back_over_what_has_ended():
    assert [(labels["gpu"], value) for labels, value in values("last_over_time(m[2m])")] == [
        ("0", 10),
        ("1", 30),
        ("2", (NOW - 75) // 15),
    ]
    assert values('max_over_time(m{gpu="2"}[5m])')[0][1] == (NOW - 75) // 15
    assert values('min_over_time(m{gpu="2"}[5m])')[0][1] == (NOW - 120) // 15
    assert values('avg_over_time(m{gpu="2"}[1h30m])')[0][1] == ((NOW - 120) / 15 + (NOW - 75) / 15) / 2


def test_functions_and_aggregations_drop_the_name_but_last_over_time():
    assert "__name__" in values("last_over_time(m[1m])")[0][0]
    assert values("avg_over_time(other[1m])") == [({"gpu": "0"}, 1)]


@pytest.mark.parametrize(
    ("query", "result"),
    [
        ("sum by (host) (m)", [({"host": "a"}, 40)]),
        ("max(m) by (host)", [({"host": "a"}, 30)]),
        ("avg(m)", [({}, 20)]),
        ("min(m)", [({}, 10)]),
        ("count(m)", [({}, 2)]),
        ("max by (gpu) (m or other)", [({"gpu": "0"}, 10), ({"gpu": "1"}, 30)]),
        ("sum(none) or sum(m)", [({}, 40)]),
        ("sum(m) or sum(other)", [({}, 40)]),
    ],
)
def test_aggregations_and_or(query: str, result: list[tuple[dict[str, str], float]]):
    assert values(query) == result


@pytest.mark.parametrize(
    "query", ["", "m{", 'm{gpu="0"', "m)", "rate(m[5m])", "m[5m]", "avg_over_time(m)", "m + 1", "m{gpu=0}"]
)
def test_what_is_not_understood_is_said_to_be(query: str):
    with pytest.raises(QueryError):
        parse(query).evaluate(Fixed(), NOW)


def test_a_range_is_a_row_per_series():
    rows = evaluate_range(parse('m{gpu=~"[12]"}'), Fixed(), [NOW - 90, NOW])
    assert [(labels["gpu"], [value for _, value in points]) for labels, points in rows] == [
        ("1", [30, 30]),
        ("2", [(NOW - 90) // 15]),
    ]
