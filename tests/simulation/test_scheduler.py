from tests.simulation.world import World

TWO_CPUS = {"cpu": "2"}


def scheduled(world: World, name: str) -> dict[str, str]:
    conditions: list[dict[str, str]] = world.get(name)["status"].get("conditions", [])
    return next(item for item in conditions if item["type"] == "PodScheduled")


async def test_a_pod_that_fits_nowhere_says_why_in_condition_and_event(empty: World):
    empty.pod("huge", limits={"cpu": "99", "nvidia.com/gpu": "1"})
    await empty.time.advance(1)
    text = (
        "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient nvidia.com/gpu. preemption: "
        "0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    )
    condition = scheduled(empty, "huge")
    assert (condition["status"], condition["reason"], condition["message"]) == ("False", "Unschedulable", text)
    assert [event["message"] for event in empty.store.list("events")] == [text]


async def test_the_event_is_not_repeated_while_nothing_changes(empty: World):
    empty.pod("huge", limits={"cpu": "99"})
    await empty.time.advance(600)
    assert [event["count"] for event in empty.store.list("events")] == [1]


async def test_a_waiting_pod_goes_where_another_made_room(empty: World):
    for number in range(4):
        empty.pod(f"busy-{number}", limits=TWO_CPUS)
    await empty.time.advance(5)
    empty.pod("late", limits=TWO_CPUS)
    await empty.time.advance(5)
    assert scheduled(empty, "late")["status"] == "False"
    empty.store.delete("pods", "default", "busy-2")
    await empty.time.advance(5)
    assert scheduled(empty, "late")["status"] == "True"
    assert empty.get("late")["status"]["phase"] == "Running"


async def test_a_finished_pod_takes_nothing(empty: World):
    empty.pod("done", "exit 0", limits={"cpu": "8"}, restartPolicy="Never")
    await empty.time.advance(5)
    empty.pod("next", limits={"cpu": "8"})
    await empty.time.advance(5)
    assert empty.get("next")["status"]["phase"] == "Running"


async def test_a_node_that_starts_to_advertise_gpus_takes_the_pods_that_wait_for_them(empty: World):
    empty.pod("train", limits={"nvidia.com/gpu": "2"})
    await empty.time.advance(1)
    node = empty.store.get("nodes", "", "node1")
    gpus = {"nvidia.com/gpu": "4"}
    status = {**node["status"], **{part: {**node["status"][part], **gpus} for part in ("capacity", "allocatable")}}
    empty.store.update("nodes", {**node, "status": status}, subresource="status")
    await empty.time.advance(5)
    assert empty.get("train")["status"]["phase"] == "Running"


async def test_a_cordoned_node_takes_no_pod_until_it_is_uncordoned(empty: World):
    node = empty.store.get("nodes", "", "node1")
    cordoned = empty.store.update("nodes", {**node, "spec": {**node["spec"], "unschedulable": True}})
    empty.pod("web")
    await empty.time.advance(1)
    assert "1 node(s) were unschedulable" in scheduled(empty, "web")["message"]
    empty.store.update("nodes", {**cordoned, "spec": node["spec"]})
    await empty.time.advance(5)
    assert empty.get("web")["status"]["phase"] == "Running"


async def test_a_pod_waits_for_its_claim(empty: World):
    empty.pod("data", volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}])
    await empty.time.advance(1)
    assert 'persistentvolumeclaim "data" not found' in scheduled(empty, "data")["message"]
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    empty.create("persistentvolumeclaims", "data", spec)
    await empty.time.advance(5)
    assert empty.get("data")["status"]["phase"] == "Running"


async def test_higher_priority_goes_first(empty: World):
    empty.create("priorityclasses", "high", value=1000)
    empty.pod("low", limits={"cpu": "8"})
    empty.pod("high", limits={"cpu": "8"}, priorityClassName="high")
    await empty.time.advance(5)
    assert empty.get("high")["status"]["phase"] == "Running"
    assert empty.get("low")["status"]["phase"] == "Pending"
