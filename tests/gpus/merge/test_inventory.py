import json

import pytest

from genet.gpus.model import Reading
from genet.gpus.overview import PodRef
from genet.settings import GPUType
from tests.gpus.builders import A100, GPU, STARTED, merged, node, only, pod, reading, readings, statuses

MIG = "nvidia.com/mig-1g.5gb"


ANN = PodRef(name="a", namespace="user-ann-a", user="ann-a", started_at=STARTED)


def test_a_node_without_devices_is_in_no_group():
    assert merged(node(capacity={})) == {}


def test_cards_nobody_asks_for_are_free_and_their_use_is_unknown():
    found = only(node(labels=A100))
    assert statuses(found) == ["free"] * 4
    assert (found.total_devices, found.used_devices) == (4, 0)
    assert (found.node_ip, found.device_type) == ("10.0.0.1", "NVIDIA-A100-SXM4-40GB")
    assert found.slots[0].utilization is None


def test_by_count_the_lowest_cards_are_used_and_nobody_is_named():
    found = only(pods=[pod("a", 2), pod("b", 1)])
    assert statuses(found) == ["used", "used", "used", "free"]
    assert {slot.attribution for slot in found.slots[:3]} == {"count"}
    assert all(slot.pods == () and slot.pod is None for slot in found.slots)
    assert found.used_devices == 3


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_finished_pod_holds_nothing(phase):
    assert statuses(only(pods=[pod("a", phase=phase)])) == ["free"] * 4


def test_more_demand_than_devices_uses_all_of_them():
    assert statuses(only(pods=[pod("a", 9)])) == ["used"] * 4


def test_an_exporter_s_label_says_which_card():
    seen = readings(4)
    seen[2] = reading(2, pods=(("user-ann-a", "a"),), utilization=80, memory_used=9000)
    found = only(pods=[pod("a")], readings=seen)
    assert statuses(found) == ["free", "free", "used", "free"]
    slot = found.slots[2]
    assert (slot.attribution, slot.pod, slot.pods) == ("exporter", ANN, (ANN,))
    assert (slot.uuid, slot.utilization, slot.memory_used) == ("GPU-2", 80, 9000)


def test_count_fills_what_the_exporter_leaves_open():
    seen = readings(4)
    seen[0] = reading(0, pods=(("user-ann-a", "a"),))
    found = only(pods=[pod("a", 2), pod("b", 1)], readings=seen)
    assert [slot.attribution for slot in found.slots] == ["exporter", "count", "count", None]


def test_an_exporter_gives_no_pod_more_cards_than_it_asks_for():
    seen = readings(4, pods=(("user-ann-a", "a"),))
    found = only(pods=[pod("a", 2)], readings=seen)
    assert statuses(found) == ["used", "used", "free", "free"]


def test_a_pod_that_asks_for_no_card_holds_none_whatever_the_exporter_says():
    seen = readings(4, pods=(("user-ann-a", "dcgm"),))
    assert statuses(only(pods=[pod("dcgm", 0)], readings=seen)) == ["free"] * 4


def test_memory_in_use_without_a_holder_is_use_from_outside():
    seen = [reading(0, memory_used=90), reading(1, memory_used=100), *readings(4)[2:]]
    found = only(readings=seen)
    assert statuses(found) == ["free", "external", "free", "free"]
    assert found.slots[1].reason is not None


def test_memory_of_a_pod_that_the_api_server_no_longer_has_is_unknown():
    seen = [reading(0, memory_used=9000, pods=(("user-ann-a", "gone"),)), *readings(4)[1:]]
    assert statuses(only(readings=seen)) == ["unknown", "free", "free", "free"]


def test_unhealthy_devices_are_shown_where_they_hide_no_holder():
    found = only(node(allocatable={GPU: "3"}), [pod("a", 3)])
    assert statuses(found) == ["used", "used", "used", "unhealthy"]


def test_an_unhealthy_device_in_use_is_unhealthy_first():
    found = only(node(allocatable={GPU: "3"}), [pod("a", 4)])
    assert statuses(found) == ["used", "used", "used", "unhealthy"]
    assert "1 of 4" in str(found.slots[3].reason)


def test_the_card_that_nobody_measures_any_more_is_the_unhealthy_one():
    seen = [reading(0), reading(2), reading(3)]
    found = only(node(allocatable={GPU: "3"}), readings=seen)
    assert statuses(found) == ["free", "unhealthy", "free", "free"]


def test_a_lost_kubelet_leaves_unused_cards_unknown():
    found = only(node(ready="Unknown"), [pod("a")])
    assert statuses(found) == ["used", "unknown", "unknown", "unknown"]
    assert not found.ready


def test_a_node_that_reports_not_ready_still_reports():
    assert statuses(only(node(ready="False"))) == ["free"] * 4


def test_a_cordoned_node_is_not_schedulable():
    assert not only(node(unschedulable=True)).schedulable


