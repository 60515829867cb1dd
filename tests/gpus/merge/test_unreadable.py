"""Objects that the merge stumbles over cost the sight of their own node, and of no other."""

import asyncio

import pytest

from genet.gpus import service as service_module
from genet.gpus.facts import Facts
from genet.gpus.merge.inventory import inventory
from genet.gpus.merge.unreadable import unreadable
from genet.gpus.overview import Audience, Form
from genet.gpus.service import OverviewService
from tests.gpus.builders import A100, GPU, node, pod
from tests.gpus.test_service import clock, cluster, seen

__all__ = ["clock", "cluster"]


@pytest.fixture
def stumbling(monkeypatch):
    """Names of nodes of which the merge can make nothing."""
    names: set[str] = set()

    def merge(facts, types):
        if facts.node.metadata.name in names:
            raise ArithmeticError("no such number")
        return inventory(facts, types)

    monkeypatch.setattr(service_module, "inventory", merge)
    return names


async def test_a_node_that_cannot_be_merged_is_unknown_and_all_others_are_shown(cluster, clock, stumbling, caplog):
    service = OverviewService(Facts(cluster.nodes, cluster.pods), [], None, clock=clock)
    stumbling.add("n2")
    cluster.listed([node("n1"), node("n2"), node("n3")], [pod("a", 1, on="n1"), pod("b", 1, on="n2")])
    overview = await seen(service)
    assert (overview.summary.used_devices, overview.summary.free_devices, overview.summary.unknown_devices) == (1, 7, 4)
    slots = next(n for g in overview.accelerator_groups for n in g.nodes if n.node_name == "n2").slots
    assert {(slot.status, slot.reason) for slot in slots} == {
        ("unknown", "Genet cannot make sense of what is said of this node; its log says more")
    }
    assert [(record.node, record.levelname) for record in caplog.records] == [("n2", "ERROR")]
    await service.overview(Form.COLUMNAR, Audience.PUBLIC)
    assert (await service.ledger()).devices == 12


async def test_it_is_told_once_and_forgotten_when_the_node_can_be_merged_again(cluster, clock, stumbling, caplog):
    service = OverviewService(Facts(cluster.nodes, cluster.pods), [], None, clock=clock)
    stumbling.add("n1")
    cluster.listed([node("n1")])
    for units in (1, 2):
        cluster.event(cluster.pods, "MODIFIED", pod("a", units))
        await seen(service)
    assert len(caplog.records) == 1
    stumbling.clear()
    cluster.event(cluster.pods, "MODIFIED", pod("a", 3))
    assert (await seen(service)).summary.used_devices == 3


async def test_a_failed_round_is_followed_by_the_next(cluster, clock, caplog):
    class Broken:
        asked = 0
        again = asyncio.Event()

        async def ask(self, *, everything, take):
            self.asked += 1
            if self.asked == 1:
                raise ArithmeticError("no such number")
            self.again.set()
            await asyncio.Event().wait()

        async def close(self):
            """There is nothing to end."""

    service = OverviewService(
        Facts(cluster.nodes, cluster.pods), [], rounds := Broken(), refresh_seconds=0, clock=clock
    )
    cluster.listed([node()])
    running = asyncio.create_task(service.run())
    await asyncio.wait_for(rounds.again.wait(), 5)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_what_a_node_counts_is_told_within_reason():
    counted = unreadable(node(capacity={GPU: "9" * 40, "nvidia.com/mig-1g.5gb": "2", "cpu": "64"}, labels=A100), ())
    assert sorted(part.node.total_devices for part in counted.values()) == [2, 1024]
    assert not any(part.free for part in counted.values())
    assert unreadable(node(capacity={GPU: "all of them"}), ()) == {}
