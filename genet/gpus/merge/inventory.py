"""One node of the overview, merged from everything that is known of it. Pure, and a function of this node alone.

That one node is the whole input is the point: an event about a pod costs the rebuild of its node, in a cluster of
five thousand as in one of a hundred. The steps are rooms of their own: which devices there are (`devices`), by what
they are counted (`pools`), who holds them (`attribution`), what state they are in (`health`), how that reads (`slots`).

Nothing depends on the order in which objects and readings came: they are put in order first.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from genet import accelerators, naming
from genet.gpus.merge.attribution import attribute
from genet.gpus.merge.demand import Demand
from genet.gpus.merge.devices import Card, unite
from genet.gpus.merge.health import Doubts, blame, ready
from genet.gpus.merge.kinds import Kind, Kinds
from genet.gpus.merge.pools import Pool, pools
from genet.gpus.merge.slots import pod_ref, slot
from genet.gpus.model import NodeFacts, Reading
from genet.gpus.overview import Node, Slot
from genet.gpus.sources import DEVICES
from genet.kube import objects
from genet.kube.projection import T
from genet.settings import GPUType

__all__ = ["Kind", "NodeDevices", "inventory"]

_GOOD: Final = ("free", "used")
_STRATEGY: Final = "nvidia.com/gpu.sharing-strategy"


class NodeDevices(NamedTuple):
    """The devices of one kind on one node."""

    node: Node
    free: int
    """Units of the resource that new pods could get now: cards, slices or shares; 0 where none can be scheduled."""


def inventory(facts: NodeFacts, types: Sequence[GPUType]) -> dict[Kind, NodeDevices]:
    """The node's devices by kind; a node with two models is in both, one without devices in none.

    Every card is of one kind. Where parts of a card are counted by several resources, the others have kinds without
    slots of their own, which tell what is free.

    Args:
        facts: everything known of the node.
        types: `gpu.availableTypes`, in their order.
    """
    facts = _in_order(facts)
    is_device = accelerators.counts_devices(kind.resource_name for kind in types)
    cards, names = unite(seen for source in DEVICES for seen in source(facts))
    found = pools(facts.node, cards, names, is_device)
    if not cards:
        return {}
    demand = Demand(facts.pods, is_device)
    attribute(facts, cards, names, found, demand)
    blame(facts, cards, names, found)
    doubts = Doubts(facts.node, demand)
    for card in cards:
        for unit in (card, *card.parts):
            unit.status, unit.reason = doubts.status(unit, found.get(unit.resource or card.resource or ""))
    return _by_kind(facts.node, cards, found, demand, Kinds(facts.node, types, cards))


def _in_order(facts: NodeFacts) -> NodeFacts:
    return replace(
        facts,
        pods=_sorted(facts.pods),
        readings=tuple(sorted(facts.readings, key=_place)),
        slices=_sorted(facts.slices),
        claims=_sorted(facts.claims),
    )


def _sorted(objects: Sequence[T]) -> tuple[T, ...]:
    return tuple(sorted(objects, key=lambda obj: (obj.metadata.namespace, obj.metadata.name)))


def _place(reading: Reading) -> tuple[str, int, str, str]:
    return reading.vendor, reading.index, reading.uuid, reading.instance or ""


def _by_kind(
    node: objects.Node, cards: Sequence[Card], found: Mapping[str, Pool], demand: Demand, kinds: Kinds
) -> dict[Kind, NodeDevices]:
    holders = {key for card in cards for unit in (card, *card.parts) for key in unit.pods}
    refs = {key: pod_ref(demand.pods[key]) for key in holders}
    groups: dict[Kind, list[Card]] = {}
    models: dict[Kind, set[str | None]] = {}
    for card in cards:
        model = kinds.model(card)
        if card.memory_total is None:
            card.memory_total = kinds.memory_total(card)
        kind = kinds.kind(kinds.resource(card), card.vendor, model)
        groups.setdefault(kind, []).append(card)
        models.setdefault(kind, set()).add(model)
        for part in card.parts:
            if part.resource is not None:
                groups.setdefault(kinds.kind(part.resource, card.vendor, model), [])
    merged: dict[Kind, NodeDevices] = {}
    for kind, members in groups.items():
        (model,) = models[kind] if len(models.get(kind, ())) == 1 else (None,)
        shown = _node(node, model, [slot(card, refs) for card in members])
        pool = found.get(kind.resource_name)
        merged[kind] = NodeDevices(shown, _free(shown, pool, members, demand) if pool else 0)
    return merged


def _free(node: Node, pool: Pool, members: Sequence[Card], demand: Demand) -> int:
    """What the scheduler would still give and is known to be good: nobody wants a card that others use unseen.

    Of devices of two kinds, each has as many as it could.
    """
    if not node.ready or not node.schedulable:
        return 0
    if pool.capacity is None:
        return sum(slot.status == "free" for slot in node.slots)
    usable = sum(unit.replicas or 1 if unit.status in _GOOD else unit.taken for unit in pool.units)
    free = max(0, min(pool.allocatable, usable) - sum(demand.of_plugin(pool.resource).values()))
    own = [unit for card in members for unit in card.counted if unit.resource == pool.resource]
    if len(own) in (0, len(pool.units)):
        return free
    left = sum((unit.replicas or 1) - unit.taken for unit in own if unit.status in _GOOD)
    return max(0, min(free, left))


def _node(node: objects.Node, model: str | None, slots: Sequence[Slot]) -> Node:
    addresses = {address.type: address.address for address in node.status.addresses}
    labels = node.metadata.labels
    is_shared = labels.get(_STRATEGY, "none") != "none" or labels.get(naming.GPU_MODE) == "shared"
    return Node(
        node_name=node.metadata.name,
        node_ip=addresses.get("InternalIP"),
        device_type=model,
        total_devices=len(slots),
        used_devices=sum(slot.status == "used" for slot in slots),
        slots=tuple(slots),
        time_sharing_enabled=is_shared or any((slot.replicas or 1) > 1 for slot in slots),
        ready=ready(node) == "True",
        schedulable=not node.spec.unschedulable,
    )
