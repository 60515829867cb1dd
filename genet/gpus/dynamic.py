"""Dynamic resource allocation (DRA) as the API server has it: the devices of a node, and the claims they were given to.

A claim belongs to a node by the pools it was given devices of, or by the pods it is reserved for. Slices without claims
say which devices there are and not who holds them; `claims_known` tells when that is so.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from genet.gpus.overview import SourceState
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.discovery import OptionalGroup
from genet.kube.objects import Pod
from genet.kube.resource_api import GROUP, VERSIONS, ResourceClaim, ResourceSlice, claims, slices
from genet.kube.watch import Timing

PATIENT: Final = Timing(max_delay=10.0)
"""For what Genet can do without: a right that is missing is not asked for every two seconds."""

REFUSED: Final = "Genet has no permission to list and watch {}"
_NODE: Final = "node"
_POOL: Final = "pool"
_POD: Final = "pod"
OFF: Final = SourceState(state="off", message=None, checked_at=None)
_NOT_ASKED: Final = "the Kubernetes API has not said yet whether it serves resource.k8s.io"
_NOT_LISTED: Final = "{} have not been listed yet"
_STALE: Final = "the Kubernetes API does not answer about {}; what it said last is shown"


class DynamicResources:
    """The objects of `resource.k8s.io`, where that is served."""

    def __init__(self, kube: KubeClient, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.slices: Cache[ResourceSlice] = Cache(
            kube,
            slices(VERSIONS[0]),
            indexes={_NODE: nodes_of, _POOL: lambda found: (_pool(found.spec.driver, found.spec.pool.name),)},
            timing=PATIENT,
            clock=clock,
        )
        self.claims: Cache[ResourceClaim] = Cache(
            kube, claims(VERSIONS[0]), indexes={_POOL: _pools, _POD: _pods}, timing=PATIENT, clock=clock
        )
        self.group = OptionalGroup(kube, GROUP, VERSIONS, ((self.slices, slices), (self.claims, claims)))

    @property
    def claims_known(self) -> bool:
        """Whether a device that no claim holds is held by nobody."""
        return self.claims.is_ready

    def slices_on(self, node: str) -> Collection[ResourceSlice]:
        return self.slices.by(_NODE, node)

    def claims_on(self, slices: Iterable[ResourceSlice], pods: Iterable[Pod]) -> Collection[ResourceClaim]:
        """Claims that were given devices of these slices' pools, or are reserved for these pods."""
        pools = {_pool(found.spec.driver, found.spec.pool.name) for found in slices}
        found = [claim for pool in pools for claim in self.claims.by(_POOL, pool)]
        found += [claim for pod in pods for claim in self.claims.by(_POD, _name(pod))]
        return {(claim.metadata.namespace, claim.metadata.name): claim for claim in found}.values()

    def nodes_of_claim(self, claim: ResourceClaim, pods: Cache[Pod]) -> Iterator[str]:
        """The nodes that this claim says something about."""
        for pool in _pools(claim):
            for found in self.slices.by(_POOL, pool):
                yield from nodes_of(found)
        for consumer in claim.status.reserved_for:
            pod = pods.get(consumer.name, claim.metadata.namespace)
            if pod is not None and pod.spec.node_name:
                yield pod.spec.node_name

    def source(self, now: datetime) -> SourceState:
        """What can be said of DRA as a source; its messages name no object and no address."""
        if self.group.is_served is None:
            return SourceState(state="unavailable", message=_NOT_ASKED, checked_at=None)
        if not self.group.is_served:
            return OFF
        worst = next((state for cache in (self.slices, self.claims) if (state := _trouble(cache, now))), None)
        return worst or SourceState(state="ok", message=None, checked_at=now.replace(microsecond=0))


def _trouble(cache: Cache[Any], now: datetime) -> SourceState | None:
    known, name = cache.staleness(), cache.resource.plural
    if not known.stale:
        return None
    refused = REFUSED.format(name) if known.refused else None
    if not cache.is_ready:
        return SourceState(
            state="unavailable", message=refused or _NOT_LISTED.format(name), checked_at=now.replace(microsecond=0)
        )
    checked_at = (now - timedelta(seconds=known.age_seconds)).replace(microsecond=0)
    return SourceState(state="stale", message=refused or _STALE.format(name), checked_at=checked_at)


def nodes_of(found: ResourceSlice) -> set[str]:
    """Where its devices are; empty for devices that are reached over the network, from nodes it only selects."""
    return {found.spec.node_name, *(device.node_name for device in found.spec.devices)} - {""}


def _pools(claim: ResourceClaim) -> set[str]:
    allocation = claim.status.allocation
    return {_pool(result.driver, result.pool) for result in allocation.devices.results} if allocation else set()


def _pods(claim: ResourceClaim) -> Iterator[str]:
    for consumer in claim.status.reserved_for:
        if consumer.resource == "pods":
            yield f"{claim.metadata.namespace}/{consumer.name}"


def _pool(driver: str, name: str) -> str:
    return f"{driver}/{name}"


def _name(pod: Pod) -> str:
    return f"{pod.metadata.namespace}/{pod.metadata.name}"
