import pytest

from genet.gpus.usage.own import OwnUse, own_use, questions
from genet.prometheus import Sample

ME = ("user-alice", "mine")
UTIL, USED = "DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_FB_USED"


def dcgm(name, value, *, pod=None, namespace="user-alice", prefix="", **labels):
    holder = {f"{prefix}pod": pod, f"{prefix}namespace": namespace} if pod else {}
    exporter = {"pod": "exporter", "namespace": "gpu-operator"} if prefix else {}
    return Sample({"__name__": name, "UUID": "GPU-1", "job": "dcgm", **exporter, **holder, **labels}, value, 0.0)


@pytest.mark.parametrize("prefix", ["", "exported_"])
def test_rows_beside_one_of_the_card_itself_are_each_holders_own(prefix):
    rows = [
        dcgm(UTIL, 90, prefix=prefix),
        dcgm(UTIL, 30, pod="mine", prefix=prefix),
        dcgm(UTIL, 60, pod="other", prefix=prefix),
        dcgm(USED, 5000, prefix=prefix),
        dcgm(USED, 2000, pod="mine", prefix=prefix),
    ]
    assert own_use(rows, ME) == {"GPU-1": OwnUse(30, 2000)}


def test_copies_of_the_cards_own_values_are_nobodys():
    rows = [dcgm(UTIL, 90, pod="mine"), dcgm(UTIL, 90, pod="other")]
    assert own_use(rows, ME) == {}
    assert own_use([dcgm(UTIL, 90, pod="mine")], ME) == {}, "it names one pod of those who share the card"


def test_the_memory_of_a_slice_is_its_holders():
    assert own_use([dcgm(USED, 700, pod="mine", GPU_I_ID="3")], ME) == {"GPU-1": OwnUse(None, 700)}
    rows = [dcgm(USED, 700, pod="mine", GPU_I_ID="3"), dcgm(USED, 700, pod="other", GPU_I_ID="3")]
    assert own_use(rows, ME) == {}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 2147483632.0, 9223372036854775792.0])
def test_what_was_not_measured_is_not_known(value):
    assert own_use([dcgm(UTIL, value), dcgm(UTIL, value, pod="mine")], ME) == {}


def test_a_pod_of_the_same_name_elsewhere_is_another():
    assert own_use([dcgm(UTIL, 90), dcgm(UTIL, 30, pod="mine", namespace="user-bob")], ME) == {}


def test_hami_tells_pods_apart_and_its_containers_are_added():
    def row(name, value, **labels):
        return Sample({"__name__": name, **labels}, value, 0.0)

    old = {"podnamespace": "user-alice", "podname": "mine", "deviceuuid": "GPU-1"}
    new = {"exported_namespace": "user-alice", "exported_pod": "mine", "device_uuid": "GPU-1", "pod": "monitor"}
    rows = [
        row("vGPU_device_memory_usage_in_bytes", 300 * 2**20, **old, ctrname="a"),
        row("hami_vgpu_memory_used_bytes", 100 * 2**20, **new, exported_container="a"),
        row("hami_vgpu_memory_used_bytes", 200 * 2**20, **new, exported_container="b"),
        row("hami_container_device_utilization_ratio", 40, **new, exported_container="a"),
        row("hami_container_device_utilization_ratio", 10, **{**new, "exported_pod": "other"}),
    ]
    assert own_use(rows, ME) == {"GPU-1": OwnUse(40, 300)}


def test_names_of_cards_end_no_question():
    asked = questions(['GPU-1"} or up{x="'])
    assert all(r"\"" in question and '1"}' not in question for question in asked)
