"""Which nodes a pod may use at all, and what is short on those: the scheduler's filters, counted by Genet. Pure.

Own arithmetic, because the scheduler's text says neither how much is short nor where. What only the scheduler knows
(affinity between pods, ports, where a volume is) is taken from its text, as far as that can be read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from genet.kube.details import DetailedPod, NodeSelectorRequirement, NodeSelectorTerm, Toleration
from genet.kube.objects import Node, Taint
from genet.pods.diagnosis.evidence import Amounts, NodeRoom

_HINDERS = ("NoSchedule", "NoExecute")
_OWN_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable", "node.kubernetes.io/unschedulable")
"""Taints that only repeat what a node's conditions and its spec say."""
_NOTHING = Decimal(0)


@dataclass(frozen=True)
class Shortage:
    """One resource that a node has too little of."""

    resource: str
    asked: Decimal
    free: Decimal

    @property
    def missing(self) -> Decimal:
        return self.asked - self.free


@dataclass(frozen=True)
class Judged:
    """A node that the pod's selector allows, and what keeps the pod away from it."""

    room: NodeRoom
    ready: bool
    cordoned: bool
    taints: tuple[Taint, ...]
    short: tuple[Shortage, ...]

    @property
    def name(self) -> str:
        return self.room.node.metadata.name

    @property
    def open(self) -> bool:
        return self.ready and not self.cordoned and not self.taints

    @property
    def fits(self) -> bool:
        return self.open and not self.short


def judged(pod: DetailedPod, asked: Amounts, rooms: Iterable[NodeRoom]) -> list[Judged]:
    """The nodes that the pod's selector and affinity allow, by name."""
    found = [_judge(pod, asked, room) for room in rooms if selects(pod, room.node)]
    return sorted(found, key=lambda node: node.name)


def nearest(nodes: Sequence[Judged]) -> Judged | None:
    """The one that lacks the fewest resources, and of these the least share of what is asked."""
    return min(nodes, key=lambda node: (len(node.short), _share(node), node.name), default=None)


def selects(pod: DetailedPod, node: Node) -> bool:
    """Whether node selector and required node affinity allow the node."""
    labels = node.metadata.labels
    if any(labels.get(key) != value for key, value in pod.spec.node_selector.items()):
        return False
    affinity = pod.spec.affinity.node_affinity if pod.spec.affinity else None
    if affinity is None or affinity.required is None:
        return True
    return any(_term_matches(term, node) for term in affinity.required.node_selector_terms)


def demands(pod: DetailedPod) -> list[str]:
    """Node selector and required node affinity, as people write them."""
    said = [f"{key}={value}" for key, value in sorted(pod.spec.node_selector.items())]
    affinity = pod.spec.affinity.node_affinity if pod.spec.affinity else None
    for term in affinity.required.node_selector_terms if affinity and affinity.required else ():
        parts = (*term.match_expressions, *term.match_fields)
        said.append(" & ".join(f"{part.key} {part.operator} {','.join(part.values)}".rstrip() for part in parts))
    return said


def tolerates(tolerations: Iterable[Toleration], taint: Taint) -> bool:
    return any(
        toleration.effect in ("", taint.effect)
        and (toleration.key == taint.key or (not toleration.key and toleration.operator == "Exists"))
        and (toleration.operator == "Exists" or toleration.value == taint.value)
        for toleration in tolerations
    )


def is_ready(node: Node) -> bool:
    return any(item.type == "Ready" and item.status == "True" for item in node.status.conditions)


def _judge(pod: DetailedPod, asked: Amounts, room: NodeRoom) -> Judged:
    node = room.node
    taints = tuple(
        taint
        for taint in node.spec.taints
        if taint.effect in _HINDERS and taint.key not in _OWN_TAINTS and not tolerates(pod.spec.tolerations, taint)
    )
    cordon = Taint("node.kubernetes.io/unschedulable", "NoSchedule")
    cordoned = node.spec.unschedulable and not tolerates(pod.spec.tolerations, cordon)
    return Judged(room, is_ready(node), cordoned, taints, _short(asked, room))


def _short(asked: Amounts, room: NodeRoom) -> tuple[Shortage, ...]:
    found = [Shortage(name, number, room.free(name)) for name, number in asked.items() if number > room.free(name)]
    return tuple(sorted(found, key=lambda item: (_weight(item.resource), item.resource)))


def _weight(resource: str) -> int:
    """Devices first: they are what people come for."""
    return 0 if "/" in resource else 1


def _share(node: Judged) -> Decimal:
    return sum((item.missing / item.asked for item in node.short if item.asked), _NOTHING)


def _term_matches(term: NodeSelectorTerm, node: Node) -> bool:
    """A term without requirements matches nothing."""
    named = {"metadata.name": node.metadata.name}
    parts = [(part, node.metadata.labels) for part in term.match_expressions]
    parts += [(part, named) for part in term.match_fields]
    return bool(parts) and all(_requirement_holds(part, values) for part, values in parts)


def _requirement_holds(part: NodeSelectorRequirement, values: Mapping[str, str]) -> bool:
    value = values.get(part.key)
    match part.operator:
        case "In":
            return value in part.values
        case "NotIn":
            return value not in part.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    return _compares(part, value)


def _compares(part: NodeSelectorRequirement, value: str | None) -> bool:
    try:
        have, bound = int(value or ""), int(part.values[0])
    except (ValueError, IndexError):
        return False
    return have > bound if part.operator == "Gt" else have < bound
