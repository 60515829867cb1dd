"""What dcgm-exporter says about every NVIDIA card, at any moment.

Labels follow dcgm-exporter 4.x. Its traps are kept on purpose: a shared card names one pod only, MIG rows carry the
parent's UUID and no DCGM_FI_DEV_GPU_UTIL, sharers that hold nothing and users outside Kubernetes have no pod label, a
card off the bus tells its last Xid error alone, and a node that is not ready says nothing since then. With
`honor_labels` off the pod label is the exporter's own and the GPU's pod is `exported_pod`. For virtual GPUs there is a
row for each holder, whose values are the whole card's but for two, beside one of the card itself; and a card without
a holder has no row at all.
"""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from genet.simulation.devices import Devices, Gpu, Partition, Use
from genet.simulation.exporters.load import load, memory
from genet.simulation.exporters.rows import Row, SilentSince, chosen, rows
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
_PER_PROCESS: Final = ("DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_FB_USED")
_DRIVER_MIB: Final = 4


@dataclass(frozen=True, slots=True)
class Generation:
    """What differs between set-ups."""

    hostname: str = "hostname"
    """The host's label: `Hostname` before 4.6."""
    honor_labels: bool = True
    job: str = "nvidia-dcgm-exporter"
    """Of the scrape, whose property honouring labels is."""
    virtual: bool = False
    """KUBERNETES_VIRTUAL_GPUS is set."""
    dra: bool = False
    """KUBERNETES_ENABLE_DRA is set: claims are known, and named in labels of their own."""


class Dcgm:
    """All nodes' exporters, as the Prometheus that scrapes them sees it."""

    def __init__(
        self,
        devices: Devices,
        silent_since: SilentSince,
        generation: Generation,
        of_nodes: Mapping[str, Generation],
    ) -> None:
        """`of_nodes`: where it is another one."""
        self._devices = devices
        self._silent_since = silent_since
        self._generation = generation
        self._of_nodes = of_nodes

    def series(self, matchers: Sequence[Matcher], start: float, end: float) -> Iterator[Series]:
        metrics, others = chosen(METRICS, matchers)
        for node, gpus in self._devices.by_node.items() if metrics else ():
            generation = self._of_nodes.get(node, self._generation)
            cards = [gpu for gpu in gpus if gpu.vendor == "nvidia"]
            for row in rows(self._devices, cards, self._silent_since(node), start, end):
                for labels, uses in _labelled(row, generation):
                    if all(matcher.matches(labels) for matcher in others):
                        for metric in metrics:
                            if _answers(metric, row.gpu, row.partition):
                                whose = uses if metric in _PER_PROCESS else row.uses
                                value = functools.partial(_value, metric, row.gpu, row.partition, whose)
                                yield row.series({"__name__": metric, **labels}, value)


def _labelled(row: Row, generation: Generation) -> Iterator[tuple[dict[str, str], tuple[Use, ...]]]:
    """The labels that one row has, or several, each with those whose use it counts where it counts one by one."""
    labels = _labels(row.gpu, row.partition, generation)
    holder = row.holder if row.gpu.labelled else None
    if generation.dra:
        holder = holder or next(iter(row.uses), None)
    if not generation.virtual:
        yield labels | _pod(holder, generation), row.uses
    elif holder:
        yield labels, row.uses
        for use in row.uses:
            if use.held:
                yield labels | _pod(use, generation) | {"vgpu": str(use.device.replica)}, (use,)


def _labels(gpu: Gpu, partition: Partition | None, generation: Generation) -> dict[str, str]:
    labels = {
        "UUID": gpu.uuid,
        "gpu": str(gpu.index),
        "device": f"nvidia{gpu.index}",
        "modelName": gpu.model,
        generation.hostname: gpu.node,
        "pci_bus_id": f"0000{gpu.pci.upper()}",
        "DCGM_FI_DRIVER_VERSION": "570.148.08",
        "instance": f"{gpu.node}:9400",
        "job": generation.job,
    }
    if partition:
        labels |= {"GPU_I_ID": str(partition.instance), "GPU_I_PROFILE": partition.profile}
    if not generation.honor_labels:
        exporter = f"nvidia-dcgm-exporter-{gpu.node}"
        labels |= {"namespace": "gpu-operator", "pod": exporter, "container": "nvidia-dcgm-exporter"}
    return labels


def _pod(use: Use | None, generation: Generation) -> dict[str, str]:
    if use is None:
        return {}
    prefix = "" if generation.honor_labels else "exported_"
    found = {f"{prefix}namespace": use.namespace, f"{prefix}pod": use.pod, f"{prefix}container": use.container}
    if generation.dra and use.claim:
        found |= {
            "dra_claim_name": use.claim.name,
            "dra_claim_namespace": use.namespace,
            "dra_driver_name": use.claim.driver,
            "dra_pool_name": use.claim.pool,
            "dra_device_name": use.claim.device,
        }
    return found


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
