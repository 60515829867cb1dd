"""The overview as columns: one byte a device and property, so that 40,000 GPUs are a third of a megabyte.

A node's bytes are made once, when it changes; a rendering joins those of all nodes. Who holds a device is an index into
the users of the whole cluster, so the owners' column alone is made anew each time.

UUIDs and pods are left to the call for one node.
"""

import struct
from base64 import b64encode
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain
from typing import Final, Literal

import msgspec

from genet.gpus.overview import Audience, Node, Slot, Sources, Status, Summary, Wire

MEDIA_TYPE: Final = "application/vnd.genet.gpu-overview.columnar+json"

_STATES: Final[dict[Status, int]] = {"free": 0, "used": 1, "unknown": 2, "unhealthy": 3, "external": 4}
_FULL: Final = 100
_NOT_MEASURED: Final = 255
_NOBODY: Final = 0
_SEVERAL: Final = 65535


class ColumnarGroup(Wire):
    type: str
    label: str
    resource_name: str


class ColumnarNodes(Wire):
    """One entry a node in each list; a node of two groups has two."""

    name: tuple[str, ...]
    group: tuple[int, ...]
    devices: tuple[int, ...]
    ready: tuple[Literal[0, 1], ...]
    schedulable: tuple[Literal[0, 1], ...]


class Columns(Wire):
    """What does not depend on when somebody looked."""

    v: Literal[1]
    groups: tuple[ColumnarGroup, ...]
    nodes: ColumnarNodes
    users: tuple[str, ...]
    """userIdentifiers, sorted; nobody's for those who may not know."""
    state: str
    """Base64 like the next three; devices in the order of the nodes: 0 free, 1 used, 2 unknown, 3 unhealthy, 4
    external."""
    util: str
    """Percent, 255: not known."""
    mem: str
    """Percent of the memory in use, 255: not known."""
    owner: str | None
    """Two bytes each, the lower first: 0 none, 65535 several, else index into `users` plus one. Null for those who may
    not know."""
    summary: Summary


class ColumnarOverview(Columns):
    updated_at: datetime
    sources: Sources


class Row(msgspec.Struct, frozen=True, gc=False):
    """One node's share of the columns."""

    name: str
    devices: int
    ready: Literal[0, 1]
    schedulable: Literal[0, 1]
    state: bytes
    util: bytes
    mem: bytes
    holders: tuple[str | None, ...]
    """Of each device its user, None: nobody's, "": several."""


def row(node: Node) -> Row:
    return Row(
        name=node.node_name,
        devices=len(node.slots),
        ready=1 if node.ready else 0,
        schedulable=1 if node.schedulable else 0,
        state=bytes(_STATES[slot.status] for slot in node.slots),
        util=bytes(map(_utilization, node.slots)),
        mem=bytes(map(_memory_percent, node.slots)),
        holders=tuple(map(_holder, node.slots)),
    )


def columns(groups: Iterable[tuple[ColumnarGroup, Sequence[Row]]], summary: Summary, audience: Audience) -> Columns:
    """Rows of each group, in their order."""
    groups = tuple(groups)
    rows = tuple(chain.from_iterable(rows for _, rows in groups))
    names = audience is Audience.MEMBER
    users = sorted({user for row in rows for user in row.holders if user}) if names else []
    return Columns(
        v=1,
        groups=tuple(group for group, _ in groups),
        nodes=ColumnarNodes(
            name=tuple(row.name for row in rows),
            group=tuple(index for index, (_, rows) in enumerate(groups) for _ in rows),
            devices=tuple(row.devices for row in rows),
            ready=tuple(row.ready for row in rows),
            schedulable=tuple(row.schedulable for row in rows),
        ),
        users=tuple(users),
        state=_base64(b"".join(row.state for row in rows)),
        util=_base64(b"".join(row.util for row in rows)),
        mem=_base64(b"".join(row.mem for row in rows)),
        owner=_base64(_owners(rows, users)) if names else None,
        summary=summary,
    )


def _owners(rows: Iterable[Row], users: Sequence[str]) -> bytes:
    index: dict[str | None, int] = {user: min(number, _SEVERAL) for number, user in enumerate(users, 1)}
    index |= {None: _NOBODY, "": _SEVERAL}
    owners = [index[holder] for row in rows for holder in row.holders]
    return struct.pack(f"<{len(owners)}H", *owners)


def _utilization(slot: Slot) -> int:
    return _NOT_MEASURED if slot.utilization is None else min(_FULL, max(0, slot.utilization))


def _memory_percent(slot: Slot) -> int:
    if slot.memory_used is None or not slot.memory_total:
        return _NOT_MEASURED
    return min(_FULL, max(0, (2 * _FULL * slot.memory_used + slot.memory_total) // (2 * slot.memory_total)))


def _holder(slot: Slot) -> str | None:
    users = {pod.user for pod in slot.pods if pod.user}
    return "" if len(users) > 1 else next(iter(users), None)


def _base64(column: bytes) -> str:
    return b64encode(column).decode("ascii")
