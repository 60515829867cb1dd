"""Claims of pods: made from templates, given devices by class and selector, counted by quotas, gone with their pod."""

from typing import Any

import pytest

from genet.simulation.policies import IS_SERVED
from tests.simulation.world import World

pytestmark = pytest.mark.skipif(not IS_SERVED, reason="selectors are judged by cel-python, which is not installed")

DRIVER = "gpu.nvidia.com"


def offer(world: World, *products: str, **more: Any) -> None:
    """A slice of node1 with a card of each product."""
    devices = [
        {"name": f"gpu-{n}", "attributes": {"type": {"string": "gpu"}, "uuid": {"string": f"GPU-{n}"},
                                            "productName": {"string": product}}}
        for n, product in enumerate(products)
    ]  # fmt: skip
    pool = {"name": "node1", "generation": 1, "resourceSliceCount": 1}
    world.create(
        "resourceslices", "s", {"driver": DRIVER, "nodeName": "node1", "pool": pool, "devices": devices, **more}
    )
    selector = {"cel": {"expression": f"device.driver == '{DRIVER}'"}}
    world.create("deviceclasses", "gpu", {"selectors": [selector]})


def template(world: World, name: str, count: int = 1, selector: str = "") -> None:
    wanted = {"deviceClassName": "gpu", "allocationMode": "ExactCount", "count": count}
    if selector:
        wanted["selectors"] = [{"cel": {"expression": selector}}]
    requests = [{"name": "gpu", "exactly": wanted}]
    world.create("resourceclaimtemplates", name, {"spec": {"devices": {"requests": requests}}})


def claiming(name: str) -> dict[str, Any]:
    return {"resourceClaims": [{"name": "gpu", "resourceClaimTemplateName": name}]}


def devices(world: World) -> list[str]:
    claims = world.store.list("resourceclaims", "default")
    given = [claim.get("status", {}).get("allocation") or {"devices": {"results": []}} for claim in claims]
    return sorted(result["device"] for item in given for result in item["devices"]["results"])


def why(world: World, name: str) -> str:
    conditions = world.get(name)["status"]["conditions"]
    return next(str(item["message"]) for item in conditions if item["type"] == "PodScheduled")


async def test_a_pod_gets_a_claim_of_its_own_and_the_devices_it_asks_for(empty: World):
    offer(empty, "A", "A", "A")
    template(empty, "t", 2)
    empty.pod("one", **claiming("t"))
    await empty.time.advance(5)
    assert empty.get("one")["status"]["phase"] == "Running"
    [claim] = empty.store.list("resourceclaims", "default")
    assert claim["metadata"]["ownerReferences"][0]["name"] == "one"
    assert claim["status"]["reservedFor"][0]["name"] == "one"
    assert len(devices(empty)) == 2


async def test_no_device_is_given_twice_and_who_waits_gets_what_comes_back(empty: World):
    offer(empty, "A", "A")
    template(empty, "t")
    for name in ("one", "two", "three"):
        empty.pod(name, **claiming("t"))
    await empty.time.advance(5)
    assert devices(empty) == ["gpu-0", "gpu-1"]
    names = {name: empty.get(name)["status"]["phase"] for name in ("one", "two", "three")}
    [waits] = [name for name, phase in names.items() if phase == "Pending"]
    assert "1 cannot allocate all claims" in why(empty, waits)
    gone = next(name for name, phase in names.items() if phase == "Running")
    empty.store.delete("pods", "default", gone, grace_period_seconds=0)
    await empty.time.advance(5)
    assert empty.get(waits)["status"]["phase"] == "Running"
    assert devices(empty) == ["gpu-0", "gpu-1"]


async def test_the_claim_of_a_finished_pod_is_gone(empty: World):
    offer(empty, "A")
    template(empty, "t")
    empty.pod("one", "exit 0", restartPolicy="Never", **claiming("t"))
    await empty.time.advance(5)
    assert empty.store.list("resourceclaims", "default") == []


async def test_selectors_choose_among_the_devices(empty: World):
    offer(empty, "A", "B")
    template(empty, "t", selector=f"device.attributes['{DRIVER}'].productName == 'B'")
    empty.pod("one", **claiming("t"))
    await empty.time.advance(5)
    assert devices(empty) == ["gpu-1"]


async def test_a_class_that_is_not_there_is_named(empty: World):
    template(empty, "t")
    empty.pod("one", **claiming("t"))
    await empty.time.advance(5)
    assert "device class gpu does not exist" in why(empty, "one")


async def test_a_pod_waits_for_its_template(empty: World):
    offer(empty, "A")
    empty.pod("one", **claiming("t"))
    await empty.time.advance(5)
    assert "waiting for dynamic resource controller" in why(empty, "one")
    template(empty, "t")
    await empty.time.advance(5)
    assert empty.get("one")["status"]["phase"] == "Running"


async def test_a_quota_counts_devices_by_their_class(empty: World):
    offer(empty, "A", "A", "A")
    template(empty, "t", 2)
    key = "gpu.deviceclass.resource.k8s.io/devices"
    empty.create("resourcequotas", "q", {"hard": {key: "3"}})
    empty.pod("one", **claiming("t"))
    empty.pod("two", **claiming("t"))
    await empty.time.advance(5)
    assert empty.store.get("resourcequotas", "default", "q")["status"]["used"] == {key: "2"}
    assert len(empty.store.list("resourceclaims", "default")) == 1
    events = [
        event["message"] for event in empty.store.list("events") if event["reason"] == "FailedResourceClaimCreation"
    ]
    assert len(events) == 1
    assert "exceeded quota: q" in events[0]


async def test_a_card_and_its_partition_are_not_both_given(empty: World):
    counter = [{"counterSet": "c", "counters": {"slices": {"value": "8"}}}]
    pool = {"name": "node1", "generation": 1, "resourceSliceCount": 1}
    attributes = {"uuid": {"string": "GPU-0"}}
    cards = [{"name": name, "attributes": attributes, "consumesCounters": counter} for name in ("whole", "part")]
    sets = [{"name": "c", "counters": {"slices": {"value": "8"}}}]
    spec = {"driver": DRIVER, "nodeName": "node1", "pool": pool, "devices": cards, "sharedCounters": sets}
    empty.create("resourceslices", "s", spec)
    empty.create("deviceclasses", "gpu", {})
    template(empty, "t")
    empty.pod("one", **claiming("t"))
    empty.pod("two", **claiming("t"))
    await empty.time.advance(5)
    assert len(devices(empty)) == 1
