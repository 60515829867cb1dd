"""What a pod asks of its node, of every resource, by the scheduler's rule (see `requests` for its traps)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache

from genet.kube.objects import Container, Pod
from genet.kube.quantity import parse

Amounts = dict[str, Decimal]
_NOTHING = Decimal(0)


def requested(pod: Pod, overhead: Mapping[str, str] | None = None) -> Amounts:
    """By resource, in its base unit, and one of `pods`; what 0 is asked of is absent, no quantity counts as 0."""
    total: defaultdict[str, Decimal] = defaultdict(Decimal)
    for container in pod.spec.containers:
        _add(total, container)
    if pod.spec.init_containers:
        _with_init_containers(total, pod.spec.init_containers)
    for name, text in (overhead or {}).items():
        total[name] += amount(text)
    total["pods"] = Decimal(1)
    return {name: number for name, number in total.items() if number}


@lru_cache(maxsize=4096)
def amount(text: str) -> Decimal:
    """The number of a quantity; 0 for what is none, as one node that talks nonsense must not stop an answer."""
    try:
        return parse(text)
    except (ValueError, ArithmeticError):
        return _NOTHING


def _with_init_containers(total: defaultdict[str, Decimal], containers: Iterable[Container]) -> None:
    sidecars: defaultdict[str, Decimal] = defaultdict(Decimal)
    peak: dict[str, Decimal] = {}
    for container in containers:
        if container.restart_policy == "Always":
            _add(sidecars, container)
            at_once = dict(sidecars)
        else:
            at_once = dict(sidecars)
            for name, number in _asked(container).items():
                at_once[name] = at_once.get(name, _NOTHING) + number
        peak = {name: max(peak.get(name, _NOTHING), at_once.get(name, _NOTHING)) for name in (*peak, *at_once)}
    for name in {*total, *sidecars, *peak}:
        total[name] = max(total[name] + sidecars[name], peak.get(name, _NOTHING))


def _add(total: defaultdict[str, Decimal], container: Container) -> None:
    for name, number in _asked(container).items():
        total[name] += number


def _asked(container: Container) -> Mapping[str, Decimal]:
    resources = container.resources
    return _worked_out(tuple(resources.limits.items()), tuple(resources.requests.items()))


@lru_cache(maxsize=4096)
def _worked_out(limits: tuple[tuple[str, str], ...], requests: tuple[tuple[str, str], ...]) -> Mapping[str, Decimal]:
    """Thousands of pods ask for the same. A limit without a request is the request."""
    return {name: amount(text) for name, text in (*limits, *requests)}
