"""Who holds how much of a node, and the sums over all nodes."""

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from genet.accelerators import counts_devices
from genet.gpus.merge.inventory import Kind, NodeDevices
from genet.gpus.overview import Node, PodRef, Slice, Slot
from genet.gpus.usage.holders import Held, Holder, Ledger, Model, NodeUse, node_use
from tests.gpus.builders import GPU, STARTED, pod

A100 = Kind("A100", "A100", GPU)
ANN, BOB = PodRef("a", "user-ann-a", "ann-a", STARTED), PodRef("b", "user-bob-b", "bob-b", STARTED)
MIG = "nvidia.com/mig-1g.5gb"


def slot(index=0, *pods, utilization=None, attribution="exporter", slices=(), idle_since=None):
    is_used = pods or attribution == "count"
    known: dict[str, Any] = dict.fromkeys(Slot.__struct_fields__, None) | {
        "index": index,
        "status": "used" if is_used else "free",
        "attribution": attribution if is_used else None,
        "utilization": utilization,
        "pods": pods,
        "slices": slices,
        "idle_since": idle_since,
    }
    return Slot(**known)


def devices(*slots, kind=A100):
    node = Node("n1", None, "NVIDIA-A100", len(slots), 0, slots, False, True, True)
    return {kind: NodeDevices(node, 0)}


def used(parts, *pods):
    return node_use(parts, pods, counts_devices([]))


def held(parts, *pods):
    return {(holder.user, holder.type): amount for holder, amount in used(parts, *pods).held.items()}


def test_devices_that_name_their_pod_tell_how_busy_it_is():
    parts = devices(slot(0, ANN, utilization=80), slot(1, ANN, utilization=20), slot(2, ANN), slot(3))
    assert held(parts, pod("a", 3)) == {("ann-a", "A100"): Held(3, 100, 2)}


def test_what_nobody_can_tell_by_name_is_what_the_pod_asks_for():
    parts = devices(slot(0, attribution="count"), slot(1, attribution="count"))
    assert held(parts, pod("a", 2)) == {("ann-a", "A100"): Held(2)}


def test_two_shares_of_one_card_are_two():
    assert held(devices(slot(0, ANN, utilization=50)), pod("a", 2)) == {("ann-a", "A100"): Held(2, 50, 1)}


def test_sharers_hold_one_each():
    parts = devices(slot(0, ANN, BOB, utilization=50))
    assert held(parts, pod("a"), pod("b", namespace="user-bob-b")) == {
        ("ann-a", "A100"): Held(1, 50, 1),
        ("bob-b", "A100"): Held(1, 50, 1),
    }


def test_slices_are_counted_and_their_card_is_not():
    parts = [Slice(str(n), "1g.5gb", "used", (ANN,)) for n in range(2)]
    card = slot(0, ANN, utilization=50, slices=tuple(parts))
    assert held(devices(card, kind=Kind("slices", "slices", MIG)), pod("a", 2, resource=MIG)) == {
        ("ann-a", "slices"): Held(2)
    }


def test_a_claim_holds_what_names_the_pod_although_it_asks_for_no_resource():
    claimed = devices(slot(0, ANN, utilization=10), kind=Kind("dra", "dra", "gpu.nvidia.com"))
    assert held(claimed, pod("a", 0)) == held(claimed, pod("a", 1)) == {("ann-a", "dra"): Held(1, 10, 1)}


def test_a_pod_that_keeps_a_card_for_others_holds_nothing():
    parts = devices(slot(0, ANN, BOB))
    keeper = pod("keeper", 1, namespace="kai-resource-reservation")
    assert held(parts, pod("a", 0), pod("b", 0, namespace="user-bob-b"), keeper) == {
        ("ann-a", "A100"): Held(1),
        ("bob-b", "A100"): Held(1),
    }


def test_finished_pods_hold_nothing_and_others_have_no_user():
    parts = devices(slot(0, attribution="count"))
    assert held(parts, pod("a", phase="Succeeded"), pod("x", namespace="batch")) == {("", "A100"): Held(1)}


def test_a_node_that_advertises_nothing_any_more_still_has_its_pods():
    assert held({}, pod("a", 2)) == {("ann-a", GPU): Held(2)}


def test_idle_devices_are_listed_by_pod():
    hour = timedelta(hours=1)
    parts = devices(
        slot(0, ANN, idle_since=STARTED),
        slot(1, ANN, idle_since=STARTED + hour),
        slot(2, BOB),
        slot(3, idle_since=STARTED),
    )
    ledger = Ledger()
    ledger.put("n1", used(parts, pod("a", 2)))
    assert [(one.pod, len(one.since)) for one in ledger.idle(STARTED + hour)] == [("a", 2)]
    assert [(one.pod, len(one.since)) for one in ledger.idle(STARTED)] == [("a", 1)]
    assert ledger.idle(STARTED - hour) == []
    ledger.put("n1", NodeUse())
    assert ledger.idle(STARTED + hour) == []


def test_a_model_that_is_offered_whole_and_in_slices_is_two_types():
    kind = Kind("small", "small", MIG)
    parts = (Slice("1", "1g.5gb", "used", (ANN,)), Slice("2", "1g.5gb", "free", ()))
    both = devices(slot(0)) | devices(slot(1, slices=parts), kind=kind)
    assert used(both).types == {Model("NVIDIA-A100"): "A100", Model("NVIDIA-A100", "1g.5gb"): "small"}


def test_of_models_that_are_gone_the_last_heard_of_are_known():
    ledger = Ledger()
    ledger.put("n1", NodeUse(types={Model("A100"): "a100"}))
    for number in range(5000):
        ledger.put("n2", NodeUse(types={Model(f"M{number}"): "m"}))
        if number % 100 == 0:
            ledger.put("n1", NodeUse(types={Model("A100"): "a100"}))
    assert len(ledger.types()) == 1000
    assert ledger.types().items() >= {Model("A100"): "a100", Model("M4999"): "m"}.items()


amounts = st.builds(Held, st.integers(1, 8), st.integers(0, 800), st.integers(0, 8))
uses = st.dictionaries(st.builds(Holder, st.sampled_from("xy"), st.just("u"), st.just("t")), amounts)


@given(st.lists(st.tuples(st.sampled_from(["n1", "n2", "n3"]), uses)))
def test_the_ledger_is_the_sum_of_its_nodes_whatever_came_before(changes):
    ledger, now = Ledger(), {}
    for name, use in changes:
        now[name] = use
        ledger.put(name, NodeUse(use))
    wanted: dict[Holder, Held] = {}
    for use in now.values():
        for holder, amount in use.items():
            wanted[holder] = wanted.get(holder, Held()).plus(amount)
    assert ledger.held() == wanted
