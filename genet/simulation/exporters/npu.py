"""What Huawei's npu-exporter says about every Ascend chip.

Its traps: no label names the node, only the scrape's target does; the holder's labels are there and empty where nobody
holds the chip; memory is in MB by name and MiB in truth; with the scrape's own labels winning, the holder's namespace
becomes `exported_namespace`, but its `pod_name` stays.
"""

from typing import Final

from genet.simulation.exporters.load import load, memory
from genet.simulation.exporters.rows import Exporter, Row

_OF_HOLDERS: Final = ("container_npu_utilization", "container_npu_used_memory", "container_npu_total_memory")
METRICS: Final = (
    "npu_chip_info_utilization",
    "npu_chip_info_hbm_used_memory",
    "npu_chip_info_hbm_total_memory",
    "npu_chip_info_power",
    "npu_chip_info_temperature",
    "npu_chip_info_health_status",
    *_OF_HOLDERS,
)


class Npu(Exporter):
    vendor = "ascend"
    metrics = METRICS

    def labels(self, row: Row) -> dict[str, str]:
        chip, holder = row.gpu, row.holder
        return {
            "id": str(chip.index),
            "model_name": chip.model,
            "vdie_id": chip.uuid,
            "pcie_bus_info": chip.pci.upper(),
            "exported_namespace": holder.namespace if holder else "",
            "pod_name": holder.pod if holder else "",
            "container_name": holder.container if holder else "",
            "namespace": "npu-exporter",
            "pod": f"npu-exporter-{chip.node}",
            "instance": f"{chip.node}:8082",
            "job": "npu-exporter",
        }

    def has(self, metric: str, row: Row) -> bool:
        return row.holder is not None or metric not in _OF_HOLDERS

    def value(self, metric: str, row: Row, at: float) -> float:
        chip = row.gpu
        match metric.removeprefix("npu_chip_info_").removeprefix("container_npu_"):
            case "utilization":
                return round(100 * load(chip, row.uses, at))
            case "hbm_used_memory" | "used_memory":
                return 3100 + round((chip.memory - 3100) * memory(chip, row.uses, at))
            case "hbm_total_memory" | "total_memory":
                return chip.memory
            case "power":
                return round(93 + 250 * load(chip, row.uses, at), 1)
            case "temperature":
                return round(36 + 30 * load(chip, row.uses, at))
        return 0 if chip.xid else 1
