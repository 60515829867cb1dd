"""One restart, step by step, from its record; whoever drives it, from wherever it was left.

    asked      the record is there, with all that is needed; the pod is what it was when it was read
    released   room and name are held in the quota, and what belongs to the pod is not owned by it any more
    deleting   written before the pod is deleted: from here on its end is ours
    gone       no pod of that name is there
    made       the pod is there again, and says which restart made it
    owned      what belongs to it is owned again; what is left is to forget the restart

What makes it safe when a replica is killed or held up anywhere:

- Who deletes a pod looks for a record afterwards; a restart looks at the pod after its record is written. So of the two
  one sees the other, and a pod that somebody deleted does not come back.
- Deletion carries the uid and the version of what will be made again: who extended it in between is not undone.
- A pod that is made late, after the restart was finished or cancelled by others, still says which restart made it:
  the mark is taken off before the record goes. `restart_pod` takes such pods away.
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, Final, Protocol

from genet import naming
from genet.errors import AlreadyExists, Conflict, Forbidden, GenetError, Invalid, NotFound, QuotaRefused, Unavailable
from genet.flows import lost_node
from genet.flows.restart_claim import Claim, Overtaken
from genet.flows.restart_upkeep import LONGEST_PAUSE, Upkeep
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import NAMESPACES, PODS, Pod
from genet.kube.requests import is_finished
from genet.kube.state import compare_and_set
from genet.limits import limits_of
from genet.pods.again import again, elsewhere, marked
from genet.pods.restarting import Restart, Restarts, Trouble
from genet.settings import Settings

log = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 1.0
"""Between two looks whether the pod is gone, where the cache does not say so first."""
_FIRST_PAUSE: Final = 0.5
"""Before it is tried again whether the quota has room, which is late to hear of a pod's end."""
_REFUSED_PAUSE: Final = 20.0


class Companions(Protocol):
    """What belongs to a pod and outlives it in a restart."""

    async def release(self, pod: Pod) -> None: ...

    async def adopt(self, pod: Pod) -> Pod: ...

    async def remove(self, namespace: str, pod_name: str, *, of: Collection[str] = ()) -> None: ...


