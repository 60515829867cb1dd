from datetime import datetime

import pytest

from tests.simulation.world import START, World

GPU = {"nvidia.com/gpu": "1"}


async def test_a_pod_is_pulled_created_started_and_ready(empty: World):
    empty.pod("web", "echo hello; sleep infinity")
    await empty.time.advance(0.1)
    assert empty.state("web") == {"waiting": {"reason": "ContainerCreating"}}
    await empty.time.advance(5)
    pod = empty.get("web")
    assert pod["spec"]["nodeName"] == "node1"
    assert pod["status"]["phase"] == "Running"
    assert {"hostIP", "podIP", "startTime"} <= set(pod["status"])
    assert {item["type"]: item["status"] for item in pod["status"]["conditions"]} == {
        "PodScheduled": "True",
        "PodReadyToStartContainers": "True",
        "Initialized": "True",
        "Ready": "True",
        "ContainersReady": "True",
    }
    assert empty.reasons("web") == ["Scheduled", "Pulling", "Pulled", "Created", "Started"]
    assert empty.logs("web") == ["hello"]


async def test_an_image_is_pulled_once_per_node(empty: World):
    empty.pod("one")
    await empty.time.advance(5)
    empty.pod("two")
    await empty.time.advance(5)
    assert empty.reasons("two") == ["Scheduled", "Pulled", "Created", "Started"]


@pytest.mark.parametrize(
    ("script", "policy", "phase", "reason"),
    [
        ("exit 0", "Never", "Succeeded", "Completed"),
        ("exit 3", "Never", "Failed", "Error"),
        ("exit 0", "OnFailure", "Succeeded", "Completed"),
        ("tail /dev/zero", "Never", "Failed", "OOMKilled"),
    ],
)
async def test_a_pod_that_is_not_restarted_ends_as_its_command_does(
    empty: World, script: str, policy: str, phase: str, reason: str
):
    empty.pod("job", script, restartPolicy=policy)
    await empty.time.advance(5)
    assert empty.get("job")["status"]["phase"] == phase
    assert empty.state("job")["terminated"]["reason"] == reason
    assert empty.state("job")["terminated"]["exitCode"] == {"Completed": 0, "Error": 3, "OOMKilled": 137}[reason]


async def test_a_crashing_pod_waits_longer_each_time(empty: World):
    empty.pod("crash", "echo no; exit 1")
    restarts = []
    for _ in range(20):
        await empty.time.advance(10)
        restarts.append(empty.get("crash")["status"]["containerStatuses"][0]["restartCount"])
    assert restarts == [1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5]
    status = empty.get("crash")["status"]
    assert status["phase"] == "Running"
    assert status["containerStatuses"][0]["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert status["containerStatuses"][0]["state"]["waiting"]["message"].startswith("back-off 2m40s restarting")
    assert status["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 1
    assert empty.reasons("crash").count("BackOff") == 1
    assert empty.logs("crash") == ["no"]
    assert empty.logs("crash", previous=True) == ["no"]


async def test_an_image_that_is_missing_is_said_to_be(empty: World):
    empty.pod("typo", image="registry/missing:1")
    seen = set()
    for _ in range(40):
        await empty.time.advance(0.1)
        if "containerStatuses" in empty.get("typo")["status"]:
            seen.add(empty.state("typo")["waiting"]["reason"])
    assert {"ErrImagePull", "ImagePullBackOff"} <= seen
    assert empty.get("typo")["status"]["phase"] == "Pending"
    assert {"Failed", "BackOff"} <= set(empty.reasons("typo"))


async def test_a_pod_waits_for_the_secret_that_it_mounts(empty: World):
    empty.pod("keys", volumes=[{"name": "ssh", "secret": {"secretName": "host-keys"}}])
    await empty.time.advance(5)
    assert "FailedMount" in empty.reasons("keys")
    empty.create("secrets", "host-keys")
    await empty.time.advance(5)
    assert empty.get("keys")["status"]["phase"] == "Running"


async def test_deleting_stops_a_pod_after_a_moment(empty: World):
    empty.pod("web")
    await empty.time.advance(5)
    empty.store.delete("pods", "default", "web")
    await empty.time.advance(0.3)
    assert "deletionTimestamp" in empty.get("web")["metadata"]
    await empty.time.advance(1)
    assert empty.store.find("pods", "default", "web") is None
    assert empty.reasons("web")[-1] == "Killing"


async def test_a_pod_that_ignores_term_takes_its_whole_grace_period(empty: World):
    empty.pod("stubborn", "trap '' TERM; sleep infinity", terminationGracePeriodSeconds=20)
    await empty.time.advance(5)
    empty.store.delete("pods", "default", "stubborn")
    await empty.time.advance(19)
    assert empty.store.find("pods", "default", "stubborn")
    await empty.time.advance(2)
    assert empty.store.find("pods", "default", "stubborn") is None


async def test_a_pod_of_the_same_name_is_another_pod(empty: World):
    empty.pod("web", "echo first; sleep infinity")
    await empty.time.advance(5)
    empty.store.delete("pods", "default", "web", grace_period_seconds=0)
    empty.pod("web", "echo second; sleep infinity")
    await empty.time.advance(5)
    assert empty.logs("web") == ["second"]


async def test_nothing_happens_on_a_node_that_is_not_ready(small: World):
    await small.time.advance(60)
    lost = small.get("pod-carol-carol-lost", namespace="user-carol-carol")
    assert "deletionTimestamp" in lost["metadata"]


async def test_devices_are_held_until_the_pod_is_gone(small: World):
    here = {"kubernetes.io/hostname": "h100-03"}
    pods = [small.pod(f"gpu-{number}", limits=GPU, nodeSelector=here) for number in range(7)]
    await small.time.advance(5)
    held = {small.cluster.devices.of(pod, "main")[0].id for pod in pods}
    assert len(held) == 7
    small.pod("late", limits=GPU, nodeSelector=here)
    await small.time.advance(1)
    assert small.get("late")["status"]["phase"] == "Pending"
    small.store.delete("pods", "default", "gpu-3")
    await small.time.advance(5)
    assert small.get("late")["status"]["phase"] == "Running"
    assert small.cluster.devices.of(small.get("late"), "main")[0].id in held


async def test_a_pod_put_past_the_scheduler_onto_a_full_node_is_rejected(small: World):
    small.pod("pushy", limits=GPU, nodeName="h100-01")
    await small.time.advance(1)
    status = small.get("pushy")["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "UnexpectedAdmissionError")
    assert "Requested: 1, Available: 0" in status["message"]


async def test_times_in_the_status_are_those_of_the_clock(empty: World):
    empty.pod("web")
    await empty.time.advance(60)
    started = datetime.fromisoformat(empty.state("web")["running"]["startedAt"])
    assert 0 < (started - START).total_seconds() < 5
