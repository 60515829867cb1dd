"""What pods take of their nodes, and who holds devices: of those that are there and not through."""

from decimal import Decimal
from typing import Any

from genet.flows.taken import TakenRoom
from genet.kube.objects import Pod
from tests.pods.builders import pod

GPU = "nvidia.com/gpu"


class Pods:
    """As much of a cache as is asked."""

    def __init__(self, *pods: Pod) -> None:
        self.pods = pods
        self.asked = 0

    def all(self) -> tuple[Pod, ...]:
        self.asked += 1
        return self.pods


def bound(node: str, phase: str = "Running", **limits: str) -> Pod:
    return pod(spec={"nodeName": node, **spec(**limits)}, phase=phase)


def spec(**limits: str) -> dict[str, Any]:
    return {"containers": [{"name": "c", "resources": {"limits": limits}}]}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def taken_of(pods: Pods, clock: Clock) -> TakenRoom:
    return TakenRoom(pods, lambda name: name == GPU, clock)  # type: ignore[arg-type] # as much of it as is asked


async def test_pods_on_a_node_add_up_and_the_finished_count_no_more():
    one, two = bound("n1", cpu="2", **{GPU: "3"}), bound("n1", phase="Pending", cpu="500m")
    pods = Pods(one, two, bound("n1", phase="Succeeded", cpu="9"), bound("", phase="Pending", cpu="9"))
    taken = await taken_of(pods, Clock())()
    assert taken.by_node == {"n1": {"cpu": Decimal("2.5"), GPU: Decimal(3), "pods": Decimal(2)}}
    assert taken.holding == [(one, {GPU: 3})]


async def test_who_has_no_node_and_asks_for_devices_waits():
    waits = bound("", phase="Pending", **{GPU: "2"})
    ends = pod(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}, spec=spec(**{GPU: "2"}), phase="Pending")
    through = bound("", phase="Failed", **{GPU: "2"})
    taken = await taken_of(
        Pods(waits, bound("", phase="Pending", cpu="2"), ends, through, bound("n1", **{GPU: "1"})), Clock()
    )()
    assert taken.waiting == [(waits, {GPU: 2})]


async def test_one_look_serves_everybody_for_two_seconds():
    clock, pods = Clock(), Pods(bound("n1", cpu="1"))
    taken = taken_of(pods, clock)
    await taken()
    clock.now = 1.9
    await taken()
    assert pods.asked == 1
    clock.now = 2.1
    await taken()
    assert pods.asked == 2
