"""Pods whose node is gone: no kubelet ends them, so the cluster does."""

import msgspec

from tests.simulation.world import World

STUBBORN = "trap '' TERM; sleep infinity"


def left(world: World) -> set[str]:
    return {pod["metadata"]["name"] for pod in world.store.list("pods", "default")}


async def gone(world: World) -> dict[str, object]:
    """The only node, with a pod, beside one that waits for a node."""
    world.pod("web", STUBBORN)
    world.pod("waiting", nodeSelector={"no": "where"})
    await world.time.advance(5)
    node = world.store.get("nodes", "", "node1")
    world.store.delete("nodes", "", "node1")
    await world.time.advance(30)
    assert left(world) == {"web", "waiting"}
    return node


async def test_they_go_by_force_after_a_while(empty: World):
    await gone(empty)
    await empty.time.advance(15)
    assert left(empty) == {"waiting"}


async def test_a_node_that_comes_back_keeps_its_pods(empty: World):
    node = await gone(empty)
    empty.store.create("nodes", msgspec.convert({"metadata": {"name": "node1"}, "status": node["status"]}, dict))
    await empty.time.advance(60)
    assert left(empty) == {"web", "waiting"}
