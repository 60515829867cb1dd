"""One node of the overview, merged from everything that is known of it. Pure, and a function of this node alone.

That one node is the whole input is the point: an event about a pod costs the rebuild of its node, in a cluster of
five thousand as in one of a hundred.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from genet import accelerators, naming
from genet.gpus.model import Attribution, NodeFacts, PodKey, Pool, Reading
from genet.gpus.overview import Node, PodRef, Slot, Status
from genet.gpus.pools import is_time_shared, pools
from genet.gpus.sources import PRECEDENCE, counts
from genet.kube import objects, requests
from genet.settings import GPUType

EXTERNAL_MIB: Final = 100
"""Memory in use without a holder counts as somebody's from here on: drivers keep a few MiB, a process takes more."""

Holding = tuple[Attribution | None, tuple[PodRef, ...]]
"""How it is known that a device is held, and by whom as far as that is known."""

_NOBODY: Final[Holding] = (None, ())
_UNSEEN: Final = Reading(uuid="", index=0)
_USER_NAMESPACE: Final = naming.namespace("")
_NOT_ADVERTISED = "no resource of this node counts the card, so who holds it is not known"
_LOST = "the node does not report any more"
_DISAGREE = "the exporter names a holder that the API server does not have"
_UNHEALTHY = "the device plugin reports {} of {} devices as unhealthy, not which"
_OUTSIDE = "memory is in use, but no pod holds the card"


class Kind(msgspec.Struct, frozen=True, order=True):
    """What a group of the overview stands for."""

    type: str
    label: str
    resource_name: str


class NodeDevices(NamedTuple):
    """The devices of one kind on one node."""

    node: Node
    free: int
    """Units of the resource that new pods could get now: cards, slices or shares; 0 where none can be scheduled."""


def inventory(facts: NodeFacts, types: Iterable[GPUType]) -> dict[Kind, NodeDevices]:
    """The node's devices by kind; a node with two models is in both, one without devices in none.

    Args:
        facts: everything known of the node.
        types: `gpu.availableTypes`, in their order.
    """
    types = tuple(types)
    node, pods = facts.node, facts.pods
    is_device = accelerators.counts_devices(kind.resource_name for kind in types)
    present = {(pod.metadata.namespace, pod.metadata.name) for pod in pods if not requests.is_finished(pod)}
    merged: dict[Kind, NodeDevices] = {}
    for pool in pools(node, pods, facts.readings, is_device):
        slots = _slots(pool, present, is_lost=_ready(node) == "Unknown")
        for product, indexes in _products(node, pool).items():
            kind = _kind(node, pool.resource, product, types)
            part = _node(node, pool, product, [slots[index] for index in indexes])
            part = _together(merged[kind].node, part) if kind in merged else part
            merged[kind] = NodeDevices(part, _free(part))
    return merged


def _slots(pool: Pool, present: Collection[PodKey], *, is_lost: bool) -> dict[int, Slot]:
    held = _held(pool)
    counted = counts.fill(pool, sum(len(pods) for _, pods in held.values()), held)
    held |= dict.fromkeys(counted, ("count", ()))
    unhealthy = _unhealthy(pool, held)
    return {
        index: _slot(
            pool,
            index,
            held.get(index, _NOBODY),
            _status(
                pool,
                reading,
                held.get(index, _NOBODY)[0],
                is_unhealthy=index in unhealthy,
                is_lost=is_lost,
                is_contradicted=reading is not None and any(pod not in present for pod in reading.pods),
            ),
        )
        for index, reading in pool.devices.items()
    }


def _held(pool: Pool) -> dict[int, Holding]:
    """Holders by index: the more trusted source wins a device, and no pod gets more than it asks for."""
    left = {pod: units for pod, (_, units) in pool.demand.items()}
    held: dict[int, Holding] = {}
    for attribution, source in PRECEDENCE:
        for index, named in source(pool).items():
            pods = [pod for pod in named if left[pod]]
            if pods and index not in held:
                held[index] = (attribution, tuple(_pod_ref(pool.demand[pod][0]) for pod in pods))
                for pod in pods:
                    left[pod] -= 1
    return held


def _unhealthy(pool: Pool, used: Collection[int]) -> frozenset[int]:
    """Which devices to show as unhealthy: unused ones first, then those nobody measures, then the highest."""
    doubtful = sorted(pool.devices, key=lambda index: (index in used, pool.devices[index] is not None, -index))
    return frozenset(doubtful[: pool.unhealthy])


