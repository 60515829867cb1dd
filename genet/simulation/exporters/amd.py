"""What AMD's device-metrics-exporter says about every card, or every partition of one.

Its traps: `gpu_id` numbers partitions, not cards; the serial number is the card's, also for its partitions; a partition
has no `gpu_gfx_activity`; `card_model` is a part number, and `card_series` is what people call the card.
"""

from typing import Final

from genet.simulation.exporters.load import load, memory
from genet.simulation.exporters.rows import Exporter, Row

METRICS: Final = (
    "gpu_gfx_activity",
    "gpu_used_vram",
    "gpu_total_vram",
    "gpu_power_usage",
    "gpu_junction_temperature",
    "gpu_health",
)


class Amd(Exporter):
    vendor = "amd"
    metrics = METRICS

    def labels(self, row: Row) -> dict[str, str]:
        gpu, part = row.gpu, row.partition
        compute, _, by_memory = (part.profile if part else "spx_nps1").partition("_")
        holder = row.holder
        return {
            "gpu_id": str(gpu.index * len(gpu.partitions) + part.instance if part else gpu.index),
            "gpu_partition_id": str(part.instance if part else 0),
            "gpu_compute_partition_type": compute,
            "gpu_memory_partition_type": by_memory,
            "serial_number": gpu.uuid,
            "card_model": "102-G30211-0C",
            "card_series": gpu.model,
            "card_vendor": "AMD",
            "driver_version": "6.12.12",
            "hostname": gpu.node,
            "pod": holder.pod if holder else "",
            "namespace": holder.namespace if holder else "",
            "container": holder.container if holder else "",
            "instance": f"{gpu.node}:5000",
            "job": "amd-device-metrics-exporter",
        }

    def has(self, metric: str, row: Row) -> bool:
        return not (row.partition and metric == "gpu_gfx_activity")

    def value(self, metric: str, row: Row, at: float) -> float:
        total = row.partition.memory if row.partition else row.gpu.memory
        match metric:
            case "gpu_gfx_activity":
                return round(100 * load(row.gpu, row.uses, at))
            case "gpu_used_vram":
                return 283 + round((total - 283) * memory(row.gpu, row.uses, at))
            case "gpu_total_vram":
                return total
            case "gpu_power_usage":
                return round(140 + 600 * load(row.gpu, row.uses, at))
            case "gpu_junction_temperature":
                return round(38 + 40 * load(row.gpu, row.uses, at))
        return 0 if row.gpu.xid else 1
