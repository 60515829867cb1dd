"""kubectl's STATUS column, rule by rule of its printer."""

from datetime import UTC, datetime

import pytest

from genet.pods.status import message, restarts, status_column
from tests.pods.builders import container, pod

NOW = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)
READY = {"type": "Ready", "status": "True"}
INITIALIZED = {"type": "Initialized", "status": "True"}
RUNNING = container(ready=True, running={})
COMPLETED = container("other", terminated={"exitCode": 0, "reason": "Completed"})
DELETED = {"deletionTimestamp": "2026-03-01T13:00:00Z"}


def init(*statuses, sidecars=(), **more):
    names = [status["name"] for status in statuses]
    containers = [{"name": n, **({"restartPolicy": "Always"} if n in sidecars else {})} for n in names]
    return pod(spec={"initContainers": containers}, phase="Pending", initContainerStatuses=statuses, **more)


DONE = container("first", terminated={"exitCode": 0})
CASES = [
    (pod(phase="Pending"), "Pending"),
    (pod(phase=""), "Unknown"),
    (pod(containerStatuses=[RUNNING]), "Running"),
    (pod(phase="Succeeded"), "Succeeded"),
    (pod(phase="Failed", reason="Evicted"), "Evicted"),
    (pod(phase="Running", reason="NodeLost"), "NodeLost"),
    (pod(phase="Pending", containerStatuses=[container(waiting={"reason": "ContainerCreating"})]), "ContainerCreating"),
    (pod(phase="Pending", containerStatuses=[container(waiting={})]), "Pending"),
    (pod(containerStatuses=[container(waiting={"reason": "CrashLoopBackOff"})]), "CrashLoopBackOff"),
    (pod(containerStatuses=[container(terminated={"exitCode": 137, "reason": "OOMKilled"})]), "OOMKilled"),
    (pod(containerStatuses=[container(terminated={"exitCode": 3})]), "ExitCode:3"),
    (pod(containerStatuses=[container(terminated={"exitCode": 137, "signal": 9})]), "Signal:9"),
    (
        pod(containerStatuses=[container(waiting={"reason": "ErrImagePull"}), container(terminated={"exitCode": 1})]),
        "ErrImagePull",
    ),
    (pod(containerStatuses=[RUNNING, COMPLETED], conditions=[READY]), "Running"),
    (pod(containerStatuses=[RUNNING, COMPLETED]), "NotReady"),
    (pod(containerStatuses=[COMPLETED], phase="Succeeded"), "Completed"),
    (
        pod(phase="Pending", conditions=[{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]),
        "SchedulingGated",
    ),
    (init(container("first", running={}), container("second", waiting={})), "Init:0/2"),
    (init(DONE, container("second", waiting={"reason": "PodInitializing"})), "Init:1/2"),
    (init(container("first", waiting={"reason": "ImagePullBackOff"})), "Init:ImagePullBackOff"),
    (init(container("first", terminated={"exitCode": 1, "reason": "Error"})), "Init:Error"),
    (init(container("first", terminated={"exitCode": 2})), "Init:ExitCode:2"),
    (init(container("first", terminated={"exitCode": 2, "signal": 15})), "Init:Signal:15"),
    (init(DONE, containerStatuses=[container(waiting={"reason": "PodInitializing"})]), "PodInitializing"),
    (init({**container("side", running={}), "started": True}, sidecars={"side"}), "Pending"),
    (init({**container("side", running={}), "started": False}, sidecars={"side"}), "Init:0/1"),
    (
        init(container("side", running={}), sidecars={"side"}, containerStatuses=[COMPLETED], conditions=[INITIALIZED]),
        "Completed",
    ),
    (pod(metadata=DELETED, containerStatuses=[RUNNING]), "Terminating"),
    (pod(metadata=DELETED, phase="Pending"), "Terminating"),
    (pod(metadata=DELETED, reason="NodeLost"), "Unknown"),
    (pod(metadata=DELETED, phase="Succeeded", containerStatuses=[COMPLETED]), "Completed"),
]


@pytest.mark.parametrize(("seen", "expected"), CASES, ids=[f"{n}-{text}" for n, (_, text) in enumerate(CASES)])
def test_status_column(seen, expected):
    assert status_column(seen) == expected


LOW = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. "
NO_ROOM = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu. preemption: 0/3 nodes are available: 3 none."


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (pod(containerStatuses=[RUNNING], message="old news"), None),
        (pod(phase="Succeeded", containerStatuses=[COMPLETED]), None),
        (
            pod(phase="Failed", reason="Evicted", message=LOW, spec={"nodeName": "gpu-1"}),
            "The node gpu-1 was short of memory (50 MiB left, 100 MiB is the least) and ended this pod.",
        ),
        (
            pod(
                phase="Pending",
                spec={"nodeName": "gpu-1"},
                containerStatuses=[container(waiting={"reason": "ErrImagePull", "message": "manifest unknown"})],
            ),
            "The image debian:13 does not exist in docker.io.",
        ),
        (
            pod(phase="Failed", containerStatuses=[container(terminated={"exitCode": 3})]),
            "The program of the container main ended with exit code 3.",
        ),
        (
            pod(phase="Pending", conditions=[{"type": "PodScheduled", "status": "False", "message": NO_ROOM}]),
            "The scheduler finds no node: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
        ),
        (pod(phase="Pending"), None),
    ],
)
def test_message_is_the_first_sentence_that_the_pod_alone_tells(seen, expected):
    assert message(seen, NOW) == expected


def test_message_is_in_the_callers_language():
    seen = pod(phase="Failed", containerStatuses=[container(terminated={"exitCode": 3})])
    assert message(seen, NOW, "zh") == "容器 main 的程序以退出码 3 结束。"


def test_restarts_are_those_of_all_containers():
    assert restarts(pod(containerStatuses=[container(restarts=2), container("b", restarts=1)])) == 3
