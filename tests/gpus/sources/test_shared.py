import pytest

from genet import naming
from genet.gpus.model import Holding, NodeFacts, Reading
from genet.gpus.sources import shared
from tests.gpus.builders import A100, GPU, node, pod

SHARED = {naming.GPU_MODE: "shared", "nvidia.com/gpu.count": "4", "nvidia.com/gpu.memory": "40960", **A100}


def facts(*pods, labels=None, capacity=None, readings=()):
    on = node(capacity={GPU: "0"} if capacity is None else capacity, labels=SHARED if labels is None else labels)
    return NodeFacts(node=on, pods=pods, readings=tuple(readings))


def worker(devices="0,3", *, namespace="user-ann-a", labels=None, phase="Running"):
    made = pod("a", 0, namespace=namespace, labels={naming.GPU_TYPE: "a100"} if labels is None else labels, phase=phase)
    made.metadata.annotations[naming.GPU_DEVICES] = devices
    return made


def held(*args, **kwargs):
    return [holding.device for holding in shared.holdings(facts(*args, **kwargs))]


def test_cards_are_those_of_the_label():
    first, *_, last = shared.devices(facts())
    assert (first.names, first.index, first.resource, first.vendor) == (("nvidia#0",), 0, GPU, "nvidia")
    assert (first.product, first.memory_total) == ("NVIDIA-A100-SXM4-40GB", 40960)
    assert last.index == 3


def test_cards_that_exporters_see_are_there_too():
    labels = {naming.GPU_MODE: "shared"}
    readings = [Reading(uuid="GPU-5", index=5), Reading(uuid="S", index=1, vendor="amd")]
    assert [seen.index for seen in shared.devices(facts(labels=labels, readings=readings))] == [5]
    assert [seen.index for seen in shared.devices(facts(readings=readings))] == [0, 1, 2, 3, 5]


def test_other_makers_cards_are_counted_by_their_resource():
    readings = [Reading(uuid="S", index=1, vendor="amd"), Reading(uuid="GPU-5", index=5)]
    (seen,) = shared.devices(facts(capacity={"amd.com/gpu": "0"}, readings=readings))
    assert (seen.names, seen.resource) == (("amd#1",), "amd.com/gpu")


@pytest.mark.parametrize(
    ("labels", "capacity"),
    [({"nvidia.com/gpu.count": "4"}, None), ({**SHARED, naming.GPU_MODE: "exclusive"}, None), (SHARED, {GPU: "4"})],
    ids=["no label", "another mode", "advertised"],
)
def test_only_nodes_set_apart_that_advertise_nothing_are_shared(labels, capacity):
    assert list(shared.devices(facts(labels=labels, capacity=capacity))) == []
    assert held(worker(), labels=labels, capacity=capacity) == []


@pytest.mark.parametrize("count", ["", "-1", "x", "1e3", "9" * 5000])
def test_a_count_that_is_none_counts_nothing(count):
    assert list(shared.devices(facts(labels={**SHARED, "nvidia.com/gpu.count": count}))) == []


def test_a_pod_holds_the_cards_that_were_chosen_for_it():
    assert list(shared.holdings(facts(worker("3,0")))) == [
        Holding(device="nvidia#0", pod=("user-ann-a", "a")),
        Holding(device="nvidia#3", pod=("user-ann-a", "a")),
    ]


@pytest.mark.parametrize(
    ("text", "cards"), [(" 2 , 2,02", ["nvidia#2"]), ("", []), ("all", []), ("-1,0.5,9999999", [])]
)
def test_what_is_no_index_is_passed_over(text, cards):
    assert held(worker(text)) == cards


@pytest.mark.parametrize(
    "liar",
    [worker(namespace="default"), worker(labels={}), worker(phase="Succeeded")],
    ids=["namespace", "type", "done"],
)
def test_not_everybody_may_say_so(liar):
    assert held(liar) == []


def test_a_claim_to_a_card_takes_it_from_nobody():
    """Each is one more holder, so none can drive another out."""
    other = pod("b", 0, namespace="user-bob-b", labels={naming.GPU_TYPE: "a100"})
    other.metadata.annotations[naming.GPU_DEVICES] = "0"
    assert held(worker("0"), other) == ["nvidia#0", "nvidia#0"]
