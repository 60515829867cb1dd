"""Each exporter's own labels and values, on the nodes of the mixed scenario."""

import pytest

from tests.simulation.test_prometheus import HOUR, NOW, over, query
from tests.simulation.world import World

MIB = 1 << 20


async def test_virtual_gpus_have_a_row_for_each_holder_beside_the_cards_own(mixed: World):
    rows = await query(mixed, 'DCGM_FI_DEV_FB_USED{hostname="slicing-02",gpu="1"}')
    own = [value for labels, value in rows if "pod" not in labels]
    each = {labels["pod"]: (labels["vgpu"], value) for labels, value in rows if "pod" in labels}
    assert set(each) == {"pod-alice-alice-virtual-0", "pod-alice-alice-virtual-2"}
    assert len({replica for replica, _ in each.values()}) == 2
    assert all(0 < value < own[0] for _, value in each.values())
    assert abs(sum(value for _, value in each.values()) - own[0]) < 10
    power = await query(mixed, 'DCGM_FI_DEV_POWER_USAGE{hostname="slicing-02",gpu="1"}')
    assert len(power) == 3
    assert len({value for _, value in power}) == 1


async def test_a_virtual_gpu_without_holders_has_no_row(mixed: World):
    mixed.store.delete("pods", "user-alice-alice", "pod-alice-alice-virtual-1")
    await mixed.time.advance(60)
    rows = await query(mixed, 'DCGM_FI_DEV_FB_USED{hostname="slicing-02"}')
    assert {labels["gpu"] for labels, _ in rows} == {"1"}


async def test_claims_are_named_by_an_exporter_that_knows_them(mixed: World):
    rows = await query(mixed, 'DCGM_FI_DEV_GPU_UTIL{dra_claim_name="own"}')
    assert [
        {name: value for name, value in labels.items() if name.startswith("dra_") or name == "pod"}
        for labels, _ in rows
    ] == [
        {
            "pod": "pod-alice-alice-claimer",
            "dra_claim_name": "own",
            "dra_claim_namespace": "user-alice-alice",
            "dra_driver_name": "gpu.nvidia.com",
            "dra_pool_name": "dra-01",
            "dra_device_name": "gpu-1",
        }
    ]


async def test_under_mps_and_hami_no_card_names_a_pod(mixed: World):
    rows = await query(mixed, 'DCGM_FI_DEV_FB_USED{Hostname=~"mps-01|hami-0."}')
    assert len(rows) == 6
    assert not any("exported_pod" in labels for labels, _ in rows)
    assert sum(value > 100 for _, value in rows) == 4


async def test_hami_speaks_in_bytes_and_percent_under_new_names_and_old(mixed: World):
    for metric, uuid, pod, node in (
        ("hami_vgpu_memory_allocated_bytes", "device_uuid", "pod", "hami-01"),
        ("vGPUMemoryAllocated", "deviceuuid", "podname", "hami-02"),
    ):
        (first, second) = await query(mixed, metric)
        assert first[0][uuid] == second[0][uuid] == mixed.cluster.devices.by_node[node][0].uuid
        assert {first[0][pod], second[0][pod]} == {f"pod-alice-alice-vgpu-{node}", f"pod-bob-bob-vgpu-{node}"}
        assert first[1] % MIB == 0
    limits = await query(mixed, "hami_gpu_memory_limit_bytes")
    assert [(labels["node"], labels["device_index"], value) for labels, value in limits] == [
        ("hami-01", "0", 46068 * MIB),
        ("hami-01", "1", 46068 * MIB),
    ]
    hosts = await query(mixed, "hami_host_gpu_utilization_ratio")
    assert ["node" in labels for labels, _ in hosts] == [False, False]
    assert [value > 5 for _, value in hosts] == [True, False]


async def test_amd_partitions_share_a_serial_number_and_have_no_activity(mixed: World):
    rows = await query(mixed, 'gpu_used_vram{hostname="amd-02"}')
    assert len(rows) == 16
    assert sorted(int(labels["gpu_id"]) for labels, _ in rows) == list(range(16))
    assert len({labels["serial_number"] for labels, _ in rows}) == 2
    held = [labels["pod"] for labels, value in rows if labels["pod"]]
    assert sorted(held) == sorted(2 * [f"pod-alice-alice-cpx-{number}" for number in range(3)])
    assert await query(mixed, 'gpu_gfx_activity{hostname="amd-02"}') == []
    rows = await query(mixed, 'gpu_gfx_activity{hostname="amd-01"}')
    assert sum(value > 5 for _, value in rows) == 3
    assert sum(labels["pod"] != "" for labels, _ in rows) == 4


async def test_ascend_chips_name_no_node_and_the_one_out_of_order_is_told(mixed: World):
    rows = await query(mixed, "npu_chip_info_health_status")
    assert {labels["id"]: value for labels, value in rows} == {str(index): float(index != 7) for index in range(8)}
    assert not any({"node", "hostname", "Hostname"} & set(labels) for labels, _ in rows)
    rows = await query(mixed, "container_npu_used_memory")
    assert {labels["id"] for labels, _ in rows} == {"0", "1"}, "those that the scheduler chose, not the kubelet"
    assert {labels["pod_name"] for labels, _ in rows} == {"pod-alice-alice-mindspore"}


@pytest.mark.parametrize(
    ("metric", "hours"),
    [
        ('gpu_power_usage{pod="pod-bob-bob-rocm"}', 7),
        ('gpu_used_vram{pod="pod-alice-alice-cpx-0"}', 4),
        ('npu_chip_info_power{pod_name="pod-alice-alice-mindspore"}', 9),
        ('hami_vgpu_memory_allocated_bytes{pod="pod-bob-bob-vgpu-hami-01"}', 5),
    ],
)
async def test_every_exporter_names_a_pod_since_it_began(mixed: World, metric: str, hours: int):
    rows = await over(mixed, metric, hours=24, step=3600)
    assert {min(values) for _, values in rows} == {NOW - hours * HOUR}
