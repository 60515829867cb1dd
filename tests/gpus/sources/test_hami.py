import json

import msgspec
import pytest

from genet.gpus.model import NodeFacts, index_name
from genet.gpus.sources import hami
from tests.gpus.builders import GPU, node, pod

REGISTER = "hami.io/node-nvidia-register"
ALLOCATED = "hami.io/vgpu-devices-allocated"
ENTRY = {"id": "GPU-0", "count": 10, "devmem": 46068, "devcore": 100, "type": "NVIDIA L40S", "health": True}


def registered(text, *, key=REGISTER, capacity=None, allocatable=None, labels=None, **annotations):
    annotations = {f"hami.io/{name.replace('_', '-')}": value for name, value in annotations.items()}
    on = node(
        capacity={GPU: "20"} if capacity is None else capacity,
        allocatable=allocatable,
        labels=labels,
        annotations={key: text, **annotations},
    )
    return list(hami.devices(NodeFacts(node=on)))


def given(text, *, units=1, key=ALLOCATED, resource=GPU, phase="Running", register=REGISTER, **annotations):
    holder = pod("a", units, resource=resource, phase=phase)
    holder.metadata.annotations.update({key: text, **annotations})
    return [
        holding.device for holding in hami.holdings(NodeFacts(node=node(annotations={register: "[]"}), pods=(holder,)))
    ]


def test_the_json_register_describes_cards():
    first, second = registered(json.dumps([ENTRY, {**ENTRY, "id": "GPU-1", "index": 1}]))
    assert first.names == ("GPU-0", index_name("nvidia", 0))
    assert (first.uuid, first.index, first.resource, first.shares) == ("GPU-0", 0, GPU, 10)
    assert (first.product, first.memory_total) == ("NVIDIA-L40S", 46068)
    assert (first.fault, first.doubt) == (None, None)
    assert (second.uuid, second.index) == ("GPU-1", 1)


def test_json_leaves_out_what_is_zero_and_so_health_that_is_missing_is_bad():
    (seen,) = registered(json.dumps([{key: value for key, value in ENTRY.items() if key != "health"}]))
    assert (seen.index, seen.fault) == (0, "HAMi reports the card as unhealthy")


def test_versions_that_write_no_index_at_all_say_nothing_of_it():
    seen = registered(json.dumps([ENTRY, {**ENTRY, "id": "GPU-1"}]))
    assert [each.index for each in seen] == [None, None]
    assert seen[1].names == ("GPU-1",)


@pytest.mark.parametrize(
    "text",
    [
        "GPU-0,10,46068,100,NVIDIA-NVIDIA L40S,0,true:",
        "GPU-0,10,46068,100,NVIDIA-NVIDIA L40S,0,true,0,hami-core:",
        ":GPU-0,10,46068,100,NVIDIA-NVIDIA L40S,0,true:",
        "::GPU-0,10,46068,100,NVIDIA-NVIDIA L40S,0,true::\n",
    ],
    ids=["short segment", "long segment", "leading empty segment", "empty segments"],
)
def test_the_text_register_describes_cards(text):
    (seen,) = registered(text)
    assert (seen.uuid, seen.index, seen.shares, seen.memory_total) == ("GPU-0", 0, 10, 46068)
    assert (seen.product, seen.fault, seen.doubt) == ("NVIDIA-L40S", None, None)


def test_the_text_register_knows_unhealthy_cards():
    seen = registered("GPU-0,10,1,100,NVIDIA-Tesla V100,0,true,0,mig:GPU-1,10,1,100,NVIDIA-Tesla V100,0,false,1,mig:")
    assert [bool(each.fault) for each in seen] == [False, True]
    assert seen[0].product == "Tesla-V100"


@pytest.mark.parametrize(
    "text", ["[{", "", "GPU-0", "GPU-0,10", "a:b", "{}", "null", '[{"id": 3}]', '[{"id":"a","count":-1}]']
)
def test_an_unreadable_register_is_doubted_for_as_many_cards_as_are_known_of(text):
    seen = registered(text, labels={"nvidia.com/gpu.count": "2"})
    assert [each.names for each in seen] == [("nvidia#0",), ("nvidia#1",)]
    assert {each.doubt for each in seen} == {"HAMi's register of the node's cards cannot be read"}
    assert {each.shares for each in seen} == {10}


def test_an_unreadable_register_of_a_node_that_says_no_count_is_one_doubt():
    (seen,) = registered("[{")
    assert (seen.shares, bool(seen.doubt)) == (20, True)
    assert registered("[{", capacity={GPU: "0"}) == []


def test_a_segment_that_cannot_be_read_puts_the_others_in_doubt():
    (seen,) = registered("GPU-0,10,46068,100,NVIDIA L40S,0,true:GPU-1,10,46068,")
    assert (seen.uuid, bool(seen.doubt)) == ("GPU-0", True)


