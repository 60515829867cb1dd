"""NVIDIA's dcgm-exporter: one Reading per card, or per MIG slice where there are slices. Pure.

Traps, all of them met in the field:

- Values that it does not have are huge numbers, another for each type and reason ("blank").
- `DCGM_FI_DEV_GPU_UTIL` is missing under MIG; there the share of time in which the engine worked has to do.
- The host's label is `Hostname` or, later, `hostname`, and holds the node's name, the exporter pod's, or `localhost`.
- The holder's labels are `pod` or, of old, `pod_name`, which no scrape ever renames; the card is `uuid` there.
- The UUID, the index and the PCI address of a MIG row are the card's.
- `DCGM_FI_DEV_XID_ERRORS` is the last code ever seen, and most codes are a program's fault, not the card's.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from genet.gpus.model import Reading, dra_name, pci_name
from genet.gpus.telemetry.devices import Device, Holders, Host, Rows, Where, is_number
from genet.prometheus import Sample

METRICS: Final = (
    "DCGM_FI_DEV_GPU_UTIL",
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE",
    "DCGM_FI_DEV_FB_USED",
    "DCGM_FI_DEV_FB_FREE",
    "DCGM_FI_DEV_FB_RESERVED",
    "DCGM_FI_DEV_POWER_USAGE",
    "DCGM_FI_DEV_GPU_TEMP",
    "DCGM_FI_DEV_XID_ERRORS",
    "DCGM_EXP_GPU_HEALTH_STATUS",
)
XIDS: Final = {
    46: "the card has stopped processing",
    48: "the card's memory has an uncorrectable error",
    54: "the card's auxiliary power is not connected",
    62: "the card's power controller has halted",
    64: "bad rows of the card's memory cannot be replaced",
    74: "an NVLink connection of the card has failed",
    79: "the card has fallen off the bus",
    95: "the card's memory has an uncontained error",
    110: "the card has met a security fault, most often of its hardware",
    119: "the card's system processor does not answer",
    120: "the card's system processor has failed",
    136: "a link of the card could not be trained",
    140: "the card's memory has an error that was not recovered",
    143: "the card cannot be initialized",
    158: "the card has met a fatal time-out",
    171: "the card's memory has an uncorrectable error",
    172: "the card's on-chip memory has an uncorrectable error",
}
"""Of NVIDIA's catalogue of Xid errors those that ask for a reset, a repair or a cold start. Not those after which the
device plugin keeps a card as well (13, 31, 43, 45, 68, 109: the program's), nor notes of repairs that worked (63, 92,
94)."""

_UTIL, _ENGINE, _USED, _FREE, _RESERVED, _POWER, _TEMPERATURE, _XID, _HEALTH = range(len(METRICS))
_NUMBER: Final = {metric: number for number, metric in enumerate(METRICS)}
_BLANK: Final = 0x7FFFFFF0
"""The smallest of DCGM's blanks (32 bit); the others are larger, and no measured value comes near."""
_FAIL: Final = 20
"""DCGM's health results: 0 pass, 10 warning, 20 failure."""


class Labels(Where, gc=False):
    """Those of dcgm-exporter's labels that are read."""

    uuid: str = msgspec.field(name="UUID", default="")
    old_uuid: str = msgspec.field(name="uuid", default="")
    gpu: str = ""
    model: str = msgspec.field(name="modelName", default="")
    pci_bus_id: str = ""
    instance_id: str = msgspec.field(name="GPU_I_ID", default="")
    profile: str = msgspec.field(name="GPU_I_PROFILE", default="")
    hostname: str = ""
    old_hostname: str = msgspec.field(name="Hostname", default="")
    pod_name: str = ""
    pod_namespace: str = ""
    dra_driver_name: str = ""
    dra_pool_name: str = ""
    dra_device_name: str = ""
    dra_mig_device_uuid: str = ""


class Dcgm:
    """One round of dcgm-exporter's series."""

    name: Final = "dcgm"
    labels: Final = Labels
    queries: Final = {metric: metric for metric in METRICS}
    """By what is missing when the answer is."""
    busy: Final = ("DCGM_FI_DEV_GPU_UTIL > {percent}", "DCGM_FI_PROF_GR_ENGINE_ACTIVE > {share}")

    def __init__(self) -> None:
        self.rows = Rows[Labels](self.name, len(METRICS))

    @staticmethod
    def identity(labels: Labels) -> tuple[str, str]:
        return labels.uuid or labels.old_uuid, labels.instance_id

    def take(self, samples: Iterable[Sample[Labels]]) -> None:
        rows = self.rows
        for sample in samples:
            labels, value = sample.labels, sample.value
            metric = _NUMBER.get(labels.name)
            key = self.identity(labels)
            if metric is None or not key[0] or not is_number(labels.gpu):
                rows.nameless += 1
                continue
            known = None if value < 0 or _BLANK <= value < float("inf") else value
            hostname = labels.hostname or labels.old_hostname
            host = rows.host(hostname, labels.node, labels.kubernetes_node, labels.target)
            rows.add(host, key, labels, metric=metric, value=known, holders=_holders(labels))

    def readings(self, now: float) -> Iterator[tuple[Host, list[Reading]]]:  # noqa: ARG002  # of all exporters alike
        for host, devices in self.rows.drain():
            yield host, [_reading(device) for device in devices]


def _reading(device: Device[Labels]) -> Reading:
    labels = device.labels
    used, free = device.values[_USED], device.values[_FREE]
    reserved = device.values[_RESERVED] or 0.0
    return Reading(
        uuid=labels.uuid or labels.old_uuid,
        index=int(labels.gpu),
        instance=labels.instance_id or None,
        profile=labels.profile.replace("+", ".") or None,
        product=labels.model.replace(" ", "-") or None,
        pods=device.pods,
        utilization=_utilization(device),
        memory_used=device.whole(_USED),
        memory_total=None if used is None or free is None else round(used + free + reserved),
        power=device.watts(_POWER),
        temperature=device.whole(_TEMPERATURE),
        names=tuple(_names(labels)),
        fault=_fault(device),
    )


def _holders(labels: Labels) -> Holders:
    if labels.pod_name and labels.pod_namespace:
        pod = (labels.pod_namespace, labels.pod_name)
        return pod, pod
    return labels.holders


def _utilization(device: Device[Labels]) -> int | None:
    share = device.values[_ENGINE]
    if device.values[_UTIL] is None and share is not None:
        return min(100, round(share * 100))
    return device.percent(_UTIL)


def _names(labels: Labels) -> Iterator[str]:
    if labels.pci_bus_id and not labels.instance_id:
        yield pci_name(labels.pci_bus_id)
    if labels.dra_driver_name and labels.dra_pool_name and labels.dra_device_name:
        yield dra_name(labels.dra_driver_name, labels.dra_pool_name, labels.dra_device_name)
    if labels.dra_mig_device_uuid:
        yield labels.dra_mig_device_uuid


def _fault(device: Device[Labels]) -> str | None:
    xid = device.whole(_XID)
    if xid in XIDS:
        return f"Xid {xid}: {XIDS[xid]}"
    health = device.values[_HEALTH]
    if health is not None and health >= _FAIL:
        return "the card fails DCGM's health check"
    return None