class Steps:
    def __init__(
        self,
        kube: KubeClient,
        settings: Settings,
        *,
        restarts: Restarts,
        upkeep: Upkeep,
        companions: Companions,
        pods: Cache[Pod],
        clock: Callable[[], datetime],
    ) -> None:
        self._kube = kube
        self._settings = settings
        self._restarts = restarts
        self._upkeep = upkeep
        self._companions = companions
        self._pods = pods
        self._clock = clock

    async def drive(self, claim: Claim) -> None:
        """To the end, however long the cluster takes; returns when it is done, or somebody else is at it."""
        failures = 0
        while not claim.is_over:
            try:
                await self._next(claim)
                failures = 0
            except Overtaken:
                return
            except GenetError as error:
                failures += 1
                extra = {"pod": claim.value.pod, "step": claim.value.step}
                log.warning("a restart is held up: %s", error.detail, extra=extra)
                await asyncio.sleep(min(LONGEST_PAUSE, 0.1 * 2**failures))

    async def begin(self, claim: Claim) -> None:
        """See that the pod is still what the record was made of, and hold its room. Without it there is no restart.

        Raises:
            NotFound, Conflict: it is gone, or being deleted.
            QuotaExceeded: it had finished, and there is no room for it any more.
        """
        try:
            pod = await self._untouched(claim.value)
            limits = None
            if is_finished(pod):
                limits = limits_of(await self._kube.get(NAMESPACES, claim.value.namespace), self._settings)
            await self._upkeep.hold(claim, limits)
        except Unavailable:
            raise
        except GenetError:
            await self._abandon(claim)
            raise

    async def _next(self, claim: Claim) -> None:
        step = claim.value.step
        if claim.value.is_cancelled:
            await self._undo(claim)
        elif step == "asked":
            await self.begin(claim)
            await self._companions.release(await self._untouched(claim.value))
            await claim.advance(step="released")
        elif step == "released":
            await self._check(claim)
            await claim.advance(step="deleting")
        elif step == "deleting":
            await self._delete(claim)
            await self._wait_until_gone(claim)
            await claim.advance(step="gone", trouble=None, detail="")
        elif step == "gone":
            await self._make(claim)
        elif step == "made":
            pod = await self._ours(claim.value)
            if pod is not None:
                self._pods.merge(await self._companions.adopt(pod))
            else:
                # somebody was fast to delete it; what the new pod owned goes with it
                await self._companions.remove(claim.value.namespace, claim.value.pod, of={claim.value.uid})
            await claim.advance(step="owned")
        else:
            await self._unmark(claim.value)
            await self._forget(claim)

    # --- before the pod ends

    async def _check(self, claim: Claim) -> None:
        try:
            await self._untouched(claim.value)
        except (NotFound, Conflict):
            await self._abandon(claim)
            raise

    async def _abandon(self, claim: Claim) -> None:
        """Somebody else has deleted the pod: what may have been taken off it already would stay behind."""
        value = claim.value
        try:
            pod = await self._kube.get(PODS, value.pod, value.namespace)
            is_over = pod.metadata.uid == value.uid and pod.metadata.deletion_timestamp is not None
        except NotFound:
            is_over = True
        if is_over:
            await self._companions.remove(value.namespace, value.pod, of={value.uid})
        await self._forget(claim)

    async def _untouched(self, value: Restart) -> Pod:
        """The pod that is to be restarted, as nobody has deleted it."""
        pod = await self._kube.get(PODS, value.pod, value.namespace)
        if pod.metadata.uid != value.uid:
            raise Conflict("another pod has this name now")
        if pod.metadata.deletion_timestamp is not None:
            raise Conflict("the pod is being deleted")
        return pod

    # --- its end

    async def _delete(self, claim: Claim) -> None:
        """Ask for the pod's end, of the very version from which it will be made again."""
        while True:
            value = claim.value
            try:
                whole = await self._kube.whole(PODS, value.pod, value.namespace)
                meta = whole["metadata"]
                if meta["uid"] != value.uid or "deletionTimestamp" in meta:
                    return
                if (manifest := again(whole)) != value.manifest:
                    await claim.advance(manifest=manifest)
                left = await self._kube.delete(
                    PODS, value.pod, value.namespace, uid=value.uid, resource_version=meta["resourceVersion"]
                )
            except NotFound:
                return
            except Conflict:
                await self._upkeep.pause(claim, 0.05)  # it has changed: what is made again has to be read again
            else:
                if left is not None:
                    self._pods.merge(left)
                return

    async def _wait_until_gone(self, claim: Claim) -> None:
        changed = asyncio.Event()
        key = (claim.value.namespace, claim.value.pod)

        def look(changes: Any) -> None:
            pods = (pod for change in changes for pod in change if pod is not None)
            if any((pod.metadata.namespace, pod.metadata.name) == key for pod in pods):
                changed.set()

        stop = self._pods.subscribe(look)
        try:
            while await self._is_there(claim):
                changed.clear()
                try:
                    async with asyncio.timeout(self._upkeep.patience(claim, _LOOK_SECONDS)):
                        await changed.wait()
                except TimeoutError:
                    await self._upkeep.pause(claim, 0)
        finally:
            stop()

    async def _is_there(self, claim: Claim) -> bool:
        await self._upkeep.notice(claim)
        value = claim.value
        try:
            pod = await self._kube.get(PODS, value.pod, value.namespace)
        except NotFound:
            return False
        if pod.metadata.uid != value.uid:
            return False
        await self._look_at_node(claim, pod)
        return True

    async def _look_at_node(self, claim: Claim, pod: Pod) -> None:
        """A kubelet that is lost never says that the pod has ended; then only force helps, where it was asked for."""
        value, name = claim.value, pod.spec.node_name
        ends_at = pod.metadata.deletion_timestamp
        if not name or (not value.avoids_node and (ends_at is None or self._clock() < ends_at)):
            return
        lost = await lost_node.look(self._kube, name, self._clock())
        if lost is None:
            return
        if value.avoids_node or lost.is_gone:
            log.warning("a pod of a lost node is given up", extra={"pod": value.pod, "node": name})
            await self._delete_exactly(value, value.uid, grace_period_seconds=0)
        elif value.trouble != "node":
            await claim.advance(trouble="node", detail=name)

    # --- its new beginning

    async def _make(self, claim: Claim) -> None:
        value = claim.value
        manifest = elsewhere(value.manifest, value.node) if value.avoids_node and value.node else value.manifest
        try:
            pod = await self._kube.create(PODS, marked(manifest, value.mark), value.namespace)
        except AlreadyExists:
            pod_there = await self._ours(value)
            if pod_there is None:
                log.warning("somebody else took the name of a pod that was being restarted", extra={"pod": value.pod})
                await self._forget(claim)
                return
            pod = pod_there
        except QuotaRefused as error:
            await self._note(claim, "quota", error.detail)
            return
        except NotFound:
            await self._forget(claim)  # the namespace is gone, and everything with it
            return
        except (Forbidden, Invalid) as error:
            await self._note(claim, "refused", error.detail)
            await self._upkeep.pause(claim, _REFUSED_PAUSE)
            return
        try:
            await claim.advance(step="made", trouble=None, detail="")
        except Overtaken:
            await self._take_back(value, pod)
            raise
        self._pods.merge(pod)

    async def _take_back(self, value: Restart, pod: Pod) -> None:
        """What was made although the restart had been cancelled or finished meanwhile."""
        found = await self._restarts.find(value.namespace, value.pod)
        if found is None or found.value.mark != value.mark or found.value.is_cancelled:
            await self._delete_exactly(value, pod.metadata.uid)

    async def _ours(self, value: Restart) -> Pod | None:
        """The pod of that name, if this restart made it."""
        try:
            pod = await self._kube.get(PODS, value.pod, value.namespace)
        except NotFound:
            return None
        return pod if pod.metadata.annotations.get(naming.RESTART) == value.mark else None

    # --- the end of the restart

    async def _undo(self, claim: Claim) -> None:
        """It was deleted meanwhile: both pods go, and what belongs to them with the one that owns it."""
        value = claim.value
        made = await self._ours(value)
        uids = {value.uid, *([made.metadata.uid] if made else [])}
        for uid in uids:
            await self._delete_exactly(value, uid)
        await self._companions.remove(value.namespace, value.pod, of=uids)
        await self._forget(claim)

    async def _unmark(self, value: Restart) -> None:
        """From here on the pod is like any other. Its mark goes before the record does."""

        async def take_off(pod: Pod | None) -> dict[str, Any] | None:
            if pod is None or pod.metadata.annotations.get(naming.RESTART) != value.mark:
                return None
            return {"metadata": {"annotations": {naming.RESTART: None}}}

        if await self._ours(value) is not None:
            pod = await compare_and_set(self._kube, PODS, value.pod, value.namespace, take_off)
            if pod is not None:
                self._pods.merge(pod)

    async def _forget(self, claim: Claim) -> None:
        """Give the room back, then drop the record: so what is held always has a record."""
        await self._upkeep.release(claim.value)
        await claim.drop()

    # --- below

    async def _delete_exactly(self, value: Restart, uid: str, *, grace_period_seconds: int | None = None) -> None:
        try:
            left = await self._kube.delete(
                PODS, value.pod, value.namespace, uid=uid, grace_period_seconds=grace_period_seconds
            )
        except (NotFound, Conflict):
            return
        known = self._pods.get(value.pod, value.namespace)
        if left is not None:
            self._pods.merge(left)
        elif known is not None and known.metadata.uid == uid:
            self._pods.forget(known)

    async def _note(self, claim: Claim, trouble: Trouble, detail: str) -> None:
        if (claim.value.trouble, claim.value.detail) != (trouble, detail):
            log.warning("a pod cannot be made again yet", extra={"pod": claim.value.pod, "why": detail})
            await claim.advance(trouble=trouble, detail=detail)
        await self._upkeep.pause(claim, self._upkeep.patience(claim, _FIRST_PAUSE))
