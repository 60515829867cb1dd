"""What HAMi's scheduler and its monitors on the nodes say about the cards that pods share.

Its traps: the scheduler's exporter is one pod that speaks of all nodes; ratios are percent; memory is in bytes; the
series of containers name a card by its UUID alone; releases before 2.9, and newer ones on request, have other names for
metrics and labels.
"""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf
from typing import Final

from genet.simulation.devices import Devices, Gpu, Use
from genet.simulation.exporters.load import activity, held, load, memory
from genet.simulation.exporters.rows import SilentSince, chosen
from genet.simulation.promql import Labels, Matcher, Series

_MIB: Final = 1 << 20
_CARD: Final = ("hami_gpu_memory_limit_bytes", "hami_gpu_memory_allocated_bytes", "hami_gpu_shared_count")
_HOST: Final = ("hami_host_gpu_memory_used_bytes", "hami_host_gpu_utilization_ratio")
_POD: Final = ("hami_vgpu_memory_allocated_bytes",)
_CONTAINER: Final = (
    "hami_vgpu_memory_used_bytes",
    "hami_container_device_utilization_ratio",
    "hami_container_last_kernel_elapsed_seconds",
)
_LEGACY: Final[Mapping[str, str]] = {
    "hami_gpu_memory_limit_bytes": "GPUDeviceMemoryLimit",
    "hami_gpu_memory_allocated_bytes": "GPUDeviceMemoryAllocated",
    "hami_gpu_shared_count": "GPUDeviceSharedNum",
    "hami_vgpu_memory_allocated_bytes": "vGPUMemoryAllocated",
    "hami_host_gpu_memory_used_bytes": "HostGPUMemoryUsage",
    "hami_host_gpu_utilization_ratio": "HostCoreUtilization",
    "hami_vgpu_memory_used_bytes": "vGPU_device_memory_usage_in_bytes",
    "hami_container_device_utilization_ratio": "Device_utilization_desc_of_container",
    "hami_container_last_kernel_elapsed_seconds": "Device_last_kernel_of_container",
}
METRICS: Final = (*_LEGACY, *_LEGACY.values())


class Hami:
    def __init__(self, devices: Devices, silent_since: SilentSince) -> None:
        self._devices = devices
        self._silent_since = silent_since

    def series(self, matchers: Sequence[Matcher], start: float, end: float) -> Iterator[Series]:
        metrics, others = chosen(METRICS, matchers)
        for node, gpus in self._devices.by_node.items() if metrics else ():
            silent = self._silent_since(node)
            for gpu in (gpu for gpu in gpus if gpu.hami and start < silent):
                uses = [use for use in self._devices.uses.get(gpu.uuid, ()) if use.since <= end and use.until > start]
                for metric, labels, value, since, until in _all(gpu, uses):
                    named = {"__name__": metric, **labels}
                    if metric in metrics and all(matcher.matches(named) for matcher in others):
                        yield Series(named, _between(value, since, min(until, silent)), since, min(until, silent))


_Spoken = tuple[str, Labels, Callable[[float], float], float, float]


def _all(gpu: Gpu, uses: Sequence[Use]) -> Iterator[_Spoken]:
    """Metric, labels, value, since, until."""
    for metric in (*_CARD, *_HOST):
        labels = _of_scheduler(gpu) if metric in _CARD else _of_monitor(gpu)
        yield _spell(gpu, metric, labels, functools.partial(_of_card, metric, gpu, uses), -inf, inf)
    for number, use in enumerate(uses):
        named = {"namespace": use.namespace, "pod": use.pod, "device_uuid": gpu.uuid}
        for metric in _POD:
            labels = {**_target("hami-scheduler", 31993), **named, "container_index": "0"}
            yield _spell(gpu, metric, labels, functools.partial(_of_use, metric, use), use.since, use.until)
        for metric in _CONTAINER:
            labels = {**_target(gpu.node, 31992), **named, "container": use.container, "vdevice_index": str(number)}
            yield _spell(gpu, metric, labels, functools.partial(_of_use, metric, use), use.since, use.until)


def _spell(  # noqa: PLR0917 - the parts of one series
    gpu: Gpu, metric: str, labels: dict[str, str], value: Callable[[float], float], since: float, until: float
) -> _Spoken:
    if gpu.hami == "legacy":
        metric, labels = _LEGACY[metric], {_OLD_LABELS.get(name, name): text for name, text in labels.items()}
    return metric, labels, value, since, until


_OLD_LABELS: Final = {
    "node": "nodeid",
    "device_uuid": "deviceuuid",
    "device_index": "deviceidx",
    "device_type": "devicetype",
    "pod": "podname",
    "namespace": "podnamespace",
    "container": "ctrname",
    "container_index": "containeridx",
    "vdevice_index": "vdeviceid",
}


def _of_scheduler(gpu: Gpu) -> dict[str, str]:
    return {**_target("hami-scheduler", 31993), "node": gpu.node, **_card(gpu)}


def _of_monitor(gpu: Gpu) -> dict[str, str]:
    return {**_target(gpu.node, 31992), **_card(gpu)}


def _card(gpu: Gpu) -> dict[str, str]:
    return {"device_uuid": gpu.uuid, "device_index": str(gpu.index), "device_type": f"NVIDIA-{gpu.model}"}


def _target(host: str, port: int) -> dict[str, str]:
    return {"instance": f"{host}:{port}", "job": "hami-scheduler" if host == "hami-scheduler" else "hami-vgpu-monitor"}


def _of_card(metric: str, gpu: Gpu, uses: Sequence[Use], at: float) -> float:
    present = [use for use in uses if use.since <= at < use.until]
    match metric:
        case "hami_gpu_memory_limit_bytes":
            return gpu.memory * _MIB
        case "hami_gpu_memory_allocated_bytes":
            return sum(_allotted(use) for use in present)
        case "hami_gpu_shared_count":
            return len(present)
        case "hami_host_gpu_memory_used_bytes":
            return round(gpu.memory * memory(gpu, uses, at)) * _MIB
    return round(100 * load(gpu, uses, at))


def _of_use(metric: str, use: Use, at: float) -> float:
    match metric:
        case "hami_vgpu_memory_allocated_bytes":
            return _allotted(use)
        case "hami_vgpu_memory_used_bytes":
            return round(use.device.gpu.memory * held(use, at)) * _MIB
        case "hami_container_device_utilization_ratio":
            return round(100 * activity(use, at))
    return max(0.0, at - max(use.since, use.idle_from))


def _allotted(use: Use) -> float:
    """Here everybody gets an equal part."""
    return use.device.gpu.memory // use.device.gpu.replicas * _MIB


def _between(value: Callable[[float], float], since: float, until: float) -> Callable[[float], float | None]:
    return lambda at: value(at) if since <= at < until else None
