"""What a diagnosis is made from: everything about one pod that could be read, as it was at one moment.

A source that could not be read is None, which is not the same as empty: nothing is concluded from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from genet.kube.amounts import amount
from genet.kube.details import DetailedPod
from genet.kube.objects import Event, Node, PersistentVolumeClaim

_NOTHING = Decimal(0)
Amounts = Mapping[str, Decimal]
"""By resource, in its base unit (cores, bytes, devices)."""


@dataclass(frozen=True)
class Holder:
    """A pod that holds devices of the kind that is asked for."""

    user: str
    """As the overview names people; else the namespace."""
    pod: str
    node: str
    resource: str
    count: int
    ends_at: datetime | None
    """When the nightly clean-up takes it; None: never, as far as is known."""


@dataclass(frozen=True)
class Waiting:
    """What another pod asks for that has no node yet."""

    resource: str
    count: int
    since: datetime | None
    """When the pod was made."""


@dataclass(frozen=True)
class NodeRoom:
    """A node, and what the pods bound to it ask for together."""

    node: Node
    used: Amounts

    def capacity(self, resource: str) -> Decimal:
        return amount(self.node.status.allocatable.get(resource, "0"))

    def free(self, resource: str) -> Decimal:
        """Never below 0: a node whose devices fail has promised more than it has."""
        return max(self.capacity(resource) - self.used.get(resource, _NOTHING), _NOTHING)


@dataclass(frozen=True)
class Claim:
    """A volume claim of the pod."""

    name: str
    claim: PersistentVolumeClaim | None
    """None: there is none of this name."""
    why: tuple[str, Mapping[str, str]] | None
    """Why it has no volume, as a code with what it is about; None: it has one."""


@dataclass(frozen=True)
class DeviceClaim:
    """A ResourceClaim of the pod."""

    name: str
    exists: bool
    allocated: bool


@dataclass(frozen=True)
class Refusal:
    """What a controller of the pod was refused by a quota."""

    controller: str
    resource: str
    used: str
    asked: str
    limit: str


@dataclass(frozen=True)
class Restarting:
    """A restart by Genet that is not through."""

    since: datetime | None
    message: str | None = None


@dataclass(frozen=True)
class Evidence:
    pod: DetailedPod
    now: datetime
    events: Sequence[Event] | None = ()
    """Of the pod, in any order."""
    nodes: Sequence[NodeRoom] | None = None
    """All of the cluster; read where the pod has no node."""
    node: Node | None = None
    """The pod's own."""
    node_known: bool = False
    """Whether `node` was looked up: None then means that there is none."""
    holders: Sequence[Holder] = ()
    waiting: Sequence[Waiting] = ()
    """Others that wait for devices of the pod's GPU type."""
    claims: Sequence[Claim] | None = ()
    device_claims: Sequence[DeviceClaim] | None = ()
    refusals: Sequence[Refusal] = ()
    restarting: Restarting | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    """What people call the configured GPU types, by resource."""
    volume_users: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By claim: the other pods that mount it, and where."""
