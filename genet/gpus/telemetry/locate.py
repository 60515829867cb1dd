"""From a host's clues to its node. Only the server can tell: it knows the nodes, and the exporters' pods by address.

Traps: addresses of pods that have finished belong to others by now. And anybody can give a pod of their own the name
that an exporter's pod has in its namespace: a name that pods on several nodes have is no clue.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from itertools import islice
from typing import Final, TypeVar

from genet.gpus.telemetry.devices import Host
from genet.kube.objects import Node, Pod
from genet.kube.requests import is_finished

T = TypeVar("T")

_PORTION: Final = 2000
"""Objects looked at between two turns of the loop."""


async def places(hosts: Iterable[Host], nodes: Iterable[Node], pods: Iterable[Pod]) -> dict[Host, str]:
    """The node of each host that has one in this cluster."""
    by_name: dict[str, str] = {}
    async for node in _unhurried(nodes):
        for clue in (node.metadata.name, *(address.address for address in node.status.addresses)):
            by_name[clue] = node.metadata.name
    found: dict[Host, str] = {}
    lost: list[Host] = []
    async for host in _unhurried(hosts):
        place = _first(host, by_name)
        if place is None:
            lost.append(host)
        else:
            found[host] = place
    if lost:
        by_pod = await _pods({clue for host in lost for clue in host.clues}, pods)
        found |= {host: place for host in lost if (place := _first(host, by_pod)) is not None}
    return found


async def _pods(clues: Collection[str], pods: Iterable[Pod]) -> dict[str, str]:
    """The nodes of pods with these names or addresses."""
    found: dict[str, set[str]] = {}
    async for pod in _unhurried(pods):
        for clue in (pod.metadata.name, pod.status.pod_ip):
            if clue in clues and pod.spec.node_name and not is_finished(pod):
                found.setdefault(clue, set()).add(pod.spec.node_name)
    return {clue: next(iter(nodes)) for clue, nodes in found.items() if len(nodes) == 1}


def _first(host: Host, places: Mapping[str, str]) -> str | None:
    return next((places[clue] for clue in host.clues if clue in places), None)


async def _unhurried(items: Iterable[T]) -> AsyncIterator[T]:
    """Lets others have their turn now and then."""
    waiting = iter(items)
    while portion := tuple(islice(waiting, _PORTION)):
        for item in portion:
            yield item
        await asyncio.sleep(0)
