"""The overview as it goes over the wire: every key always present, unknown is null.

Without login people see the shape of the cluster and not who is in it (`auth.anonymousOverview`): names, addresses
and UUIDs are taken out here and nowhere else.
"""

from datetime import datetime
from enum import Enum
from typing import Literal, dataclass_transform

import msgspec
from msgspec.structs import replace

from genet.gpus.model import Attribution, unquoted

Status = Literal["free", "used", "unknown", "unhealthy", "external"]
State = Literal["ok", "stale", "unavailable", "off"]


class Form(Enum):
    """How the overview is spelled."""

    OBJECT = "object"
    """`GPUOverview`: everything that is known."""
    COLUMNAR = "columnar"
    """`genet.gpus.wire.columnar.ColumnarOverview`: what a heatmap draws, in a twentieth of the bytes."""


class Audience(Enum):
    """Who reads the overview. Part of the ETag, so that no cache shows one what belongs to the other."""

    MEMBER = "member"
    """Somebody who is logged in."""
    PUBLIC = "public"
    """Anybody, where `auth.anonymousOverview` is `full-shape`."""
    SUMMARY = "summary"
    """Anybody, where it is `summary`."""


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Wire(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Base of everything in the overview; msgspec hands `frozen` down, the decorator tells type checkers."""


class PodRef(Wire):
    """A pod that holds a device."""

    name: str
    namespace: str
    user: str | None
    """userIdentifier."""
    started_at: datetime | None


class Slice(Wire):
    """A part of a card with a holder of its own."""

    id: str
    profile: str | None
    status: Status
    pods: tuple[PodRef, ...]


class Slot(Wire):
    """One card; where only slices are known, one slice."""

    index: int
    uuid: str | None
    status: Status
    attribution: Attribution | None
    reason: str | None
    """Why the status is what it is, where that is not plain. Names no pod, except in others' words."""
    utilization: int | None
    memory_used: int | None
    memory_total: int | None
    power: float | None
    temperature: int | None
    pod: PodRef | None
    pods: tuple[PodRef, ...]
    slices: tuple[Slice, ...]
    replicas: int | None
    idle_since: datetime | None


class Node(Wire):
    """The devices of one type on one node."""

    node_name: str
    node_ip: str | None = msgspec.field(name="nodeIP")
    device_type: str | None
    total_devices: int
    used_devices: int
    slots: tuple[Slot, ...]
    time_sharing_enabled: bool
    ready: bool
    schedulable: bool


class AcceleratorGroup(Wire):
    type: str
    label: str
    resource_name: str
    nodes: tuple[Node, ...]
    total_devices: int
    used_devices: int


class Counts(Wire):
    """The last five add up to the first."""

    total_devices: int
    used_devices: int
    free_devices: int
    unknown_devices: int
    unhealthy_devices: int
    external_devices: int


class Summary(Counts):
    by_type: dict[str, Counts]


class SourceState(Wire):
    state: State
    message: str | None
    checked_at: datetime | None


class Sources(Wire):
    kubernetes: SourceState
    prometheus: SourceState
    dra: SourceState

    def timeless(self) -> "Sources":
        """Without the times at which somebody looked, which differ between two replicas that say the same."""
        return Sources(*(replace(source, checked_at=None) for source in (self.kubernetes, self.prometheus, self.dra)))


class Moment(Wire):
    """When somebody looked, and what could be seen then."""

    updated_at: datetime
    sources: Sources


class GPUOverview(Wire):
    accelerator_groups: tuple[AcceleratorGroup, ...]
    summary: Summary
    updated_at: datetime
    prometheus_enabled: bool
    sources: Sources


class Change(Wire):
    """What a stream says between two snapshots; the same for both forms.

    A name in `nodes` stands for all that is now known of it: what it had in groups that are not named is gone.
    """

    nodes: tuple[Node, ...]
    """Of each changed node all its parts, in the order of the groups."""
    types: tuple[str, ...]
    """The group each of `nodes` belongs to."""
    removed: tuple[str, ...]
    """Nodes without devices now."""
    summary: Summary
    updated_at: datetime
    sources: Sources


class TypeAvailability(Wire):
    type: str
    label: str
    resource_name: str
    free: int
    """Units that new pods could get now, over all nodes."""
    largest: int
    """The most of them on one node."""
    node: str | None
    """That node; the first by name where several have as many."""


class Availability(Wire):
    types: tuple[TypeAvailability, ...]
    updated_at: datetime


def seen_by(audience: Audience, node: Node) -> Node:
    """The node without what this audience may not know."""
    if audience is Audience.MEMBER:
        return node
    return replace(node, node_ip=None, slots=tuple(map(_anonymous, node.slots)))


def looks_alike(before: Node, after: Node) -> bool:
    """Whether nobody without login can tell these apart. Most often the first card can be told."""
    if len(before.slots) != len(after.slots) or _frame(before) != _frame(after):
        return False
    return all(_anonymous(one) == _anonymous(other) for one, other in zip(before.slots, after.slots, strict=True))


def _frame(node: Node) -> Node:
    return replace(node, node_ip=None, slots=())


def _anonymous(slot: Slot) -> Slot:
    slices = tuple(replace(part, pods=()) for part in slot.slices)
    reason = unquoted(slot.reason) if slot.reason else None  # what others say may name what it likes
    return replace(slot, uuid=None, reason=reason, pod=None, pods=(), slices=slices, idle_since=None)
