"""Collects what a diagnosis is made from. What cannot be read in time is missing, and told; nothing here fails.

Every question has its own few seconds, and all are asked at once: an answer takes as long as the slowest of them. The
caches answer where they know enough; the pod itself, its events and its claims are read anew.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

import msgspec

from genet import lifecycle, naming
from genet.errors import GenetError, NotFound
from genet.flows.refusals import refusals
from genet.flows.taken import TakenRoom
from genet.gpus.dynamic import DynamicResources
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.details import POD_DETAILS, DetailedPod
from genet.kube.objects import EVENTS, PVCS, Event, Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod
from genet.kube.requests import is_finished
from genet.pods import restarting
from genet.pods.description import claim_name
from genet.pods.diagnosis.evidence import Claim, DeviceClaim, Evidence, Holder, NodeRoom, Refusal, Restarting, Waiting
from genet.pods.diagnosis.reasons import quoted
from genet.pods.service import BY_NAMESPACE
from genet.settings import Settings
from genet.storage.binding import why_unbound

T = TypeVar("T")

SECONDS: Final = 3.0
"""How long any one thing is waited for."""
_MOST_CLAIMS: Final = 16


@dataclass(frozen=True)
class Collected:
    evidence: Evidence
    unread: tuple[str, ...]
    """What could not be read, in Kubernetes' words for it."""


