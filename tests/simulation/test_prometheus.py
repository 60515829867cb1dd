import asyncio
from typing import Any

import aiohttp
import pytest

from genet.pods.metrics import question_cpu, question_memory
from tests.simulation.world import START, World

NOW = START.timestamp()
HOUR = 3600
GPUS = {"nvidia.com/gpu": "2"}


async def ask(world: World, text: str, *, path: str = "query", post: bool = False, **parameters: str | float) -> Any:
    url, fields = f"{world.cluster.prometheus_url}/api/v1/{path}", {"query": text, **parameters}
    async with aiohttp.ClientSession() as session:
        answer = session.post(url, data=fields) if post else session.get(url, params=fields)
        async with answer as response:
            return await response.json()


async def query(world: World, text: str, *, post: bool = False, **time: Any) -> list[tuple[dict[str, str], float]]:
    answer = await ask(world, text, post=post, **time)
    return [(row["metric"], float(row["value"][1])) for row in answer["data"]["result"]]


async def over(
    world: World, text: str, hours: float, step: int, until: float = NOW
) -> list[tuple[dict[str, str], dict[float, float]]]:
    answer = await ask(world, text, path="query_range", start=until - hours * HOUR, end=until, step=step)
    return [(row["metric"], {at: float(value) for at, value in row["values"]}) for row in answer["data"]["result"]]


async def test_the_label_of_a_gpu_follows_the_pod_that_holds_it(small: World):
    small.pod("train", "python train.py", limits=GPUS, nodeSelector={"kubernetes.io/hostname": "h100-03"})
    await small.time.advance(5)
    held = {device.id for device in small.cluster.devices.of(small.get("train"), "main")}
    mine = 'DCGM_FI_DEV_GPU_UTIL{pod="train"}'
    await small.time.advance(120)
    rows = await query(small, mine)
    assert {labels["UUID"] for labels, _ in rows} == held
    assert all(value > 5 for _, value in rows)
    assert {(labels["namespace"], labels["container"], labels["hostname"]) for labels, _ in rows} == {
        ("default", "main", "h100-03")
    }
    small.store.delete("pods", "default", "train")
    await small.time.advance(20)
    assert await query(small, mine) == []


async def test_an_idle_pod_keeps_a_little_memory_and_does_nothing(small: World):
    idle = 'pod="pod-lihua-lihua-notebook"'
    assert [value for _, value in await query(small, f"DCGM_FI_DEV_GPU_UTIL{{{idle}}}")] == [0]
    assert 1000 < (await query(small, f"DCGM_FI_DEV_FB_USED{{{idle}}}"))[0][1] < 5000


async def test_a_free_gpu_has_series_too_and_one_used_from_outside_shows_memory_without_a_pod(small: World):
    rows = await query(small, 'DCGM_FI_DEV_FB_USED{hostname="h100-03",pod=""}')
    assert [value for labels, value in rows if labels["gpu"] != "6"] == [4] * (len(rows) - 1)
    assert [value > 20_000 for labels, value in rows if labels["gpu"] == "6"] == [True]


async def test_two_scrapes_at_one_moment_say_the_same(small: World):
    assert await query(small, "DCGM_FI_DEV_GPU_UTIL") == await query(small, "DCGM_FI_DEV_GPU_UTIL", post=True)


async def test_mig_rows_carry_the_instance_and_no_utilization(small: World):
    rows = await query(small, 'DCGM_FI_PROF_GR_ENGINE_ACTIVE{GPU_I_PROFILE="3g.40gb"}')
    assert len(rows) == 4
    assert {labels["GPU_I_ID"] for labels, _ in rows} == {"1"}
    assert [labels["pod"] for labels, _ in rows if "pod" in labels] == ["pod-carol-carol-slice"]
    assert all(0 <= value <= 1 for _, value in rows)
    assert await query(small, 'DCGM_FI_DEV_GPU_UTIL{hostname="a100-mig-01"}') == []


async def test_a_time_sliced_gpu_names_one_of_its_pods(small: World):
    rows = await query(small, 'DCGM_FI_DEV_GPU_UTIL{hostname="l40s-01"}')
    assert len(rows) == 4
    assert all(labels["pod"].endswith("-infer") for labels, _ in rows)


async def test_sharers_work_without_a_pod_label(small: World):
    (idle, _), (busy, load) = await query(small, 'DCGM_FI_DEV_GPU_UTIL{hostname="t4-01"}')
    assert "pod" not in idle | busy
    assert load > 5


async def test_a_card_off_the_bus_tells_its_last_error_alone(small: World):
    rows = await query(small, 'DCGM_FI_DEV_XID_ERRORS{hostname="a100-03"}')
    assert {labels["gpu"]: value for labels, value in rows if value} == {"5": 79}
    rows = await query(small, 'DCGM_FI_DEV_GPU_UTIL{hostname="a100-03"}')
    assert "5" not in {labels["gpu"] for labels, _ in rows}


async def test_a_node_that_is_not_ready_says_nothing(small: World):
    assert await query(small, 'DCGM_FI_DEV_GPU_UTIL{hostname="rtx4090-01"}') == []


