"""All nodes of the overview, kept up one node at a time.

Sums are moved by the difference, and every node keeps its encoded pieces: so an event costs its node, and a rendering
costs joining the pieces. A `View` is what a rendering is made of: it does not change any more, so that it can be
encoded in portions and joined in a thread while the fleet goes on.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from genet.gpus.merge.inventory import Kind, NodeDevices
from genet.gpus.overview import (
    Audience,
    Availability,
    Counts,
    Form,
    Node,
    Summary,
    TypeAvailability,
    looks_alike,
    seen_by,
)
from genet.gpus.wire import columnar

_ENCODER = msgspec.json.Encoder()
_NOBODY = frozenset[Audience]()
_MEMBERS = frozenset({Audience.MEMBER})
_WHO_SEE_NODES = frozenset({Audience.MEMBER, Audience.PUBLIC})
_EVERYBODY = frozenset(Audience)


class Piece(msgspec.Struct, gc=False):
    """One node of one group, and its encoded forms as they are asked for."""

    node: Node
    free: int
    _member: bytes | None = None
    _public: bytes | None = None
    _row: columnar.Row | None = None

    def json(self, audience: Audience) -> bytes:
        """`Node` for this audience; those who see sums alone see no nodes."""
        if audience is Audience.MEMBER:
            if self._member is None:
                self._member = _ENCODER.encode(self.node)
            return self._member
        if self._public is None:
            self._public = _ENCODER.encode(seen_by(audience, self.node))
        return self._public

    def row(self) -> columnar.Row:
        if self._row is None:
            self._row = columnar.row(self.node)
        return self._row

    def encode(self, form: Form, audience: Audience) -> None:
        """Do ahead what `json` or `row` would have to."""
        if form is Form.COLUMNAR:
            self.row()
        else:
            self.json(audience)


class GroupView(NamedTuple):
    kind: Kind
    counts: Counts
    pieces: tuple[Piece, ...]
    """By name of their nodes."""


class Devices(NamedTuple):
    """The devices of one node that one resource counts."""

    free: int
    """Units that new pods could get now."""
    indexes: frozenset[int]
    """Of the cards, or of the slices where only those are known."""


class View(NamedTuple):
    """The fleet at one revision of an audience."""

    revision: int
    groups: tuple[GroupView, ...]
    summary: Summary


class Fleet:
    """What the overview knows of all nodes."""

    def __init__(self, type_order: Sequence[str]) -> None:
        """`type_order`: names of the configured types, whose groups come first and in this order."""
        self._order = {name: position for position, name in enumerate(type_order)}
        self._groups: dict[Kind, _Group] = {}
        self._kinds: dict[str, tuple[Kind, ...]] = {}
        self._revisions = dict.fromkeys(Audience, 0)

    def revision(self, audience: Audience) -> int:
        """Grows when anything that this audience can see changes: so it tells nobody of what others see."""
        return self._revisions[audience]

    def put(self, name: str, parts: Mapping[Kind, NodeDevices]) -> frozenset[Audience]:
        """Set what is known of one node; no parts: it has no devices, or is gone. Who can see a change."""
        before = self._kinds.get(name, ())
        told = _NOBODY
        for kind in before:
            if kind not in parts:
                told |= self._groups[kind].put(name, None)
                if not self._groups[kind].pieces:
                    del self._groups[kind]
        for kind, devices in parts.items():
            told |= self._groups.setdefault(kind, _Group()).put(name, devices)
        if parts:
            self._kinds[name] = tuple(parts)
        else:
            self._kinds.pop(name, None)
        self.touch(told)
        return told

    def touch(self, audiences: Iterable[Audience] = _EVERYBODY) -> None:
        """Something that these can see has changed."""
        for audience in audiences:
            self._revisions[audience] += 1

    def __len__(self) -> int:
        """Nodes with devices."""
        return len(self._kinds)

    def kinds(self) -> tuple[Kind, ...]:
        """The groups, in their order."""
        return tuple(sorted(self._groups, key=lambda kind: (self._order.get(kind.type, len(self._order)), kind)))

    def parts(self, name: str) -> list[tuple[Kind, Piece]]:
        """All of one node, in the order of the groups."""
        own = tuple(kind for kind in self._kinds.get(name, ()) if self._groups[kind].pieces[name].node.slots)
        kinds = own if len(own) < 2 else [kind for kind in self.kinds() if kind in own]  # noqa: PLR2004
        return [(kind, self._groups[kind].pieces[name]) for kind in kinds]

    def summary(self) -> Summary:
        by_type: dict[str, Counter[str]] = {}
        for kind in self._shown():
            by_type.setdefault(kind.type, Counter()).update(self._groups[kind].sums)
        total = _counts(sum(by_type.values(), Counter()))
        return Summary(**msgspec.structs.asdict(total), by_type={name: _counts(sums) for name, sums in by_type.items()})

    def view(self, audience: Audience) -> View:
        """Those who see sums alone get no pieces."""
        nodes = audience is not Audience.SUMMARY
        groups = [(kind, self._groups[kind]) for kind in self._shown()]
        return View(
            self._revisions[audience],
            tuple(GroupView(kind, _counts(group.sums), group.sorted() if nodes else ()) for kind, group in groups),
            self.summary(),
        )

    def _shown(self) -> list[Kind]:
        """Without groups whose devices are all parts of cards that other groups show."""
        return [kind for kind in self.kinds() if self._groups[kind].sums.total()]

    def devices(self, name: str, resource: str) -> Devices:
        """What the node has of the resource; nothing, where it is not known."""
        kinds = [kind for kind in self._kinds.get(name, ()) if kind.resource_name == resource]
        found = [self._groups[kind].pieces[name] for kind in kinds]
        indexes = frozenset(slot.index for piece in found for slot in piece.node.slots)
        return Devices(sum(piece.free for piece in found), indexes)

    def availability(self, updated_at: datetime) -> Availability:
        return Availability(
            tuple(self._groups[kind].availability(kind) for kind in self.kinds()),
            updated_at,
        )


class _Group:
    """The nodes that have devices of one kind."""

    def __init__(self) -> None:
        self.pieces: dict[str, Piece] = {}
        self.sums: Counter[str] = Counter()
        self.free = 0
        self._names: list[str] | None = None
        """Sorted; only names that come or go have them sorted again."""
        self._availability: TypeAvailability | None = None

    def put(self, name: str, devices: NodeDevices | None) -> frozenset[Audience]:
        """Who can see a change."""
        before = self.pieces.get(name)
        if before is not None:
            if devices is not None and (before.node, before.free) == devices:
                return _NOBODY
            self.sums.subtract(slot.status for slot in before.node.slots)
            self.free -= before.free
        self._availability = None
        if (before is None) != (devices is None):
            self._names = None
        if devices is None:
            self.pieces.pop(name, None)
        else:
            self.pieces[name] = Piece(*devices)
            self.sums.update(slot.status for slot in devices.node.slots)
            self.free += devices.free
        return _EVERYBODY if before is None or devices is None else _who_can_tell(before.node, devices.node)

    def sorted(self) -> tuple[Piece, ...]:
        if self._names is None:
            self._names = sorted(self.pieces)
        return tuple(piece for name in self._names if (piece := self.pieces[name]).node.slots)

    def availability(self, kind: Kind) -> TypeAvailability:
        if self._availability is None:
            largest, node = 0, None
            for name, piece in self.pieces.items():
                if piece.free > largest or (piece.free == largest > 0 and name < (node or "")):
                    largest, node = piece.free, name
            self._availability = TypeAvailability(kind.type, kind.label, kind.resource_name, self.free, largest, node)
        return self._availability


def _who_can_tell(before: Node, after: Node) -> frozenset[Audience]:
    if looks_alike(before, after):
        return _MEMBERS
    sums, now = (Counter(slot.status for slot in node.slots) for node in (before, after))
    return _WHO_SEE_NODES if sums == now else _EVERYBODY


def _counts(sums: Counter[str]) -> Counts:
    return Counts(
        total_devices=sums.total(),
        used_devices=sums["used"],
        free_devices=sums["free"],
        unknown_devices=sums["unknown"],
        unhealthy_devices=sums["unhealthy"],
        external_devices=sums["external"],
    )
