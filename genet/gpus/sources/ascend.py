"""Ascend's device plugin: chips by number, holders from pods' annotations, faults from a ConfigMap for each node.

Traps:
- `huawei.com/AscendReal` says which chips a pod has; `huawei.com/kltDev` is what the kubelet chose before the plugin
  took others, and `huawei.com/Ascend910` what the scheduler meant: neither is read.
- Chips are called by type and number on the node (`Ascend910-3`), virtual ones by type, template, their own number and
  the chip's (`Ascend310P-2c-100-3`).
- The ConfigMap lists what is healthy and free, so a chip that is missing there is just as well in use.
- Not every fault that is reported takes the chip out: some are notes, some wait until its pod is gone.
- HAMi counts shares under the same resource names, and keeps its own register.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from genet import accelerators
from genet.gpus.model import Holding, NodeFacts, Part, Seen, index_name
from genet.kube import requests
from genet.kube.objects import ConfigMap, Node, Pod
from genet.kube.quantity import parse

VENDOR: Final = "ascend"

_CHIPS: Final = re.compile(r"huawei\.com/(Ascend910|Ascend310P|Ascend310|npu)")
_CORES: Final = "huawei.com/npu-core"
"""By which virtual chips are asked for that the plugin makes on demand; its unit is no chip."""
_REAL: Final = "huawei.com/AscendReal"
_HAMI: Final = "hami.io/node-register-Ascend"
_PRODUCT: Final = "node.kubernetes.io/npu.chip.name"
_NAME: Final = re.compile(r"([A-Za-z0-9]+)(?:-([A-Za-z]*\d[\w.]*)-\d{1,6})?-(\d{1,4})", re.ASCII)
_MOST: Final = 1024
"""Chips of one kind; a node that counts more counts no chips."""
_LONGEST: Final = 16 * 1024
"""Letters of an annotation about one pod's chips; what is longer is nobody's honest word, and takes long to read."""
_SEPARATORS: Final = re.compile(r"[,\s]+")
_FAULTS: Final = "-Fault"
_HARMLESS: Final = frozenset({"NotHandleFault", "SubHealthFault", "PreSeparateNPU", "FreeRestartNPU"})
"""Levels with which the plugin lets a chip go on, for now; where it does not, the chip is in one of the lists too."""
_LISTS: Final = {
    "-Unhealthy": "the device plugin lists the chip as unhealthy",
    "-NetworkUnhealthy": "the device plugin lists the chip's network as unhealthy",
}
_SEPARATED = "the chip has been taken out of use after repeated faults, until somebody puts it back"
_FAULT = "the device plugin reports fault {} ({})"


class _Chip(NamedTuple):
    """A chip, or a virtual one on it."""

    name: str
    type: str
    template: str | None
    number: int

    @property
    def resource(self) -> str:
        return f"huawei.com/{self.type}-{self.template}" if self.template else f"huawei.com/{self.type}"


class _DeviceInfo(msgspec.Struct, frozen=True, rename="pascal"):
    device_list: dict[str, str] = {}


class _DeviceInfoCfg(msgspec.Struct, frozen=True, rename="pascal"):
    device_info: _DeviceInfo = _DeviceInfo()


class _DeviceFault(msgspec.Struct, frozen=True):
    npu_name: str = ""
    fault_level: str = ""
    fault_code: str = ""


_CFG: Final = msgspec.json.Decoder(_DeviceInfoCfg)
_DEVICE_FAULTS: Final = msgspec.json.Decoder(tuple[_DeviceFault, ...])


def devices(facts: NodeFacts) -> Iterator[Seen]:
    """Chips by number: those that the plugin lists, and as many more as the node counts, from 0."""
    node = facts.node
    if _is_hamis(node):
        return
    faults = _faults(facts.device_info)
    listed = tuple(_listed(facts.device_info))
    virtual = {chip.name: chip for chip in (*listed, *(chip for _, chip, _ in _given(facts))) if chip.template}
    for resource in filter(_CHIPS.fullmatch, node.status.capacity):
        whole = {chip.number for chip in listed if chip.resource == resource}
        split = _split(virtual.values(), resource, node)
        total = min(_MOST, int(parse(node.status.capacity[resource])))
        others = [number for number in range(total + len(split)) if number not in whole | split]
        for number in sorted(whole | split | set(others[: max(0, total - len(whole - split))])):
            yield Seen(
                names=(index_name(VENDOR, number),),
                vendor=VENDOR,
                index=number,
                resource=resource,
                product=node.metadata.labels.get(_PRODUCT),
                fault=faults.get(number),
                parts=tuple(_part(chip, node) for chip in virtual.values() if chip.number == number),
            )


def holdings(facts: NodeFacts) -> Iterator[Holding]:
    for pod, chip, resource in _given(facts):
        yield Holding(
            device=chip.name if chip.template else index_name(VENDOR, chip.number),
            pod=(pod.metadata.namespace, pod.metadata.name),
            resource=resource,
        )


def _split(virtual: Iterable[_Chip], resource: str, node: Node) -> set[int]:
    """Chips that the resource does not count, as others count their virtual ones; made on demand, nothing does."""
    counted = (chip for chip in virtual if chip.resource in node.status.capacity)
    return {chip.number for chip in counted if resource == f"huawei.com/{chip.type}"}


def _given(facts: NodeFacts) -> Iterator[tuple[Pod, _Chip, str | None]]:
    """What the annotations say, of pods that have asked for it; and by which resource, if that counts chips."""
    for pod in () if _is_hamis(facts.node) else facts.pods:
        text = pod.metadata.annotations.get(_REAL, "")
        if text and len(text) <= _LONGEST and not requests.is_finished(pod):
            asked = list(requests.extended(pod, _is_counted))
            for chip in _chips(text):
                if len(asked) == 1 or chip.resource in asked:
                    yield pod, chip, chip.resource if chip.resource in asked else asked[0]
                elif not asked and requests.extended(pod, lambda name: name == _CORES):
                    yield pod, chip, None


def _is_hamis(node: Node) -> bool:
    return any(key.startswith(_HAMI) for key in node.metadata.annotations)


def _is_counted(resource: str) -> bool:
    vendor = accelerators.vendor_of(resource)
    return vendor is not None and vendor.name == VENDOR


def _chips(text: str) -> Iterator[_Chip]:
    for name in _SEPARATORS.split(text):
        match = _NAME.fullmatch(name)
        if match:
            yield _Chip(name, match[1], match[2], int(match[3]))


def _part(chip: _Chip, node: Node) -> Part:
    counted = chip.resource if chip.resource in node.status.capacity else None
    return Part(names=(chip.name,), id=chip.name, profile=chip.template, resource=counted)


def _listed(config: ConfigMap | None) -> Iterator[_Chip]:
    for key, text in _lists(config).items():
        if not key.endswith(_FAULTS):
            yield from _chips(text)


def _lists(config: ConfigMap | None) -> dict[str, str]:
    try:
        return _CFG.decode(config.data.get("DeviceInfoCfg", "{}")).device_info.device_list if config else {}
    except (msgspec.MsgspecError, UnicodeError):
        return {}


def _faults(config: ConfigMap | None) -> dict[int, str]:
    """What is wrong with which chip, in words, by its number."""
    reasons: dict[int, list[str]] = {}
    for key, text in _lists(config).items():
        if key.endswith(_FAULTS):
            for fault in _device_faults(text):
                for chip in _chips(fault.npu_name) if fault.fault_level not in _HARMLESS else ():
                    reasons.setdefault(chip.number, []).append(_FAULT.format(fault.fault_code, fault.fault_level))
        for suffix, reason in _LISTS.items():
            for chip in _chips(text) if key.endswith(suffix) else ():
                reasons.setdefault(chip.number, []).append(reason)
    for chip in _chips(config.data.get("ManuallySeparateNPU", "")) if config else ():
        reasons.setdefault(chip.number, []).append(_SEPARATED)
    return {number: "; ".join(dict.fromkeys(told)) for number, told in reasons.items()}


def _device_faults(text: str) -> tuple[_DeviceFault, ...]:
    try:
        return _DEVICE_FAULTS.decode(text)
    except (msgspec.MsgspecError, UnicodeError):
        return ()
