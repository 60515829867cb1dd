"""What a pod asks of the cluster, by the scheduler's own rule.

Trap: init containers run one after the other before the rest, so the pod asks for the larger of their maximum and the
containers' sum; a sidecar (an init container with restartPolicy Always) runs along with everything that starts later.
"""

from collections.abc import Callable

from genet.kube.objects import Container, Pod
from genet.kube.quantity import parse

FINISHED = frozenset({"Succeeded", "Failed"})
"""Phases in which a pod holds nothing any more."""


def is_finished(pod: Pod) -> bool:
    return pod.status.phase in FINISHED


def devices(pod: Pod, is_device: Callable[[str], bool]) -> dict[str, int]:
    """Devices asked for, by extended resource; resources of which none is asked are absent."""
    names = {
        name
        for container in (*pod.spec.containers, *pod.spec.init_containers)
        for name in _asked(container)
        if is_device(name)
    }
    counts = {name: _effective(pod, name) for name in sorted(names)}
    return {name: count for name, count in counts.items() if count}


def _effective(pod: Pod, name: str) -> int:
    running = sum(_count(container, name) for container in pod.spec.containers)
    sidecars = peak = 0
    for container in pod.spec.init_containers:
        if container.restart_policy == "Always":
            sidecars += _count(container, name)
            peak = max(peak, sidecars)
        else:
            peak = max(peak, sidecars + _count(container, name))
    return max(running + sidecars, peak)


def _count(container: Container, name: str) -> int:
    return int(parse(_asked(container).get(name, "0")))


def _asked(container: Container) -> dict[str, str]:
    # extended resources cannot be overcommitted: a limit alone is the request too
    return {**container.resources.limits, **container.resources.requests}
