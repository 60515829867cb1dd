"""Makes a person's claims and volumes before a pod needs them, and holds them while the pod is being made.

How a claim that goes with its last pod (`reclaimPolicy: Delete`) is never lost to a pod made at the same moment: who
makes a pod first writes a mark on the claim, and so changes its resourceVersion; who removes it (`reclaim`) reads the
claim first, then the pods, and deletes only what has not changed since. Either the mark comes before the reading, and
is seen; or after it, and the delete fails; or the delete is first, and whoever writes the mark is told that the claim
is going, waits until it is gone and makes a new one. Replicas share nothing but the claim.

Traps:
- Genet may create and patch PersistentVolumes, and not read them: an empty patch answers with what is there.
- The volume controller gives up for 15 s where a claim comes before the volume's first status: the claim waits for it.
- A mark ends by itself, for replicas die. One whose creation took longer than that makes the claim anew.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

from genet import naming
from genet.auth.user import User
from genet.errors import AlreadyExists, Conflict, Forbidden, GenetError, NotFound, QuotaRefused, Unavailable
from genet.kube.client import KubeClient
from genet.kube.objects import PERSISTENT_VOLUMES, PVCS, PersistentVolume, PersistentVolumeClaim
from genet.kube.state import ATTEMPTS, stand_back
from genet.settings import Storage as Settings
from genet.settings import Volume
from genet.storage import manifests

log = logging.getLogger(__name__)

HOLD: Final = timedelta(minutes=5)
"""How long a creation may take before its mark on a claim counts no more."""
_STATUS_TRIES: Final = 20
_STATUS_PAUSE: Final = 0.1


class VolumeTaken(Conflict):
    """The PersistentVolume of that name is not this person's."""

    code = "volume_taken"


def _nothing(_namespace: str) -> None:
    return