async def test_without_honoured_labels_the_pod_is_the_exporter(mixed: World):
    rows = await query(mixed, 'DCGM_FI_DEV_FB_USED{Hostname="slicing-01"}')
    assert {labels["pod"] for labels, _ in rows} == {"nvidia-dcgm-exporter-slicing-01"}
    assert all(labels["exported_pod"].startswith("pod-bob-bob-share-") for labels, _ in rows)


async def test_a_holders_series_begin_when_its_pod_started_and_the_card_was_free_before(small: World):
    rows = await over(small, 'DCGM_FI_DEV_GPU_UTIL{hostname="h100-02"}', hours=12, step=600)
    first = {labels["pod"]: min(values) for labels, values in rows if "pod" in labels}
    assert first["pod-carol-carol-reward"] == NOW - 5 * HOUR
    assert first["pod-lihua-lihua-serve"] == NOW - 2 * HOUR / 3
    assert first["pod-lihua-lihua-notebook"] == NOW - 12 * HOUR
    (held,) = {labels["UUID"] for labels, values in rows if labels.get("pod") == "pod-lihua-lihua-notebook"}
    free = {labels["UUID"]: values for labels, values in rows if "pod" not in labels}
    assert held not in free
    assert all(set(values.values()) == {0} for values in free.values())
    assert sorted(len(values) for values in free.values()) == [42, 42, 68, 68, 73, 73, 73]


async def test_what_a_pod_did_is_remembered_under_its_name_when_it_is_gone(small: World):
    small.pod("train", "python train.py", limits=GPUS, nodeSelector={"kubernetes.io/hostname": "h100-03"})
    await small.time.advance(600)
    small.store.delete("pods", "default", "train")
    await small.time.advance(600)
    rows = await over(small, 'DCGM_FI_DEV_GPU_UTIL{pod="train"}', hours=1, step=60, until=NOW + 1200)
    assert len(rows) == 2
    assert {(min(values), max(values)) for _, values in rows} == {(NOW, NOW + 600)}


@pytest.mark.parametrize(
    "text",
    [
        'DCGM_FI_DEV_GPU_UTIL{hostname="h100-02"}',
        'DCGM_FI_DEV_GPU_UTIL{hostname="l40s-01"} > 20',
        "avg by (hostname) (DCGM_FI_DEV_GPU_UTIL)",
        'max_over_time(DCGM_FI_DEV_FB_USED{hostname="h100-02"}[10m])',
    ],
)
async def test_a_range_is_what_instant_queries_say_one_by_one(small: World, text: str):
    rows = await over(small, text, hours=6, step=1234)
    times = [NOW - 6 * HOUR + 1234 * number for number in range(18)]
    instants = await asyncio.gather(*(query(small, text, time=at) for at in times))
    by_time = [sum(values.get(at, 0) for _, values in rows) for at in times]
    assert by_time == pytest.approx([sum(value for _, value in found) for found in instants])
    assert [sum(at in values for _, values in rows) for at in times] == [len(found) for found in instants]
    assert sum(by_time) > 0


async def test_the_last_moment_of_work_is_found_where_there_was_any(small: World):
    last = 'max_over_time(timestamp(DCGM_FI_DEV_GPU_UTIL{hostname="h100-02"} > 5)[24h:15m])'
    found = {labels["pod"]: NOW - value for labels, value in await query(small, last)}
    assert found == {"pod-carol-carol-reward": 0, "pod-lihua-lihua-serve": 0}


@pytest.mark.parametrize("text", ["DCGM_FI_DEV_GPU_UTIL > 5", "DCGM_FI_DEV_FB_USED < 5000", "DCGM_FI_DEV_XID_ERRORS"])
async def test_a_subquery_finds_what_instant_queries_find_one_by_one(small: World, text: str):
    small.pod("train", "python train.py", limits=GPUS, nodeSelector={"kubernetes.io/hostname": "h100-03"})
    await small.time.advance(615)
    small.store.delete("pods", "default", "train")
    await small.time.advance(600)
    last: dict[tuple[tuple[str, str], ...], float] = {}
    for at in range(int(NOW) - 4 * HOUR, int(NOW) + 1200, 420):
        step = at - at % 420
        for labels, _ in await query(small, text, time=step):
            last[tuple(sorted(item for item in labels.items() if item[0] != "__name__"))] = step
    found = await query(small, f"max_over_time(timestamp(({text}))[4h:7m])", time=step)
    assert {tuple(sorted(labels.items())): value for labels, value in found} == last


async def test_what_is_asked_of_a_pod_is_understood(small: World):
    for question in (question_cpu("user-a-a", "pod-a-a-one"), question_memory("user-a-a", "pod-a-a-one")):
        assert (await ask(small, question))["status"] == "success", question


async def test_bad_queries_are_bad_data(small: World):
    for answer in (
        await ask(small, "irate(m[5m])"),
        await ask(small, "m", time="never"),
        await ask(small, "m", path="query_range", start=2, end=1, step=1),
        await ask(small, "m", path="query_range", start=0, end=NOW, step=1),
        await ask(small, "m", path="query_range", start=1, end=2, step="0"),
    ):
        assert (answer["status"], answer["errorType"]) == ("error", "bad_data")
