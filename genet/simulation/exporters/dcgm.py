"""What dcgm-exporter says about every card, at any moment.

Labels follow dcgm-exporter 4.x, and change with the holder: before its pod started, a card's series had none. The
traps are kept on purpose: a shared card names one pod only, MIG rows carry the parent's UUID and no
DCGM_FI_DEV_GPU_UTIL, sharers that hold nothing and users outside Kubernetes have no pod label, and a node that is not
ready says nothing since then. With `honor_labels` off the pod label is the exporter's own and the GPU's pod is
`exported_pod`.
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import Final

from genet.simulation.devices import Devices, Gpu, Partition, Use
from genet.simulation.exporters.load import load, memory
from genet.simulation.promql import At, Matcher, Series

METRICS: Final = (
    "DCGM_FI_DEV_GPU_UTIL",
    "DCGM_FI_DEV_FB_USED",
    "DCGM_FI_DEV_FB_FREE",
    "DCGM_FI_DEV_POWER_USAGE",
    "DCGM_FI_DEV_GPU_TEMP",
    "DCGM_FI_DEV_XID_ERRORS",
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE",
)
_DRIVER_MIB: Final = 4


@dataclass(frozen=True, slots=True)
class Generation:
    """What differs between set-ups: the host's label (`hostname` since 4.6), and whether the scrape honours labels."""

    hostname: str = "hostname"
    honor_labels: bool = True


class Dcgm:
    """All nodes' exporters, as the Prometheus that scrapes them sees it."""

    def __init__(self, devices: Devices, generation: Generation, silent_since: Callable[[str], float]) -> None:
        """`silent_since(node)`: unix seconds since when the node answers nobody; infinity for one that does."""
        self._devices = devices
        self._generation = generation
        self._silent_since = silent_since

    def series(self, matchers: Sequence[Matcher], start: float, end: float) -> Iterator[Series]:
        by_name = [matcher for matcher in matchers if matcher.label == "__name__"]
        metrics = [name for name in METRICS if all(matcher.matches({"__name__": name}) for matcher in by_name)]
        others = [matcher for matcher in matchers if matcher.label != "__name__"]
        for node, gpus in self._devices.by_node.items():
            silent = self._silent_since(node)
            for gpu in gpus if metrics and start < silent else ():
                for partition in gpu.partitions or (None,):
                    uses = tuple(
                        use
                        for use in self._devices.uses.get(gpu.uuid, ())
                        if use.device.partition == partition and use.since <= end and use.until > start
                    )
                    for holder, since, until in _holders(uses if gpu.labelled else (), start, end):
                        labels = self._labels(gpu, partition, holder)
                        if all(matcher.matches(labels) for matcher in others):
                            for metric in metrics:
                                if _answers(metric, gpu, partition):
                                    value = functools.partial(_value, metric, gpu, partition, uses)
                                    at = _while(value, uses, holder, silent) if start < end else value
                                    named = {"__name__": metric, **labels}
                                    steady = not gpu.foreign and _is_quiet(uses, since, until)
                                    yield Series(named, at, since, min(until, silent), steady=steady)

    def _labels(self, gpu: Gpu, partition: Partition | None, holder: "_Holder | None") -> dict[str, str]:
        labels = {
            "UUID": gpu.uuid,
            "gpu": str(gpu.index),
            "device": f"nvidia{gpu.index}",
            "modelName": gpu.model,
            self._generation.hostname: gpu.node,
            "pci_bus_id": f"00000000:{0x18 + 0x11 * gpu.index:02X}:00.0",
            "DCGM_FI_DRIVER_VERSION": "570.148.08",
            "instance": f"{gpu.node}:9400",
            "job": "nvidia-dcgm-exporter",
        }
        if partition:
            labels |= {"GPU_I_ID": str(partition.instance), "GPU_I_PROFILE": partition.profile}
        prefix = "" if self._generation.honor_labels else "exported_"
        if prefix:
            exporter = f"nvidia-dcgm-exporter-{gpu.node}"
            labels |= {"namespace": "gpu-operator", "pod": exporter, "container": "nvidia-dcgm-exporter"}
        if holder:
            for name, value in zip(("namespace", "pod", "container"), holder, strict=True):
                labels[prefix + name] = value
        return labels


_Holder = tuple[str, str, str]
"""Namespace, pod, container."""


def _holder(uses: Iterable[Use], at: float) -> _Holder | None:
    """The one that the labels name: the first, however many share the device."""
    for use in uses:
        if use.held and use.since <= at < use.until:
            return use.namespace, use.pod, use.container
    return None


def _holders(uses: Sequence[Use], start: float, end: float) -> Iterator[tuple[_Holder | None, float, float]]:
    """Everybody whom the labels name from `start` to `end`, or nobody, with the first and the last moment of it."""
    if start == end or not uses:
        yield _holder(uses, start), -inf, inf
        return
    edges = {edge for use in uses for edge in (use.since, use.until) if start < edge <= end}
    spans: dict[_Holder | None, tuple[float, float]] = {}
    for since, until in pairwise([start, *sorted(edges), inf]):
        holder = _holder(uses, since)
        spans[holder] = (spans.get(holder, (since, until))[0], until)
    for holder, (since, until) in spans.items():
        yield holder, since, until


def _is_quiet(uses: Iterable[Use], since: float, until: float) -> bool:
    return all(use.idle_from <= max(since, use.since) or use.since >= until or use.until <= since for use in uses)


def _while(value: Callable[[float], float], uses: Sequence[Use], holder: _Holder | None, silent: float) -> At:
    """The value while it is labelled so, and the node is not silent yet."""
    return lambda at: value(at) if at < silent and _holder(uses, at) == holder else None


def _answers(metric: str, gpu: Gpu, partition: Partition | None) -> bool:
    """A card that fell off the bus leaves its last Xid error alone; a slice has no utilization of its own."""
    if gpu.xid:
        return metric == "DCGM_FI_DEV_XID_ERRORS"
    return not (metric == "DCGM_FI_DEV_GPU_UTIL" and partition)


def _value(metric: str, gpu: Gpu, partition: Partition | None, uses: Iterable[Use], at: float) -> float:
    match metric:
        case "DCGM_FI_DEV_GPU_UTIL":
            return round(100 * load(gpu, uses, at))
        case "DCGM_FI_DEV_FB_USED" | "DCGM_FI_DEV_FB_FREE":
            total = partition.memory if partition else gpu.memory
            used = _DRIVER_MIB + round((total - _DRIVER_MIB) * memory(gpu, uses, at))
            return used if metric == "DCGM_FI_DEV_FB_USED" else total - used
        case "DCGM_FI_DEV_POWER_USAGE":
            return round(62 + 420 * load(gpu, uses, at), 1)
        case "DCGM_FI_DEV_GPU_TEMP":
            return round(31 + 41 * load(gpu, uses, at))
        case "DCGM_FI_DEV_XID_ERRORS":
            return gpu.xid
    return round(load(gpu, uses, at), 4)
