"""What dcgm-exporter would say about every card, as a function of time: the same second gives the same value, always.

A busy container works on its devices in waves of its own (seeded by its name), an idle one holds a little memory, a
free card shows next to nothing. Labels follow dcgm-exporter 4.x. Its traps are kept on purpose: a shared card names
one pod only, MIG rows carry the parent's UUID and no DCGM_FI_DEV_GPU_UTIL, sharers that hold nothing and users outside
Kubernetes have no pod label, and a node that is not ready says nothing since then. With `honor_labels` off the pod
label is the exporter's own and the GPU's pod is `exported_pod`.
"""

import functools
import itertools
import math
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from genet.simulation.devices import Device, Devices, Gpu, Partition, Use
from genet.simulation.promql import Matcher, Series

METRICS: Final = (
    "DCGM_FI_DEV_GPU_UTIL",
    "DCGM_FI_DEV_FB_USED",
    "DCGM_FI_DEV_FB_FREE",
    "DCGM_FI_DEV_POWER_USAGE",
    "DCGM_FI_DEV_GPU_TEMP",
    "DCGM_FI_DEV_XID_ERRORS",
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE",
)
_DRIVER: Final = "570.148.08"
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

    def __init__(self, devices: Devices, generation: Generation, silent_since: Callable[[str], float | None]) -> None:
        """`silent_since(node)`: unix seconds since when the node answers nobody, or None."""
        self._devices = devices
        self._generation = generation
        self._silent_since = silent_since

    def series(self, matchers: Sequence[Matcher], start: float, end: float) -> Iterator[Series]:
        by_name = [matcher for matcher in matchers if matcher.label == "__name__"]
        metrics = [name for name in METRICS if all(matcher.matches({"__name__": name}) for matcher in by_name)]
        others = [matcher for matcher in matchers if matcher.label != "__name__"]
        for node, gpus in self._devices.by_node.items():
            silent = self._silent_since(node)
            until = math.inf if silent is None else silent
            if start >= until:
                continue
            for gpu in gpus:
                for labels, first, last, uses, partition in self._rows(gpu, start, end):
                    if not all(matcher.matches(labels) for matcher in others):
                        continue
                    for metric in metrics:
                        if metric == "DCGM_FI_DEV_GPU_UTIL" and partition:
                            continue
                        at = functools.partial(value, metric, gpu, partition, uses)
                        yield Series({"__name__": metric, **labels}, first, min(last, until), at)

    def _rows(
        self, gpu: Gpu, start: float, end: float
    ) -> Iterator[tuple[dict[str, str], float, float, list[Use], Partition | None]]:
        """A card's (or its partitions') labels with the stretch of [start, end] they held, and who worked on it."""
        past = [use for use in self._devices.uses.get(gpu.uuid, ()) if use.since <= end and use.until > start]
        for partition in gpu.partitions or (None,):
            uses = [use for use in past if use.device.partition == partition]
            named = [use for use in uses if use.held and gpu.labelled]
            edges = sorted({-math.inf, math.inf, *(use.since for use in named), *(use.until for use in named)})
            for first, last in itertools.pairwise(edges):
                if first <= end and last > start:
                    holder = next((use for use in named if use.since <= first < use.until), None)
                    yield self._labels(Device(gpu, partition), holder), first, last, uses, partition

    def _labels(self, device: Device, holder: Use | None) -> dict[str, str]:
        gpu, partition = device.gpu, device.partition
        labels = {
            "UUID": gpu.uuid,
            "gpu": str(gpu.index),
            "device": f"nvidia{gpu.index}",
            "modelName": gpu.model,
            self._generation.hostname: gpu.node,
            "pci_bus_id": f"00000000:{0x18 + 0x11 * gpu.index:02X}:00.0",
            "DCGM_FI_DRIVER_VERSION": _DRIVER,
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
            labels[f"{prefix}namespace"] = holder.namespace
            labels[f"{prefix}pod"] = holder.pod
            labels[f"{prefix}container"] = holder.container
        return labels


def value(metric: str, gpu: Gpu, partition: Partition | None, uses: Iterable[Use], at: float) -> float:
    """The metric of a card (or of its partition) at a moment, given everybody who used it around then."""
    now = [use for use in uses if use.since <= at < use.until]
    if metric in ("DCGM_FI_DEV_FB_USED", "DCGM_FI_DEV_FB_FREE"):
        memory = partition.memory if partition else gpu.memory
        share = sum(_memory(use, at) for use in now) + _FOREIGN_MEMORY * gpu.foreign
        used = _DRIVER_MIB + round((memory - _DRIVER_MIB) * min(0.98, share))
        return used if metric == "DCGM_FI_DEV_FB_USED" else memory - used
    load = min(1.0, sum(activity(use, at) for use in now) + _FOREIGN_LOAD * gpu.foreign)
    match metric:
        case "DCGM_FI_DEV_GPU_UTIL":
            result: float = round(100 * load)
        case "DCGM_FI_DEV_POWER_USAGE":
            result = round(62 + 420 * load, 1)
        case "DCGM_FI_DEV_GPU_TEMP":
            result = round(31 + 41 * load)
        case "DCGM_FI_DEV_XID_ERRORS":
            result = gpu.xid
        case _:
            result = round(load, 4)
    return result


def activity(use: Use, at: float) -> float:
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
    return min(1.0, (at - use.since) / _WARM_UP_SECONDS)


@functools.lru_cache(maxsize=200_000)
def _wave(namespace: str, pod: str, device: str) -> tuple[float, float, float, float, float]:
    """Base, height, period in seconds, phase; share of the memory in use."""
    dice = random.Random(f"{namespace}/{pod}")  # noqa: S311 - a repeatable shape, not a secret
    base, height, period = dice.uniform(0.5, 0.85), dice.uniform(0.08, 0.3), dice.uniform(300, 1800)
    # Devices of one pod work on the same thing, a little apart.
    phase = random.Random(device).uniform(0, 0.6)  # noqa: S311 - as above
    return base, height, period, phase, dice.uniform(0.35, 0.95)