def test_a_card_keeps_its_number_when_a_lower_one_is_gone():
    found = only(node(capacity={GPU: "3"}), readings=[reading(0), reading(2), reading(3)])
    assert [slot.index for slot in found.slots] == [0, 2, 3]


def test_of_more_cards_than_are_counted_nobody_knows_which_are_meant():
    found = only(pods=[pod("a"), pod("b")], readings=[reading(0, pods=(("user-ann-a", "a"),)), *readings(5)[1:]])
    assert statuses(found) == ["used", "used", "unknown", "unknown", "unknown"]
    assert "more devices are seen" in str(found.slots[2].reason)


def test_a_card_that_was_replaced_is_another_although_its_index_is_the_same():
    seen = [reading(0), Reading(uuid="GPU-new", index=0), *readings(4)[1:]]
    assert [slot.uuid for slot in only(readings=seen).slots] == ["GPU-0", "GPU-new", "GPU-1", "GPU-2", "GPU-3"]


def test_cards_that_no_resource_counts_are_unknown_even_with_memory_in_use():
    seen = [reading(0), reading(1, memory_used=5000)]
    ((kind, (found, _)),) = merged(node(capacity={GPU: "0"}, labels=A100), readings=seen).items()
    assert kind.resource_name == GPU
    assert statuses(found) == ["unknown", "unknown"]
    assert found.slots[1].memory_used == 5000


# --- kinds


A100_TYPE = GPUType(name="a100", label="A100 40 GB", resource_name=GPU, node_selector=A100)
ANY_TYPE = GPUType(name="any", resource_name=GPU)


def test_the_first_type_whose_resource_and_selector_match_names_the_group():
    (kind,) = merged(node(labels=A100), types=[A100_TYPE, ANY_TYPE])
    assert (kind.type, kind.label, kind.resource_name) == ("a100", "A100 40 GB", GPU)
    (kind,) = merged(node(), types=[A100_TYPE, ANY_TYPE])
    assert (kind.type, kind.label) == ("any", "any")


def test_a_type_of_shared_cards_names_those_of_marked_nodes_alone():
    shared = GPUType(name="shared", resource_name=GPU, mode="shared")
    (kind,) = merged(node(labels=A100), types=[shared])
    assert kind.type == f"{GPU}/{A100['nvidia.com/gpu.product']}"
    marked = node(capacity={GPU: "0"}, labels={**A100, "genet.io/gpu-mode": "shared"})
    (kind,) = merged(marked, readings=readings(2), types=[shared, ANY_TYPE])
    assert kind.type == "shared"


@pytest.mark.parametrize("suffix", ["", "-SHARED", "-MIG-1g.5gb", "-MIG-1g.5gb-SHARED"])
def test_devices_of_no_type_are_named_by_resource_and_model(suffix):
    labels = {"nvidia.com/gpu.product": f"Tesla-T4{suffix}"}
    (kind,) = merged(node(labels=labels))
    assert (kind.type, kind.label) == ("nvidia.com/gpu/Tesla-T4", "Tesla-T4")


def test_devices_of_an_unknown_model_are_named_by_resource():
    (kind,) = merged(node(capacity={"huawei.com/Ascend910": "8"}))
    assert kind.type == "huawei.com/Ascend910"


def test_a_node_with_two_resources_is_in_both_groups():
    n = node(capacity={GPU: "2", "amd.com/gpu": "1"})
    found = merged(n, [pod("a", 1, resource="amd.com/gpu")])
    assert {kind.resource_name: statuses(part.node) for kind, part in found.items()} == {
        GPU: ["free", "free"],
        "amd.com/gpu": ["used"],
    }


def test_a_node_with_two_models_of_one_resource_is_in_both_groups():
    seen = [
        *(reading(index, product="NVIDIA-A100-SXM4-40GB") for index in (0, 1)),
        *(reading(index, product="Tesla-T4") for index in (2, 3)),
    ]
    found = merged(node(labels=A100), [pod("a")], seen, [A100_TYPE])
    assert {kind.type: [slot.index for slot in part.node.slots] for kind, part in found.items()} == {
        "a100": [0, 1],
        "nvidia.com/gpu/Tesla-T4": [2, 3],
    }
    assert sum(part.node.used_devices for part in found.values()) == 1


def test_two_models_offered_as_one_type_stay_one_node():
    seen = [reading(index, product=("NVIDIA-A100-SXM4-40GB", "Tesla-T4")[index % 2]) for index in range(4)]
    found = only(node(labels=A100), [pod("a")], seen, [ANY_TYPE])
    assert [slot.index for slot in found.slots] == [0, 1, 2, 3]
    assert (found.device_type, found.total_devices, found.used_devices) == (None, 4, 1)


def test_one_model_in_the_exporter_s_spelling_splits_nothing():
    (kind,) = merged(node(labels=A100), readings=readings(4, product="NVIDIA A100"), types=[A100_TYPE])
    assert kind.type == "a100"


