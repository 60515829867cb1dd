"""What a pod asks of its node, of every resource, by the scheduler's own rule.

Trap: init containers run one after the other before the rest, so the pod asks for the larger of their maximum and the
containers' sum; a sidecar (an init container with restartPolicy Always) runs along with everything that starts later.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import lru_cache

from genet.kube.objects import Container, Pod
from genet.kube.quantity import parse

Amounts = dict[str, Decimal]
Asked = Callable[[Container], Mapping[str, Decimal]]
"""What one container asks for, of the resources that are looked at."""

_NOTHING = Decimal(0)


def requested(pod: Pod, overhead: Mapping[str, str] | None = None) -> Amounts:
    """By resource, in its base unit, and one of `pods`; what 0 is asked of is absent, no quantity counts as 0."""
    total = at_once(pod, asked)
    for name, text in (overhead or {}).items():
        total[name] += amount(text)
    total["pods"] = Decimal(1)
    return {name: number for name, number in total.items() if number}


def at_once(pod: Pod, asks: Asked) -> defaultdict[str, Decimal]:
    """The most that its containers ask for at any time, by resource; 0 may stand there."""
    total: defaultdict[str, Decimal] = defaultdict(Decimal)
    for container in pod.spec.containers:
        _add(total, asks(container))
    if pod.spec.init_containers:
        _with_init_containers(total, pod.spec.init_containers, asks)
    return total


def asked(container: Container) -> Mapping[str, Decimal]:
    """By resource, in its base unit."""
    resources = container.resources
    return _worked_out(tuple(resources.limits.items()), tuple(resources.requests.items()))


@lru_cache(maxsize=4096)
def amount(text: str) -> Decimal:
    """The number of a quantity; 0 for what is none, as one node that talks nonsense must not stop an answer."""
    try:
        return parse(text)
    except (ValueError, ArithmeticError):
        return _NOTHING


def _with_init_containers(total: defaultdict[str, Decimal], containers: Iterable[Container], asks: Asked) -> None:
    sidecars: defaultdict[str, Decimal] = defaultdict(Decimal)
    peak: dict[str, Decimal] = {}
    for container in containers:
        running = sidecars if container.restart_policy == "Always" else sidecars.copy()
        _add(running, asks(container))
        peak = {name: max(peak.get(name, _NOTHING), running.get(name, _NOTHING)) for name in (*peak, *running)}
    for name in {*total, *sidecars, *peak}:
        total[name] = max(total[name] + sidecars[name], peak.get(name, _NOTHING))


def _add(total: defaultdict[str, Decimal], amounts: Mapping[str, Decimal]) -> None:
    for name, number in amounts.items():
        total[name] += number


@lru_cache(maxsize=4096)
def _worked_out(limits: tuple[tuple[str, str], ...], requests: tuple[tuple[str, str], ...]) -> Mapping[str, Decimal]:
    """Thousands of pods ask for the same. A limit without a request is the request."""
    return {name: amount(text) for name, text in (*limits, *requests)}
