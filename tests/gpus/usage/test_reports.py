"""Usage reports over a Prometheus that remembers what it is told to."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from genet.errors import Invalid, Unavailable
from genet.gpus.overview import Node
from genet.gpus.usage.gauges import Gauges
from genet.gpus.usage.holders import Held, Holder, IdlePod, Ledger, Model, NodeUse
from genet.gpus.usage.reports import UsageReports, question
from tests.gpus.usage.ranges import ranges

NOW = datetime(2026, 6, 2, 12, 3, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANN = Holder("user-ann-a", "ann-a", "A100")
JOBS = Holder("jobs", "", "A100")


def cluster(use):
    """Of one node; None: it has not been listed yet."""
    ledger = Ledger()
    ledger.put("n1", use or NodeUse())

    async def ask():
        if use is None:
            raise Unavailable("not yet")
        return ledger

    return ask


def reports(prometheus, use=None, clock=lambda: NOW):
    return UsageReports(cluster(use or NodeUse()), prometheus, idle_after=HOUR / 2, clock=clock)


def last(hours, by="user"):
    return question(NOW - hours * HOUR, NOW, by, NOW)


def remembering(asked, known):
    """Values by the first words of the question: `(labels, value at every moment)`."""

    def answer(promql, moments):
        asked.append(promql)
        [found] = [series for words, series in known.items() if promql.startswith(words)] or [[]]
        return [(labels, [value] * len(moments)) for labels, value in found]

    return answer


GENET = {
    "sum(count_over_time(genet_gpus[60s]))": [({}, 8)],
    "sum by (holder_user) (sum_over_time(genet_gpu_devices[60s]))": [({"holder_user": "ann-a"}, 16), ({}, 8)],
    "sum by (holder_user) (sum_over_time(genet_gpu_utilization_sum[60s]))": [({"holder_user": "ann-a"}, 4)],
    "sum by (holder_user) (sum_over_time(genet_gpu_utilization_count[60s]))": [({"holder_user": "ann-a"}, 16)],
}
DCGM = {
    "count(DCGM_FI_DEV_FB_USED)": [({}, 8)],
    "count by (namespace) (count by (namespace,namespace,pod": [
        ({"namespace": "user-ann-a"}, 2),
        ({"namespace": "x"}, 1),
    ],
    "sum by (namespace)": [({"namespace": "user-ann-a"}, 50)],
    "count by (namespace) (max": [({"namespace": "user-ann-a"}, 2)],
}


async def test_hours_come_from_what_genet_itself_told():
    asked: list[str] = []
    async with ranges(remembering(asked, GENET)) as prometheus:
        usage = await reports(prometheus, NodeUse({ANN: Held(2), JOBS: Held(1)})).report(last(5))
    assert [(row.key, row.gpu_hours, row.gpus_now, row.mean_utilization) for row in usage.rows] == [
        ("ann-a", 10.0, 2, 25.0),
        ("", 5.0, 1, None),
    ]
    assert (usage.gaps, usage.sources.prometheus.state) == ((), "ok")
    assert not any("DCGM" in promql for promql in asked)


async def test_where_genet_was_not_scraped_exporters_tell():
    async with ranges(remembering([], DCGM)) as prometheus:
        usage = await reports(prometheus).report(last(5))
    assert [(row.key, row.gpu_hours, row.mean_utilization) for row in usage.rows] == [
        ("ann-a", 10.0, 25.0),
        ("", 5.0, None),
    ]
    assert usage.gaps == ()


async def test_where_labels_are_not_honoured_the_plain_pod_is_the_exporter():
    relabelled = DCGM | {
        "count by (exported_namespace) (count": [({"exported_namespace": "user-bob-b"}, 3)],
        "sum by (exported_namespace)": [],
    }
    async with ranges(remembering([], relabelled)) as prometheus:
        usage = await reports(prometheus).report(last(5, "namespace"))
    assert [(row.key, row.gpu_hours) for row in usage.rows] == [("user-bob-b", 15.0)]


async def test_types_of_exporters_are_those_of_the_overview():
    cards = {
        "count(DCGM": [({}, 8)],
        "count by (modelName,GPU_I_PROFILE) (count by (modelName,GPU_I_PROFILE,namespace": [
            ({"modelName": "NVIDIA A100-SXM4-40GB"}, 1),
            ({"modelName": "NVIDIA A100-SXM4-40GB", "GPU_I_PROFILE": "1g.5gb"}, 4),
            ({"modelName": "NVIDIA A100-SXM4-40GB", "GPU_I_PROFILE": "1g.5gb+me"}, 3),
            ({"modelName": "Tesla T4"}, 2),
        ],
    }
    async with ranges(remembering([], cards)) as prometheus:
        whole = Model("NVIDIA-A100-SXM4-40GB")
        known = NodeUse(types={whole: "A100", whole._replace(profile="1g.5gb"): "small"})
        usage = await reports(prometheus, known).report(last(1, "type"))
    assert [(row.key, row.gpu_hours) for row in usage.rows] == [
        ("small", 4.0),
        ("nvidia.com/mig-1g.5gb.me/NVIDIA-A100-SXM4-40GB", 3.0),
        ("nvidia.com/gpu/Tesla-T4", 2.0),
        ("A100", 1.0),
    ]


async def test_without_prometheus_all_is_a_gap_and_the_rest_is_told():
    idle = IdlePod("p", "user-ann-a", "ann-a", (NOW - HOUR, NOW - 2 * HOUR, NOW))
    use = NodeUse({ANN: Held(3)}, (idle,))
    async with ranges(lambda *_: None) as broken:
        for prometheus, state in ((None, "off"), (broken, "unavailable")):
            usage = await reports(prometheus, use).report(last(1))
            assert [(row.key, row.gpu_hours, row.gpus_now) for row in usage.rows] == [("ann-a", 0.0, 3)]
            assert [(gap.from_, gap.to) for gap in usage.gaps] == [(usage.from_, usage.to)]
            assert usage.sources.prometheus.state == state
            [held] = usage.idle
            assert (held.pod, held.devices, held.idle_since) == ("p", 2, (NOW - HOUR).replace(microsecond=0))


async def test_who_asks_the_same_shares_one_answer():
    asked: list[str] = []
    async with ranges(remembering(asked, GENET)) as prometheus:
        service = reports(prometheus)
        await asyncio.gather(*(service.report(last(5)) for _ in range(5)))
    assert len(asked) == 4


async def test_nothing_is_called_unused_before_the_first_lists():
    with pytest.raises(Unavailable):
        await UsageReports(cluster(None), None, idle_after=HOUR, clock=lambda: NOW).report(last(1))


def test_the_last_seven_days_are_meant_where_nothing_is_said():
    asked = question(None, None, "user", NOW)
    assert asked.end == NOW.replace(second=0)
    assert asked.end - asked.start == timedelta(days=7)
    assert asked == question(None, None, "user", NOW + timedelta(seconds=50))
    assert question(None, NOW - HOUR, "user", NOW).start == NOW - HOUR - timedelta(days=7)
    elsewhere = timezone(2 * HOUR)
    assert question(None, NOW.astimezone(elsewhere), "user", NOW).end.tzinfo is UTC


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        (NOW, NOW, "from"),
        (NOW, NOW - HOUR, "from"),
        (NOW - timedelta(days=93), NOW, "from"),
        (None, NOW + HOUR, "to"),
        (NOW.replace(tzinfo=None), NOW, "from"),
        (None, NOW.replace(tzinfo=None), "to"),
        (datetime(1, 1, 1, tzinfo=timezone(HOUR)), NOW, "from"),
        (None, datetime(1, 1, 1, tzinfo=UTC), "to"),
        (None, datetime(9999, 12, 31, 23, tzinfo=timezone(-2 * HOUR)), "to"),
    ],
)
def test_times_that_cannot_be_accounted_are_refused_by_name(start, end, field):
    with pytest.raises(Invalid) as refused:
        question(start, end, "user", NOW)
    assert [error.field for error in refused.value.errors] == [field]


async def test_metrics_tell_who_holds_what_and_nothing_before_that_is_known():
    registry = CollectorRegistry()
    numbers = Gauges(cluster(None))
    registry.register(numbers)
    with pytest.raises(Unavailable):
        await numbers.refresh()
    assert generate_latest(registry) == b""
    node = Node("n1", None, None, 8, 3, (), time_sharing_enabled=False, ready=True, schedulable=True)
    numbers = Gauges(cluster(NodeUse({ANN: Held(3, 150, 2)}, nodes=(node,))))
    await numbers.refresh()
    registry = CollectorRegistry()
    registry.register(numbers)
    labels = 'gpu_type="A100",holder_namespace="user-ann-a",holder_user="ann-a"'
    told = [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]
    assert told == [
        "genet_gpus 8.0",
        f"genet_gpu_devices{{{labels}}} 3.0",
        f"genet_gpu_utilization_sum{{{labels}}} 1.5",
        f"genet_gpu_utilization_count{{{labels}}} 2.0",
    ]


async def test_numbers_that_could_not_be_had_are_had_the_next_time(caplog):
    asked = 0

    async def ledger():
        nonlocal asked
        asked += 1
        if asked == 1:
            raise ArithmeticError("no such number")
        return Ledger()

    running = asyncio.create_task((numbers := Gauges(ledger, refresh_seconds=0)).run())
    async with asyncio.timeout(5):
        while not list(numbers.collect()):  # noqa: ASYNC110 # a scrape is told nothing but numbers
            await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert [record.levelname for record in caplog.records] == ["ERROR"]
