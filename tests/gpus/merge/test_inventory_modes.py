"""Ways to hand out cards: what is a slot, what counts it, and which group shows it."""

import pytest

from genet.gpus.model import Reading
from genet.kube import objects, projection, resource_api
from genet.settings import GPUType
from tests.gpus.builders import A100, GPU, merged, node, only, pod, reading, readings, statuses

ANN = ("user-ann-a", "a")
SMALL, MEDIUM = "nvidia.com/mig-1g.5gb", "nvidia.com/mig-2g.10gb"
SINGLE = {"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-40GB-MIG-1g.5gb", "nvidia.com/mig.strategy": "single"}


def part(card, instance, profile="1g.5gb", **fields):
    return reading(card, instance=instance, profile=profile, **fields)


def by_resource(found):
    return {kind.resource_name: devices for kind, devices in found.items()}


# --- replicas


@pytest.mark.parametrize(
    ("labels", "replicas"),
    [
        ({}, None),
        ({"nvidia.com/gpu.replicas": "0"}, 1),
        ({"nvidia.com/gpu.replicas": "1", "nvidia.com/gpu.count": "8"}, 1),
        ({"nvidia.com/gpu.replicas": "4", "nvidia.com/gpu.count": "2"}, 4),
        ({"nvidia.com/gpu.count": "2"}, 4),
        ({"nvidia.com/gpu.replicas": "many", "nvidia.com/gpu.count": "3"}, None),
    ],
)
def test_replicas_are_what_the_labels_and_the_count_make_together(labels, replicas):
    found = only(node(capacity={GPU: "8"}, labels=labels))
    assert {slot.replicas for slot in found.slots} == {replicas}
    assert found.total_devices == 8 // (replicas or 1)


def test_labels_that_lag_behind_the_device_plugin_make_no_cards():
    """Sharing was switched on: the count is already cards x 4, the replicas are still 1."""
    labels = {"nvidia.com/gpu.replicas": "1", "nvidia.com/gpu.count": "2"}
    assert only(node(capacity={GPU: "8"}, labels=labels)).total_devices == 2


# --- MIG


def test_slices_under_the_cards_name_are_slices_of_their_card():
    n = node(capacity={GPU: "3"}, labels=SINGLE)
    slices = [part(0, "7", pods=(ANN,)), part(0, "8"), part(1, "7")]
    ((kind, (found, free)),) = merged(n, [pod("a")], slices).items()
    assert (kind.type, free) == ("nvidia.com/gpu/NVIDIA-A100-SXM4-40GB", 2)
    assert [(slot.uuid, slot.status, len(slot.slices)) for slot in found.slots] == [
        ("GPU-0", "used", 2),
        ("GPU-1", "free", 1),
    ]


def test_by_count_the_lowest_slices_are_used():
    found = only(node(capacity={GPU: "3"}, labels=SINGLE), [pod("a")], [part(0, "10"), part(0, "9"), part(1, "1")])
    assert [(one.id, one.status) for one in found.slots[0].slices] == [("9", "used"), ("10", "free")]
    assert statuses(found) == ["used", "free"]


def test_a_card_in_slices_of_several_resources_is_in_one_group_and_the_others_tell_what_is_free():
    n = node(capacity={GPU: "1", SMALL: "2", MEDIUM: "1"}, labels=A100)
    seen = [reading(0), part(1, "3", "2g.10gb"), part(1, "7", pods=(ANN,)), part(1, "8")]
    found = by_resource(merged(n, [pod("a", resource=SMALL)], seen))
    assert {name: (devices.node.total_devices, devices.free) for name, devices in found.items()} == {
        GPU: (1, 1),
        SMALL: (1, 1),
        MEDIUM: (0, 1),
    }


def test_a_card_in_slices_is_shown_with_the_first_type_that_is_offered():
    n = node(capacity={SMALL: "2", MEDIUM: "1"}, labels=A100)
    seen = [part(1, "3", "2g.10gb"), part(1, "7"), part(1, "8")]
    found = merged(n, readings=seen, types=[GPUType(name="medium", resource_name=MEDIUM)])
    assert {kind.type: devices.node.total_devices for kind, devices in found.items()} == {
        "medium": 1,
        "nvidia.com/mig-1g.5gb/NVIDIA-A100-SXM4-40GB": 0,
    }


def test_a_card_s_load_is_its_slices_weighed_by_their_size():
    slices = [
        part(0, "1", "3g.20gb", utilization=80, memory_used=100, memory_total=20000, power=90.0, temperature=40),
        part(0, "7", "1g.5gb", utilization=0, memory_used=1, memory_total=5000, power=90.0, temperature=40),
    ]
    n = node(capacity={"nvidia.com/mig-3g.20gb": "1", SMALL: "1"})
    slot = next(slot for devices in merged(n, readings=slices).values() for slot in devices.node.slots)
    assert (slot.utilization, slot.memory_used, slot.memory_total) == (60, 101, 25000)
    assert (slot.power, slot.temperature) == (90.0, 40)


def test_the_card_s_own_row_says_more_than_its_slices():
    slices = [reading(0, utilization=33, memory_used=500), part(0, "7", utilization=0, memory_used=1)]
    (slot,) = only(node(capacity={SMALL: "1"}), readings=slices).slots
    assert (slot.utilization, slot.memory_used) == (33, 500)


def test_a_card_whose_slices_are_counted_but_not_described_is_not_shown_beside_them():
    found = only(node(capacity={SMALL: "2"}, labels=A100), readings=[reading(0)])
    assert found.total_devices == 2


