"""Who is said to hold what, and who is believed."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from genet.gpus.model import Reading
from tests.gpus.builders import A100, GPU, STARTED, merged, node, only, pod, reading, readings, statuses, told

ANN, BOB, GONE = (("user-ann-a", name) for name in ("a", "b", "gone"))
SLICED = A100 | {"nvidia.com/gpu.replicas": "4", "nvidia.com/gpu.sharing-strategy": "time-slicing"}


def holders(found):
    return [[pod.name for pod in slot.pods] for slot in found.slots]


def test_the_kubelet_s_word_beats_the_exporter_s():
    seen = [reading(0, pods=(ANN,)), *readings(4)[1:]]
    found = only(pods=[told(pod("a"), "GPU-3"), pod("b")], readings=seen)
    assert holders(found) == [[], [], [], ["a"]]
    assert [slot.attribution for slot in found.slots] == ["count", None, None, "resourceStatus"]


def test_two_sources_that_agree_spend_one_unit():
    found = only(pods=[told(pod("a", 2), "GPU-1")], readings=[reading(0), reading(1, pods=(ANN,)), *readings(4)[2:]])
    assert statuses(found) == ["used", "used", "free", "free"]
    assert [slot.attribution for slot in found.slots][:2] == ["count", "resourceStatus"]


def test_a_kubelet_that_names_more_than_was_asked_for_is_believed_that_far():
    found = only(pods=[told(pod("a", 1), "GPU-0", "GPU-1")], readings=readings(4))
    assert statuses(found) == ["used", "free", "free", "free"]


def test_two_pods_named_for_a_card_that_one_can_hold_are_both_shown_with_a_remark():
    found = only(pods=[pod("a"), pod("b")], readings=[reading(0, pods=(ANN, BOB)), *readings(4)[1:]])
    assert holders(found)[0] == ["a", "b"]
    assert found.slots[0].status == "used"
    assert "2 pods are said to hold" in str(found.slots[0].reason)


def test_a_less_trusted_source_adds_no_pod_to_a_card_that_one_can_hold():
    found = only(pods=[told(pod("a"), "GPU-0"), pod("b")], readings=[reading(0, pods=(BOB,)), *readings(4)[1:]])
    assert holders(found) == [["a"], [], [], []]
    assert found.slots[1].attribution == "count"


def test_a_less_trusted_source_adds_pods_to_a_shared_card():
    n = node(capacity={GPU: "8"}, labels=SLICED)
    found = only(n, [told(pod("a"), "GPU-0::1"), pod("b")], [reading(0, pods=(BOB,)), reading(1)])
    assert holders(found) == [["a", "b"], []]
    assert found.slots[0].reason is None
    assert found.slots[0].attribution == "resourceStatus"


def test_no_more_pods_than_a_shared_card_has_replicas():
    n = node(capacity={GPU: "2"}, labels=A100 | {"nvidia.com/gpu.replicas": "1"})
    found = only(n, [told(pod("a"), "GPU-0"), pod("b")], [reading(0, pods=(ANN, BOB)), reading(1)])
    assert holders(found) == [["a"], []]


def test_the_kubelet_gives_names_to_cards_that_nobody_else_describes():
    found = only(pods=[told(pod("a", 2), "GPU-x", "GPU-y")])
    assert [slot.uuid for slot in found.slots] == ["GPU-x", "GPU-y", None, None]
    assert holders(found) == [["a"], ["a"], [], []]


def test_a_card_that_is_not_in_a_complete_inventory_is_one_of_it_all_the_same():
    """It was asked for and given, so one of the cards is used; which one the sources do not agree on."""
    found = only(pods=[told(pod("a"), "GPU-99")], readings=readings(4))
    assert [slot.attribution for slot in found.slots] == ["count", None, None, None]


def test_a_pod_that_was_bound_this_moment_counts_before_anybody_knows_its_card():
    ready, waiting = pod("a"), pod("b", phase="Pending")
    found = only(pods=[ready, waiting], readings=[reading(0), reading(1, pods=(ANN,)), *readings(4)[2:]])
    assert [slot.attribution for slot in found.slots] == ["count", "exporter", None, None]


@pytest.mark.parametrize("memory", [None, 4])
def test_a_card_is_free_once_its_pod_is_gone_whatever_the_last_sample_names(memory):
    found = only(readings=[reading(0, pods=(GONE,), memory_used=memory), *readings(4)[1:]])
    assert statuses(found) == ["free"] * 4


@pytest.mark.parametrize("pods", [[], [pod("gone", phase="Succeeded")]])
def test_memory_of_a_pod_that_is_gone_is_unknown_until_the_exporter_s_next_word(pods):
    before = only(pods=pods, readings=[reading(0, pods=(GONE,), memory_used=9000), *readings(4)[1:]])
    assert statuses(before) == ["unknown", "free", "free", "free"]
    assert "gone or has finished" in str(before.slots[0].reason)
    assert statuses(only(pods=pods, readings=readings(4, memory_used=4))) == ["free"] * 4
    (devices,) = merged(pods=pods, readings=[reading(0, pods=(GONE,), memory_used=9000)]).values()
    assert devices.free == 3


def test_memory_in_use_where_the_exporter_names_a_pod_that_holds_another_card_is_unknown():
    found = only(pods=[told(pod("a"), "GPU-1")], readings=[reading(0, pods=(ANN,), memory_used=9000), *readings(4)[1:]])
    assert statuses(found) == ["unknown", "used", "free", "free"]
    assert "other devices than this" in str(found.slots[0].reason)


def test_memory_in_use_beside_a_pod_that_asks_for_nothing_is_use_from_outside():
    exporter = ("gpu-operator", "dcgm")
    seen = [reading(0, pods=(exporter,), memory_used=9000), *readings(4)[1:]]
    found = only(pods=[pod("dcgm", 0, namespace="gpu-operator")], readings=seen)
    assert statuses(found) == ["external", "free", "free", "free"]


def test_who_works_on_a_reserved_card_is_shown_instead_of_the_reservation():
    reservation = pod("r", 1, namespace="kai-resource-reservation", labels={"runai-gpu-group": "g"})
    reservation.metadata.annotations["run.ai/reserve_for_gpu_index"] = "GPU-2"
    member = pod("m", 0, labels={"runai-gpu-group": "g"})
    seen = [reading(index, pods=(("kai-resource-reservation", "r"),) if index == 2 else ()) for index in range(4)]
    found = only(pods=[reservation, member], readings=seen)
    assert holders(found) == [[], [], ["m"], []]
    assert statuses(found) == ["free", "free", "used", "free"]
    assert found.slots[2].reason is None


def test_a_device_is_idle_no_longer_than_its_youngest_holder_is_there():
    since = STARTED - timedelta(hours=2)
    (slot,) = only(node(capacity={GPU: "1"}), [pod("a")], [reading(0, pods=(ANN,), idle_since=since)]).slots
    assert slot.idle_since == STARTED
    later = STARTED + timedelta(hours=2)
    (slot,) = only(node(capacity={GPU: "1"}), [pod("a")], [reading(0, pods=(ANN,), idle_since=later)]).slots
    assert slot.idle_since == later


def test_a_device_without_a_known_holder_or_start_is_not_called_idle():
    since = STARTED + timedelta(hours=2)
    one = node(capacity={GPU: "1"})
    assert only(one, [], [reading(0, idle_since=since)]).slots[0].idle_since is None
    assert only(one, [pod("a")], [reading(0, idle_since=since)]).slots[0].idle_since is None
    starting = pod("a")
    starting = replace(starting, status=replace(starting.status, start_time=None))
    assert only(one, [starting], [reading(0, pods=(ANN,), idle_since=since)]).slots[0].idle_since is None


def test_cards_are_told_apart_by_uuid_where_indexes_disagree():
    """HAMi and the exporter number the cards differently; the annotation names the card by UUID."""
    register = '[{"id":"GPU-0","index":1,"count":2,"health":true},{"id":"GPU-1","count":2,"health":true}]'
    n = node(capacity={GPU: "4"}, annotations={"hami.io/node-nvidia-register": register})
    holder = pod("a")
    holder.metadata.annotations["hami.io/vgpu-devices-allocated"] = "GPU-0,NVIDIA,1,1:;"
    found = only(n, [holder], readings(2))
    assert [(slot.index, slot.uuid) for slot in found.slots] == [(0, "GPU-0"), (1, "GPU-1")]
    assert holders(found) == [["a"], []]


def test_makers_whose_sources_have_uuids_of_their_own_are_joined_by_index():
    n = node(capacity={"huawei.com/Ascend910": "1"})
    (slot,) = only(n, readings=[Reading(vendor="ascend", uuid="V0", index=0, utilization=7)]).slots
    assert (slot.uuid, slot.utilization) == ("V0", 7)


def test_a_pod_holds_nothing_that_is_counted_by_another_resource_than_it_asks_for():
    """It asks for a part of a chip, and its annotation names a whole one."""
    n = node(capacity={"huawei.com/Ascend910": "1", "huawei.com/Ascend910-2c": "1"})
    holder = pod("a", resource="huawei.com/Ascend910-2c")
    holder.metadata.annotations["huawei.com/AscendReal"] = "Ascend910-0"
    found = {kind.resource_name: statuses(devices.node) for kind, devices in merged(n, [holder]).items()}
    assert found == {"huawei.com/Ascend910": ["free"], "huawei.com/Ascend910-2c": ["used"]}


def test_pods_in_another_order_make_the_same_node():
    pods = [told(pod("a"), "GPU-x"), told(pod("b"), "GPU-y")]
    assert only(pods=pods) == only(pods=pods[::-1])


@pytest.mark.parametrize("real", ["Ascend910-0", "Ascend910-2c-100-0"], ids=["card", "part"])
def test_a_pod_that_calls_another_s_card_its_own_makes_none_look_free(real):
    holder, other = (pod(name, resource="huawei.com/Ascend910") for name in ("a", "b"))
    holder.metadata.annotations["huawei.com/AscendReal"] = "Ascend910-0"
    other.metadata.annotations["huawei.com/AscendReal"] = real
    found = only(node(capacity={"huawei.com/Ascend910": "4"}), [holder, other])
    assert statuses(found) == ["used", "used", "free", "free"]


def test_what_a_pod_in_a_user_s_namespace_says_of_its_user_is_not_believed():
    named = [told(pod("a", labels={"genet.io/user": "bob-b"}), "GPU-0")]
    assert only(pods=named, readings=readings(4)).slots[0].pod.user == "ann-a"