@pytest.mark.parametrize(
    ("handshake", "allocatable", "is_doubted"),
    [
        ("Requesting_2026-06-01 11:00:00", "20", False),
        ("Requesting_2026.06.01 11:00:00", "0", True),
        ("Deleted_2026.06.01 11:00:00", "0", True),
        ("Reported_2026.06.01 11:00:00", "0", False),
        ("Reported 2024-01-23 04:30:04.434037031 +0000 UTC m=+1104711.777756895", "20", False),
    ],
)
@pytest.mark.parametrize("key", ["node_handshake", "node_handshake_nvidia"])
def test_a_handshake_without_answer_counts_where_nothing_is_allocatable(handshake, allocatable, is_doubted, key):
    (seen,) = registered(json.dumps([ENTRY]), allocatable={GPU: allocatable}, **{key: handshake})
    assert bool(seen.doubt) == is_doubted


@pytest.mark.parametrize(
    ("key", "resource", "vendor"),
    [
        ("hami.io/node-register-Ascend910B3", "huawei.com/Ascend910B3", "ascend"),
        ("hami.io/node-amd-register", "amd.com/gpu", "amd"),
        ("hami.io/node-mlu-register", "cambricon.com/mlu", "cambricon"),
        ("hami.io/node-dcu-register", None, "dcu"),
    ],
)
def test_registers_of_other_vendors_are_read_alike(key, resource, vendor):
    (seen,) = registered(json.dumps([{**ENTRY, "type": "X"}]), key=key, capacity={resource: "4"} if resource else {})
    assert (seen.vendor, seen.resource, seen.product) == (vendor, resource, "X")


def test_a_register_that_is_none_is_left_alone():
    assert registered("x", key="hami.io/node-nvidia-score") == []


@pytest.mark.parametrize(
    ("text", "devices"),
    [
        ("GPU-1,NVIDIA,12000,30:;", ["GPU-1"]),
        (";GPU-1,NVIDIA,8000,0:GPU-0,NVIDIA,8000,0:;", ["GPU-1", "GPU-0"]),
        (";;", []),
        ("", []),
        ("GPU-1,NVIDIA,1,0:;GPU-1,NVIDIA,1,0:;", ["GPU-1", "GPU-1"]),
        ("GPU-1[1-0],NVIDIA,1,0:;", ["GPU-1"]),
        ("GPU-1", ["GPU-1"]),
    ],
    ids=["one", "leading empty segment", "empty segments", "empty", "one unit per container", "MIG mode", "bare"],
)
def test_the_pod_s_annotation_names_its_cards(text, devices):
    assert given(text, units=2) == devices


def test_what_is_to_be_allocated_is_a_wish():
    assert given("GPU-1,NVIDIA,1,0:;", key="hami.io/vgpu-devices-to-allocate") == []


def test_a_decision_for_another_node_does_not_count():
    assert given("GPU-1,NVIDIA,1,0:;", **{"hami.io/vgpu-node": "n2"}) == []
    assert given("GPU-1,NVIDIA,1,0:;", **{"hami.io/vgpu-node": "n1"}) == ["GPU-1"]


def test_a_finished_pod_holds_nothing():
    assert given("GPU-1,NVIDIA,1,0:;", phase="Failed") == []


def test_a_pod_that_did_not_ask_for_the_resource_was_given_nothing():
    assert given("GPU-1,NVIDIA,1,0:;", units=0) == []
    assert given("GPU-1,NVIDIA,1,0:;", resource="amd.com/gpu") == []


def test_annotations_of_other_vendors_are_read_alike():
    asked = {"key": "hami.io/Ascend910B3-devices-allocated", "resource": "huawei.com/Ascend910B3"}
    assert given("B3-0,Ascend910B3,16384,0:;", register="hami.io/node-register-Ascend910B3", **asked) == ["B3-0"]


def test_holdings_are_bounded_by_what_was_asked():
    holder = pod("a", 1)
    holder.metadata.annotations[ALLOCATED] = "GPU-1,NVIDIA,1,0:;"
    (holding,) = hami.holdings(NodeFacts(node=node(annotations={REGISTER: "[]"}), pods=(holder,)))
    assert (holding.resource, holding.pod) == (GPU, ("user-ann-a", "a"))


@pytest.mark.parametrize("register", ["x.io/none", "hami.io/node-register-Ascend910B3"])
def test_where_hami_has_registered_no_such_cards_it_has_given_none_away(register):
    assert given("GPU-1,NVIDIA,1,0:;", register=register) == []


def test_annotations_that_take_long_to_read_are_not_read():
    assert given("GPU-1,:" * 3000, units=2) == []
    many = {f"hami.io/Ascend{n}-devices-allocated": "A-1,Ascend,1,0:;" for n in range(1000)}
    register = "hami.io/node-register-Ascend910B3"
    assert len(given("", resource="huawei.com/Ascend910B3", register=register, **many)) < 10


def test_the_projection_keeps_what_is_read():
    text = msgspec.json.encode({"metadata": {"name": "n1", "annotations": {REGISTER: json.dumps([ENTRY])}}})
    (seen,) = hami.devices(NodeFacts(node=msgspec.json.decode(text, type=type(node()))))
    assert seen.uuid == "GPU-0"
