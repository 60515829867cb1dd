"""From the caches to `NodeFacts`: what is known of one node, and which nodes an event is about.

An event costs the same in a cluster of five thousand nodes as in one of ten: it marks the nodes it touches, by what was
known of the object before and by what is known now, because a deleted object can no longer be asked. What is marked
is rebuilt by whoever looks at it next, so a burst of events about one node costs one rebuild.
"""

from collections.abc import Collection, Iterable
from typing import Final

from genet.gpus.model import NodeFacts, Reading
from genet.kube.cache import Cache, Key
from genet.kube.objects import Node, Pod

NODE_INDEX: Final = "node"
"""Index of the cache of pods that `Facts` needs: see `by_node`."""


def by_node(pod: Pod) -> Iterable[str]:
    """Index function: the node a pod is bound to."""
    return (pod.spec.node_name,) if pod.spec.node_name else ()


class Facts:
    """Collaborators are the process's own caches; the one of pods must have the index `NODE_INDEX`."""

    def __init__(self, nodes: Cache[Node], pods: Cache[Pod]) -> None:
        self.nodes = nodes
        self.pods = pods
        self.marked: set[str] = set()
        """Nodes of which something else is known since whoever keeps the overview last cleared this."""
        self._bound: dict[Key, str] = {}
        self._nodes_changed([_key(node) for node in nodes.all()])
        self._pods_changed([_key(pod) for pod in pods.all()])
        nodes.subscribe(self._nodes_changed)
        pods.subscribe(self._pods_changed)

    @property
    def is_ready(self) -> bool:
        """Whether nodes and pods have been listed; before, an empty cluster would be a lie."""
        return self.nodes.is_ready and self.pods.is_ready

    async def wait_ready(self) -> None:
        await self.nodes.wait_ready()
        await self.pods.wait_ready()

    def of(self, name: str, readings: tuple[Reading, ...]) -> NodeFacts | None:
        """Everything known of the node; None: there is no such node."""
        node = self.nodes.get(name)
        if node is None:
            return None
        return NodeFacts(node=node, pods=tuple(self.pods.by(NODE_INDEX, name)), readings=readings)

    def _nodes_changed(self, keys: Collection[Key]) -> None:
        self.marked.update(name for _, name in keys)

    def _pods_changed(self, keys: Collection[Key]) -> None:
        for namespace, name in keys:
            pod = self.pods.get(name, namespace)
            before = self._bound.pop((namespace, name), "")
            now = pod.spec.node_name if pod else ""
            if now:
                self._bound[namespace, name] = now
            self.marked.update(filter(None, (before, now)))


def _key(obj: Node | Pod) -> Key:
    return obj.metadata.namespace, obj.metadata.name