def test_a_card_in_mig_mode_without_slices_is_counted_by_nothing():
    n = node(capacity={SMALL: "1"}, labels=A100)
    found = by_resource(merged(n, readings=[part(0, "7"), reading(1)]))
    assert statuses(found[GPU].node) == ["unknown"]


def test_slices_that_the_device_plugin_does_not_offer_leave_the_card_whole():
    n = node(capacity={GPU: "1"}, labels=A100 | {"nvidia.com/mig.strategy": "none"})
    (slot,) = only(n, [pod("a")], [part(0, "7")]).slots
    assert (slot.status, slot.attribution) == ("used", "count")


# --- other makers


def test_cards_in_partitions_are_slots_whatever_counts_them():
    seen = [
        Reading(vendor="amd", uuid=f"S{card}", index=card, instance=str(place), profile="cpx_nps4")
        for card in range(2)
        for place in range(8)
    ]
    for resource in ("amd.com/gpu", "amd.com/cpx_nps4"):
        found = only(node(capacity={resource: "16"}), [pod("a", 9, resource=resource)], seen)
        assert [(slot.uuid, slot.status, len(slot.slices)) for slot in found.slots] == [
            ("S0", "used", 8),
            ("S1", "used", 8),
        ]
        assert sum(one.status == "used" for slot in found.slots for one in slot.slices) == 9


def test_two_makers_in_one_node_are_two_groups():
    seen = [*readings(2, utilization=1), Reading(vendor="amd", uuid="S0", index=0, utilization=2)]
    found = by_resource(merged(node(capacity={GPU: "2", "amd.com/gpu": "1"}), readings=seen))
    assert [[slot.utilization for slot in found[name].node.slots] for name in (GPU, "amd.com/gpu")] == [[1, 1], [2]]


# --- DRA


def offered(*devices):
    spec = resource_api.ResourceSliceSpec(
        driver="gpu.nvidia.com",
        pool=resource_api.ResourcePool(name="n1"),
        node_name="n1",
        devices=tuple(
            resource_api.Device(
                name=name,
                attributes={key: resource_api.Attribute(string=value) for key, value in attributes.items()},
            )
            for name, attributes in devices
        ),
    )
    return (resource_api.ResourceSlice(metadata=projection.ObjectMeta(name="s"), spec=spec),)


def claimed(pod_name, device):
    result = resource_api.AllocationResult(request="r", driver="gpu.nvidia.com", pool="n1", device=device)
    status = resource_api.ResourceClaimStatus(
        allocation=resource_api.Allocation(devices=resource_api.DeviceAllocation(results=(result,))),
        reserved_for=(resource_api.ConsumerReference(resource="pods", name=pod_name, uid=f"uid-{pod_name}"),),
    )
    return resource_api.ResourceClaim(metadata=projection.ObjectMeta(name="c", namespace="user-ann-a"), status=status)


def card(index, product="NVIDIA L40S"):
    return f"gpu-{index}", {"type": "gpu", "uuid": f"GPU-{index}", "productName": product}


def test_cards_of_two_models_that_dra_offers_are_two_groups():
    slices = offered(card(0), card(1, "NVIDIA H100"))
    found = merged(node(capacity={}), [pod("a", 0)], slices=slices, claims=(claimed("a", "gpu-1"),))
    assert {kind.type: statuses(devices.node) for kind, devices in found.items()} == {
        "gpu.nvidia.com/NVIDIA-L40S": ["free"],
        "gpu.nvidia.com/NVIDIA-H100": ["used"],
    }


def test_cards_that_dra_and_a_device_plugin_offer_are_counted_once():
    found = by_resource(merged(node(capacity={GPU: "2"}), slices=offered(card(0), card(1))))
    assert {name: [slot.uuid for slot in part.node.slots] for name, part in found.items()} == {GPU: ["GPU-0", "GPU-1"]}


def test_cards_for_dra_beside_cards_for_the_device_plugin_are_others():
    found = by_resource(merged(node(capacity={GPU: "1"}), readings=readings(2), slices=offered(card(1))))
    assert {name: [slot.uuid for slot in part.node.slots] for name, part in found.items()} == {
        GPU: ["GPU-0"],
        "gpu.nvidia.com": ["GPU-1"],
    }


def test_a_claimed_partition_is_the_slice_whose_row_names_the_claim_s_pod():
    attributes = {"type": "mig", "uuid": "MIG-1", "parentUUID": "GPU-0", "profile": "1g.5gb"}
    slices = offered(("gpu-0-mig-1", attributes))
    seen = [part(0, "7"), part(0, "8", utilization=70, pods=(ANN,))]
    (slot,) = only(node(capacity={}), [pod("a", 0)], seen, slices=slices, claims=(claimed("a", "gpu-0-mig-1"),)).slots
    assert [(one.id, one.status, [of.name for of in one.pods]) for one in slot.slices] == [
        ("7", "free", []),
        ("8", "used", ["a"]),
    ]
    assert (slot.status, slot.attribution) == ("used", "claim")


def test_a_request_that_a_claim_serves_is_not_counted_again():
    extended = objects.ExtendedResourceClaimStatus(
        resource_claim_name="c",
        request_mappings=(objects.ExtendedResourceRequest(resource_name=GPU, request_name="r"),),
    )
    served = pod("a", 1)
    served = objects.Pod(
        metadata=served.metadata,
        spec=served.spec,
        status=objects.PodStatus(phase="Running", extended_resource_claim_status=extended),
    )
    found = merged(
        node(capacity={GPU: "2"}), [served], slices=offered(card(0), card(1)), claims=(claimed("a", "gpu-1"),)
    )
    ((devices),) = found.values()
    assert [slot.attribution for slot in devices.node.slots] == [None, "claim"]
