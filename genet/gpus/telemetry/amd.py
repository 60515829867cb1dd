"""AMD's device-metrics-exporter: one Reading per card, or per compute partition of it. Pure.

Traps:

- The metrics' prefix is configurable; `amd_` and none are known. Without one the names are so common that only series
  with a serial number count.
- The serial number is the card's, also for its partitions; a UUID of its own is optional.
- In partitioned mode `gpu_id` numbers the partitions of the node, not its cards.
- Activity is that of an unpartitioned card; partitions have none.
- Values that it does not have are the largest number of their type.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from genet.gpus.model import Reading, pci_name
from genet.gpus.telemetry.devices import Device, Host, Rows, Where, is_number
from genet.prometheus import Sample

_UTIL, _USED, _TOTAL, _POWER, _TEMPERATURE, _HEALTH = range(6)
_NUMBER: Final = {
    "gpu_gfx_activity": _UTIL,
    "gpu_used_vram": _USED,
    "gpu_total_vram": _TOTAL,
    "gpu_power_usage": _POWER,
    "gpu_package_power": _POWER,
    "gpu_junction_temperature": _TEMPERATURE,
    "gpu_edge_temperature": _TEMPERATURE,
    "gpu_health": _HEALTH,
}
_PREFIX: Final = "amd_"
METRICS: Final = (*_NUMBER, *(f"{_PREFIX}{name}" for name in _NUMBER))
_BLANK: Final = {_USED: 0xFFFFFFFF, _TOTAL: 0xFFFFFFFF}
_NARROW_BLANK: Final = 0xFFFF
_WHOLE: Final = ("", "none", "spx")


class Labels(Where, gc=False):
    """Those of the exporter's labels that are read."""

    serial_number: str = ""
    gpu_id: str = ""
    gpu_uuid: str = ""
    gpu_partition_id: str = ""
    gpu_compute_partition_type: str = ""
    gpu_memory_partition_type: str = ""
    card_model: str = ""
    pcie_bus_id: str = ""
    hostname: str = ""

    @property
    def partition(self) -> str:
        """Its number, or nothing for a whole card."""
        whole = self.gpu_compute_partition_type.lower() in _WHOLE
        return "" if whole else self.gpu_partition_id


class Amd:
    """One round of the exporter's series."""

    name: Final = "amd"
    labels: Final = Labels
    queries: Final = {"AMD's metrics": f'{{__name__=~"{"|".join(METRICS)}"}}'}
    busy: Final = ('{{__name__=~"gpu_gfx_activity|amd_gpu_gfx_activity",serial_number!=""}} > {percent}',)

    def __init__(self) -> None:
        self.rows = Rows[Labels](self.name, _HEALTH + 1)

    @staticmethod
    def identity(labels: Labels) -> tuple[str, str]:
        return labels.serial_number, labels.partition

    def take(self, samples: Iterable[Sample[Labels]]) -> None:
        for sample in samples:
            labels, value = sample.labels, sample.value
            metric = _NUMBER.get(labels.name.removeprefix(_PREFIX))
            if metric is None or not labels.serial_number:
                continue
            if not is_number(labels.gpu_id):
                self.rows.nameless += 1
                continue
            is_known = not (value < 0 or _BLANK.get(metric, _NARROW_BLANK) <= value < float("inf"))
            host = self.rows.host(labels.hostname, labels.node, labels.kubernetes_node, labels.target)
            known = value if is_known else None
            key = self.identity(labels)
            self.rows.add(host, key, labels, metric=metric, value=known, holders=labels.holders)

    def readings(self, now: float) -> Iterator[tuple[Host, list[Reading]]]:  # noqa: ARG002  # of all exporters alike
        for host, devices in self.rows.drain():
            devices.sort(key=lambda device: int(device.labels.gpu_id))
            cards = list(dict.fromkeys(device.labels.serial_number for device in devices))
            is_split = len(cards) < len(devices)
            numbers = (cards.index(d.labels.serial_number) if is_split else int(d.labels.gpu_id) for d in devices)
            yield host, [_reading(device, number) for device, number in zip(devices, numbers, strict=True)]


def _reading(device: Device[Labels], index: int) -> Reading:
    labels = device.labels
    modes = (labels.gpu_compute_partition_type, labels.gpu_memory_partition_type)
    names = [labels.gpu_uuid] if labels.gpu_uuid else []
    if labels.pcie_bus_id and not labels.partition:
        names.append(pci_name(labels.pcie_bus_id))
    return Reading(
        vendor="amd",
        uuid=labels.serial_number,
        index=index,
        instance=labels.partition or None,
        profile="_".join(filter(None, modes)).lower() or None if labels.partition else None,
        product=labels.card_model.replace(" ", "-") or None,
        pods=device.pods,
        utilization=device.percent(_UTIL),
        memory_used=device.whole(_USED),
        memory_total=device.whole(_TOTAL),
        power=device.watts(_POWER),
        temperature=device.whole(_TEMPERATURE),
        names=tuple(names),
        fault="AMD's exporter reports the card as unhealthy" if device.values[_HEALTH] == 0 else None,
    )
