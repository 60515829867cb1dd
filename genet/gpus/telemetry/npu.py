"""Huawei's npu-exporter: one Reading per Ascend chip. Pure.

Traps:

- No label names the node: it is told by the scrape's target, by the exporter's own pod, or by a relabelled `job`.
- Its samples carry timestamps of its own, so they stay for five minutes after their target has gone.
- The holder's name is `pod_name`, but its namespace is `namespace`, which a scrape may rename; both are empty where
  no pod holds the chip.
- Memory is HBM on some chips and DDR on others. It says MB and means MiB.
- Health is 1 or 0, and -1 where the driver could not be asked.
- Old versions know chips by `id` alone.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from genet.gpus.model import Reading, pci_name
from genet.gpus.telemetry.devices import Device, Holders, Host, Rows, Where, is_number
from genet.prometheus import Sample

METRICS: Final = (
    "npu_chip_info_utilization",
    "npu_chip_info_hbm_used_memory",
    "npu_chip_info_hbm_total_memory",
    "npu_chip_info_used_memory",
    "npu_chip_info_total_memory",
    "npu_chip_info_power",
    "npu_chip_info_temperature",
    "npu_chip_info_health_status",
    "container_npu_total_memory",
)
_UTIL, _HBM_USED, _HBM_TOTAL, _DDR_USED, _DDR_TOTAL, _POWER, _TEMPERATURE, _HEALTH, _HELD = range(len(METRICS))
_NUMBER: Final = {metric: number for number, metric in enumerate(METRICS)}


class Labels(Where, gc=False):
    """Those of npu-exporter's labels that are read."""

    id: str = ""
    vdie_id: str = ""
    model_name: str = ""
    pcie_bus_info: str = ""
    pod_name: str = ""

    @property
    def holder(self) -> Holders:
        namespace = self.exported_namespace or self.namespace
        pod = (namespace, self.pod_name) if namespace and self.pod_name else None
        return pod, pod


class Npu:
    """One round of npu-exporter's series."""

    name: Final = "npu"
    labels: Final = Labels
    queries: Final = {"npu-exporter's metrics": f'{{__name__=~"{"|".join(METRICS)}"}}'}
    busy: Final = ("npu_chip_info_utilization > {percent}",)

    def __init__(self) -> None:
        self.rows = Rows[Labels](self.name, len(METRICS))

    @staticmethod
    def identity(labels: Labels) -> tuple[str, str]:
        return labels.vdie_id, ""

    def take(self, samples: Iterable[Sample[Labels]]) -> None:
        for sample in samples:
            labels = sample.labels
            metric = _NUMBER.get(labels.name)
            if metric is None or not is_number(labels.id):
                self.rows.nameless += 1
                continue
            known = None if sample.value < 0 else sample.value  # an error's number
            host = self.rows.host(labels.node, labels.kubernetes_node, labels.target, labels.pod, labels.job)
            self.rows.add(host, (labels.id,), labels, metric=metric, value=known, holders=labels.holder)

    def readings(self, now: float) -> Iterator[tuple[Host, list[Reading]]]:  # noqa: ARG002  # of all exporters alike
        for host, devices in self.rows.drain():
            yield host, [_reading(device) for device in devices]


def _reading(device: Device[Labels]) -> Reading:
    labels = device.labels
    return Reading(
        vendor="ascend",
        uuid=labels.vdie_id,
        index=int(labels.id),
        product=labels.model_name.replace(" ", "-") or None,
        pods=device.pods,
        utilization=device.percent(_UTIL),
        memory_used=_memory(device, _HBM_USED, _DDR_USED),
        memory_total=_memory(device, _HBM_TOTAL, _DDR_TOTAL),
        power=device.watts(_POWER),
        temperature=device.whole(_TEMPERATURE),
        names=(pci_name(labels.pcie_bus_info),) if labels.pcie_bus_info else (),
        fault="npu-exporter reports the chip as unhealthy" if device.values[_HEALTH] == 0 else None,
    )


def _memory(device: Device[Labels], hbm: int, ddr: int) -> int | None:
    return device.whole(hbm if device.values[_HBM_TOTAL] else ddr)
