"""kubectl's STATUS column, rule by rule of its printer."""

import pytest

from genet.pods.status import message, restarts, status_column
from tests.pods.builders import container, pod

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


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (pod(containerStatuses=[RUNNING], message="old news"), None),
        (pod(phase="Failed", reason="Evicted", message="The node was low on memory."), "The node was low on memory."),
        (pod(phase="Pending", containerStatuses=[container(waiting={"reason": "ContainerCreating"})]), None),
        (
            pod(containerStatuses=[container(waiting={"reason": "ErrImagePull", "message": "no such image"})]),
            "no such image",
        ),
        (pod(phase="Failed", containerStatuses=[container(terminated={"exitCode": 3})]), "ended with exit code 3"),
        (
            pod(
                phase="Pending",
                conditions=[{"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}],
            ),
            "0/3 nodes are available",
        ),
    ],
)
def test_message_is_what_the_one_who_stopped_it_said(seen, expected):
    assert message(seen) == expected


def test_restarts_are_those_of_all_containers():
    assert restarts(pod(containerStatuses=[container(restarts=2), container("b", restarts=1)])) == 3
