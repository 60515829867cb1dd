import pytest

from genet.simulation.scenarios import SCENARIOS
from tests.simulation.world import START, World, world


async def test_the_small_cluster_shows_every_kind_of_gpu_use(small: World):
    await small.time.advance(30)
    assert len(small.store.list("nodes")) == 12
    assert sum(len(cards) for cards in small.cluster.devices.by_node.values()) == 70
    pods = small.store.list("pods")
    assert {pod["status"]["phase"] for pod in pods} == {"Running", "Pending"}
    (pending,) = [pod for pod in pods if pod["status"]["phase"] == "Pending"]
    assert "3 Insufficient nvidia.com/gpu" in pending["status"]["conditions"][0]["message"]
    broken = small.get("pod-erin-erin-broken", namespace="user-erin-erin")
    assert broken["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    unhealthy = small.store.get("nodes", "", "a100-03")["status"]
    assert (unhealthy["capacity"]["nvidia.com/gpu"], unhealthy["allocatable"]["nvidia.com/gpu"]) == ("8", "7")


async def test_the_crashing_pod_goes_on_crashing(small: World):
    await small.time.advance(400)
    broken = small.get("pod-erin-erin-broken", namespace="user-erin-erin")
    assert broken["status"]["containerStatuses"][0]["restartCount"] > 6
    assert small.cluster.containers.logs(broken, "main", previous=False)


async def test_what_people_hold_is_not_simply_the_lowest_indexes(small: World):
    await small.time.advance(1)
    held = [
        sorted(card.index for card in cards if any(use.held for use in small.cluster.devices.uses.get(card.uuid, ())))
        for cards in small.cluster.devices.by_node.values()
    ]
    assert any(indexes != list(range(len(indexes))) for indexes in held)


@pytest.mark.parametrize("name", ["empty", "small", "mixed"])
async def test_nobody_holds_more_than_there_is(name: str):
    async with world(name) as it:
        await it.time.advance(30)
        failed = [pod["metadata"]["name"] for pod in it.store.list("pods") if pod["status"]["phase"] == "Failed"]
        assert failed == []


async def test_devices_named_by_a_scheduler_are_the_ones_that_are_taken(mixed: World):
    pod = mixed.get("pod-alice-alice-vgpu-hami-01", namespace="user-alice-alice")
    (device,) = mixed.cluster.devices.of(pod, "main")
    assert device.gpu.uuid in pod["metadata"]["annotations"]["hami.io/vgpu-devices-allocated"]


async def test_a_claimed_card_is_the_one_that_works(mixed: World):
    pod = mixed.get("pod-alice-alice-claimer", namespace="user-alice-alice")
    assert [device.gpu.index for device in mixed.cluster.devices.of(pod, "main")] == [1]


async def test_what_an_administrator_looks_at_is_nobodys(mixed: World):
    monitor = mixed.get("monitor", namespace="gpu-monitoring")
    assert mixed.cluster.devices.of(monitor, "main") == []
    claim = mixed.store.get("resourceclaims", "gpu-monitoring", "all-gpus")
    assert [item["adminAccess"] for item in claim["status"]["allocation"]["devices"]["results"]] == [True] * 4


async def test_a_pod_that_asks_for_a_gpu_may_be_served_by_a_claim(mixed: World):
    pod = mixed.get("pod-bob-bob-extended", namespace="user-bob-bob")
    assert pod["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert "resourceClaims" not in pod["spec"]
    assert [device.gpu.index for device in mixed.cluster.devices.of(pod, "main")] == [1]


async def test_a_claimed_partition_is_the_one_that_works(mixed: World):
    pod = mixed.get("pod-alice-alice-part", namespace="user-alice-alice")
    (device,) = mixed.cluster.devices.of(pod, "main")
    assert device.partition
    assert device.partition.profile == "1g.10gb"


async def test_kubelets_that_tell_name_the_devices_of_pods_old_and_new(mixed: World):
    mixed.pod("new", limits={"nvidia.com/gpu": "1"}, nodeSelector={"kubernetes.io/hostname": "whole-01"})
    await mixed.time.advance(10)
    old = mixed.get("pod-alice-alice-train", namespace="user-alice-alice")
    for pod in (old, mixed.get("new")):
        (told,) = pod["status"]["containerStatuses"][0]["allocatedResourcesStatus"]
        ids = [device.id for device in mixed.cluster.devices.of(pod, "main")]
        assert told == {
            "name": "nvidia.com/gpu",
            "resources": [{"resourceID": name, "health": "Healthy"} for name in ids],
        }
    silent = mixed.get("pod-bob-bob-render", namespace="user-bob-bob")
    assert "allocatedResourcesStatus" not in silent["status"]["containerStatuses"][0]


def test_the_large_cluster_is_as_large_as_it_says():
    scenario = SCENARIOS["large"](START, 0)
    counts = {plural: sum(1 for item in scenario.objects if item.plural == plural) for plural in ("nodes", "pods")}
    assert counts == {"nodes": 5_000, "pods": 50_000}
    assert len(scenario.gpus) == 40_000


def test_the_same_seed_gives_the_same_cluster():
    assert SCENARIOS["small"](START, 7) == SCENARIOS["small"](START, 7)
    assert SCENARIOS["small"](START, 7).gpus != SCENARIOS["small"](START, 8).gpus
