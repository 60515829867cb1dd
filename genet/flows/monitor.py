"""What administrators ask of a cluster and of one replica: what there is and how much is asked for; what it knows.

All of it is from memory, so it is answered in an outage too. Adding up fifty thousand pods takes a while, so others
have their turn in between.
"""

import asyncio
import socket
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeVar

from genet import __version__
from genet.gpus.facts import Facts
from genet.gpus.merge.health import ready
from genet.gpus.overview import Sources, Summary, Wire
from genet.gpus.service import OverviewService
from genet.kube.amounts import amount, requested
from genet.kube.cache import Cache
from genet.kube.objects import Namespace, Secret
from genet.kube.requests import is_finished

T = TypeVar("T")

_PHASES: Final = ("Pending", "Running", "Succeeded", "Failed")
_UNKNOWN: Final = "Unknown"
_SLICE_SECONDS: Final = 0.005
"""How long the loop is kept at once."""
_MOST: Final = Decimal(2**53 - 1)
"""More than any cluster has, and what every reader of JSON can count up to."""


class CPU(Wire):
    """In cores; of all nodes."""

    capacity_cores: float
    allocatable_cores: float
    requested_cores: float
    """By unfinished pods that have a node."""


class Memory(Wire):
    """In bytes; otherwise as `CPU`."""

    capacity_bytes: int
    allocatable_bytes: int
    requested_bytes: int


class ClusterState(Wire):
    nodes: int
    nodes_ready: int
    gpus: Summary
    cpu: CPU
    memory: Memory
    pods_by_phase: dict[str, int]
    """Of all namespaces; every phase is there."""


class CacheState(Wire):
    kind: str
    """The Kubernetes kind; `Record` and `Restart` are Secrets of Genet's own."""
    objects: int
    age_seconds: float | None
    """Since they were last known to be fresh; null: they have never been listed."""
    restarts: int
    """How often they had to be listed anew, as the watch could not go on."""


class SystemState(Wire):
    version: str
    uptime_seconds: int
    replica: str
    """Name of the host: in Kubernetes the pod's. All that is said here is said of this one."""
    caches: tuple[CacheState, ...]
    sources: Sources


class Monitor:
    def __init__(
        self,
        facts: Facts,
        overview: OverviewService,
        *,
        namespaces: Cache[Namespace],
        records: Cache[Secret],
        restarts: Cache[Secret],
        clock: Callable[[], datetime],
        replica: str | None = None,
    ) -> None:
        """Collaborators.

        Args:
            facts: the caches that the overview is made of.
            overview: the GPUs, and what can be said of their sources.
            namespaces: of the cluster.
            records: Genet's own: logins, tokens, grants.
            restarts: Genet's own: pods that are to come back.
            clock: tells the time; the replica has been running since now.
            replica: its name; None: the host's.
        """
        self._facts = facts
        self._overview = overview
        self._others: dict[str, Cache[Any]] = {"Namespace": namespaces, "Record": records, "Restart": restarts}
        self._clock = clock
        self._since = clock()
        self._replica = replica or socket.gethostname()

    async def cluster(self) -> ClusterState:
        """Capacity and what is asked of it.

        Raises:
            Unavailable: the cluster has not been listed yet.
        """
        gpus = await self._overview.summary()
        nodes = self._facts.nodes.all()
        capacity, allocatable, asked = _Sum(), _Sum(), _Sum()
        async for node in _unhurried(nodes):
            capacity.add({name: amount(text) for name, text in node.status.capacity.items()})
            allocatable.add({name: amount(text) for name, text in node.status.allocatable.items()})
        phases = dict.fromkeys((*_PHASES, _UNKNOWN), 0)
        async for pod in _unhurried(self._facts.pods.all()):
            phases[pod.status.phase if pod.status.phase in phases else _UNKNOWN] += 1
            if pod.spec.node_name and not is_finished(pod):
                asked.add(requested(pod))
        sums = (capacity, allocatable, asked)
        return ClusterState(
            nodes=len(nodes),
            nodes_ready=sum(ready(node) == "True" for node in nodes),
            gpus=gpus,
            cpu=CPU(*(round(float(each.of("cpu")), 3) for each in sums)),
            memory=Memory(*(int(each.of("memory")) for each in sums)),
            pods_by_phase=phases,
        )

    def system(self) -> SystemState:
        """This replica; never fails."""
        return SystemState(
            version=__version__,
            uptime_seconds=max(0, int((self._clock() - self._since).total_seconds())),
            replica=self._replica,
            caches=tuple(_state(kind, cache) for kind, cache in (self._facts.caches() | self._others).items()),
            sources=self._overview.moment().sources,
        )


class _Sum:
    """Amounts, added up by resource."""

    def __init__(self) -> None:
        self._amounts: defaultdict[str, Decimal] = defaultdict(Decimal)

    def add(self, amounts: Mapping[str, Decimal]) -> None:
        for name, number in amounts.items():
            self._amounts[name] += number

    def of(self, name: str) -> Decimal:
        return min(self._amounts[name], _MOST)


def _state(kind: str, cache: Cache[Any]) -> CacheState:
    age = round(cache.staleness().age_seconds, 1) if cache.is_ready else None
    return CacheState(kind, len(cache.all()), age, cache.restarts)


async def _unhurried(items: Iterable[T]) -> AsyncIterator[T]:
    """Lets others have their turn now and then."""
    until = time.perf_counter() + _SLICE_SECONDS
    for item in items:
        yield item
        if time.perf_counter() > until:
            await asyncio.sleep(0)
            until = time.perf_counter() + _SLICE_SECONDS
