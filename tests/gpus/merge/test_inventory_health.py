"""What is wrong with devices, which ones, and what is left to give."""

import pytest
from msgspec.structs import replace

from genet.gpus.overview import Audience, seen_by
from genet.kube import objects
from tests.gpus.builders import GPU, merged, node, only, pod, reading, readings, statuses, told

XID = "it has fallen off the bus (Xid 79)"


def test_a_fault_that_an_exporter_names_says_which_device_was_given_up():
    seen = [reading(0), reading(1, fault=XID), *readings(4)[2:]]
    found = only(node(allocatable={GPU: "3"}), readings=seen)
    assert statuses(found) == ["free", "unhealthy", "free", "free"]
    assert found.slots[1].reason == XID


def test_a_fault_makes_a_device_unhealthy_also_where_the_device_plugin_says_nothing():
    (devices,) = merged(readings=[reading(0, fault=XID), *readings(4)[1:]]).values()
    assert statuses(devices.node) == ["unhealthy", "free", "free", "free"]
    assert devices.free == 3


def test_a_faulty_device_that_a_pod_holds_takes_nothing_from_what_others_could_get():
    seen = [reading(0, fault=XID, pods=(("user-ann-a", "a"),)), *readings(4)[1:]]
    (devices,) = merged(pods=[pod("a")], readings=seen).values()
    assert statuses(devices.node) == ["unhealthy", "free", "free", "free"]
    assert devices.free == 3


def test_more_devices_given_up_than_faults_are_known_are_guessed():
    seen = [reading(0), reading(1, fault=XID), *readings(4)[2:]]
    found = only(node(allocatable={GPU: "2"}), readings=seen)
    assert statuses(found) == ["free", "unhealthy", "free", "unhealthy"]
    assert "2 of 4 devices as unhealthy, not which" in str(found.slots[3].reason)


def test_an_unhealthy_device_keeps_its_holder():
    found = only(
        node(allocatable={GPU: "3"}),
        [told(pod("a"), "GPU-1", health="Unhealthy", message="ECC error")],
        readings(4),
    )
    slot = found.slots[1]
    assert (slot.status, [of.name for of in slot.pods]) == ("unhealthy", ["a"])
    assert "ECC error" in slot.reason
    assert found.used_devices == 0


def test_count_places_pods_on_sound_devices_first():
    found = only(pods=[pod("a", 3)], readings=[reading(0, fault=XID), *readings(4)[1:]])
    assert statuses(found) == ["unhealthy", "used", "used", "used"]


def test_a_fault_of_a_card_is_one_of_all_its_slices():
    slices = [reading(0, instance=name, profile="1g.5gb", fault=XID if name == "7" else None) for name in ("7", "8")]
    (slot,) = only(node(capacity={"nvidia.com/mig-1g.5gb": "2"}), readings=slices).slots
    assert (slot.status, slot.reason) == ("unhealthy", XID)
    assert [one.status for one in slot.slices] == ["unhealthy", "free"]
    (slot,) = only(node(capacity={"nvidia.com/mig-1g.5gb": "1"}), readings=[reading(0, fault=XID), slices[1]]).slots
    assert [one.status for one in slot.slices] == ["unhealthy"]


def tainted(n, key):
    return replace(n, spec=replace(n.spec, taints=(objects.Taint(key=key, effect="NoSchedule"),)))


def test_a_taint_that_speaks_of_a_card_makes_one_unhealthy_and_admits_not_to_know_which():
    found = only(tainted(node(capacity={"amd.com/gpu": "2"}), "amd-gpu-unhealthy"))
    assert statuses(found) == ["free", "unhealthy"]
    assert "does not say which" in str(found.slots[1].reason)
    given_up = only(tainted(node(capacity={"amd.com/gpu": "2"}, allocatable={"amd.com/gpu": "1"}), "amd-gpu-unhealthy"))
    assert statuses(given_up) == ["free", "unhealthy"]


@pytest.mark.parametrize("key", ["nvidia.com/gpu", "amd.com/gpu", "amd-gpu-unhealthy"])
def test_a_taint_that_keeps_other_pods_away_or_speaks_of_other_makers_is_no_fault(key):
    assert statuses(only(tainted(node(), key))) == ["free"] * 4


def test_what_nobody_measures_is_not_external_and_not_unknown():
    assert statuses(only(pods=[pod("a")], readings=[reading(3)])) == ["used", "free", "free", "free"]


@pytest.mark.parametrize(
    ("fields", "free"),
    [
        ({}, 2),
        ({"ready": "False"}, 0),
        ({"ready": "Unknown"}, 0),
        ({"unschedulable": True}, 0),
        ({"allocatable": {GPU: "3"}}, 1),
        ({"allocatable": {GPU: "1"}}, 0),
    ],
)
def test_free_is_what_the_scheduler_would_still_give(fields, free):
    going = pod("b")
    going = replace(going, metadata=replace(going.metadata, deletion_timestamp=going.status.start_time))
    (devices,) = merged(node(**fields), [pod("a"), going, pod("c", phase="Failed")]).values()
    assert devices.free == free


def test_free_units_of_shared_cards_are_shares():
    labels = {"nvidia.com/gpu.replicas": "4"}
    (devices,) = merged(node(capacity={GPU: "8"}, labels=labels), [pod("a", 3)]).values()
    assert devices.free == 5


def test_free_units_of_two_models_are_those_that_each_has():
    seen = [
        reading(index, product=("A", "B", "B", "B")[index], pods=(("user-ann-a", "a"),) if index == 1 else ())
        for index in range(4)
    ]
    found = merged(pods=[pod("a"), pod("b")], readings=seen)
    assert {kind.label: devices.free for kind, devices in found.items()} == {"A": 0, "B": 2}


def test_without_login_a_reason_is_told_in_genet_s_own_words_alone():
    message = 'GPU-1 of\n"train": broken ' + "x" * 1000
    found = only(pods=[told(pod("train"), "GPU-1", health="Unhealthy", message=message)], readings=readings(4))
    member, anybody = (seen_by(audience, found).slots[1] for audience in (Audience.MEMBER, Audience.PUBLIC))
    assert 'GPU-1 of "train": broken x' in str(member.reason)
    assert len(str(member.reason)) < 300
    assert anybody.reason == "the kubelet reports the device as unhealthy"


def test_a_node_that_counts_more_than_any_node_has_is_told_within_reason():
    for resource in (GPU, "huawei.com/Ascend910"):
        assert 1024 <= only(node(capacity={resource: "1E"})).total_devices <= 2048
