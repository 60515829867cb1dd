"""Written from the page of npu-exporter's interface."""

import pytest

from genet.gpus.telemetry.npu import Npu
from tests.gpus.telemetry.given import hosts, labelled, readings, taken

TARGET = {"instance": "10.1.0.9:8082", "job": "npu-exporter", "pod": "npu-exporter-x"}


def chip(metric, value, number=0, **labels):
    always = {"id": str(number), "vdie_id": f"V{number}", "model_name": "910B-Ascend-V1", "namespace": "npu-exporter"}
    return labelled(metric, value, **always | {"pcie_bus_info": "0000:61:00.0"} | TARGET | labels)


def test_all_series_of_a_chip_become_one_reading():
    samples = [
        chip("npu_chip_info_utilization", 44, 5),
        chip("npu_chip_info_hbm_used_memory", 3000, 5),
        chip("npu_chip_info_hbm_total_memory", 65536, 5),
        chip("npu_chip_info_used_memory", 1, 5),
        chip("npu_chip_info_total_memory", 15171, 5),
        chip("npu_chip_info_power", 93.4, 5),
        chip("npu_chip_info_temperature", 51, 5),
        chip("npu_chip_info_health_status", 1, 5),
    ]
    (reading,) = readings(Npu(), samples)
    assert (reading.vendor, reading.uuid, reading.index, reading.product) == ("ascend", "V5", 5, "910B-Ascend-V1")
    assert (reading.utilization, reading.memory_used, reading.memory_total) == (44, 3000, 65536)
    assert (reading.power, reading.temperature, reading.fault, reading.pods) == (93.4, 51, None, ())


def test_a_chip_without_hbm_has_its_other_memory():
    samples = [
        chip("npu_chip_info_hbm_total_memory", 0),
        chip("npu_chip_info_used_memory", 1200),
        chip("npu_chip_info_total_memory", 21527),
    ]
    (reading,) = readings(Npu(), samples)
    assert (reading.memory_used, reading.memory_total) == (1200, 21527)


@pytest.mark.parametrize(
    ("status", "fault"), [(0, "npu-exporter reports the chip as unhealthy"), (1, None), (-1, None)]
)
def test_only_an_unhealthy_chip_is_a_fault(status, fault):
    (reading,) = readings(Npu(), [chip("npu_chip_info_health_status", status)])
    assert reading.fault == fault


@pytest.mark.parametrize(
    "holder",
    [
        {"namespace": "user-a", "pod_name": "train"},
        {"namespace": "npu-exporter", "exported_namespace": "user-a", "pod_name": "train"},
    ],
)
@pytest.mark.parametrize("metric", ["npu_chip_info_utilization", "container_npu_total_memory"])
def test_a_chip_s_holder_is_named_with_and_without_honoured_labels(holder, metric):
    samples = [chip("npu_chip_info_utilization", 3), chip(metric, 3, **holder)]
    assert [reading.pods for reading in readings(Npu(), samples)] == [(("user-a", "train"),)]


def test_the_node_is_told_by_the_scrape_alone():
    assert hosts(Npu(), [chip("npu_chip_info_power", 1)]) == [("10.1.0.9", "npu-exporter-x", "npu-exporter")]
    assert hosts(Npu(), [chip("npu_chip_info_power", 1, node="n1")])[0][0] == "n1"


def test_an_old_version_without_identifiers_is_read_by_number():
    old = [labelled("npu_chip_info_utilization", number, id=str(number), **TARGET) for number in (0, 1)]
    assert [(r.uuid, r.index, r.utilization) for r in readings(Npu(), old)] == [("", 0, 0), ("", 1, 1)]


def test_a_series_without_a_chip_is_counted():
    assert taken(Npu(), [labelled("npu_chip_info_power", 3, **TARGET)]).rows.nameless == 1
