"""All nodes of the overview, kept up one node at a time.

Sums are moved by the difference, and every node keeps its encoded piece per audience: so an event costs its node, and
a representation costs joining the pieces.

The ETag is made of the pieces' hashes, never of a counter: two replicas that show the same say the same. The times at
which somebody looked (`updatedAt`, `checkedAt`) are left out of it, or nothing would ever be unchanged.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple, cast

import msgspec
from msgspec.structs import replace

from genet.gpus.inventory import Kind, NodeDevices
from genet.gpus.overview import (
    AcceleratorGroup,
    Audience,
    Counts,
    GPUOverview,
    Node,
    Sources,
    SourceState,
    Summary,
    seen_by,
)

_ENCODER = msgspec.json.Encoder()
_HASH_BYTES = 16


class Representation(NamedTuple):
    """The overview as one audience gets it, encoded once for all requests."""

    etag: str
    """Hash of the content, without quotes."""
    body: bytes
    updated_at: datetime


class Fleet:
    """What the overview knows of all nodes."""

    def __init__(self, type_order: Sequence[str]) -> None:
        """`type_order`: names of the configured types, whose groups come first and in this order."""
        self._order = {name: position for position, name in enumerate(type_order)}
        self._groups: dict[Kind, _Group] = {}
        self._kinds: dict[str, tuple[Kind, ...]] = {}
        self._rendered: dict[Audience, tuple[object, Representation]] = {}
        self.revision = 0
        """Grows when anything that can be seen changes."""

    def put(self, name: str, parts: Mapping[Kind, NodeDevices]) -> None:
        """Set what is known of one node; no parts: it has no devices, or is gone."""
        before = self._kinds.get(name, ())
        changed = False
        for kind in before:
            if kind not in parts:
                changed |= self._groups[kind].put(name, None)
                if not self._groups[kind].pieces:
                    del self._groups[kind]
        for kind, devices in parts.items():
            changed |= self._groups.setdefault(kind, _Group()).put(name, devices.node)
        if parts:
            self._kinds[name] = tuple(parts)
        else:
            self._kinds.pop(name, None)
        self.revision += changed

    def names(self) -> frozenset[str]:
        """Nodes with devices."""
        return frozenset(self._kinds)

    def render(
        self, audience: Audience, sources: Sources, updated_at: datetime, *, prometheus_enabled: bool
    ) -> Representation:
        key = (self.revision, sources, updated_at, prometheus_enabled)
        known = self._rendered.get(audience)
        if known is None or known[0] != key:
            known = (key, self._render(audience, sources, updated_at, prometheus_enabled=prometheus_enabled))
            self._rendered[audience] = known
        return known[1]

    def _render(
        self, audience: Audience, sources: Sources, updated_at: datetime, *, prometheus_enabled: bool
    ) -> Representation:
        kinds = sorted(self._groups, key=lambda kind: (self._order.get(kind.type, len(self._order)), kind))
        by_type = {kind.type: _counts(self._groups[kind].sums) for kind in kinds}
        total = _counts(sum((self._groups[kind].sums for kind in kinds), Counter[str]()))
        summary = Summary(**msgspec.structs.asdict(total), by_type=by_type)
        groups = []
        digest = blake2b(digest_size=_HASH_BYTES)
        for kind in kinds:
            pieces = () if audience is Audience.SUMMARY else self._groups[kind].encoded(audience)
            digest.update(b"".join(piece.digest for piece in pieces))
            groups.append(_group(kind, by_type[kind.type], (piece.raw for piece in pieces)))
        overview = GPUOverview(
            accelerator_groups=tuple(groups),
            summary=summary,
            updated_at=updated_at,
            prometheus_enabled=prometheus_enabled,
            sources=sources,
        )
        timeless = [
            audience.value,
            kinds,
            [len(group.nodes) for group in groups],
            summary,
            prometheus_enabled,
            *map(_timeless, _each(sources)),
        ]
        digest.update(_ENCODER.encode(timeless))
        return Representation(digest.hexdigest(), _ENCODER.encode(overview), updated_at)


class _Encoded(NamedTuple):
    raw: msgspec.Raw
    digest: bytes


class _Piece:
    """One node of one group, and its encoded forms as they are asked for."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.sums = Counter(slot.status for slot in node.slots)
        self._encoded: dict[Audience, _Encoded] = {}

    def encoded(self, audience: Audience) -> _Encoded:
        known = self._encoded.get(audience)
        if known is None:
            raw = _ENCODER.encode(seen_by(audience, self.node))
            known = _Encoded(msgspec.Raw(raw), blake2b(raw, digest_size=_HASH_BYTES).digest())
            self._encoded[audience] = known
        return known


class _Group:
    """The nodes that have devices of one kind."""

    def __init__(self) -> None:
        self.pieces: dict[str, _Piece] = {}
        self.sums: Counter[str] = Counter()
        self._names: list[str] | None = None

    def put(self, name: str, node: Node | None) -> bool:
        """Whether anything changed."""
        before = self.pieces.get(name)
        if before is not None:
            if before.node == node:
                return False
            self.sums.subtract(before.sums)
        if before is None or node is None:
            self._names = None
        if node is None:
            self.pieces.pop(name, None)
        else:
            self.pieces[name] = _Piece(node)
            self.sums.update(self.pieces[name].sums)
        return True

    def encoded(self, audience: Audience) -> list[_Encoded]:
        if self._names is None:
            self._names = sorted(self.pieces)
        return [self.pieces[name].encoded(audience) for name in self._names]


def _group(kind: Kind, counts: Counts, raws: Iterable[msgspec.Raw]) -> AcceleratorGroup:
    return AcceleratorGroup(
        type=kind.type,
        label=kind.label,
        resource_name=kind.resource_name,
        nodes=cast("tuple[Node, ...]", tuple(raws)),  # encoded ahead: Raw stands for the Node it holds
        total_devices=counts.total_devices,
        used_devices=counts.used_devices,
    )


def _counts(sums: Counter[str]) -> Counts:
    return Counts(
        total_devices=sums.total(),
        used_devices=sums["used"],
        free_devices=sums["free"],
        unknown_devices=sums["unknown"],
        unhealthy_devices=sums["unhealthy"],
        external_devices=sums["external"],
    )


def _each(sources: Sources) -> tuple[SourceState, ...]:
    return (sources.kubernetes, sources.prometheus, sources.dra)


def _timeless(source: SourceState) -> SourceState:
    return replace(source, checked_at=None)
