from collections.abc import Iterable, Sequence

import pytest

from genet.simulation.promql import Matcher, QueryError, Sample, evaluate


def cards(matchers: Sequence[Matcher]) -> Iterable[Sample]:
    """`m` of card 0 is 10, of card 1 is 30; `other` of card 0 is 1."""
    for name, gpu, host, value in (("m", "0", "a", 10), ("m", "1", "a", 30), ("other", "0", "", 1)):
        labels = {"__name__": name, "gpu": gpu, **({"host": host} if host else {})}
        if all(matcher.matches(labels) for matcher in matchers):
            yield Sample(labels, value)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("m", ["0", "1"]),
        ('m{gpu="0"}', ["0"]),
        ('m{gpu!="0"}', ["1"]),
        ('m{host=~"a|b", gpu=~"[01]",}', ["0", "1"]),
        ('m{host=~""}', []),
        ("m{gpu!~'0'}", ["1"]),
        ('m{none=""}', ["0", "1"]),
        ('{__name__=~"oth.*"}', ["0"]),
        ('{__name__=~"oth"}', []),
    ],
)
def test_matchers_choose_series(query: str, found: list[str]):
    assert [sample.labels["gpu"] for sample in evaluate(query, cards)] == found


@pytest.mark.parametrize(
    ("query", "result"),
    [
        ("sum by (host) (m)", [({"host": "a"}, 40)]),
        ("max(m) by (host)", [({"host": "a"}, 30)]),
        ("avg(m)", [({}, 20)]),
        ("min(m)", [({}, 10)]),
        ("count(m)", [({}, 2)]),
        ('max by (gpu) ({__name__=~"m|other"})', [({"gpu": "0"}, 10), ({"gpu": "1"}, 30)]),
        ("count(max by (gpu) (m))", [({}, 2)]),
        ("sum(none)", []),
    ],
)
def test_aggregations(query: str, result: list[tuple[dict[str, str], float]]):
    assert evaluate(query, cards) == result


@pytest.mark.parametrize(
    "query",
    ["", "m{", 'm{gpu="0"', "m)", "rate(m[5m])", "m[5m]", "m + 1", "m{gpu=0}", "sum(m) + sum(m)", 'm{a="b" c="d"}'],
)
def test_what_is_not_understood_is_said_to_be(query: str):
    with pytest.raises(QueryError):
        evaluate(query, cards)
