"""What a pod uses, in the words of those who measure it: questions, and how their answers are read. Pure.

Traps of cAdvisor's series (the kubelet's): the pod's own cgroup and the pause container have series beside the
containers' (`container` is empty, or `POD`); two jobs may scrape one kubelet, so of one container the largest counts,
and containers are added; where a scrape does not honour labels, the pod is `exported_pod`. What nobody measures is not
known, and not nothing.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

import msgspec

from genet.kube.metrics_api import PodMetrics
from genet.kube.objects import Pod
from genet.kube.quantity import parse

_CPU: Final = "rate(container_cpu_usage_seconds_total{{{which}}}[5m])"
_MEMORY: Final = "container_memory_working_set_bytes{{{which}}}"


class CPUUse(msgspec.Struct, frozen=True, rename="camel"):
    used_cores: float
    limit_cores: float | None
    """Of all containers together; null: one of them has none."""


class MemoryUse(msgspec.Struct, frozen=True, rename="camel"):
    used_bytes: int
    limit_bytes: int | None


def question_cpu(namespace: str, pod: str) -> str:
    """Cores in use, over the last minutes."""
    return " or ".join(_sums(_CPU, namespace, pod))


def question_memory(namespace: str, pod: str) -> str:
    """Bytes that cannot be taken away, as the kubelet counts them before it kills."""
    return " or ".join(_sums(_MEMORY, namespace, pod))


def measured(metrics: PodMetrics, pod: Pod) -> tuple[CPUUse | None, MemoryUse | None]:
    """What the resource metrics API says of it."""
    if not metrics.containers:
        return None, None
    try:
        cores = [parse(container.usage["cpu"]) for container in metrics.containers]
        memory = [parse(container.usage["memory"]) for container in metrics.containers]
    except (KeyError, ValueError):
        return None, None
    return cpu(float(sum(cores)), pod), memory_use(float(sum(memory)), pod)


def cpu(cores: float | None, pod: Pod) -> CPUUse | None:
    if cores is None:
        return None
    limit = _limit(pod, "cpu")
    return CPUUse(round(cores, 4), None if limit is None else float(limit))


def memory_use(used: float | None, pod: Pod) -> MemoryUse | None:
    if used is None:
        return None
    limit = _limit(pod, "memory")
    return MemoryUse(round(used), None if limit is None else int(limit))


def quoted(name: str) -> str:
    """A name inside a quoted string."""
    return name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _sums(series: str, namespace: str, pod: str) -> Iterator[str]:
    for prefix in ("", "exported_"):
        which = (
            f'{prefix}namespace="{quoted(namespace)}",{prefix}pod="{quoted(pod)}",'
            f'{prefix}container!="",{prefix}container!="POD"'
        )
        yield f"sum(max by ({prefix}container) ({series.format(which=which)}))"


def _limit(pod: Pod, resource: str) -> Decimal | None:
    limits = [container.resources.limits.get(resource) for container in pod.spec.containers]
    return _sum(limit for limit in limits if limit is not None) if limits and None not in limits else None


def _sum(quantities: Iterable[str]) -> Decimal:
    return sum(map(parse, quantities), Decimal(0))
