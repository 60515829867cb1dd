"""Init containers run before the others, one after the other; what a Job's pod is made of."""

from typing import Any

import pytest

from tests.simulation.world import World


def container(name: str, script: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "image": "debian:13", "command": ["sh", "-c", script], **more}


def make(world: World, *first: dict[str, Any], policy: str = "Never", script: str = "echo main", **spec: Any) -> None:
    containers = [container("main", script)]
    world.create(
        "pods", "pod", {"initContainers": list(first), "containers": containers, "restartPolicy": policy, **spec}
    )


def states(world: World) -> dict[str, tuple[str, str]]:
    """Of every container: its state, and the reason for it."""
    status = world.get("pod")["status"]
    told = [*status["initContainerStatuses"], *status["containerStatuses"]]
    return {item["name"]: (state, detail.get("reason", "")) for item in told for state, detail in item["state"].items()}


def logs(world: World, container: str) -> list[str]:
    return [text for _, text in world.cluster.containers.logs(world.get("pod"), container, previous=False)]


async def test_the_others_start_when_every_init_container_has_ended_well(empty: World):
    make(empty, container("one", "echo first; sleep 10"), container("two", "echo second; sleep 10"))
    await empty.time.advance(5)
    assert states(empty) == {
        "one": ("running", ""),
        "two": ("waiting", "PodInitializing"),
        "main": ("waiting", "PodInitializing"),
    }
    status = empty.get("pod")["status"]
    assert status["phase"] == "Pending"
    initialized = next(item for item in status["conditions"] if item["type"] == "Initialized")
    assert (initialized["status"], initialized["reason"]) == ("False", "ContainersNotInitialized")
    assert initialized["message"] == "containers with incomplete status: [one two]"
    await empty.time.advance(30)
    assert set(states(empty).values()) == {("terminated", "Completed")}
    assert empty.get("pod")["status"]["phase"] == "Succeeded"
    assert [item["ready"] for item in empty.get("pod")["status"]["initContainerStatuses"]] == [True, True]
    assert [logs(empty, name) for name in ("one", "two", "main")] == [["first"], ["second"], ["main"]]


async def test_one_that_fails_ends_a_pod_that_is_not_restarted(empty: World):
    make(empty, container("one", "echo why; exit 3"), container("two", "echo never"))
    await empty.time.advance(20)
    assert states(empty) == {
        "one": ("terminated", "Error"),
        "two": ("waiting", "PodInitializing"),
        "main": ("waiting", "PodInitializing"),
    }
    assert empty.get("pod")["status"]["phase"] == "Failed"
    assert logs(empty, "one") == ["why"]
    assert logs(empty, "main") == []


async def test_one_that_fails_is_tried_again_in_a_pod_that_is_always_restarted(empty: World):
    make(empty, container("one", "exit 3"), policy="Always")
    await empty.time.advance(60)
    status = empty.get("pod")["status"]
    assert status["phase"] == "Pending"
    assert status["initContainerStatuses"][0]["restartCount"] >= 2
    assert states(empty)["one"] == ("waiting", "CrashLoopBackOff")


async def test_one_that_ends_well_is_not_started_again_whatever_the_policy(empty: World):
    make(empty, container("one", "echo once"), policy="Always", script="sleep infinity")
    await empty.time.advance(30)
    assert empty.get("pod")["status"]["phase"] == "Running"
    assert empty.get("pod")["status"]["initContainerStatuses"][0]["restartCount"] == 0


async def test_an_image_of_one_that_cannot_be_pulled(empty: World):
    make(empty, container("one", "true", image="registry.example/missing:1"))
    await empty.time.advance(5)
    assert states(empty)["one"] == ("waiting", "ImagePullBackOff")
    events = [event for event in empty.store.list("events") if event["reason"] == "Failed"]
    assert {event["involvedObject"]["fieldPath"] for event in events} == {"spec.initContainers{one}"}


async def test_the_larger_of_an_init_container_and_the_sum_of_the_others_is_asked_of_the_node(empty: World):
    make(empty, container("one", "true", resources={"requests": {"cpu": "4000"}}))
    await empty.time.advance(5)
    assert "nodeName" not in empty.get("pod")["spec"]


async def test_an_evicted_pod_has_no_container_that_runs(empty: World):
    make(empty, container("one", "sleep 100"))
    await empty.time.advance(5)
    empty.cluster.accidents.evict("default", "pod")
    await empty.time.advance(200)
    assert states(empty)["one"] == ("terminated", "Error")
    assert empty.get("pod")["status"]["phase"] == "Failed"


async def test_a_socket_of_the_node_that_is_not_there_keeps_the_pod_waiting(empty: World):
    volume = {"name": "socket", "hostPath": {"path": "/run/no-such-containerd.sock", "type": "Socket"}}
    make(empty, container("one", "true"), volumes=[volume])
    await empty.time.advance(5)
    assert states(empty)["one"] == ("waiting", "PodInitializing")
    [event] = [event for event in empty.store.list("events") if event["reason"] == "FailedMount"]
    assert event["message"].endswith("hostPath type check failed: /run/no-such-containerd.sock is not a socket file")


async def test_a_quota_counts_the_larger_of_an_init_container_and_the_sum_of_the_others(empty: World):
    empty.create("resourcequotas", "quota", {"hard": {"limits.memory": "3Gi", "limits.cpu": "3"}})
    make(
        empty,
        container("one", "sleep 100", resources={"limits": {"memory": "2Gi", "cpu": "1"}}),
        container("two", "sleep 100", resources={"limits": {"memory": "1Gi", "cpu": "2"}}),
    )
    used = empty.get("quota", "resourcequotas")["status"]["used"]
    assert used == {"limits.memory": "2Gi", "limits.cpu": "2"}


@pytest.mark.parametrize(
    ("script", "policy", "message"),
    [
        ("echo one; echo two; exit 3", "FallbackToLogsOnError", "one\ntwo\n"),
        ("echo one", "FallbackToLogsOnError", None),
        ("echo one; exit 3", "File", None),
    ],
)
async def test_the_end_of_the_log_of_one_that_failed_is_in_its_status_if_it_asked_for_it(
    empty: World, script: str, policy: str, message: str | None
):
    make(empty, container("one", script, terminationMessagePolicy=policy))
    await empty.time.advance(10)
    [status] = empty.get("pod")["status"]["initContainerStatuses"]
    assert status["state"]["terminated"].get("message") == message
