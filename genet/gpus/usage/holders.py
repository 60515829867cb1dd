"""Who holds how many devices, how busy those are, and which have stood idle: of one node, and kept up over all.

How many a pod holds is what it asks for, as in its quota (a card, a slice, a share: 1 each), because the API server
knows that also where nobody knows which cards they are. Use can only be told of cards whose holder is known.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from genet import naming
from genet.gpus.merge.inventory import Kind, NodeDevices
from genet.gpus.model import PodKey
from genet.gpus.overview import Node, PodRef, Slot
from genet.kube import requests
from genet.kube.objects import Pod


class Holder(msgspec.Struct, frozen=True, gc=False):
    namespace: str
    user: str
    """userIdentifier; empty: a namespace that is no user's."""
    type: str
    """As the overview's groups."""


class Held(msgspec.Struct, frozen=True, gc=False):
    """Whole numbers, so that sums can be moved by differences for ever."""

    devices: int = 0
    percent: int = 0
    """Sum of the utilization of those devices that are measured."""
    measured: int = 0

    def plus(self, other: "Held") -> "Held":
        return Held(self.devices + other.devices, self.percent + other.percent, self.measured + other.measured)

    def minus(self, other: "Held") -> "Held":
        return Held(self.devices - other.devices, self.percent - other.percent, self.measured - other.measured)


class IdlePod(msgspec.Struct, frozen=True, gc=False):
    """A pod that holds devices which do nothing."""

    pod: str
    namespace: str
    user: str | None
    since: tuple[datetime, ...]
    """Of each such device."""


class Model(NamedTuple):
    """What exporters tell of a device by which its group can be known."""

    name: str
    profile: str = ""
    """Of a MIG slice; empty: the whole card. Nodes of one model may offer both, each as a type of its own."""


class NodeUse(msgspec.Struct, frozen=True, gc=False):
    """What the pods of one node hold."""

    held: Mapping[Holder, Held] = {}
    idle: tuple[IdlePod, ...] = ()
    nodes: tuple[Node, ...] = ()
    """The node as the overview shows it, once for each kind of its devices."""
    types: Mapping[Model, str] = {}
    """The group's type by the devices' model."""


def node_use(devices: Mapping[Kind, NodeDevices], pods: Iterable[Pod], is_device: Callable[[str], bool]) -> NodeUse:
    """Of one node: `devices` as merged, `pods` all that are bound to it."""
    named = _named(devices)
    held: dict[Holder, Held] = {}
    for pod in pods:
        if requests.is_finished(pod):
            continue
        ref, seen = named.get((pod.metadata.namespace, pod.metadata.name), (None, {}))
        user = ref.user if ref else naming.holder(pod.metadata.namespace, pod.metadata.labels)
        for type_, amount in _by_type(devices, seen, requests.extended(pod, is_device)):
            holder = Holder(pod.metadata.namespace, user or "", type_)
            held[holder] = held.get(holder, _NOTHING).plus(amount)
    types = {model: kind.type for kind, part in devices.items() for model in _models(part.node)}
    return NodeUse(held, tuple(_idle(devices)), tuple(part.node for part in devices.values() if part.node.slots), types)


