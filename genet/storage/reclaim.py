"""Claims that go with the last pod that uses them: `reclaimPolicy: Delete`. See `service` for why none is ever lost.

A claim goes only if the settings say so and it was made under that promise: who changes Retain to Delete later takes
nothing away from those who were told that it stays.

The order of reads is the proof: the claims first, then the pods, then a delete of exactly the claim that was read.
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Final

from genet import lifecycle, naming
from genet.errors import Conflict, GenetError, NotFound
from genet.kube.cache import Cache, Change
from genet.kube.client import KubeClient
from genet.kube.objects import PODS, PVCS, PersistentVolumeClaim, Pod
from genet.settings import Storage as Settings

log = logging.getLogger(__name__)

_ATTEMPTS: Final = 5
_RETRY_SECONDS: Final = 10.0
_LABELLED: Final = f"{naming.RECLAIM_POLICY}=Delete"


class Reclaim:
    """Removes what nothing uses any more."""

    def __init__(self, kube: KubeClient, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._kube = kube
        self._clock = clock
        self._volumes = [volume.name for volume in settings.volumes if volume.has_claim and volume.goes_with_pods]

    @property
    def is_needed(self) -> bool:
        return bool(self._volumes)

    def concerns(self, namespace: str, claims: Collection[str]) -> bool:
        return not self._names(namespace).isdisjoint(claims)

    async def everywhere(self) -> set[str]:
        """Namespaces with claims that were made to go with their pods."""
        listing = await self._kube.list(PVCS, label_selector=_LABELLED)
        return {claim.metadata.namespace for claim in listing.items}

    async def sweep(
        self, namespace: str, *, dry_run: bool = False, held: Callable[[timedelta], None] = lambda _: None
    ) -> list[str]:
        """Remove the claims of one namespace that no pod uses and nobody is making a pod for; returns their names.

        `held` is told for how much longer somebody may be making a pod for a claim, of each claim that stays for it.
        """
        names = self._names(namespace)
        if not names:
            return []
        claims = await self._kube.list(PVCS, namespace, label_selector=f"{naming.MANAGED}=true")
        mine = [claim for claim in claims.items if claim.metadata.name in names]
        return [claim.metadata.name for claim in mine if await self._remove(claim, held, dry_run=dry_run)]

    def _names(self, namespace: str) -> set[str]:
        user = naming.user_of(namespace)
        return {naming.pvc(user, volume) for volume in self._volumes} if user is not None else set()

    async def _remove(self, claim: PersistentVolumeClaim, held: Callable[[timedelta], None], *, dry_run: bool) -> bool:
        """Whether this call deleted it."""
        for _ in range(_ATTEMPTS):
            meta = claim.metadata
            if not await self._is_free(claim):
                if (left := _held_for(claim, self._clock())) is not None:
                    held(left)
                return False
            try:
                if not dry_run:
                    version = meta.resource_version
                    await self._kube.delete(PVCS, meta.name, meta.namespace, uid=meta.uid, resource_version=version)
            except NotFound:
                return False
            except Conflict:
                # somebody marked it, or its status changed: judged anew
                try:
                    claim = await self._kube.get(PVCS, meta.name, meta.namespace)
                except NotFound:
                    return False
            else:
                return True
        return False

    async def _is_free(self, claim: PersistentVolumeClaim) -> bool:
        meta = claim.metadata
        if meta.deletion_timestamp is not None or meta.labels.get(naming.RECLAIM_POLICY) != "Delete":
            return False
        if is_held(claim, self._clock()):
            return False
        pods = await self._kube.list(PODS, meta.namespace)  # after the claim was read: the order is the proof
        return not any(meta.name in claims_of(pod) for pod in pods.items)


class Reclaiming:
    """Sweeps where a pod is gone, whoever deleted it."""

    def __init__(self, reclaim: Reclaim, pods: Cache[Pod]) -> None:
        self._reclaim = reclaim
        self._pods = pods
        self._waiting: set[str] = set()
        self._wake = asyncio.Event()
        self._later: dict[str, asyncio.TimerHandle] = {}
        """By namespace: when a mark that was left behind by a creation has ended."""

    def soon(self, namespace: str) -> None:
        """Have a namespace swept."""
        if self._reclaim.is_needed:
            self._waiting.add(namespace)
            self._wake.set()

    async def run(self) -> None:
        """Until cancelled; at first all that was missed while nobody watched."""
        if not self._reclaim.is_needed:
            return
        end = self._pods.subscribe(self._seen)
        try:
            await self._pods.wait_ready()
            await self._look_around()
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting:
                    await self._sweep(self._waiting.pop())
        finally:
            end()
            for timer in self._later.values():
                timer.cancel()

    def _seen(self, changes: Collection[Change[Pod]]) -> None:
        for before, after in changes:
            if before is None or (after is not None and after.metadata.uid == before.metadata.uid):
                continue
            if self._reclaim.concerns(before.metadata.namespace, claims_of(before)):
                self.soon(before.metadata.namespace)

    async def _look_around(self) -> None:
        while True:
            try:
                for namespace in await self._reclaim.everywhere():
                    self.soon(namespace)
            except GenetError as error:
                log.warning("claims cannot be listed: %s", error.detail)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return

    async def _sweep(self, namespace: str) -> None:
        try:
            removed = await self._reclaim.sweep(namespace, held=lambda time: self._again(namespace, time))
        except GenetError as error:
            log.warning("claims that go with their pods stay for now", extra={"error": error.detail})
            self._again(namespace, timedelta(seconds=_RETRY_SECONDS))
            return
        for name in removed:
            log.info("a claim went with the last pod that used it", extra={"namespace": namespace, "claim": name})

    def _again(self, namespace: str, later: timedelta) -> None:
        """Nobody else comes back to it: who makes a pod may have died."""
        if namespace in self._later:
            self._later.pop(namespace).cancel()

        def now() -> None:
            del self._later[namespace]
            self.soon(namespace)

        self._later[namespace] = asyncio.get_running_loop().call_later(later.total_seconds(), now)


def claims_of(pod: Pod) -> set[str]:
    """The claims that a pod names, whatever state it is in."""
    sources = (volume.persistent_volume_claim for volume in pod.spec.volumes)
    return {source.claim_name for source in sources if source is not None}


def is_held(claim: PersistentVolumeClaim, now: datetime) -> bool:
    """Whether somebody is making a pod for it; what cannot be read holds nothing."""
    return _held_for(claim, now) is not None


def _held_for(claim: PersistentVolumeClaim, now: datetime) -> timedelta | None:
    """How much longer it is held; None: it is not."""
    marks = (text for key, text in claim.metadata.annotations.items() if key.startswith(naming.HELD))
    left = (until - now for text in marks if (until := lifecycle.read_time(text)) is not None)
    return max((time for time in left if time > timedelta()), default=None)
