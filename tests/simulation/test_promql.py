"""The expressions over a handful of series, and the same ones asked of a real Prometheus where there is one."""

import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from genet.simulation.promql import SCRAPE_SECONDS, Matcher, QueryError, Series
from genet.simulation.promql_parser import parse
from tests.processes import free_port, program, until

NOW = 1_700_000_100.0 // SCRAPE_SECONDS * SCRAPE_SECONDS
HOURS = 2 * 3600

SERIES = (
    Series({"__name__": "m", "gpu": "0", "host": "a"}, lambda _: 10.0),
    Series({"__name__": "m", "gpu": "1", "host": "a"}, lambda at: 30.0 if at < NOW - 1000 else 3.0),
    Series({"__name__": "m", "gpu": "2"}, lambda at: 40.0 if at < NOW - 2000 else None, until=NOW - 2000),
    Series({"__name__": "other", "gpu": "0"}, lambda _: 1.0),
    Series({"__name__": "ramp", "gpu": "0"}, lambda at: at - NOW + 9000),
)


def source(matchers: Sequence[Matcher], start: float, end: float) -> Iterable[Series]:
    return [series for series in SERIES if all(matcher.matches(series.labels) for matcher in matchers)]


Result = dict[tuple[tuple[str, str], ...], float]


def evaluate(query: str, at: float = NOW) -> Result:
    found = ((series.labels, series.at(at)) for series in parse(query).series(source, at, at))
    return {tuple(sorted(labels.items())): value for labels, value in found if value is not None}


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
        ("m > 5", ["0"]),
        ("5 > m", ["1"]),
    ],
)
def test_matchers_and_comparisons_choose_series(query: str, found: list[str]):
    assert [dict(labels)["gpu"] for labels in evaluate(query)] == found


def test_the_last_hit_of_a_search_is_found_from_the_end():
    asked = []

    def at(moment: float) -> float | None:
        asked.append(moment)
        return 9.0

    query = parse("max_over_time(timestamp(m > 5)[1h:15m])")
    (series,) = query.series(lambda *_: [Series({"__name__": "m"}, at)], NOW, NOW)
    assert series.at(NOW) == NOW - NOW % 900
    assert len(asked) == 1


@pytest.mark.parametrize(
    "query",
    ["", "m{", 'm{gpu="0"', "m)", "irate(m[5m])", "m[5m]", "m{gpu=0}", "m + m", 'm{a="b" c="d"}', "1 + 1", "m > m",
     "max_over_time(m)", "max_over_time((m > 1)[5m])", "sum by gpu (m)", "m offset 5m", "m or 1",
     'timestamp({__name__=~"other|ramp"})'],
)  # fmt: skip
def test_what_is_not_understood_is_said_to_be(query: str):
    with pytest.raises(QueryError):
        evaluate(query)


def test_a_rate_is_per_second_and_of_two_values_at_least():
    assert list(evaluate("rate(ramp[5m])").values()) == [1]
    assert evaluate("rate(ramp[10s])") == {}


QUERIES = (
    "m",
    "m > 5",
    "5 <= m",
    "m * 2 + 1",
    "100 - m / 4",
    "timestamp(m)",
    "timestamp(m > 5)",
    "sum by (host) (m)",
    "max(m) by (host)",
    "avg(m)",
    "count without (gpu) (m)",
    'max by (gpu) ({__name__=~"m|other"})',
    "count(max by (gpu) (m))",
    "sum(none)",
    "other or m",
    'm{gpu="2"} or m',
    "max_over_time(m[30m])",
    "avg_over_time(ramp[5m])",
    "rate(ramp[5m])",
    "max_over_time(m[1h:15m])",
    "count_over_time(m[1h:15m])",
    "min_over_time(ramp[1h:7m])",
    "sum_over_time((m > 5)[40m:5m])",
    "max_over_time(timestamp(m > 5)[1h:15m])",
    "max_over_time(timestamp(m)[1h:7m])",
    "max by (gpu) (max_over_time(timestamp(m > 5)[2h:15m]))",
)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A real one that has scraped the same series for two hours."""
    binary, tool = shutil.which("prometheus"), shutil.which("promtool")
    if binary is None or tool is None:
        pytest.skip("no Prometheus on this machine")
    directory: Path = tmp_path_factory.mktemp("prometheus")
    lines = [f"{_text(series)} {series.at(NOW - ago)} {NOW - ago}\n"
             for series in sorted(SERIES, key=lambda series: series.labels["__name__"])
             for ago in range(HOURS, -1, -SCRAPE_SECONDS) if series.at(NOW - ago) is not None]  # fmt: skip
    (directory / "series").write_text("".join(lines) + "# EOF\n")
    command = [tool, "tsdb", "create-blocks-from", "openmetrics", str(directory / "series"), str(directory / "data")]
    subprocess.run(command, check=True, capture_output=True)
    (directory / "prometheus.yml").write_text("{}")
    address = f"127.0.0.1:{free_port()}"
    command = [
        binary,
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'data'}",
        "--storage.tsdb.retention.time=100y",
        # what was imported has no marks of where a series ended, as scraping leaves them: so look back one scrape only
        "--query.lookback-delta=15s",
        f"--web.listen-address={address}",
    ]
    client = httpx.Client(base_url=f"http://{address}", trust_env=False)
    with program(command, log=directory / "log"), client:
        until(lambda: _is_ready(client), what="Prometheus is ready")
        yield client


def _text(series: Series) -> str:
    labels = [f'{name}="{value}"' for name, value in series.labels.items() if name != "__name__"]
    return f"{series.labels['__name__']}{{{','.join(labels)}}}"


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/-/ready").is_success
    except httpx.TransportError:
        return False


def _ask(client: httpx.Client, query: str, at: float) -> Result:
    answer: Any = json.loads(client.get("/api/v1/query", params={"query": query, "time": at}).content)
    return {tuple(sorted(row["metric"].items())): float(row["value"][1]) for row in answer["data"]["result"]}


@pytest.mark.parametrize("query", QUERIES)
def test_prometheus_says_the_same(prometheus: httpx.Client, query: str):
    for at in (NOW, NOW - NOW % 900, NOW - 7):
        assert _ask(prometheus, query, at) == pytest.approx(evaluate(query, at))