class Ledger:
    """All nodes together; one node costs what that node holds."""

    def __init__(self) -> None:
        self._nodes: dict[str, NodeUse] = {}
        self._held: dict[Holder, Held] = {}
        self._idle: dict[str, tuple[IdlePod, ...]] = {}
        self._types: dict[Model, str] = {}
        self.devices = 0
        """Of all nodes."""

    def put(self, name: str, use: NodeUse) -> None:
        """Set what the pods of one node hold; an empty one: nothing, or the node is gone."""
        before = self._nodes.pop(name, _EMPTY)
        if use != _EMPTY:
            self._nodes[name] = use
        for holder in before.held.keys() | use.held.keys():
            now = self._held.get(holder, _NOTHING).plus(use.held.get(holder, _NOTHING))
            now = now.minus(before.held.get(holder, _NOTHING))
            if now.devices:
                self._held[holder] = now
            else:
                self._held.pop(holder, None)
        if use.idle:
            self._idle[name] = use.idle
        else:
            self._idle.pop(name, None)
        for model, type_ in use.types.items():
            self._types.pop(model, None)
            self._types[model] = type_
        while len(self._types) > _MOST_MODELS:
            del self._types[next(iter(self._types))]
        self.devices += sum(node.total_devices for node in use.nodes)
        self.devices -= sum(node.total_devices for node in before.nodes)

    def nodes(self, name: str) -> tuple[Node, ...]:
        """The node as the overview shows it, once for each kind of its devices; empty: it has none."""
        return self._nodes.get(name, _EMPTY).nodes

    def held(self) -> dict[Holder, Held]:
        return dict(self._held)

    def idle(self, before: datetime) -> list[IdlePod]:
        """Pods with devices that have done nothing since `before` or longer, with those devices alone."""
        found = []
        for pods in self._idle.values():
            for pod in pods:
                since = tuple(moment for moment in pod.since if moment <= before)
                if since:
                    found.append(replace(pod, since=since))
        return found

    def types(self) -> dict[Model, str]:
        """The group's type by the devices' model, also of models that are gone, to a number no cluster comes near."""
        return dict(self._types)


AskLedger = Callable[[], Awaitable[Ledger]]
"""Gives the ledger as it is now; raises Unavailable before the first lists."""

_MOST_MODELS: Final = 1000
"""Exporters and labels may name what they like; the last heard of stay."""
_NOTHING: Final = Held()
_EMPTY: Final = NodeUse()


def _models(node: Node) -> Iterator[Model]:
    if node.device_type is not None:
        for profile in {part.profile or "" for slot in node.slots for part in slot.slices} or {""}:
            yield Model(node.device_type, profile)


def _named(devices: Mapping[Kind, NodeDevices]) -> dict[PodKey, tuple[PodRef, dict[Kind, Held]]]:
    """What is known by device: of each pod, what it holds of each kind."""
    named: dict[PodKey, tuple[PodRef, dict[Kind, Held]]] = {}
    for kind, part in devices.items():
        for slot in part.node.slots:
            for ref, percent in _holders(slot):
                _, held = named.setdefault((ref.namespace, ref.name), (ref, {}))
                one = Held(1) if percent is None else Held(1, percent, 1)
                held[kind] = held.get(kind, _NOTHING).plus(one)
    return named


def _holders(slot: Slot) -> Iterator[tuple[PodRef, int | None]]:
    """Who holds the card or a slice of it, once for each, and how busy that is (of a slice it is not known)."""
    in_slices = [ref for part in slot.slices for ref in part.pods]
    for ref in in_slices:
        yield ref, None
    for ref in slot.pods:
        if ref not in in_slices:
            yield ref, slot.utilization


def _by_type(
    devices: Mapping[Kind, NodeDevices], seen: Mapping[Kind, Held], asked: Mapping[str, int]
) -> Iterator[tuple[str, Held]]:
    """What one pod holds: the devices that name it, and as many more as it asks for that nobody can tell by name.

    A pod that asks, is named nowhere, and whose resource has no device of unknown holder, holds nothing itself: it
    keeps a card for others (KAI's reservations), or its request is served by a claim.
    """
    for kind, held in seen.items():
        yield kind.type, held
    for resource, units in asked.items():
        kinds = [kind for kind in devices if kind.resource_name == resource]
        missing = units - sum(seen[kind].devices for kind in kinds if kind in seen)
        if missing <= 0:
            continue
        place = next((kind for kind in kinds if kind in seen or _has_unnamed(devices[kind])), None)
        if place is not None:
            yield place.type, Held(missing)
        elif not kinds and not seen:
            yield resource, Held(missing)


def _has_unnamed(part: NodeDevices) -> bool:
    return any(slot.attribution == "count" or (slot.status == "used" and not slot.pods) for slot in part.node.slots)


def _idle(devices: Mapping[Kind, NodeDevices]) -> Iterator[IdlePod]:
    since: dict[PodRef, list[datetime]] = {}
    for part in devices.values():
        for slot in part.node.slots:
            if slot.idle_since is not None:
                for ref, _ in _holders(slot):
                    since.setdefault(ref, []).append(slot.idle_since)
    for ref, moments in since.items():
        yield IdlePod(ref.name, ref.namespace, ref.user, tuple(moments))
