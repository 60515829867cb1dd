"""Written from dcgm-exporter's text format, generation by generation."""

import math

import pytest

from genet.gpus.telemetry.dcgm import XIDS, Dcgm
from tests.gpus.builders import series
from tests.gpus.telemetry.given import hosts, labelled, readings, taken

UTIL = "DCGM_FI_DEV_GPU_UTIL"
ENGINE = "DCGM_FI_PROF_GR_ENGINE_ACTIVE"
USED = "DCGM_FI_DEV_FB_USED"
FREE = "DCGM_FI_DEV_FB_FREE"
RESERVED = "DCGM_FI_DEV_FB_RESERVED"
POWER = "DCGM_FI_DEV_POWER_USAGE"
TEMPERATURE = "DCGM_FI_DEV_GPU_TEMP"
XID = "DCGM_FI_DEV_XID_ERRORS"
HEALTH = "DCGM_EXP_GPU_HEALTH_STATUS"


def one(*samples):
    (reading,) = readings(Dcgm(), samples)
    return reading


def test_all_series_of_a_card_become_one_reading():
    reading = one(
        series(UTIL, 87, 3, modelName="NVIDIA A100-SXM4-40GB", pci_bus_id="00000000:18:00.0"),
        series(USED, 1000, 3),
        series(FREE, 39000, 3),
        series(RESERVED, 960, 3),
        series(POWER, 251.26, 3),
        series(TEMPERATURE, 61, 3),
        series(XID, 0, 3),
    )
    assert (reading.uuid, reading.index, reading.product) == ("GPU-n1-3", 3, "NVIDIA-A100-SXM4-40GB")
    assert (reading.utilization, reading.memory_used, reading.memory_total) == (87, 1000, 40960)
    assert (reading.power, reading.temperature, reading.fault) == (251.3, 61, None)
    assert [name.rpartition("18:")[2] for name in reading.names] == ["00.0"]


def test_what_was_not_measured_is_unknown():
    reading = one(series(USED, 12))
    assert reading.utilization is None
    assert reading.memory_total is None
    assert reading.power is None


@pytest.mark.parametrize("blank", [2147483632, 2147483634, 140737488355330, 9223372036854775794, -1])
def test_blank_values_of_dcgm_are_unknown(blank):
    assert one(series(UTIL, blank), series(USED, 5)).utilization is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_no_numbers_are_unknown(value):
    assert one(series(UTIL, value)).utilization is None


def test_values_that_are_no_numbers_are_counted():
    assert taken(Dcgm(), [series(UTIL, math.nan), series(USED, math.inf)]).rows.not_numbers == 2


def test_under_mig_the_engine_s_share_stands_in_for_utilization():
    found = readings(
        Dcgm(),
        [
            series(ENGINE, 0.42, GPU_I_ID="1", GPU_I_PROFILE="3g.20gb", pci_bus_id="0000:18:00.0"),
            series(ENGINE, 0.07, GPU_I_ID="5", GPU_I_PROFILE="1g.5gb+me"),
        ],
    )
    assert [(r.instance, r.profile, r.utilization) for r in found] == [("1", "3g.20gb", 42), ("5", "1g.5gb.me", 7)]
    assert found[0].names == (), "the PCI address is the card's, not the slice's"


def test_dra_s_labels_are_further_names():
    dra = {"dra_driver_name": "gpu.nvidia.com", "dra_pool_name": "n1", "dra_device_name": "gpu-0-mig-1g5gb-0"}
    mig = {"GPU_I_ID": "7", "GPU_I_PROFILE": "1g.5gb", "dra_mig_device_uuid": "MIG-7"}
    assert one(series(USED, 1, **dra, **mig)).names == ("gpu.nvidia.com/n1/gpu-0-mig-1g5gb-0", "MIG-7")


@pytest.mark.parametrize(
    "holder",
    [
        {"pod": "train", "namespace": "user-ann-a"},
        {"pod_name": "train", "pod_namespace": "user-ann-a"},
        {"pod_name": "train", "pod_namespace": "user-ann-a", "pod": "dcgm-x", "namespace": "gpu-operator"},
        {"exported_pod": "train", "exported_namespace": "user-ann-a", "pod": "dcgm-x", "namespace": "gpu-operator"},
    ],
)
def test_every_generation_of_pod_labels_is_read(holder):
    assert one(series(UTIL, 1, **holder)).pods == (("user-ann-a", "train"),)