class Storage:
    def __init__(
        self,
        kube: KubeClient,
        settings: Settings,
        clock: Callable[[], datetime],
        *,
        unused: Callable[[str], None] = _nothing,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`unused` is told of a namespace in which a claim may have been made for nothing."""
        self._kube = kube
        self._settings = settings
        self._clock = clock
        self._unused = unused
        self._sleep = sleep

    @asynccontextmanager
    async def ready(self, user: User) -> AsyncIterator[None]:
        """All claims of the person are there, and stay while the block makes a pod that uses them.

        Raises:
            VolumeTaken: a PersistentVolume that has to be this person's is not.
            QuotaRefused: the ResourceQuota has no room for a claim.
            Conflict: a claim is being deleted and does not go.
        """
        mark = secrets.token_hex(4)
        may_be_made = False
        try:
            for volume in self._volumes():
                await self._settle(user, volume, mark)
            may_be_made = True
            yield
        except GenetError as error:
            if not (may_be_made and isinstance(error, Unavailable)):  # else the marks stay until they end by themselves
                await self._let_go(user, mark)
            self._unused(naming.namespace(user.identifier))
            raise
        await self._let_go(user, mark, made=True)

    async def hold(self, namespace: str, claims: Iterable[str], mark: str, lifetime: timedelta) -> None:
        """Keep these claims although no pod uses them for a while; a claim that is gone, or going, is passed over."""
        for name in claims:
            try:
                await self._kube.patch(PVCS, name, _annotated(self._held(mark, lifetime)), namespace)
            except NotFound:
                continue

    async def release(self, namespace: str, claims: Iterable[str], mark: str) -> None:
        """Take back a `hold`, done as well where there was none."""
        for name in claims:
            await self._unmark(namespace, name, mark)
        self._unused(namespace)

    def transient(self, namespace: str, claims: Iterable[str]) -> list[str]:
        """Those of the claims that go with their last pod, by the settings."""
        user = naming.user_of(namespace) or ""
        names = {naming.pvc(user, volume.name) for volume in self._volumes() if volume.goes_with_pods}
        return [name for name in claims if name in names]

    async def volume(self, name: str) -> PersistentVolume | None:
        """As it is; None: there is none."""
        try:
            return await self._kube.patch(PERSISTENT_VOLUMES, name, {})
        except NotFound:
            return None

    def _volumes(self) -> list[Volume]:
        return [volume for volume in self._settings.volumes if volume.has_claim]

    async def _settle(self, user: User, volume: Volume, mark: str) -> PersistentVolumeClaim:
        if not volume.has_own_volume:
            return await self._claim(user, volume, mark)
        await self._own_volume(user, volume)
        claim = await self._claim(user, volume, mark)
        await self._bind_again(user, volume, claim)
        return claim

    # --- claims

    async def _claim(self, user: User, volume: Volume, mark: str) -> PersistentVolumeClaim:
        name = naming.pvc(user.identifier, volume.name)
        refusal: GenetError | None = None
        for attempt in range(ATTEMPTS):
            await stand_back(attempt, self._sleep)
            try:
                claim = await self._touch(user, volume, mark)
            except AlreadyExists:
                continue  # another replica was faster, or what is there is going
            except QuotaRefused as error:
                # the quota is asked before the name is looked at, so it may count what another replica just made twice
                if refusal is not None:
                    raise
                refusal = error
                continue
            except Forbidden as error:
                if not _passes(error):
                    raise
                refusal = error
                continue
            if claim.metadata.deletion_timestamp is None:
                return claim
        if isinstance(refusal, Forbidden):
            raise refusal
        raise Conflict(f"the volume {volume.name!r} ({name}) is being removed; try again in a moment")

    async def _touch(self, user: User, volume: Volume, mark: str) -> PersistentVolumeClaim:
        """The claim as it is, marked where it could go; made where there is none."""
        name, namespace = naming.pvc(user.identifier, volume.name), naming.namespace(user.identifier)
        held = self._held(mark, HOLD) if volume.goes_with_pods else {}
        try:
            if held:
                return await self._kube.patch(PVCS, name, _annotated(held), namespace)
            return await self._kube.get(PVCS, name, namespace)
        except NotFound:
            return await self._kube.create(PVCS, manifests.claim(user.identifier, volume, held), namespace)

    async def _let_go(self, user: User, mark: str, *, made: bool = False) -> None:
        """Take the marks back. After a pod was `made` its claims must be there: else they were removed meanwhile."""
        namespace = naming.namespace(user.identifier)
        for volume in self._volumes():
            if not volume.goes_with_pods:
                continue
            name = naming.pvc(user.identifier, volume.name)
            try:
                is_there = await self._unmark(namespace, name, mark)
                if made and not is_there:
                    await self._claim(user, volume, mark)
                    await self._unmark(namespace, name, mark)
            except GenetError as error:
                extra = {"namespace": namespace, "claim": name, "error": error.detail}
                log.warning("a mark on a claim stays until it ends by itself", extra=extra)

    async def _unmark(self, namespace: str, name: str, mark: str) -> bool:
        """Whether there is a claim of that name, and will be."""
        try:
            claim = await self._kube.patch(PVCS, name, _annotated({naming.HELD + mark: None}), namespace)
        except NotFound:
            return False
        return claim.metadata.deletion_timestamp is None

    def _held(self, mark: str, lifetime: timedelta) -> dict[str, str]:
        return {naming.HELD + mark: (self._clock() + lifetime).isoformat()}

    # --- volumes of Genet's own

    async def _own_volume(self, user: User, volume: Volume) -> None:
        manifest = manifests.persistent_volume(user, volume)
        name = manifest["metadata"]["name"]
        found = await self.volume(name)
        if found is None:
            try:
                found = await self._kube.create(PERSISTENT_VOLUMES, manifest)
            except AlreadyExists:
                found = await self.volume(name)
            found = await self._noticed(name, found)
        _check(found, user, volume)

    async def _noticed(self, name: str, found: PersistentVolume | None) -> PersistentVolume | None:
        """Wait a moment, no longer than 2 s, until the volume controller has seen a new volume."""
        for _ in range(_STATUS_TRIES):
            if found is None or found.status.phase not in ("", "Pending"):
                break
            await self._sleep(_STATUS_PAUSE)
            found = await self.volume(name)
        return found

    async def _bind_again(self, user: User, volume: Volume, claim: PersistentVolumeClaim) -> None:
        """Let a volume whose claim was deleted and made anew be bound again; only ever to the same person's claim."""
        name = naming.persistent_volume(user.identifier, volume.name)
        for attempt in range(ATTEMPTS):
            await stand_back(attempt, self._sleep)
            found = await self.volume(name)
            reference = _check(found, user, volume).spec.claim_ref
            if found is None or reference is None or reference.uid in ("", claim.metadata.uid):
                return
            patch = {
                "metadata": {"uid": found.metadata.uid, "resourceVersion": found.metadata.resource_version},
                "spec": {"claimRef": {"uid": None, "resourceVersion": None}},
            }
            try:
                await self._kube.patch(PERSISTENT_VOLUMES, name, patch)
            except Conflict:
                continue  # the controller, or another replica
            return
        raise Conflict(f"the PersistentVolume {name} changes too often")


def _check(found: PersistentVolume | None, user: User, volume: Volume) -> PersistentVolume:
    """Raises VolumeTaken unless Genet made it, for this person's claim, as the same account; Conflict while it goes."""
    name = naming.persistent_volume(user.identifier, volume.name)
    if found is None:
        raise Conflict(f"the PersistentVolume {name} was just deleted; try again")
    if found.metadata.labels.get(naming.MANAGED) != "true":
        raise VolumeTaken(
            f"the volume {volume.name!r} cannot be used: the PersistentVolume {name} was not made by Genet; "
            "an administrator has to look at it"
        )
    reference = found.spec.claim_ref
    wanted = (naming.namespace(user.identifier), naming.pvc(user.identifier, volume.name))
    is_owners = found.metadata.annotations.get(naming.OWNER) == user.owner
    if reference is None or (reference.namespace, reference.name) != wanted or not is_owners:
        raise VolumeTaken(
            f"the volume {volume.name!r} cannot be used: the PersistentVolume {name} belongs to somebody else's claim, "
            "or to another account that had your name; an administrator has to look at it"
        )
    if found.metadata.deletion_timestamp is not None:
        raise Conflict(f"the PersistentVolume {name} is being deleted; try again when it is gone")
    return found


def _annotated(annotations: dict[str, str] | dict[str, None]) -> dict[str, object]:
    return {"metadata": {"annotations": annotations}}


def _passes(error: Forbidden) -> bool:
    """Refusals in a namespace that was made a moment ago: rights that do not hold yet, a quota without status."""
    return " cannot " in error.detail or "status unknown for quota" in error.detail
