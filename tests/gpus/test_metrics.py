"""Written from dcgm-exporter's text format, generation by generation."""

import math

import pytest

from genet.gpus.metrics import Locator, read
from genet.kube import objects
from genet.prometheus import Sample
from tests.gpus.builders import node, pod, series

UTIL = "DCGM_FI_DEV_GPU_UTIL"
ENGINE = "DCGM_FI_PROF_GR_ENGINE_ACTIVE"
USED = "DCGM_FI_DEV_FB_USED"
FREE = "DCGM_FI_DEV_FB_FREE"
RESERVED = "DCGM_FI_DEV_FB_RESERVED"
POWER = "DCGM_FI_DEV_POWER_USAGE"
TEMPERATURE = "DCGM_FI_DEV_GPU_TEMP"


def by_host(labels):
    return labels.get("hostname") or labels.get("Hostname")


def one(*samples):
    (reading,) = read(samples, by_host).by_node["n1"]
    return reading


def test_all_series_of_a_card_become_one_reading():
    reading = one(
        series(UTIL, 87, 3, modelName="NVIDIA A100-SXM4-40GB"),
        series(USED, 1000, 3),
        series(FREE, 39000, 3),
        series(RESERVED, 960, 3),
        series(POWER, 251.26, 3),
        series(TEMPERATURE, 61, 3),
    )
    assert (reading.uuid, reading.index, reading.product) == ("GPU-n1-3", 3, "NVIDIA-A100-SXM4-40GB")
    assert (reading.utilization, reading.memory_used, reading.memory_total) == (87, 1000, 40960)
    assert (reading.power, reading.temperature) == (251.3, 61)


def test_what_was_not_measured_is_unknown():
    reading = one(series(USED, 12))
    assert reading.utilization is None
    assert reading.memory_total is None
    assert reading.power is None


@pytest.mark.parametrize("blank", [2147483632, 2147483634, 140737488355330, 9223372036854775794, -1])
def test_blank_values_of_dcgm_are_unknown(blank):
    assert one(series(UTIL, blank), series(USED, 5)).utilization is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_no_numbers_are_unknown_and_counted(value):
    found = read([series(UTIL, value)], by_host)
    assert found.by_node["n1"][0].utilization is None
    assert found.not_numbers == 1


def test_under_mig_the_engine_s_share_stands_in_for_utilization():
    readings = read(
        [
            series(ENGINE, 0.42, GPU_I_ID="1", GPU_I_PROFILE="3g.20gb"),
            series(ENGINE, 0.07, GPU_I_ID="5", GPU_I_PROFILE="1g.5gb+me"),
        ],
        by_host,
    ).by_node["n1"]
    assert [(r.instance, r.profile, r.utilization) for r in readings] == [
        ("1", "3g.20gb", 42),
        ("5", "1g.5gb.me", 7),
    ]


@pytest.mark.parametrize(
    "holder",
    [
        {"pod": "train", "namespace": "user-ann-a"},
        {"pod_name": "train", "pod_namespace": "user-ann-a"},
        {"exported_pod": "train", "exported_namespace": "user-ann-a", "pod": "dcgm-x", "namespace": "gpu-operator"},
    ],
)
def test_every_generation_of_pod_labels_is_read(holder):
    assert one(series(UTIL, 1, **holder)).pods == (("user-ann-a", "train"),)


def test_where_labels_are_relabelled_the_exporter_is_no_holder_of_idle_cards():
    exporter = {"pod": "dcgm-x", "namespace": "gpu-operator"}
    busy = {"exported_pod": "train", "exported_namespace": "user-ann-a"}
    readings = read([series(UTIL, 1, 0, **exporter, **busy), series(UTIL, 0, 1, **exporter)], by_host).by_node["n1"]
    assert [reading.pods for reading in readings] == [(("user-ann-a", "train"),), ()]


def test_the_old_host_label_is_read():
    old = Sample(labels={"__name__": UTIL, "UUID": "GPU-a", "gpu": "0", "Hostname": "n1"}, value=3, timestamp=0)
    assert one(old).utilization == 3


def test_the_row_without_a_pod_is_the_card_s_own_value():
    a, b = ({"pod": name, "namespace": "x"} for name in "ab")
    reading = one(series(USED, 700, **a), series(USED, 1000), series(USED, 300, **b))
    assert reading.memory_used == 1000
    assert set(reading.pods) == {("x", "a"), ("x", "b")}


def test_rows_repeated_per_pod_count_with_their_largest_value_never_their_sum():
    a, b = ({"pod": name, "namespace": "x"} for name in "ab")
    assert one(series(UTIL, 60, **a), series(UTIL, 60, **b)).utilization == 60
    assert one(series(UTIL, 60, **a), series(UTIL, 40, **b)).utilization == 60


def test_series_that_name_no_device_of_a_known_node_are_counted():
    lost = Sample(labels={"__name__": UTIL, "UUID": "GPU-a", "gpu": "0"}, value=3, timestamp=0)
    nameless = Sample(labels={"__name__": UTIL, "hostname": "n1", "gpu": "0"}, value=3, timestamp=0)
    other = Sample(labels={"__name__": "up"}, value=1, timestamp=0)
    found = read([lost, nameless, other], by_host)
    assert (found.by_node, found.homeless) == ({}, 2)


@pytest.mark.parametrize(
    "labels",
    [
        {"hostname": "n1"},
        {"Hostname": "n1"},
        {"hostname": "localhost", "node": "n1"},
        {"hostname": "localhost", "kubernetes_node": "n1"},
        {"hostname": "localhost", "instance": "10.0.0.1:9400"},
        {"hostname": "dcgm-exporter-x", "instance": "10.9.9.9:9400"},
        {"hostname": "localhost", "instance": "10.1.0.15:9400"},
        {"hostname": "localhost", "instance": "[fd00::1]:9400"},
    ],
)
def test_a_node_is_found_by_whatever_names_it(labels):
    n1 = node("n1")
    n1 = objects.Node(
        metadata=n1.metadata,
        status=objects.NodeStatus(
            addresses=(*n1.status.addresses, objects.NodeAddress(type="InternalIP", address="fd00::1"))
        ),
    )
    locate = Locator([node("n2", ip="10.0.0.2"), n1], [pod("dcgm-exporter-x", 0), pod("other", 0, on="n2")])
    assert locate(labels) == "n1"


def test_nothing_that_names_a_node_finds_none():
    assert Locator([node("n1")], [pod("a", on="")])({"hostname": "localhost", "instance": ""}) is None
