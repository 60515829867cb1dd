"""Written from the metrics list of AMD's device-metrics-exporter."""

import pytest

from genet.gpus.telemetry.amd import Amd
from tests.gpus.telemetry.given import hosts, labelled, readings, taken


def card(metric, value, gpu=0, serial="S0", **labels):
    always = {"serial_number": serial, "gpu_id": str(gpu), "hostname": "n1", "card_model": "AMD Instinct MI300X"}
    return labelled(metric, value, **always | {"gpu_compute_partition_type": "SPX", "gpu_partition_id": "0"} | labels)


@pytest.mark.parametrize("prefix", ["", "amd_"])
def test_all_series_of_a_card_become_one_reading(prefix):
    samples = [
        card(f"{prefix}gpu_gfx_activity", 71, gpu=3, pcie_bus_id="0000:05:00.0", gpu_uuid="u-3"),
        card(f"{prefix}gpu_used_vram", 1000, gpu=3),
        card(f"{prefix}gpu_total_vram", 196592, gpu=3),
        card(f"{prefix}gpu_package_power", 540, gpu=3),
        card(f"{prefix}gpu_junction_temperature", 66, gpu=3),
        card(f"{prefix}gpu_health", 1, gpu=3),
    ]
    (reading,) = readings(Amd(), samples)
    assert (reading.vendor, reading.uuid, reading.index, reading.instance) == ("amd", "S0", 3, None)
    assert (reading.product, reading.utilization) == ("AMD-Instinct-MI300X", 71)
    assert (reading.memory_used, reading.memory_total, reading.power, reading.temperature) == (1000, 196592, 540, 66)
    assert (reading.names[0], len(reading.names), reading.fault) == ("u-3", 2, None)
    assert hosts(Amd(), samples) == [("n1",)]


def test_partitions_belong_to_the_card_with_their_serial_number():
    split = {"gpu_compute_partition_type": "CPX", "gpu_memory_partition_type": "NPS4"}
    samples = [
        card(
            "gpu_used_vram",
            10 * number,
            gpu=number,
            serial=f"S{number // 8}",
            gpu_partition_id=str(number % 8),
            **split,
        )
        for number in range(16)
    ]
    found = readings(Amd(), samples)
    assert [(r.uuid, r.index, r.instance) for r in found][:2] == [("S0", 0, "0"), ("S0", 0, "1")]
    assert [(r.uuid, r.index, r.instance) for r in found][-1] == ("S1", 1, "7")
    assert {r.profile for r in found} == {"cpx_nps4"}
    assert all(r.utilization is None for r in found)


@pytest.mark.parametrize("metric", ["gpu_gfx_activity", "gpu_power_usage"])
def test_a_value_that_the_exporter_does_not_have_is_unknown(metric):
    (reading,) = readings(Amd(), [card(metric, 65535), card("gpu_used_vram", 70000)])
    assert (reading.utilization, reading.power, reading.memory_used) == (None, None, 70000)


def test_an_unhealthy_card_is_a_fault():
    (reading,) = readings(Amd(), [card("gpu_health", 0)])
    assert reading.fault == "AMD's exporter reports the card as unhealthy"


def test_other_exporters_metrics_of_the_same_names_are_left_alone():
    exporter = taken(Amd(), [labelled("gpu_health", 1, gpu="0")])
    assert (exporter.rows.devices, exporter.rows.nameless) == (0, 0)


def test_the_holder_is_read_with_and_without_honoured_labels():
    honoured = card("gpu_used_vram", 1, pod="train", namespace="user-a", job="one")
    exporter = {"pod": "amd-exporter-x", "namespace": "kube-amd-gpu", "job": "two"}
    relabelled = card("gpu_used_vram", 1, 1, "S1", exported_pod="infer", exported_namespace="user-b", **exporter)
    idle = card("gpu_used_vram", 1, 2, "S2", **exporter)
    assert [reading.pods for reading in readings(Amd(), [honoured, relabelled, idle])] == [
        (("user-a", "train"),), (("user-b", "infer"),), (),
    ]  # fmt: skip
