"""What one event costs, from the cache to the bytes of the stream, in clusters of two sizes; and what all nodes cost.

    python -m tests.bench.room KUBECONFIG PROMETHEUS

The room itself, on caches that are fed by hand: an event of the watch is applied, its node merged anew, the sums moved,
and the change encoded and compressed for whoever listens. Readings are what the server's own reader says of the
embedded cluster. Times are processor time of this process; each is the median over many nodes.
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Callable, Collection

from msgspec.structs import replace

from genet.gpus.facts import NODE_INDEX, Facts, by_node
from genet.gpus.overview import Audience, Form
from genet.gpus.service import OverviewService
from genet.gpus.telemetry.child import Reader
from genet.gpus.telemetry.frames import Orders, Portion, Summary
from genet.kube.cache import Cache
from genet.kube.client import KubeClient, Listing
from genet.kube.objects import NODES, PODS, Node, Pod
from genet.kube.projection import Resource, T
from genet.kube.watch import Changes
from genet.settings import GPUType, Kubernetes

_FEW = 100
_EVENTS = 200
_TYPES = (
    GPUType("h100", "nvidia.com/gpu", node_selector={"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"}),
    GPUType("a100", "nvidia.com/gpu", node_selector={"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB"}),
)


class Recorded:
    """One round of the reader, told again to whoever asks."""

    def __init__(self) -> None:
        self._portions: list[Portion] = []
        self._summary = Summary()

    async def record(self, prometheus: str) -> None:
        reader = Reader(Orders(prometheus, 5))
        try:
            self._summary = await reader.ask(everything=True, take=self._portions.append)
        finally:
            await reader.close()

    async def ask(self, *, everything: bool, take: Callable[[Portion], None]) -> Summary:
        for portion in self._portions:
            take(portion)
        return self._summary

    async def close(self) -> None:
        """There is nothing to close."""


class Cluster:
    """The overview over some nodes and the pods on them."""

    def __init__(self, kube: KubeClient, rounds: Recorded, nodes: Collection[Node], pods: Collection[Pod]) -> None:
        self.nodes = Cache(kube, NODES)
        self.pods = Cache(kube, PODS, indexes={NODE_INDEX: by_node})
        self.nodes.apply(Listing(list(nodes), "1000000"))
        self.pods.apply(Listing(list(pods), "1000000"))
        self._version = 1_000_000
        self._rounds = rounds

    def service(self) -> OverviewService:
        return OverviewService(Facts(self.nodes, self.pods), _TYPES, self._rounds)

    def event(self, cache: Cache[T], kind: str, obj: T) -> None:
        self._version += 1
        newer = replace(obj.metadata, resource_version=str(self._version))
        cache.apply(Changes([(kind, replace(obj, metadata=newer))], str(self._version)))


async def main(kubeconfig: str, prometheus: str) -> dict[str, dict[str, float]]:
    rounds = Recorded()
    await rounds.record(prometheus)
    async with KubeClient.connect(Kubernetes(kubeconfig=kubeconfig)) as kube:
        nodes, pods = await listed(kube, NODES), await listed(kube, PODS)
        few = {node.metadata.name for node in nodes[:_FEW]}
        some = [node for node in nodes if node.metadata.name in few], [pod for pod in pods if pod.spec.node_name in few]
        return {
            "few": await measured(Cluster(kube, rounds, *some)),
            "all": await measured(Cluster(kube, rounds, nodes, pods)),
        }


async def listed(kube: KubeClient, resource: Resource[T]) -> list[T]:
    return [obj async for page in kube.pages(resource, None, page_size=1000) for obj in page.items]


async def measured(cluster: Cluster) -> dict[str, float]:
    began = time.process_time()
    service = cluster.service()
    await service.refresh()
    await service.overview(Form.COLUMNAR, Audience.MEMBER)
    rebuild = time.process_time() - began
    await service.listen(Form.COLUMNAR, Audience.MEMBER, None)
    held = [pod for pod in cluster.pods.all() if pod.metadata.labels.get("genet.io/managed") and pod.spec.node_name]
    held = held[:: max(1, len(held) // _EVENTS)][:_EVENTS]
    pod_events, node_events = [], []
    for pod in held:
        for kind in ("DELETED", "ADDED"):
            pod_events.append(await _cost(cluster, service, cluster.pods, kind, pod))  # noqa: PERF401 # reads better
        node = cluster.nodes.get(pod.spec.node_name)
        assert node is not None
        other = replace(node, spec=replace(node.spec, unschedulable=not node.spec.unschedulable))
        node_events.append(await _cost(cluster, service, cluster.nodes, "MODIFIED", other))
    return {
        "nodes": len(cluster.nodes.all()),
        "pods": len(cluster.pods.all()),
        "rebuild": rebuild,
        "pod": statistics.median(pod_events),
        "pod_worst": max(pod_events),
        "node": statistics.median(node_events),
        "node_worst": max(node_events),
    }


async def _cost(cluster: Cluster, service: OverviewService, cache: Cache[T], kind: str, obj: T) -> float:
    began = time.process_time()
    cluster.event(cache, kind, obj)
    await service._streams.tell()
    return time.process_time() - began


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
