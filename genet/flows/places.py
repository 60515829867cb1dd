"""Where the devices of a GPU type are, and how many of them are free now: from memory, without a call.

What the overview shows is what counts here, so that nobody is told of a card that the page calls taken.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from genet import naming
from genet.gpus.wire.fleet import Devices
from genet.kube.cache import Cache
from genet.kube.objects import Node
from genet.kube.quantity import parse
from genet.pods import modes
from genet.pods.room import Place
from genet.settings import GPUType, Settings, Toleration

Ask = Callable[[], Awaitable[Callable[[str, str], Devices]]]
"""Gives who tells what a node has of a resource; raises Unavailable before the first lists."""

_REPELLING: Final = ("NoSchedule", "NoExecute")


class Places:
    """Call it with a GPU type to get a place for each node that its pods may run on."""

    def __init__(self, settings: Settings, *, nodes: Cache[Node], devices: Ask) -> None:
        self._settings = settings
        self._nodes = nodes
        self._devices = devices

    async def __call__(self, kind: GPUType) -> list[Place]:
        devices = await self._devices()
        wanted = modes.node_selector(kind, self._settings).items()
        tolerations = (*self._settings.pod.tolerations, *kind.tolerations)
        places = []
        for node in self._nodes.all():
            if not wanted <= node.metadata.labels.items():
                continue
            total = _total(node, kind)
            if total == 0:
                continue
            found = devices(node.metadata.name, kind.resource_name)
            if total is None and not found.indexes:
                continue
            free = found.free if _is_open(node, tolerations) else 0
            places.append(Place(node.metadata.name, free, total, found.indexes))
        return places


def _total(node: Node, kind: GPUType) -> int | None:
    """All devices of the type; 0 also where the node hands them out in another way."""
    counted = int(parse(node.status.capacity.get(kind.resource_name, "0")))
    if kind.mode in modes.PLUGGED:
        return counted
    if kind.mode == "shared":
        return 0 if counted else None
    # which devices of a driver the class and its selectors mean, the API server alone can tell
    return 0 if naming.GPU_MODE in node.metadata.labels else None


def _is_open(node: Node, tolerations: tuple[Toleration, ...]) -> bool:
    return all(
        taint.effect not in _REPELLING
        or any(_tolerates(toleration, taint.key, taint.value, taint.effect) for toleration in tolerations)
        for taint in node.spec.taints
    )


def _tolerates(toleration: Toleration, key: str, value: str, effect: str) -> bool:
    if toleration.effect not in (None, effect):
        return False
    if toleration.operator == "Exists":
        return toleration.key in (None, key)
    return toleration.key == key and (toleration.value or "") == value
