"""Where a pod could get its GPUs, judged by what is known before it is made. Pure.

Two questions. What no node has, not even an empty one, would wait for ever: that is refused. What is only taken by
others is worth waiting for, as Kubernetes lets pods wait: that is created, and the answer says what is free where. A
type that no node has at all may come with the next node, so it waits too.
"""

from collections.abc import Iterable, Sequence
from heapq import nsmallest
from typing import NamedTuple

from genet.errors import FieldError
from genet.pods.model import PodRequest
from genet.settings import GPUType

_NAMED = 3
"""Nodes that a text names at most."""


class Place(NamedTuple):
    """The devices of one GPU type on one node that its pods may run on."""

    node: str
    free: int
    """Now; 0 where nothing can be scheduled."""
    total: int | None
    """When all are given back; None: that cannot be told of this type."""
    cards: frozenset[int]
    """Indexes of the cards."""


def beyond(request: PodRequest, kind: GPUType, places: Sequence[Place]) -> FieldError | None:
    """What is wrong with a request that no node could ever serve."""
    count = request.gpu_count
    where = [place for place in places if request.node_name in (None, place.node)]
    known = [place.total for place in where if place.total is not None]
    if not count or len(known) < len(where) or count <= max(known, default=0):
        return None
    if request.node_name is not None:
        found = max(known, default=0)
        has = f"has {found} of {kind.name}" if found else f"has none of {kind.name}"
        return FieldError("nodeName", f"{has}, and {count} are asked for; {free_now(places)}")
    if not any(known):
        return None
    return FieldError("gpuCount", f"no node has more than {max(known)} of {kind.name}; {free_now(places)}")


def waits(request: PodRequest, kind: GPUType, places: Sequence[Place]) -> str | None:
    """What to tell who asks for more than is free now; None: it is there."""
    where = [place for place in places if request.node_name in (None, place.node)]
    if not request.gpu_count or any(place.free >= request.gpu_count for place in where):
        return None
    on = f" on {request.node_name}" if request.node_name is not None else " on one node"
    return f"It waits for {request.gpu_count} of {kind.name}{on}; {free_now(places)}."


def free_now(places: Iterable[Place]) -> str:
    """The nodes with most free."""
    best = nsmallest(_NAMED, (place for place in places if place.free), key=lambda place: (-place.free, place.node))
    if not best:
        return "none are free now"
    return "free now: " + ", ".join(f"{place.free} on {place.node}" for place in best)
