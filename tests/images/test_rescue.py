"""Which ends of a Job may have left a container paused: from its pod as the API server has it, before and after."""

from itertools import pairwise

import msgspec
import pytest

from genet import naming
from genet.images.rescue import left_standing
from genet.images.source import Source
from genet.kube.objects import PODS

CONTAINER = "ab" * 32
RUNNING = {"running": {"startedAt": "2026-01-31T07:59:00Z"}}
WAITING = {"waiting": {"reason": "PodInitializing"}}


def ended(code):
    return {"terminated": {"exitCode": code}}


def pod(commit=None, phase="Pending", reason="", container=CONTAINER, node="node1"):
    statuses = [{"name": "commit", "state": commit}] if commit is not None else []
    document = {
        "metadata": {"name": "commit-a-1-x", "annotations": {naming.CONTAINER: container} if container else {}},
        "spec": {"nodeName": node, "containers": []},
        "status": {"phase": phase, "reason": reason, "initContainerStatuses": statuses},
    }
    return PODS.one.decode(msgspec.json.encode(document))


STANDING = {
    "killed": (pod(RUNNING), pod(ended(137))),
    "killed by TERM": (pod(RUNNING), pod(ended(143))),
    "a crash": (pod(RUNNING), pod(ended(2), "Failed")),
    "killed before anybody saw it run": (pod(WAITING), pod(ended(137))),
    "gone while it read": (pod(RUNNING), None),
    "evicted, and an old kubelet forgot the rest": (pod(RUNNING), pod(phase="Failed", reason="Evicted")),
    "killed while no server was there": (None, pod(ended(137), "Failed")),
    "evicted while no server was there": (None, pod(phase="Failed", reason="Evicted")),
}
GOING_ON = {
    "begins": (pod(WAITING), pod(RUNNING)),
    "reads": (pod(RUNNING), pod(RUNNING)),
    "is through": (pod(RUNNING), pod(ended(0))),
    "said why not": (pod(RUNNING), pod(ended(1), "Failed")),
    "gone before it read": (pod(WAITING), None),
    "gone after it read": (pod(ended(0)), None),
    "gone after it failed": (pod(ended(1), "Failed"), None),
    "refused by the node": (pod(), pod(phase="Failed", reason="OutOfcpu")),
    "killed, as known before": (pod(ended(137)), pod(ended(137), "Failed")),
    "goes long after it was killed": (pod(ended(137), "Failed"), None),
    "goes long after it was evicted": (pod(phase="Failed", reason="Evicted"), None),
    "known as it reads": (None, pod(RUNNING)),
    "known as it is through": (None, pod(ended(0), "Succeeded")),
    "nobody": (None, None),
}


@pytest.mark.parametrize("name", STANDING)
def test_who_is_killed_while_it_reads_may_have_left_a_container_standing(name):
    assert left_standing(*STANDING[name]) == Source("node1", CONTAINER)


@pytest.mark.parametrize("name", GOING_ON)
def test_who_comes_to_its_own_end_has_not(name):
    assert left_standing(*GOING_ON[name]) is None


def test_it_is_told_once_of_every_pod():
    story = [None, pod(WAITING), pod(RUNNING), pod(ended(137)), pod(ended(137), "Failed"), None]
    assert [left_standing(*step) is not None for step in pairwise(story)] == [False, False, True, False, False]


@pytest.mark.parametrize("container", ["", "AB" * 32, "ab" * 31, "--help", CONTAINER + "\n"])
def test_what_is_no_container_is_not_named_to_anybody(container):
    assert left_standing(pod(RUNNING, container=container), pod(ended(137), container=container)) is None


def test_a_pod_without_a_node_has_paused_nothing():
    assert left_standing(pod(RUNNING, node=""), pod(ended(137), node="")) is None
