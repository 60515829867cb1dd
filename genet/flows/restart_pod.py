"""Restart a pod: it ends, and comes back with its name, volumes, protection, SSH port and host keys.

Asking makes a record and answers; the rest happens by `restart_steps`, at this replica or, if it dies, at another:
every replica looks out for records whose holder has been silent. Asking again joins. Deleting takes the record over.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final, Self

import msgspec

from genet import naming
from genet.errors import AlreadyExists, Conflict, Forbidden, GenetError, Invalid, NotFound, QuotaRefused, Unavailable
from genet.flows.restart_claim import Claim, Overtaken
from genet.flows.restart_steps import Companions, Steps
from genet.flows.restart_upkeep import Storage, Upkeep
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import PODS, Pod
from genet.kube.records import Record, Records
from genet.kube.requests import devices
from genet.pods.again import again
from genet.pods.restarting import RESTART, Restart, Restarts, record_id
from genet.quota import Quota
from genet.settings import Settings

log = logging.getLogger(__name__)

SILENT_AFTER: Final = timedelta(seconds=30)
"""Silence of a holder after which any replica takes a restart over."""
_LOOK_SECONDS: Final = 1.0
_STRAY_AFTER: Final = timedelta(seconds=60)
"""Age of a pod that a forgotten restart has made, before it is taken away."""
_MOST: Final = 50
"""Restarts that one replica drives at once."""
_PATIENCE_SECONDS: Final = 5.0
_TRIES: Final = 20


class RestartPod:
    """Call it with a pod to restart it; `run` must be running."""

    def __init__(
        self,
        kube: KubeClient,
        *,
        records: Records,
        restarts: Restarts,
        steps: Steps,
        pods: Cache[Pod],
        looks_after: Callable[[str], bool],
        see_that_it_may_end: Callable[[Pod], Awaitable[None]],
        is_device: Callable[[str], bool],
        clock: Callable[[], datetime],
    ) -> None:
        """With its collaborators.

        Args:
            kube: the gateway.
            records: where restarts are written down.
            restarts: those that are known.
            steps: what a restart does.
            pods: those of the cluster.
            looks_after: whether a namespace is Genet's to act in.
            see_that_it_may_end: raises Conflict while something is done with the pod that its end would undo.
            is_device: whether a resource counts accelerators.
            clock: what time it is.
        """
        self._kube = kube
        self._records = records
        self._restarts = restarts
        self._steps = steps
        self._pods = pods
        self._looks_after = looks_after
        self._see_that_it_may_end = see_that_it_may_end
        self._is_device = is_device
        self._clock = clock
        self._driven: dict[tuple[str, str], tuple[Claim, asyncio.Task[None]]] = {}
        self._asking: set[asyncio.Task[Any]] = set()
        self._heard: dict[tuple[str, str], tuple[datetime, datetime]] = {}
        """By namespace and pod: what the holder wrote last, and when that was first seen by this replica's clock."""

    @classmethod
    def over(
        cls,
        kube: KubeClient,
        settings: Settings,
        *,
        records: Records,
        restarts: Restarts,
        quota: Quota,
        companions: Companions,
        storage: Storage,
        pods: Cache[Pod],
        looks_after: Callable[[str], bool],
        see_that_it_may_end: Callable[[Pod], Awaitable[None]],
        is_device: Callable[[str], bool],
        clock: Callable[[], datetime],
    ) -> Self:
        """With all that its steps need."""
        steps = Steps(
            kube,
            settings,
            restarts=restarts,
            upkeep=Upkeep(restarts, quota=quota, storage=storage, clock=clock),
            companions=companions,
            pods=pods,
            clock=clock,
        )
        return cls(
            kube,
            records=records,
            restarts=restarts,
            steps=steps,
            pods=pods,
            looks_after=looks_after,
            see_that_it_may_end=see_that_it_may_end,
            is_device=is_device,
            clock=clock,
        )

    async def __call__(self, pod: Pod, *, user: str, avoid_node: bool = False) -> None:
        """Returns when it has begun and nothing can stop it but a deletion; asking again while it lasts joins.

        Args:
            pod: as far as it is known; a stand-in while it is being restarted.
            user: the userIdentifier of its owner.
            avoid_node: come up anywhere but where it is, and give the old one up if its node is lost.

        Raises:
            NotFound: it is gone.
            Conflict: Genet did not make it, it is being deleted or saved, or the cluster would not take it again.
            QuotaExceeded: it had finished, and there is no room for it any more.
        """
        # what has begun is finished, also when the client hangs up
        asking = asyncio.create_task(self._ask(pod, user, avoid_node=avoid_node))
        self._asking.add(asking)
        asking.add_done_callback(self._asking.discard)
        await asyncio.shield(asking)

    async def cancel(self, namespace: str, pod: str) -> bool:
        """Its deletion: nothing comes back. Whether there was a restart."""
        for _ in range(_TRIES):
            record = await self._restarts.find(namespace, pod)
            if record is None:
                return False
            if record.value.is_cancelled:
                return True
            claim = await self._claim(record, is_cancelled=True)
            if claim is not None:
                await asyncio.wait({self._drive(claim)}, timeout=_PATIENCE_SECONDS)
                return True
        raise Conflict("the restart of this pod changes too often")

    async def run(self) -> None:
        """Take over what others have left behind, until cancelled; then let others go on at once."""
        looked_at = self._clock()
        try:
            while True:
                for record in self._heard_of():
                    if self._is_left(record.value) and len(self._driven) < _MOST:
                        await self._take_over(record)
                if self._clock() - looked_at >= _STRAY_AFTER / 2:
                    looked_at = self._clock()
                    await self._sweep()
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            await self._leave()

    # --- beginning

    async def _ask(self, pod: Pod, user: str, *, avoid_node: bool) -> None:
        meta = pod.metadata
        if meta.labels.get(naming.CREATED_BY) != "genet" or any(owner.controller for owner in meta.owner_references):
            raise Conflict("only pods made by Genet can be restarted: it does not know how others came to be")
        known = await self._restarts.find(meta.namespace, meta.name)
        if known is None:
            whole = await self._kube.whole(PODS, meta.name, meta.namespace)
            if "deletionTimestamp" in whole["metadata"]:
                raise Conflict("the pod is being deleted")
            current = msgspec.convert(whole, Pod)
            await self._see_that_it_may_end(current)
            value = self._restart(current, whole, avoid_node=avoid_node)
            await self._see_that_it_is_taken(value)
            try:
                record = await self._records.create(RESTART, record_id(meta.namespace, meta.name), value, user=user)
            except AlreadyExists:
                known = await self._restarts.find(meta.namespace, meta.name)
            else:
                claim = self._of(record)
                with suppress(Unavailable):  # it goes on as soon as the cluster answers again
                    await self._steps.begin(claim)
                self._drive(claim)
                return
        if known is not None:
            await self._join(known, avoid_node=avoid_node)

    def _restart(self, pod: Pod, whole: dict[str, Any], *, avoid_node: bool) -> Restart:
        now = self._clock()
        return Restart(
            namespace=pod.metadata.namespace,
            pod=pod.metadata.name,
            uid=pod.metadata.uid,
            mark=secrets.token_hex(8),
            manifest=again(whole),
            gpus=sum(devices(pod, self._is_device).values()),
            node=pod.spec.node_name,
            created_at=pod.metadata.creation_timestamp or now,
            asked_at=now,
            holder=secrets.token_hex(8),
            touched_at=now,
            avoids_node=avoid_node,
        )

    async def _see_that_it_is_taken(self, value: Restart) -> None:
        """Nothing is ended that the cluster would not take again: its rules may have changed since."""
        try:
            await self._kube.create(PODS, value.manifest, value.namespace, dry_run=True)
        except (AlreadyExists, QuotaRefused):
            return  # it passed all rules, or they count the one that is there
        except (Forbidden, Invalid) as error:
            raise Conflict(f"the cluster would not take the pod again: {error.detail}") from error

    async def _join(self, known: Record[Restart], *, avoid_node: bool) -> None:
        if known.value.is_cancelled:
            raise Conflict("the pod is being deleted")

        def wish(value: Restart | None) -> Restart | None:
            if value is None or value.avoids_node or value.is_cancelled:
                return None
            return msgspec.structs.replace(value, avoids_node=True)

        if avoid_node:
            record = await self._records.change(RESTART, known.id, wish)
            if record is not None:
                self._restarts.merge(record)

    # --- driving

    def _of(self, record: Record[Restart]) -> Claim:
        return Claim(self._records, self._restarts, record, clock=self._clock)

    def _drive(self, claim: Claim) -> asyncio.Task[None]:
        key = (claim.value.namespace, claim.value.pod)
        task = asyncio.create_task(self._steps.drive(claim))
        self._driven[key] = claim, task

        def done(ended: asyncio.Task[None]) -> None:
            if self._driven.get(key, (None, None))[1] is ended:
                del self._driven[key]
            if not ended.cancelled() and (bug := ended.exception()) is not None:
                log.error("unhandled error in a restart", exc_info=bug)

        task.add_done_callback(done)
        return task

    def _heard_of(self) -> list[Record[Restart]]:
        """All there are, and since when each has said the same."""
        records, now, known = self._restarts.all(), self._clock(), self._heard
        self._heard = {}
        for record in records:
            key, at = (record.value.namespace, record.value.pod), record.value.touched_at
            said, since = known.get(key, (at, now))
            self._heard[key] = (at, since if said == at else now)
        return records

    def _is_left(self, value: Restart) -> bool:
        # what the holder's clock says may be ahead of ours, by any amount: its silence is also measured here
        key = (value.namespace, value.pod)
        _, since = self._heard.get(key, (None, value.touched_at))
        is_silent = self._clock() - min(value.touched_at, since) > SILENT_AFTER
        return (is_silent or not value.holder) and key not in self._driven

    async def _take_over(self, record: Record[Restart]) -> None:
        try:
            claim = await self._claim(record)
        except GenetError as error:
            log.warning("a restart cannot be taken over: %s", error.detail)
            return
        if claim is not None:
            log.info("took over a restart", extra={"pod": record.value.pod, "step": record.value.step})
            self._drive(claim)

    async def _claim(self, record: Record[Restart], **changes: Any) -> Claim | None:
        """Compare-and-set: of all who try, one gets it. None: it was somebody else."""
        value = msgspec.structs.replace(record.value, holder=secrets.token_hex(8), touched_at=self._clock(), **changes)
        try:
            return self._of(await self._records.replace(record, value))
        except (Conflict, NotFound):
            return None

    async def _leave(self) -> None:
        """Nobody has to wait half a minute for a replica that says good-bye."""
        claims = []
        for claim, task in list(self._driven.values()):
            task.cancel()
            claims.append(claim)
        with suppress(TimeoutError, GenetError, Overtaken):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                for claim in claims:
                    with suppress(GenetError, Overtaken):
                        await claim.hand_over()

    # --- strays

    async def _sweep(self) -> None:
        """Pods made too late by a replica that was held up: their restart was finished or cancelled before."""
        for pod in self._pods.all():
            meta = pod.metadata
            mark = meta.annotations.get(naming.RESTART)
            if mark is None or not self._looks_after(meta.namespace):
                continue
            if self._clock() - (meta.creation_timestamp or self._clock()) < _STRAY_AFTER:
                continue
            try:
                record = await self._restarts.find(meta.namespace, meta.name)
                if record is None or record.value.mark != mark:
                    await self._kube.delete(PODS, meta.name, meta.namespace, uid=meta.uid)
            except GenetError as error:
                log.warning("a stray pod stays for now", extra={"pod": meta.name, "error": error.detail})
