"""From the caches to `NodeFacts`: what is known of one node, and which nodes an event is about.

An event costs the same in a cluster of five thousand nodes as in one of ten: it marks the nodes it touches, by the
object as it was and as it is. What is marked is rebuilt by whoever looks at it next, so a burst of events about one
node costs one rebuild.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from functools import partial
from typing import Any, Final

from genet.gpus.dynamic import OFF, PATIENT, REFUSED, DynamicResources, nodes_of
from genet.gpus.model import NodeFacts, Reading
from genet.gpus.overview import SourceState
from genet.kube.cache import Cache, Change
from genet.kube.client import KubeClient
from genet.kube.objects import CONFIG_MAPS, ConfigMap, Node, Pod
from genet.kube.projection import T
from genet.kube.watch import Scope

NODE_INDEX: Final = "node"
"""Index of the cache of pods that `Facts` needs: see `by_node`."""

_DEVICE_INFO: Final = Scope("kube-system", name_prefix="mindx-dl-deviceinfo-", page_size=50)
"""One ConfigMap per node with Ascend devices, named after it."""
_NO_DEVICE_INFO: Final = f"{REFUSED.format('configmaps in kube-system')}: the health of Ascend devices is not known"


def by_node(pod: Pod) -> Iterable[str]:
    """Index function: the node a pod is bound to."""
    return (pod.spec.node_name,) if pod.spec.node_name else ()


def device_info_cache(kube: KubeClient) -> Cache[ConfigMap]:
    """What Ascend's device plugins say of their devices' health."""
    return Cache(kube, CONFIG_MAPS, scope=_DEVICE_INFO, timing=PATIENT)


class Facts:
    """Collaborators are the process's own caches; the one of pods must have the index `NODE_INDEX`."""

    def __init__(
        self,
        nodes: Cache[Node],
        pods: Cache[Pod],
        *,
        dynamic: DynamicResources | None = None,
        device_info: Cache[ConfigMap] | None = None,
    ) -> None:
        self.nodes = nodes
        self.pods = pods
        self.marked: set[str] = set()
        """Nodes of which something else is known since whoever keeps the overview last cleared this."""
        self._dynamic = dynamic
        self._device_info = device_info
        self._mark_changes(nodes, lambda node: (node.metadata.name,))
        self._mark_changes(pods, by_node)
        if dynamic is not None:
            self._mark_changes(dynamic.slices, nodes_of)
            self._mark_changes(dynamic.claims, partial(dynamic.nodes_of_claim, pods=pods))
        if device_info is not None:
            self._mark_changes(device_info, lambda info: (info.metadata.name.removeprefix(_DEVICE_INFO.name_prefix),))

    async def run(self) -> None:
        """Follow what a cluster may not have until cancelled."""
        async with asyncio.TaskGroup() as group:
            if self._device_info is not None:
                group.create_task(self._device_info.run())
            if self._dynamic is not None:
                group.create_task(self._dynamic.group.run())
                await self._dynamic.claims.wait_ready()
                for found in self._dynamic.slices.all():
                    self.marked |= nodes_of(found)

    @property
    def is_ready(self) -> bool:
        """Whether nodes and pods have been listed; before, an empty cluster would be a lie."""
        return self.nodes.is_ready and self.pods.is_ready

    async def wait_ready(self) -> None:
        await self.nodes.wait_ready()
        await self.pods.wait_ready()

    def of(self, name: str, readings: tuple[Reading, ...]) -> NodeFacts | None:
        """Everything known of the node, in any order; None: there is no such node."""
        node = self.nodes.get(name)
        if node is None:
            return None
        pods = self.pods.by(NODE_INDEX, name)
        dynamic = self._dynamic
        slices = dynamic.slices_on(name) if dynamic else ()
        return NodeFacts(
            node=node,
            pods=tuple(pods),
            readings=readings,
            slices=tuple(slices),
            claims=tuple(dynamic.claims_on(slices, pods)) if dynamic else (),
            claims_known=dynamic is None or dynamic.claims_known,
            device_info=self._device_info.get(_DEVICE_INFO.name_prefix + name, "kube-system")
            if self._device_info
            else None,
        )

    def dra(self, now: datetime) -> SourceState:
        """What can be said of DRA as a source."""
        return self._dynamic.source(now) if self._dynamic else OFF

    def caches(self) -> dict[str, Cache[Any]]:
        """Those in use, by kind; a cluster may not have all."""
        known: list[Cache[Any]] = [self.nodes, self.pods]
        if self._dynamic is not None and self._dynamic.group.is_served:
            known += [self._dynamic.slices, self._dynamic.claims]
        if self._device_info is not None:
            known.append(self._device_info)
        return {cache.resource.kind: cache for cache in known}

    @property
    def remark(self) -> str | None:
        """What the API server does not let Genet know of the nodes, for people to read."""
        return _NO_DEVICE_INFO if self._device_info and self._device_info.staleness().refused else None

    def _mark_changes(self, cache: Cache[T], nodes: Callable[[T], Iterable[str]]) -> None:
        def mark(changed: Collection[Change[T]]) -> None:
            for change in changed:
                for obj in change:
                    if obj is not None:
                        self.marked.update(nodes(obj))

        mark([(None, obj) for obj in cache.all()])
        cache.subscribe(mark)