class CollectEvidence:
    """Call it with a pod to get what is known about it."""

    def __init__(
        self,
        kube: KubeClient,
        settings: Settings,
        *,
        pods: Cache[Pod],
        nodes: Cache[Node],
        namespaces: Cache[Namespace],
        dynamic: DynamicResources,
        restarts: restarting.Restarts,
        volume: Callable[[str], Awaitable[PersistentVolume | None]],
        is_device: Callable[[str], bool],
        clock: Callable[[], datetime],
        seconds: float = SECONDS,
    ) -> None:
        self._kube = kube
        self._settings = settings
        self._pods = pods
        self._nodes = nodes
        self._namespaces = namespaces
        self._dynamic = dynamic
        self._restarts = restarts
        self._volume = volume
        self._clock = clock
        self._seconds = seconds
        self._taken = TakenRoom(pods, is_device)

    async def __call__(self, known: Pod) -> Collected:
        """Raises NotFound if the pod is gone, and is not being restarted."""
        unread: list[str] = []
        pod, restart = await self._pod(known, unread)
        events, claims, rooms, refused = await asyncio.gather(
            self._tried(lambda: self._events(pod.metadata.namespace, pod.metadata.uid), "events", unread),
            self._claims(pod, unread),
            self._rooms(pod),
            self._refusals(pod, unread),
        )
        node = self._nodes.get(pod.spec.node_name) if pod.spec.node_name else None
        evidence = Evidence(
            pod,
            self._clock(),
            events=events,
            nodes=rooms,
            node=node,
            node_known=self._nodes.is_ready,
            holders=await self._holders() if rooms is not None else (),
            waiting=await self._waiting(pod) if rooms is not None else (),
            claims=claims,
            device_claims=self._device_claims(pod),
            refusals=refused,
            restarting=restart,
            labels=self._labels(pod),
            volume_users=self._volume_users(pod),
        )
        return Collected(evidence, tuple(dict.fromkeys(unread)))

    async def _pod(self, known: Pod, unread: list[str]) -> tuple[DetailedPod, Restarting | None]:
        namespace, name = known.metadata.namespace, known.metadata.name
        restart = self._restarts.get(namespace, name)
        state = None
        if restart is not None and not restart.is_cancelled:
            state = Restarting(restart.asked_at, quoted(restart.detail) if restart.trouble else None)
        try:
            read = await self._tried(lambda: self._kube.get(POD_DETAILS, name, namespace), "pod", unread)
        except NotFound as error:
            if state is None:
                raise NotFound("no such pod") from error
            read = None
        return read or msgspec.convert(msgspec.to_builtins(known), DetailedPod), state

    async def _events(self, namespace: str, uid: str) -> Sequence[Event]:
        return (await self._kube.list(EVENTS, namespace, field_selector=f"involvedObject.uid={uid}")).items

    async def _claims(self, pod: DetailedPod, unread: list[str]) -> Sequence[Claim] | None:
        names = [name for volume in pod.spec.volumes if (name := claim_name(pod, volume)) is not None]
        read = [self._claim(pod.metadata.namespace, name, unread) for name in dict.fromkeys(names[:_MOST_CLAIMS])]
        found = [claim for claim in await asyncio.gather(*read) if claim is not None]
        return found if found or not names else None

    async def _claim(self, namespace: str, name: str, unread: list[str]) -> Claim | None:
        try:
            claim = await self._tried(
                lambda: self._kube.get(PVCS, name, namespace), f"persistentvolumeclaim {name}", unread
            )
        except NotFound:
            return Claim(name, None, why_unbound(None, None, None, ()))
        if claim is None:
            return None
        if claim.status.phase == "Bound" and claim.metadata.deletion_timestamp is None:
            return Claim(name, claim, None)
        return Claim(name, claim, await self._why(claim, unread))

    async def _why(self, claim: PersistentVolumeClaim, unread: list[str]) -> tuple[str, Mapping[str, str]] | None:
        meta = claim.metadata
        said = f"events of the persistentvolumeclaim {meta.name}"
        events = await self._tried(lambda: self._events(meta.namespace, meta.uid), said, unread)
        volume = None
        if claim.spec.volume_name:
            said = f"persistentvolume {claim.spec.volume_name}"
            failures = len(unread)
            volume = await self._tried(lambda: self._volume(claim.spec.volume_name), said, unread)
            if len(unread) > failures:
                return "binding", {"claim": meta.name}
        return why_unbound(claim, volume, None, events or ())

    async def _refusals(self, pod: DetailedPod, unread: list[str]) -> Sequence[Refusal]:
        """What a quota refused the controller of a pod that is waiting."""
        owner = next((owner for owner in pod.metadata.owner_references if owner.controller), None)
        if owner is None or pod.spec.node_name:
            return ()
        events = await self._tried(
            lambda: self._events(pod.metadata.namespace, owner.uid), f"events of the {owner.kind} {owner.name}", unread
        )
        return refusals(f"{owner.kind} {owner.name}", events or ())

    async def _rooms(self, pod: DetailedPod) -> Sequence[NodeRoom] | None:
        if pod.spec.node_name or is_finished(pod) or not (self._nodes.is_ready and self._pods.is_ready):
            return None
        taken = await self._taken()
        return [NodeRoom(node, taken.by_node.get(node.metadata.name, {})) for node in self._nodes.all()]

    async def _holders(self) -> Sequence[Holder]:
        now = self._clock()
        ends: dict[tuple[str, datetime | None], datetime | None] = {}
        found = []
        for pod, held in (await self._taken()).holding:
            meta = pod.metadata
            until = lifecycle.protection(
                meta.annotations, meta.creation_timestamp or now, self._settings.lifecycle
            ).until
            if (meta.namespace, until) not in ends:  # mostly the next clean-up: worked out once a namespace
                ends[meta.namespace, until] = self._ends_at(now, meta.namespace, until)
            user = naming.holder(meta.namespace, meta.labels) or meta.namespace
            found += [
                Holder(user, meta.name, pod.spec.node_name, name, count, ends[meta.namespace, until])
                for name, count in held.items()
            ]
        return found

    async def _waiting(self, pod: DetailedPod) -> Sequence[Waiting]:
        """Of the same GPU type: those of another have other nodes, though these may count devices by the same name."""
        kind = pod.metadata.labels.get(naming.GPU_TYPE)
        return [
            Waiting(name, count, other.metadata.creation_timestamp)
            for other, asked in (await self._taken()).waiting
            if other.metadata.uid != pod.metadata.uid and other.metadata.labels.get(naming.GPU_TYPE) == kind
            for name, count in asked.items()
        ]

    def _ends_at(self, now: datetime, namespace: str, until: datetime | None) -> datetime | None:
        """The clean-up ends pods in managed namespaces only."""
        known = self._namespaces.get(namespace)
        if known is None or known.metadata.labels.get(naming.MANAGED) != "true":
            return None
        exempt = lifecycle.is_exempt(known.metadata.annotations)
        return lifecycle.deletes_at(now, until, self._settings.lifecycle, is_exempt=exempt)

    def _device_claims(self, pod: DetailedPod) -> Sequence[DeviceClaim] | None:
        if not self._dynamic.claims_known:
            return None
        made = {item.name: item.resource_claim_name for item in pod.status.resource_claim_statuses}
        found = []
        for item in pod.spec.resource_claims:
            name = item.resource_claim_name or made.get(item.name, "")
            claim = self._dynamic.claims.get(name, pod.metadata.namespace) if name else None
            allocated = claim is not None and claim.status.allocation is not None
            found.append(DeviceClaim(name or item.name, exists=claim is not None or not name, allocated=allocated))
        return found

    def _labels(self, pod: DetailedPod) -> Mapping[str, str]:
        """What its GPU type is called, where it has one: a resource alone may be that of several."""
        kind = pod.metadata.labels.get(naming.GPU_TYPE)
        return {
            known.resource_name: known.label
            for known in self._settings.gpu.available_types
            if known.name == kind and known.label
        }

    def _volume_users(self, pod: DetailedPod) -> Mapping[str, Sequence[str]]:
        """Other pods of the namespace that mount the same claims, and their nodes."""
        users: dict[str, list[str]] = {}
        for other in self._pods.by(BY_NAMESPACE, pod.metadata.namespace):
            if other.metadata.uid == pod.metadata.uid or not other.spec.node_name or is_finished(other):
                continue
            for volume in other.spec.volumes:
                if volume.persistent_volume_claim is not None and other.spec.node_name != pod.spec.node_name:
                    name = volume.persistent_volume_claim.claim_name
                    users.setdefault(name, []).append(f"{other.metadata.name} on {other.spec.node_name}")
        return users

    async def _tried(self, ask: Callable[[], Awaitable[T]], what: str, unread: list[str]) -> T | None:
        """None for what could not be read. Raises NotFound for what is not there."""
        try:
            async with asyncio.timeout(self._seconds):
                return await ask()
        except NotFound:
            raise
        except (GenetError, TimeoutError):
            unread.append(what)
            return None
