"""What a node advertises, as pools of devices joined with what exporters saw of them. Pure.

The unit of an extended resource is not always a card: time-slicing and MPS advertise cards x replicas, HAMi cards x
split, MIG slices. A reading is given to a device only where both sides count the same thing; a guess here would show
one card's load, and one person's pod, on another.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count

from genet import accelerators
from genet.gpus.model import PodKey, Pool, Reading
from genet.kube import requests
from genet.kube.objects import Node, Pod
from genet.kube.quantity import parse

_REPLICAS = "nvidia.com/gpu.replicas"
_STRATEGY = "nvidia.com/gpu.sharing-strategy"
_HAMI_REGISTER = "hami.io/node-"
_CARDS = "nvidia.com/gpu"


def pools(
    node: Node, pods: Iterable[Pod], readings: Sequence[Reading], is_device: Callable[[str], bool]
) -> Iterator[Pool]:
    """Every pool of devices of the node, in the order of resource names.

    Args:
        node: whose capacity counts.
        pods: all pods bound to it, also finished ones.
        readings: what exporters say of its cards and slices.
        is_device: tells resources that count devices.
    """
    advertised = sorted(filter(is_device, node.status.capacity))
    demand = _demand(pods, is_device) if advertised else {}
    cards_advertised = False
    for resource in advertised:
        replicas = _replicas(node, resource)
        total = _count(node.status.capacity, resource)
        healthy = _count(node.status.allocatable, resource)
        sharers = replicas or 1
        if total:
            cards_advertised |= resource.startswith(_CARDS)
            yield Pool(
                resource=resource,
                devices=_devices(-(-total // sharers), _candidates(node, resource, readings)),
                demand=demand.get(resource, {}),
                unhealthy=-(-max(0, total - healthy) // sharers),
                replicas=replicas,
            )
    unadvertised = [] if cards_advertised else _whole_cards(readings)
    if unadvertised:
        devices = _devices(len(unadvertised), unadvertised)
        yield Pool(resource=_CARDS, devices=devices, demand={}, advertised=False)


def is_time_shared(node: Node, pool: Pool) -> bool:
    """Whether several pods may run on one of these devices."""
    labels = node.metadata.labels
    return (pool.replicas or 1) > 1 or labels.get(_STRATEGY, "none") != "none" or _is_hami(node)


def _demand(pods: Iterable[Pod], is_device: Callable[[str], bool]) -> dict[str, dict[PodKey, tuple[Pod, int]]]:
    demand: dict[str, dict[PodKey, tuple[Pod, int]]] = {}
    for pod in pods:
        if not requests.is_finished(pod):
            for resource, units in requests.devices(pod, is_device).items():
                demand.setdefault(resource, {})[pod.metadata.namespace, pod.metadata.name] = (pod, units)
    return demand


def _replicas(node: Node, resource: str) -> int | None:
    """GPU feature discovery's label, which speaks of NVIDIA's whole cards; 0 means that sharing is off."""
    label = node.metadata.labels.get(_REPLICAS, "")
    if not resource.startswith(_CARDS) or not label.isdecimal():
        return None
    return max(1, int(label))


def _candidates(node: Node, resource: str, readings: Sequence[Reading]) -> list[Reading]:
    """The readings that count what the resource counts; none where that cannot be told."""
    vendor = accelerators.vendor_of(resource)
    if vendor is not accelerators.NVIDIA or _is_hami(node):
        return []
    profile = accelerators.mig_profile(resource) or accelerators.mig_profile_of(
        node.metadata.labels.get(accelerators.NVIDIA.product_label or "", "")
    )
    if profile:
        return [reading for reading in readings if reading.profile == profile]
    return _whole_cards(readings)


def _whole_cards(readings: Sequence[Reading]) -> list[Reading]:
    partitioned = {reading.uuid for reading in readings if reading.instance is not None}
    return [reading for reading in readings if reading.uuid not in partitioned]


def _devices(total: int, readings: list[Reading]) -> dict[int, Reading | None]:
    """Devices by index. More readings than devices, or two of one index: nobody knows which are meant."""
    if any(reading.instance is not None for reading in readings):
        slices = sorted(readings, key=lambda reading: (reading.index, reading.instance or ""))
        return dict(enumerate(slices if len(slices) == total else [None] * total))
    found: dict[int, Reading | None] = {reading.index: reading for reading in readings}
    if not len(found) == len(readings) <= total:
        found = {}
    unused = (index for index in count() if index not in found)
    blind = [next(unused) for _ in range(total - len(found))]
    return dict(sorted((found | dict.fromkeys(blind)).items()))


def _is_hami(node: Node) -> bool:
    return any(key.startswith(_HAMI_REGISTER) for key in node.metadata.annotations)


def _count(quantities: dict[str, str], resource: str) -> int:
    return int(parse(quantities.get(resource, "0")))