def test_the_card_of_the_old_namespace_is_spelled_small():
    sample = series(UTIL, 1)
    sample.labels["uuid"] = sample.labels.pop("UUID")
    assert one(sample) == one(series(UTIL, 1))


def test_where_labels_are_relabelled_the_exporter_is_no_holder_of_idle_cards():
    exporter = {"pod": "dcgm-x", "namespace": "gpu-operator"}
    busy = {"exported_pod": "train", "exported_namespace": "user-ann-a"}
    found = readings(Dcgm(), [series(UTIL, 0, 0, **exporter), series(UTIL, 1, 1, **exporter, **busy)])
    assert [reading.pods for reading in found] == [(), (("user-ann-a", "train"),)]


def test_what_one_job_relabels_says_nothing_of_another():
    one_job = {"exported_pod": "train", "exported_namespace": "x", "pod": "dcgm-x", "namespace": "gpu-operator"}
    other = {"pod": "infer", "namespace": "y", "job": "other"}
    found = readings(Dcgm(), [series(UTIL, 1, 0, **one_job), series(UTIL, 1, 1, **other)])
    assert [reading.pods for reading in found] == [(("x", "train"),), (("y", "infer"),)]


def test_the_row_without_a_pod_is_the_card_s_own_value():
    a, b = ({"pod": name, "namespace": "x"} for name in "ab")
    reading = one(series(USED, 700, **a), series(USED, 1000), series(USED, 300, **b))
    assert reading.memory_used == 1000
    assert set(reading.pods) == {("x", "a"), ("x", "b")}


def test_an_own_value_that_is_smaller_than_a_holder_s_is_still_the_card_s():
    assert one(series(UTIL, 40), series(UTIL, 60, pod="a", namespace="x")).utilization == 40


def test_rows_repeated_per_holder_count_with_their_largest_value_never_their_sum():
    a, b = ({"pod": name, "namespace": "x", "vgpu": name} for name in "ab")
    assert one(series(UTIL, 60, **a), series(UTIL, 60, **b)).utilization == 60
    assert one(series(UTIL, 60, **a), series(UTIL, 40, **b)).utilization == 60


def test_series_that_name_no_device_are_counted():
    nameless = labelled(UTIL, 3, hostname="n1", gpu="0")
    numberless = labelled(UTIL, 3, hostname="n1", UUID="GPU-a")
    assert taken(Dcgm(), [nameless, numberless]).rows.nameless == 2


@pytest.mark.parametrize("xid", sorted(XIDS))
def test_an_xid_of_the_hardware_is_a_fault(xid):
    assert one(series(XID, xid)).fault == f"Xid {xid}: {XIDS[xid]}"


@pytest.mark.parametrize("xid", [0, 13, 31, 43, 45, 63, 68, 92, 94, 109])
def test_an_xid_of_a_program_or_of_a_repair_that_worked_is_none(xid):
    assert one(series(XID, xid)).fault is None


@pytest.mark.parametrize(("result", "fault"), [(0, None), (10, None), (20, "the card fails DCGM's health check")])
def test_a_failed_health_check_is_a_fault_and_a_warning_is_none(result, fault):
    thermal, memory = ({"health_watch": watch} for watch in ("THERMAL", "MEM"))
    assert one(series(HEALTH, 0, **thermal), series(HEALTH, result, **memory)).fault == fault


@pytest.mark.parametrize(
    ("labels", "clues"),
    [
        ({"hostname": "n1"}, ("n1",)),
        ({"Hostname": "n1"}, ("n1",)),
        ({"hostname": "localhost", "node": "n1"}, ("localhost", "n1")),
        ({"hostname": "localhost", "kubernetes_node": "n1"}, ("localhost", "n1")),
        ({"hostname": "localhost", "instance": "10.0.0.1:9400"}, ("localhost", "10.0.0.1")),
        ({"hostname": "n1", "node": "n1", "instance": "[fd00::1]:9400"}, ("n1", "fd00::1")),
        ({}, ()),
    ],
)
def test_every_label_that_may_name_the_node_is_a_clue(labels, clues):
    assert hosts(Dcgm(), [labelled(UTIL, 3, UUID="GPU-a", gpu="0", **labels)]) == [clues]


def test_one_uuid_on_two_hosts_is_two_cards():
    twins = [labelled(UTIL, value, UUID="GPU-a", gpu="0", hostname=name) for name, value in (("n1", 1), ("n2", 2))]
    assert [reading.utilization for reading in readings(Dcgm(), twins)] == [1, 2]
