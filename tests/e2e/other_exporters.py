"""The exporters of AMD, Huawei and HAMi in their text formats, written from their own documents and samples.

- AMD's device-metrics-exporter gives every series all labels, empty where there is nothing to say.
- npu-exporter gives its samples timestamps and the node no label; pods are told by `pod_name`.
- HAMi has two: the scheduler's speaks of all nodes, the monitor's of one, and the latter has no label for it.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.e2e.exporter import Holder, family, sample

_MIB = 1 << 20


@dataclass
class AmdCard:
    index: int
    serial: str
    utilization: int
    used_mb: int
    holder: Holder | None = None


@dataclass
class AmdExporter:
    host: str
    cards: list[AmdCard]
    address: str = field(default="", init=False)

    def text(self) -> str:
        values = {
            "gpu_gfx_activity": [card.utilization for card in self.cards],
            "gpu_used_vram": [card.used_mb for card in self.cards],
            "gpu_total_vram": [196592] * len(self.cards),
            "gpu_power_usage": [142] * len(self.cards),
            "gpu_junction_temperature": [41] * len(self.cards),
            "gpu_health": [1] * len(self.cards),
        }
        lines: list[str] = []
        for metric, of_cards in values.items():
            rows = zip(self.cards, of_cards, strict=True)
            lines += family(metric, metric, (sample(metric, self._labels(card), value) for card, value in rows))
        return "\n".join(lines) + "\n"

    def _labels(self, card: AmdCard) -> dict[str, str]:
        holder = card.holder or Holder("", "", "")
        return {
            "card_model": "102-G30211-0C",
            "card_series": "AMD Instinct MI300X OAM",
            "card_vendor": "AMD",
            "cluster_name": "",
            "container": holder.container,
            "driver_version": "6.12.12",
            "gpu_compute_partition_type": "spx",
            "gpu_id": str(card.index),
            "gpu_memory_partition_type": "nps1",
            "gpu_partition_id": "0",
            "hostname": self.host,
            "namespace": holder.namespace,
            "pod": holder.pod,
            "serial_number": card.serial,
            "vbios_version": "022.040.003.043.000001",
        }


@dataclass
class Npu:
    index: int
    vdie: str
    utilization: int
    used_mb: int
    holder: Holder | None = None
    health: int = 1


@dataclass
class NpuExporter:
    chips: list[Npu]
    address: str = field(default="", init=False)

    def text(self) -> str:
        now = int(time.time() * 1000)
        lines = ["# HELP machine_npu_nums Amount of npu installed on the machine.", "# TYPE machine_npu_nums gauge"]
        lines.append(f"machine_npu_nums {len(self.chips)}")
        values: dict[str, Sequence[float]] = {
            "npu_chip_info_utilization": [chip.utilization for chip in self.chips],
            "npu_chip_info_hbm_used_memory": [chip.used_mb for chip in self.chips],
            "npu_chip_info_hbm_total_memory": [65536] * len(self.chips),
            "npu_chip_info_power": [93.6] * len(self.chips),
            "npu_chip_info_temperature": [45] * len(self.chips),
            "npu_chip_info_health_status": [chip.health for chip in self.chips],
        }
        for metric, of_chips in values.items():
            rows = zip(self.chips, of_chips, strict=True)
            lines += family(metric, metric, (f"{sample(metric, _npu(chip), value)} {now}" for chip, value in rows))
        return "\n".join(lines) + "\n"


def _npu(chip: Npu) -> dict[str, str]:
    holder = chip.holder or Holder("", "", "")
    return {
        "container_name": holder.container,
        "id": str(chip.index),
        "model_name": "910B3-Ascend-V1",
        "namespace": holder.namespace,
        "pcie_bus_info": f"0000:{0x61 + chip.index:02X}:00.0",
        "pod_name": holder.pod,
        "vdie_id": chip.vdie,
    }


@dataclass
class HamiCard:
    index: int
    uuid: str
    utilization: int
    used_mib: int
    total_mib: int
    holders: dict[Holder, int]
    """MiB that HAMi has given to each."""


@dataclass
class HamiScheduler:
    host: str
    cards: list[HamiCard]
    address: str = field(default="", init=False)

    def text(self) -> str:
        limits, given, counts, allocated = [], [], [], []
        for card in self.cards:
            labels = _hami(card) | {"node": self.host, "zone": "vGPU"}
            mib = sum(card.holders.values())
            limits.append(sample("hami_gpu_memory_limit_bytes", labels, card.total_mib * _MIB))
            given.append(sample("hami_gpu_memory_allocated_bytes", {**labels, "device_cores": "0"}, mib * _MIB))
            counts.append(sample("hami_gpu_shared_count", labels, len(card.holders)))
            for holder, own in card.holders.items():
                held = {"container_index": "0", "device_uuid": card.uuid, "namespace": holder.namespace}
                held |= {"node": self.host, "pod": holder.pod, "zone": "vGPU"}
                allocated.append(sample("hami_vgpu_memory_allocated_bytes", held, own * _MIB))
        lines = [
            *family("hami_gpu_memory_limit_bytes", "Device memory limit for a certain GPU", limits),
            *family("hami_gpu_memory_allocated_bytes", "Device memory allocated for a certain GPU", given),
            *family("hami_gpu_shared_count", "Number of containers sharing this GPU", counts),
            *family("hami_vgpu_memory_allocated_bytes", "vGPU memory allocated from a container", allocated),
        ]
        return "\n".join(lines) + "\n"


@dataclass
class HamiMonitor:
    cards: list[HamiCard]
    address: str = field(default="", init=False)

    def text(self) -> str:
        used = [sample("hami_host_gpu_memory_used_bytes", _hami(card), card.used_mib * _MIB) for card in self.cards]
        busy = [sample("hami_host_gpu_utilization_ratio", _hami(card), card.utilization) for card in self.cards]
        lines = [
            *family("hami_host_gpu_memory_used_bytes", "GPU device memory usage", used),
            *family("hami_host_gpu_utilization_ratio", "GPU core utilization", busy),
        ]
        return "\n".join(lines) + "\n"


def _hami(card: HamiCard) -> dict[str, str]:
    named = {"device_index": str(card.index), "device_type": "NVIDIA-NVIDIA A100-SXM4-80GB"}
    return named | {"device_uuid": card.uuid}