def _status(
    pool: Pool,
    reading: Reading | None,
    attribution: Attribution | None,
    *,
    is_unhealthy: bool,
    is_lost: bool,
    is_contradicted: bool,
) -> tuple[Status, str | None]:
    """The first that holds of unhealthy, used, external, unknown, free; and why, where that is not plain."""
    if is_unhealthy:
        return "unhealthy", _UNHEALTHY.format(pool.unhealthy, len(pool.devices))
    if attribution:
        return "used", None
    if not pool.advertised:
        return "unknown", _NOT_ADVERTISED  # also with memory in use: a pod that nobody counts may hold it
    if reading is not None and (reading.memory_used or 0) >= EXTERNAL_MIB:
        return ("unknown", _DISAGREE) if is_contradicted else ("external", _OUTSIDE)
    return ("unknown", _LOST) if is_lost else ("free", None)


def _slot(pool: Pool, index: int, holding: Holding, why: tuple[Status, str | None]) -> Slot:
    seen = pool.devices[index] or _UNSEEN
    attribution, pods = holding
    status, reason = why
    return Slot(
        index=index,
        uuid=seen.uuid or None,
        status=status,
        attribution=attribution,
        reason=reason,
        utilization=seen.utilization,
        memory_used=seen.memory_used,
        memory_total=seen.memory_total,
        power=seen.power,
        temperature=seen.temperature,
        pod=pods[0] if len(pods) == 1 else None,
        pods=pods,
        slices=(),
        replicas=pool.replicas,
        idle_since=None,
    )


def _pod_ref(pod: objects.Pod) -> PodRef:
    namespace = pod.metadata.namespace
    owner = namespace.removeprefix(_USER_NAMESPACE) if namespace.startswith(_USER_NAMESPACE) else None
    return PodRef(
        name=pod.metadata.name,
        namespace=namespace,
        user=pod.metadata.labels.get(naming.USER) or owner,
        started_at=pod.status.start_time,
    )


def _products(node: objects.Node, pool: Pool) -> Mapping[str | None, list[int]]:
    """Device indexes by model. The node's label names one for all, so exporters overrule it where they see two."""
    label = _product_label(pool.resource)
    product = node.metadata.labels.get(label) if label else None
    model = accelerators.model(product) if product else None
    seen = {reading.product for reading in pool.devices.values() if reading and reading.product}
    if len(seen) < 2:  # noqa: PLR2004  # two models make a mixed node
        return {model: list(pool.devices)}
    groups: dict[str | None, list[int]] = {}
    for index, reading in pool.devices.items():
        groups.setdefault(reading.product if reading and reading.product else model, []).append(index)
    return groups


def _kind(node: objects.Node, resource: str, product: str | None, types: Iterable[GPUType]) -> Kind:
    label = _product_label(resource)
    labels = node.metadata.labels
    if label and product and accelerators.model(labels.get(label, "")) != product:
        labels = labels | {label: product}
    for kind in types:
        if kind.resource_name == resource and kind.node_selector.items() <= labels.items():
            return Kind(kind.name, kind.label or kind.name, resource)
    return Kind(f"{resource}/{product}" if product else resource, product or resource, resource)


def _product_label(resource: str) -> str | None:
    vendor = accelerators.vendor_of(resource)
    return vendor.product_label if vendor else None


def _node(node: objects.Node, pool: Pool, product: str | None, slots: Sequence[Slot]) -> Node:
    addresses = {address.type: address.address for address in node.status.addresses}
    return Node(
        node_name=node.metadata.name,
        node_ip=addresses.get("InternalIP"),
        device_type=product,
        total_devices=len(slots),
        used_devices=sum(slot.status == "used" for slot in slots),
        slots=tuple(slots),
        time_sharing_enabled=is_time_shared(node, pool),
        ready=_ready(node) == "True",
        schedulable=not node.spec.unschedulable,
    )


def _together(one: Node, other: Node) -> Node:
    """Two models that the configuration offers as one type."""
    return replace(
        one,
        device_type=None,
        total_devices=one.total_devices + other.total_devices,
        used_devices=one.used_devices + other.used_devices,
        slots=tuple(sorted((*one.slots, *other.slots), key=lambda slot: slot.index)),
    )


def _free(node: Node) -> int:
    return sum(slot.status == "free" for slot in node.slots) if node.ready and node.schedulable else 0


def _ready(node: objects.Node) -> str:
    """Status of the Ready condition; `Unknown` is the control plane's word for a kubelet that fell silent."""
    return next((condition.status for condition in node.status.conditions if condition.type == "Ready"), "")
