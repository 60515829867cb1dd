"""What dcgm-exporter says about every card now: the same second gives the same value, always.

A busy container works on its devices in waves of its own (seeded by its name), an idle one holds a little memory, a
free card shows next to nothing. Labels follow dcgm-exporter 4.x. Its traps are kept on purpose: a shared card names
one pod only, MIG rows carry the parent's UUID and no DCGM_FI_DEV_GPU_UTIL, sharers that hold nothing and users outside
Kubernetes have no pod label, and a node that is not ready says nothing. With `honor_labels` off the pod label is the
exporter's own and the GPU's pod is `exported_pod`.
"""

import functools
import math
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from genet.simulation.devices import Device, Devices, Gpu, Partition, Use
from genet.simulation.promql import Matcher, Sample

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
_IDLE_SHARE: Final = 0.04
"""Of the memory, what an idle container keeps."""
_WARM_UP_SECONDS: Final = 60
_FOREIGN_LOAD, _FOREIGN_MEMORY = 0.55, 0.3
"""What somebody outside Kubernetes takes of a card."""


@dataclass(frozen=True, slots=True)
class Generation:
    """What differs between set-ups: the host's label (`hostname` since 4.6), and whether the scrape honours labels."""

    hostname: str = "hostname"
    honor_labels: bool = True


class Exporter:
    """All nodes' exporters, as the Prometheus that scrapes them sees it."""

    def __init__(self, devices: Devices, generation: Generation, answers: Callable[[str], bool]) -> None:
        """`answers(node)`: whether the node can be scraped."""
        self._devices = devices
        self._generation = generation
        self._answers = answers

    def samples(self, matchers: Sequence[Matcher], at: float) -> Iterator[Sample]:
        by_name = [matcher for matcher in matchers if matcher.label == "__name__"]
        metrics = [name for name in METRICS if all(matcher.matches({"__name__": name}) for matcher in by_name)]
        others = [matcher for matcher in matchers if matcher.label != "__name__"]
        for node, gpus in self._devices.by_node.items():
            for gpu in gpus if self._answers(node) else ():
                for partition in gpu.partitions or (None,):
                    uses = [use for use in self._devices.uses.get(gpu.uuid, ()) if use.device.partition == partition]
                    labels = self._labels(Device(gpu, partition), uses)
                    if all(matcher.matches(labels) for matcher in others):
                        for metric in metrics:
                            if _answers(metric, gpu, partition):
                                value = _value(metric, gpu, partition, uses, at)
                                yield Sample({"__name__": metric, **labels}, value)

    def _labels(self, device: Device, uses: Iterable[Use]) -> dict[str, str]:
        gpu, partition = device.gpu, device.partition
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
        if holder := next((use for use in uses if use.held and gpu.labelled), None):
            labels[f"{prefix}namespace"] = holder.namespace
            labels[f"{prefix}pod"] = holder.pod
            labels[f"{prefix}container"] = holder.container
        return labels


def _answers(metric: str, gpu: Gpu, partition: Partition | None) -> bool:
    """A card that fell off the bus leaves its last Xid error alone; a slice has no utilization of its own."""
    if gpu.xid:
        return metric == "DCGM_FI_DEV_XID_ERRORS"
    return not (metric == "DCGM_FI_DEV_GPU_UTIL" and partition)


def _value(metric: str, gpu: Gpu, partition: Partition | None, uses: Iterable[Use], at: float) -> float:
    if metric in ("DCGM_FI_DEV_FB_USED", "DCGM_FI_DEV_FB_FREE"):
        memory = partition.memory if partition else gpu.memory
        share = sum(_memory(use, at) for use in uses) + _FOREIGN_MEMORY * gpu.foreign
        used = _DRIVER_MIB + round((memory - _DRIVER_MIB) * min(0.98, share))
        return used if metric == "DCGM_FI_DEV_FB_USED" else memory - used
    load = min(1.0, sum(_activity(use, at) for use in uses) + _FOREIGN_LOAD * gpu.foreign)
    match metric:
        case "DCGM_FI_DEV_GPU_UTIL":
            return round(100 * load)
        case "DCGM_FI_DEV_POWER_USAGE":
            return round(62 + 420 * load, 1)
        case "DCGM_FI_DEV_GPU_TEMP":
            return round(31 + 41 * load)
        case "DCGM_FI_DEV_XID_ERRORS":
            return gpu.xid
    return round(load, 4)


def _activity(use: Use, at: float) -> float:
    """How hard a container works on its device at a moment, 0 to 1: waves of its own, after a minute of warming up."""
    if not use.busy:
        return 0.0
    base, height, period, phase, _ = _wave(use.namespace, use.pod, use.device.id)
    wave = base + height * math.sin(2 * math.pi * at / period + phase) + 0.05 * math.sin(2 * math.pi * at / 47 + phase)
    return min(1.0, max(0.0, wave)) * _warmth(use, at)


def _memory(use: Use, at: float) -> float:
    share = _wave(use.namespace, use.pod, use.device.id)[4] if use.busy else _IDLE_SHARE
    return share * _warmth(use, at) / (use.device.gpu.replicas if use.device.replica is not None else 1)


def _warmth(use: Use, at: float) -> float:
    return min(1.0, max(0.0, (at - use.since) / _WARM_UP_SECONDS))


@functools.lru_cache(maxsize=200_000)
def _wave(namespace: str, pod: str, device: str) -> tuple[float, float, float, float, float]:
    """Base, height, period in seconds, phase; share of the memory in use."""
    dice = random.Random(f"{namespace}/{pod}")  # noqa: S311 - a repeatable shape, not a secret
    base, height, period = dice.uniform(0.5, 0.85), dice.uniform(0.08, 0.3), dice.uniform(300, 1800)
    # Devices of one pod work on the same thing, a little apart.
    phase = random.Random(device).uniform(0, 0.6)  # noqa: S311 - as above
    return base, height, period, phase, dice.uniform(0.35, 0.95)
