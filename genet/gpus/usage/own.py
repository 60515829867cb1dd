"""How much of a shared card one pod uses, where an exporter tells pods apart. Pure.

Traps: dcgm-exporter repeats a shared card's row for each holder. Since it counts by process, utilization and memory of
these rows are the holder's own, and the card has one more row without a pod; before, they were copies of the card's.
So a holder's row is believed beside a row without one, or where the slice is the holder's alone. HAMi's monitor tells
them apart always, container by container.
"""

import re
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Final

import msgspec

from genet.gpus.model import PodKey
from genet.prometheus import Sample

_UTILIZATION: Final = "DCGM_FI_DEV_GPU_UTIL"
_DCGM: Final = f'{{{{__name__=~"{_UTILIZATION}|DCGM_FI_DEV_FB_USED",UUID=~"{{cards}}"}}}}'
_HAMI_UTILIZATION: Final = ("hami_container_device_utilization_ratio", "Device_utilization_desc_of_container")
_HAMI_MEMORY: Final = ("hami_vgpu_memory_used_bytes", "vGPU_device_memory_usage_in_bytes")
_HAMI: Final = f'{{{{__name__=~"{"|".join((*_HAMI_UTILIZATION, *_HAMI_MEMORY))}",{{label}}=~"{{cards}}"}}}}'
_MIB: Final = 1 << 20
_PERCENT: Final = 100
_MOST: Final = 0x7FFFFFF0
"""The smallest of DCGM's blanks; what it has not measured is as large, or larger."""

Sampled = Sample[dict[str, str]]


class OwnUse(msgspec.Struct, frozen=True):
    utilization: int | None = None
    """Percent."""
    memory_used: int | None = None
    """MiB."""


def questions(cards: Iterable[str]) -> tuple[str, ...]:
    names = "|".join(re.escape(card).replace("\\", "\\\\").replace('"', '\\"') for card in cards)
    hami = (_HAMI.format(label=label, cards=names) for label in ("device_uuid", "deviceuuid"))
    return (_DCGM.format(cards=names), *hami)


def own_use(samples: Iterable[Sampled], pod: PodKey) -> dict[str, OwnUse]:
    """By the card's UUID, what is known of it."""
    dcgm: list[Sampled] = []
    hami: list[Sampled] = []
    for sample in samples:
        if isfinite(sample.value) and sample.value >= 0:
            (dcgm if sample.labels.get("__name__", "").startswith("DCGM_") else hami).append(sample)
    return _of_dcgm(dcgm, pod) | _of_hami(hami, pod)


def _of_dcgm(samples: list[Sampled], pod: PodKey) -> dict[str, OwnUse]:
    relabelled = {sample.labels.get("job", "") for sample in samples if sample.labels.get("exported_pod")}
    rows: dict[tuple[str, str, str], dict[PodKey | None, float]] = {}
    for sample in samples:
        labels = sample.labels
        prefix = "exported_" if labels.get("job", "") in relabelled else ""
        name = labels.get(f"{prefix}pod")
        holder = (labels.get(f"{prefix}namespace", ""), name) if name else None
        if sample.value < _MOST:
            row = rows.setdefault((labels["UUID"], labels.get("GPU_I_ID", ""), labels["__name__"]), {})
            row[holder] = max(sample.value, row.get(holder, 0.0))
    found: dict[str, OwnUse] = {}
    for (card, instance, name), by_holder in rows.items():
        is_by_process = None in by_holder
        if pod in by_holder and (is_by_process or (instance and len(by_holder) == 1)):
            found[card] = _with(found.get(card, OwnUse()), name == _UTILIZATION, by_holder[pod])
    return found


def _of_hami(samples: list[Sampled], pod: PodKey) -> dict[str, OwnUse]:
    sums: dict[tuple[str, bool], dict[str, float]] = {}
    for sample in samples:
        labels = sample.labels
        card = labels.get("device_uuid") or labels.get("deviceuuid")
        if card and pod in _named(labels):
            name = labels["__name__"]
            is_utilization = name in _HAMI_UTILIZATION
            by_name = sums.setdefault((card, is_utilization), {})
            by_name[name] = by_name.get(name, 0.0) + sample.value
    found: dict[str, OwnUse] = {}
    for (card, is_utilization), by_name in sums.items():
        value = max(by_name.values())  # the old names are kept beside the new ones
        found[card] = _with(found.get(card, OwnUse()), is_utilization, value if is_utilization else value / _MIB)
    return found


def _named(labels: Mapping[str, str]) -> set[PodKey]:
    spellings = (("podnamespace", "podname"), ("exported_namespace", "exported_pod"), ("namespace", "pod"))
    return {(labels.get(namespace, ""), labels.get(name, "")) for namespace, name in spellings}


def _with(known: OwnUse, is_utilization: bool, value: float) -> OwnUse:
    if is_utilization:
        return OwnUse(min(_PERCENT, round(value)), known.memory_used)
    return OwnUse(known.utilization, round(value))
