"""The overview as the web asks for it: from memory, always, and never by listing or by waiting for Prometheus.

Changes in the caches only mark nodes; a request rebuilds what is marked, so a burst of events about one node costs one
rebuild, and events that nobody looks at cost next to nothing. A round of metrics touches nearly every node: `run`
rebuilds those in small portions between which the loop answers others.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from genet.errors import Unavailable
from genet.gpus.feed import Feed
from genet.gpus.fleet import Fleet, Representation
from genet.gpus.inventory import inventory
from genet.gpus.metrics import Locator
from genet.gpus.model import NodeFacts
from genet.gpus.overview import Audience, Sources, SourceState
from genet.kube.cache import Cache, Key
from genet.kube.objects import Node, Pod
from genet.prometheus import Prometheus
from genet.settings import GPUType

NODE_INDEX: Final = "node"
"""Index of the cache of pods that this service needs: see `by_node`."""
_PORTION: Final = 50
_STALE: Final = "the Kubernetes API does not answer; what it said last is shown"
_DRA_OFF: Final = SourceState(state="off", message=None, checked_at=None)


def by_node(pod: Pod) -> Iterable[str]:
    """Index function: the node a pod is bound to."""
    return (pod.spec.node_name,) if pod.spec.node_name else ()


class OverviewService:
    """Collaborators are the process's own caches; the one of pods must have the index `NODE_INDEX`."""

    def __init__(
        self,
        nodes: Cache[Node],
        pods: Cache[Pod],
        types: Sequence[GPUType],
        prometheus: Prometheus | None,
        *,
        refresh_seconds: float = 10.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._nodes = nodes
        self._pods = pods
        self._types = tuple(types)
        self._refresh_seconds = refresh_seconds
        self._clock = clock
        self._feed = Feed(prometheus, clock)
        self._fleet = Fleet([kind.name for kind in types])
        self._bound: dict[Key, str] = {}
        self._marked: set[str] = set()
        self._nodes_changed([_key(node) for node in nodes.all()])
        self._pods_changed([_key(pod) for pod in pods.all()])
        nodes.subscribe(self._nodes_changed)
        pods.subscribe(self._pods_changed)

    async def run(self) -> None:
        """Keep the exporters' readings fresh until cancelled.

        Begins when the nodes are known: before, every series would be of a node nobody has heard of.
        """
        await self._nodes.wait_ready()
        await self._pods.wait_ready()
        while True:
            await self.refresh()
            await asyncio.sleep(self._refresh_seconds)

    async def refresh(self) -> None:
        """Ask Prometheus once and take in what it says; a failure is told in `sources` alone."""
        changed = await self._feed.refresh(Locator(self._nodes.all(), self._pods.all()))
        waiting = iter(changed)
        while portion := tuple(islice(waiting, _PORTION)):
            self._marked.update(portion)
            self._rebuild()
            await asyncio.sleep(0)

    def overview(self, audience: Audience) -> Representation:
        """What this audience sees now.

        Raises:
            Unavailable: the first lists are not in yet; an empty cluster is never shown for that.
        """
        if not (self._nodes.is_ready and self._pods.is_ready):
            raise Unavailable("the GPUs of the cluster have not been listed yet")
        self._rebuild()
        kubernetes = self._kubernetes()
        sources = Sources(kubernetes=kubernetes, prometheus=self._feed.source, dra=_DRA_OFF)
        updated_at = kubernetes.checked_at or self._now()
        return self._fleet.render(audience, sources, updated_at, prometheus_enabled=self._feed.is_on)

    def _kubernetes(self) -> SourceState:
        """Fresh content is good for now; stale content for when it was last fresh."""
        states = (self._nodes.staleness(), self._pods.staleness())
        if not any(state.stale for state in states):
            return SourceState(state="ok", message=None, checked_at=self._now())
        age = timedelta(seconds=max(state.age_seconds for state in states))
        return SourceState(state="stale", message=_STALE, checked_at=_second(self._clock() - age))

    def _now(self) -> datetime:
        return _second(self._clock())

    def _rebuild(self) -> None:
        for name in self._marked:
            node = self._nodes.get(name)
            if node is None:
                self._fleet.put(name, {})
            else:
                pods = tuple(self._pods.by(NODE_INDEX, name))
                facts = NodeFacts(node=node, pods=pods, readings=self._feed.of(name))
                self._fleet.put(name, inventory(facts, self._types))
        self._marked.clear()

    def _nodes_changed(self, keys: Collection[Key]) -> None:
        self._marked.update(name for _, name in keys)

    def _pods_changed(self, keys: Collection[Key]) -> None:
        """A pod's node is remembered: a deleted pod can no longer be asked for it."""
        for namespace, name in keys:
            pod = self._pods.get(name, namespace)
            before = self._bound.pop((namespace, name), "")
            now = pod.spec.node_name if pod else ""
            if now:
                self._bound[namespace, name] = now
            self._marked.update(filter(None, (before, now)))


def _key(obj: Node | Pod) -> Key:
    return obj.metadata.namespace, obj.metadata.name


def _second(moment: datetime) -> datetime:
    """Times of the overview are whole seconds, so that requests within one share its representation."""
    return moment.replace(microsecond=0)
