"""DCGM's series, read into one Reading per card and per MIG slice. Pure.

Traps of dcgm-exporter, all of them met in the field:

- Values that it does not have are huge numbers, another for each type and reason ("blank").
- `DCGM_FI_DEV_GPU_UTIL` is missing under MIG; there the share of time in which the engine worked has to do.
- The host's label is `Hostname` or, later, `hostname`, and holds the node's name, the exporter pod's, or `localhost`.
- The holder's labels are `pod` or `pod_name`; or `exported_pod`, and then `pod` is the exporter.
- Rows may be repeated per holder, some of them per process: the device's own value is the row without a pod, else
  the largest. Never the sum.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from genet.gpus.model import PodKey, Reading
from genet.kube.objects import Node, Pod
from genet.prometheus import Sample

METRICS: Final = (
    "DCGM_FI_DEV_GPU_UTIL",
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE",
    "DCGM_FI_DEV_FB_USED",
    "DCGM_FI_DEV_FB_FREE",
    "DCGM_FI_DEV_FB_RESERVED",
    "DCGM_FI_DEV_POWER_USAGE",
    "DCGM_FI_DEV_GPU_TEMP",
)

_UTIL, _ENGINE, _USED, _FREE, _RESERVED, _POWER, _TEMPERATURE = METRICS
_BLANK: Final = 0x7FFFFFF0
"""The smallest of DCGM's blanks (32 bit); the others are larger, and no measured value comes near."""

Locate = Callable[[Mapping[str, str]], str | None]


class Readings(NamedTuple):
    """What one round of questions brought."""

    by_node: dict[str, tuple[Reading, ...]]
    homeless: int
    """Series of devices on no node that the API server has."""
    not_numbers: int
    """Series whose value is NaN or infinite."""


def read(samples: Iterable[Sample[dict[str, str]]], locate: Locate) -> Readings:
    """Join the series of all `METRICS` into readings by node.

    Args:
        samples: with `__name__`; series of other metrics are ignored.
        locate: the name of the node a series' labels speak of, or None.
    """
    samples = [sample for sample in samples if sample.labels.get("__name__") in METRICS]
    relabelled = {sample.labels.get("job") for sample in samples if "exported_pod" in sample.labels}
    rows: dict[tuple[str, str, str], _Row] = {}
    homeless = not_numbers = 0
    for sample in samples:
        labels = sample.labels
        node, uuid, number = locate(labels), labels.get("UUID"), labels.get("gpu", "")
        if node is None or not uuid or not number.isdecimal():
            homeless += 1
            continue
        row = rows.setdefault((node, uuid, labels.get("GPU_I_ID", "")), _Row(int(number), labels))
        pod = _pod(labels, is_relabelled=labels.get("job") in relabelled)
        if math.isfinite(sample.value):
            row.add(labels["__name__"], sample.value, pod)
        else:
            not_numbers += 1
    by_node: dict[str, list[Reading]] = {}
    for (node, uuid, instance), row in sorted(rows.items(), key=lambda item: item[0]):
        by_node.setdefault(node, []).append(row.reading(uuid, instance))
    return Readings({node: tuple(found) for node, found in by_node.items()}, homeless, not_numbers)


class Locator:
    """Finds the node of a series: by the host's name, by the target's labels, by the exporter's own pod."""

    def __init__(self, nodes: Iterable[Node], pods: Iterable[Pod]) -> None:
        self._nodes: dict[str, str] = {}
        for node in nodes:
            for clue in (node.metadata.name, *(address.address for address in node.status.addresses)):
                self._nodes[clue] = node.metadata.name
        self._pods = pods
        self._by_pod: dict[str, str] | None = None
        self._known: dict[tuple[str | None, ...], str | None] = {}

    def __call__(self, labels: Mapping[str, str]) -> str | None:
        host = labels.get("hostname") or labels.get("Hostname")
        instance = labels.get("instance", "").rpartition(":")[0].strip("[]")
        clues = (host, labels.get("node"), labels.get("kubernetes_node"), instance)
        if clues not in self._known:
            self._known[clues] = self._find(clues)
        return self._known[clues]

    def _find(self, clues: Iterable[str | None]) -> str | None:
        named = [clue for clue in clues if clue]
        found = next((self._nodes[clue] for clue in named if clue in self._nodes), None)
        if found is not None:
            return found
        if self._by_pod is None:
            self._by_pod = {}
            for pod in self._pods:
                for clue in (pod.metadata.name, pod.status.pod_ip):
                    self._by_pod[clue] = pod.spec.node_name
        return next((self._by_pod[clue] for clue in named if clue in self._by_pod), None)


class _Row:
    """The values of one device while they are gathered."""

    def __init__(self, index: int, labels: Mapping[str, str]) -> None:
        self._index = index
        self._labels = labels
        self._pods: dict[PodKey, None] = {}
        self._own: dict[str, float] = {}
        self._largest: dict[str, float] = {}

    def add(self, metric: str, value: float, pod: PodKey | None) -> None:
        if pod is not None:
            self._pods[pod] = None
        if 0 <= value < _BLANK:
            if pod is None:
                self._own[metric] = value
            self._largest[metric] = max(value, self._largest.get(metric, 0.0))

    def reading(self, uuid: str, instance: str) -> Reading:
        labels = self._labels
        used = self._value(_USED)
        free = self._value(_FREE)
        total = None if used is None or free is None else used + free + (self._value(_RESERVED) or 0.0)
        power = self._value(_POWER)
        return Reading(
            uuid=uuid,
            index=self._index,
            instance=instance or None,
            profile=labels.get("GPU_I_PROFILE", "").replace("+", ".") or None,
            product=labels.get("modelName", "").replace(" ", "-") or None,
            pods=tuple(self._pods),
            utilization=self._utilization(),
            memory_used=_whole(used),
            memory_total=_whole(total),
            power=None if power is None else round(power, 1),
            temperature=_whole(self._value(_TEMPERATURE)),
        )

    def _utilization(self) -> int | None:
        percent = self._value(_UTIL)
        share = self._value(_ENGINE)
        if percent is None and share is not None:
            percent = share * 100
        return None if percent is None else min(100, round(percent))

    def _value(self, metric: str) -> float | None:
        return self._own.get(metric, self._largest.get(metric))


def _pod(labels: Mapping[str, str], *, is_relabelled: bool) -> PodKey | None:
    if is_relabelled:
        namespace, name = labels.get("exported_namespace"), labels.get("exported_pod")
    else:
        namespace = labels.get("namespace") or labels.get("pod_namespace")
        name = labels.get("pod") or labels.get("pod_name")
    return (namespace, name) if namespace and name else None


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