def test_without_an_exporter_the_memory_of_cards_is_their_label_s():
    labels = {**A100, "nvidia.com/gpu.memory": "40960"}
    found = only(node(labels=labels), readings=[reading(0, memory_total=40950), reading(1)])
    assert [slot.memory_total for slot in found.slots] == [40950, 40960, 40960, 40960]
    assert {slot.memory_used for slot in found.slots} == {None}


def test_the_label_s_memory_is_not_that_of_another_model():
    labels = {**A100, "nvidia.com/gpu.memory": "40960"}
    cards = [reading(0, product="Tesla-T4"), reading(1, product=A100["nvidia.com/gpu.product"])]
    nodes = [part.node for part in merged(node(capacity={GPU: "2"}, labels=labels), readings=cards).values()]
    assert {part.device_type: part.slots[0].memory_total for part in nodes} == {
        "Tesla-T4": None,
        A100["nvidia.com/gpu.product"]: 40960,
    }


def test_the_label_s_memory_is_not_that_of_a_card_in_slices():
    labels = {**A100, "nvidia.com/gpu.memory": "4864", "nvidia.com/mig.strategy": "single"}
    rows = [reading(0, instance=str(n), profile="1g.5gb") for n in (1, 2)]
    found = only(node(capacity={GPU: "2"}, labels=labels), readings=rows)
    assert [(slot.memory_total, len(slot.slices)) for slot in found.slots] == [(None, 2)]


def test_an_offered_resource_of_an_unknown_vendor_counts():
    n = node(capacity={"acme.com/npu": "2"})
    assert merged(n) == {}
    assert statuses(only(n, types=[GPUType(name="acme", resource_name="acme.com/npu")])) == ["free", "free"]


# --- other units than cards


def test_time_sliced_cards_are_cards_with_replicas():
    labels = A100 | {"nvidia.com/gpu.replicas": "4", "nvidia.com/gpu.sharing-strategy": "time-slicing"}
    found = only(node(capacity={GPU: "8"}, labels=labels), [pod("a", 1)], readings(2, utilization=5))
    assert statuses(found) == ["used", "free"]
    assert [slot.replicas for slot in found.slots] == [4, 4]
    assert found.slots[1].utilization == 5
    assert found.time_sharing_enabled


def test_unshared_cards_have_one_replica_and_unlabelled_ones_an_unknown_number():
    assert only(node(labels={"nvidia.com/gpu.replicas": "0"})).slots[0].replicas == 1
    assert only(node()).slots[0].replicas is None
    assert not only(node()).time_sharing_enabled


def test_a_card_in_slices_is_one_slot():
    n = node(capacity={GPU: "0", MIG: "2"}, labels=A100)
    slices = [
        reading(0, instance="7", profile="1g.5gb", utilization=10, pods=(("user-ann-a", "a"),)),
        reading(0, instance="8", profile="1g.5gb", utilization=20),
    ]
    ((kind, (found, _)),) = merged(n, [pod("a", 1, resource=MIG)], slices).items()
    assert kind.resource_name == MIG
    (slot,) = found.slots
    assert (slot.index, slot.utilization, slot.status, slot.pods) == (0, 15, "used", (ANN,))
    assert [(part.id, part.status, part.pods) for part in slot.slices] == [("7", "used", (ANN,)), ("8", "free", ())]


def test_slices_that_nobody_describes_are_slots_of_their_own():
    n = node(capacity={GPU: "0", MIG: "3"}, labels=A100)
    found = only(n, [pod("a", 1, resource=MIG)], [reading(0, instance="7", profile="1g.5gb", utilization=10)])
    assert [(slot.index, len(slot.slices), slot.status) for slot in found.slots] == [
        (0, 1, "used"),
        (1, 0, "free"),
        (2, 0, "free"),
    ]


def test_units_of_hami_are_shares_of_the_cards_in_its_register():
    register = json.dumps([{"id": f"GPU-{index}", "index": index, "count": 10, "health": True} for index in (0, 1)])
    n = node(capacity={GPU: "20"}, annotations={"hami.io/node-nvidia-register": register})
    found = only(n, [pod("a", 1)], readings(2, utilization=50))
    assert [(slot.status, slot.replicas, slot.utilization) for slot in found.slots] == [
        ("used", 10, 50),
        ("free", 10, 50),
    ]
    assert found.time_sharing_enabled


@pytest.mark.parametrize("resource", ["amd.com/gpu", "huawei.com/Ascend910", "huawei.com/npu"])
def test_other_makers_devices_are_counted(resource):
    found = only(node(capacity={resource: "8"}), [pod("a", 3, resource=resource)])
    assert statuses(found) == ["used"] * 3 + ["free"] * 5


def test_the_owner_is_the_label_s_else_the_namespace_s():
    seen = [reading(0, pods=(("lab", "a"),)), *readings(4)[1:]]
    labelled = only(pods=[pod("a", namespace="lab", labels={"genet.io/user": "bob-b"})], readings=seen)
    nobody = only(pods=[pod("a", namespace="lab")], readings=seen)
    assert labelled.slots[0].pods[0].user == "bob-b"
    assert nobody.slots[0].pods[0].user is None
