"""Written from HAMi's two /metrics pages, new names and old."""

from datetime import UTC, datetime

import pytest

from genet.gpus.telemetry.hami import Hami
from tests.gpus.telemetry.given import NOW, hosts, labelled, readings, taken

CARD = {"device_uuid": "GPU-a", "device_index": "2", "device_type": "NVIDIA-NVIDIA L40S"}
SCHEDULER = {"job": "hami-scheduler", "instance": "10.1.0.4:9395"}
MONITOR = {"job": "hami-monitor", "instance": "10.0.0.1:9394"}
OLD = {"deviceuuid": "GPU-a", "deviceidx": "2", "nodeid": "n1", "devicetype": "NVIDIA-Tesla V100"}


def held(pod, elapsed):
    labels = {"namespace": "user-a", "pod": pod, "container": "main", "vdevice_index": "0", "device_uuid": "GPU-a"}
    return labelled("hami_container_last_kernel_elapsed_seconds", elapsed, **labels, **MONITOR)


def test_both_exporters_speak_of_one_card():
    samples = [
        labelled("hami_gpu_memory_limit_bytes", 46068 << 20, node="n1", **CARD, **SCHEDULER),
        labelled("hami_host_gpu_utilization_ratio", 63, node="n1", **CARD, **MONITOR),
        labelled("hami_host_gpu_memory_used_bytes", 1000 << 20, node="n1", **CARD, **MONITOR),
        held("train", 300),
    ]
    (reading,) = readings(Hami(), samples)
    assert (reading.uuid, reading.index, reading.product) == ("GPU-a", 2, "NVIDIA-L40S")
    assert (reading.utilization, reading.memory_used, reading.memory_total) == (63, 1000, 46068)
    assert reading.pods == (("user-a", "train"),)


def test_the_scheduler_s_own_address_is_no_clue_to_a_card_s_node():
    limit = labelled("hami_gpu_memory_limit_bytes", 1, node="n1", **CARD, **SCHEDULER)
    relabelled = labelled("hami_gpu_memory_limit_bytes", 1, exported_node="n1", node="n9", **CARD, **SCHEDULER)
    assert hosts(Hami(), [limit]) == [("n1",)]
    assert hosts(Hami(), [relabelled])[0][0] == "n1"


def test_a_monitor_that_does_not_say_its_node_is_found_by_its_address():
    assert hosts(Hami(), [labelled("hami_host_gpu_utilization_ratio", 5, **CARD, **MONITOR)]) == [("10.0.0.1",)]


def test_the_old_names_are_read():
    pod = {"podnamespace": "user-a", "podname": "train", "deviceuuid": "GPU-a", "nodename": "n1"}
    samples = [
        labelled("HostCoreUtilization", 12, **OLD),
        labelled("HostGPUMemoryUsage", 7 << 20, **OLD),
        labelled("GPUDeviceMemoryLimit", 32768 << 20, **OLD),
        labelled("vGPUPodsDeviceAllocated", 1, **pod, **SCHEDULER),
        labelled("Device_last_kernel_of_container", 90, **pod, **MONITOR),
    ]
    (reading,) = readings(Hami(), samples)
    assert (reading.product, reading.utilization, reading.memory_used, reading.memory_total) == (
        "Tesla-V100", 12, 7, 32768,
    )  # fmt: skip
    assert reading.pods == (("user-a", "train"),)
    assert hosts(Hami(), samples) == [("n1",)]


def test_the_pod_that_worked_last_says_since_when_a_card_is_idle():
    card = labelled("hami_host_gpu_memory_used_bytes", 5, node="n1", **CARD, **MONITOR)
    (reading,) = readings(Hami(), [card, held("a", 4000), held("b", 600)])
    assert reading.idle_since == datetime.fromtimestamp(NOW - 600, UTC)
    (reading,) = readings(Hami(), [card, held("a", 4000), held("b", 3)])
    assert reading.idle_since is None


def test_where_labels_are_relabelled_the_monitor_is_no_holder():
    labels = {"pod": "hami-vgpu-monitor-x", "namespace": "kube-system", "device_uuid": "GPU-a", **MONITOR}
    holder = {"exported_pod": "train", "exported_namespace": "user-a"}
    samples = [
        labelled("hami_host_gpu_utilization_ratio", 5, **CARD | labels),
        labelled("hami_container_last_kernel_elapsed_seconds", 5, **labels, **holder),
    ]
    assert [reading.pods for reading in readings(Hami(), samples)] == [(("user-a", "train"),)]


def test_other_makers_devices_are_left_to_their_own_exporters():
    ascend = {"device_uuid": "n2-Ascend310P-0", "device_index": "0", "node": "n2"}
    exporter = taken(Hami(), [labelled("hami_gpu_memory_limit_bytes", 1, **ascend)])
    assert (list(exporter.readings(NOW)), exporter.rows.nameless) == ([], 0)


@pytest.mark.parametrize("labels", [{"device_uuid": "GPU-b"}, {"device_uuid": "GPU-b", "device_index": "x"}])
def test_a_card_of_which_only_the_uuid_is_known_is_counted(labels):
    exporter = taken(Hami(), [labelled("hami_container_last_kernel_elapsed_seconds", 5, **labels, **MONITOR)])
    assert list(exporter.readings(NOW)) == []
    assert exporter.rows.nameless == 1
