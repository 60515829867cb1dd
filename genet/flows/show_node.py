"""One node with all that helps to understand it: its devices, their last day, its events, what it is made of.

The devices come from memory; the rest is asked for and may be missing, which `sources` then tells: a node answers
within seconds, also while Prometheus or the API server does not. Events of nodes live in the namespace `default`.
"""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from genet.errors import Forbidden, GenetError, NotFound
from genet.gpus.overview import Audience, Node, SourceState, Wire, seen_by
from genet.gpus.usage.history import Histories, History, without_names
from genet.gpus.usage.holders import AskLedger
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import EVENTS
from genet.kube.objects import Node as KubeNode
from genet.pods.model import PodEvent
from genet.pods.view import newest_first

_EVENTS_NAMESPACE: Final = "default"
_EVENTS_SECONDS: Final = 3.0
_HIDDEN: Final = SourceState(state="off", message="log in to see the events of nodes", checked_at=None)
_NOT_ALLOWED: Final = "Genet may not list events in the namespace default, where those of nodes are"
_LABELS: Final = re.compile(
    r"(nvidia\.com|(beta\.)?amd\.com|huawei\.com|gpu\.intel\.com|habana\.ai|cambricon\.com|mthreads\.com)/.+"
    r"|(topology|failure-domain\.beta)\.kubernetes\.io/(zone|region)"
    r"|(node|beta)\.kubernetes\.io/instance-type"
    r"|kubernetes\.io/arch"
    r"|node\.kubernetes\.io/npu\..+"
    r"|genet\.io/gpu-mode"
)
"""What a node's cards, drivers and place are."""
_NOISE: Final = re.compile(r"nvidia\.com/(gpu\.deploy\.|gfd\.timestamp|gpu-driver-upgrade).*")


class NodeSources(Wire):
    prometheus: SourceState
    events: SourceState


class NodeDetail(Node):
    history: History
    events: tuple[PodEvent, ...]
    """The node's own, newest first."""
    labels: dict[str, str]
    """Those that tell of its devices, drivers and place."""
    sources: NodeSources


class ShowNode:
    def __init__(
        self,
        kube: KubeClient,
        nodes: Cache[KubeNode],
        ledger: AskLedger,
        histories: Histories,
        clock: Callable[[], datetime],
    ) -> None:
        self._kube = kube
        self._nodes = nodes
        self._ledger = ledger
        self._histories = histories
        self._clock = clock

    async def __call__(self, name: str, audience: Audience) -> NodeDetail:
        """As this audience may see it.

        Raises:
            NotFound: there is no such node, or it has no devices.
            Unavailable: the cluster has not been listed yet.
        """
        parts = (await self._ledger()).nodes(name)
        known = self._nodes.get(name)
        if not parts or known is None:
            raise NotFound("no node of this name has GPUs")
        node, labels = together(parts), labels_of_interest(known.metadata.labels)
        if audience is Audience.MEMBER:
            (history, prometheus), (events, told) = await asyncio.gather(
                self._histories.of(node.slots), self._events(name)
            )
        else:
            history, prometheus = await self._histories.of(node.slots)
            history, events, told = without_names(history), (), _HIDDEN
            labels = {key: text for key, text in labels.items() if name not in text}
        shown = seen_by(audience, node)
        return NodeDetail(
            **{field: getattr(shown, field) for field in Node.__struct_fields__},
            history=history,
            events=events,
            labels=labels,
            sources=NodeSources(prometheus, told),
        )

    async def _events(self, name: str) -> tuple[tuple[PodEvent, ...], SourceState]:
        selector = f"involvedObject.kind=Node,involvedObject.name={name}"
        now = self._clock().replace(microsecond=0)
        try:
            async with asyncio.timeout(_EVENTS_SECONDS):
                listing = await self._kube.list(EVENTS, _EVENTS_NAMESPACE, field_selector=selector)
        except TimeoutError:
            message = f"the Kubernetes API did not answer within {_EVENTS_SECONDS:g} s"
        except Forbidden:
            message = _NOT_ALLOWED
        except GenetError as error:
            message = error.detail
        else:
            return newest_first(listing.items), SourceState(state="ok", message=None, checked_at=now)
        return (), SourceState(state="unavailable", message=message, checked_at=now)


def together(parts: Sequence[Node]) -> Node:
    """The node with the devices of all its kinds."""
    first, *others = parts
    if not others:
        return first
    return replace(
        first,
        device_type=first.device_type if all(part.device_type == first.device_type for part in others) else None,
        total_devices=sum(part.total_devices for part in parts),
        used_devices=sum(part.used_devices for part in parts),
        slots=tuple(slot for part in parts for slot in part.slots),
        time_sharing_enabled=any(part.time_sharing_enabled for part in parts),
    )


def labels_of_interest(labels: Mapping[str, str]) -> dict[str, str]:
    return {key: labels[key] for key in sorted(labels) if _LABELS.fullmatch(key) and not _NOISE.fullmatch(key)}
