from typing import Any

import aiohttp

from tests.simulation.world import World

GPUS = {"nvidia.com/gpu": "2"}


async def ask(world: World, text: str, *, post: bool = False, **parameters: str) -> Any:
    url, fields = f"{world.cluster.prometheus_url}/api/v1/query", {"query": text, **parameters}
    async with aiohttp.ClientSession() as session:
        answer = session.post(url, data=fields) if post else session.get(url, params=fields)
        async with answer as response:
            return await response.json()


async def query(world: World, text: str, *, post: bool = False) -> list[tuple[dict[str, str], float]]:
    answer = await ask(world, text, post=post)
    return [(row["metric"], float(row["value"][1])) for row in answer["data"]["result"]]


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


async def test_bad_queries_are_bad_data(small: World):
    for answer in (await ask(small, "rate(m[5m])"), await ask(small, "m", time="0")):
        assert (answer["status"], answer["errorType"]) == ("error", "bad_data")
