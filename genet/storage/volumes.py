"""What a person has of volumes, and makes larger. Asked seldom, so it is read from the API server and never kept.

Whether a class lets its claims grow is not read from the class (Genet may not): the API server is asked to make one
larger without doing it, and its refusal says so.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from genet import naming
from genet.auth.user import User
from genet.errors import Conflict, FieldError, Forbidden, GenetError, Invalid, NotFound, QuotaExceeded, QuotaRefused
from genet.kube.client import KubeClient
from genet.kube.objects import EVENTS, PVCS, Event, PersistentVolume, PersistentVolumeClaim, Pod
from genet.kube.quantity import parse
from genet.settings import Storage as Settings
from genet.settings import Volume
from genet.storage import growth, manifests, model
from genet.storage.binding import Why, why_unbound
from genet.storage.service import Storage
from genet.storage.view import sentence, view

_REMEMBERED: Final = timedelta(minutes=1)
_ATTEMPTS: Final = 5


class NotGrowable(Conflict):
    """It is no claim of a class, its class does not let it grow, or the configuration does not."""

    code = "not_growable"


class NotBound(Conflict):
    """It has no volume yet."""

    code = "not_bound"


class Volumes:
    """`user` is the person whose namespace is meant; that it is theirs has been decided before."""

    def __init__(self, kube: KubeClient, settings: Settings, storage: Storage, clock: Callable[[], datetime]) -> None:
        self._kube = kube
        self._settings = settings
        self._storage = storage
        self._clock = clock
        self._grows: dict[str, tuple[datetime, bool]] = {}
        """By storage class: whether it lets claims grow, and until when that is believed."""

    async def of(self, user: User, pods: Iterable[Pod]) -> model.VolumeList:
        """All that are configured, in their order; `pods` are the person's."""
        pods = list(pods)
        listing = await self._kube.list(PVCS, naming.namespace(user.identifier))
        claims = {claim.metadata.name: claim for claim in listing.items}
        shown = [self._shown(user, volume, claims, pods) for volume in self._settings.volumes]
        return model.VolumeList(tuple(await asyncio.gather(*shown)))

    async def _shown(
        self, user: User, volume: Volume, claims: dict[str, PersistentVolumeClaim], pods: list[Pod]
    ) -> model.Volume:
        claim = claims.get(manifests.claim_name(user.identifier, volume) or "")
        if claim is None:
            missing: Why | None = ("claim_missing", {}) if volume.type == "existing" else None
            return view(user.identifier, volume, None, pods, why=missing)
        own = await self._own(user, volume)
        why = await self._why(claim, own)
        growable = await self._growable(volume, claim)
        said = growth.hindrance(claim, await self._events(claim)) if growth.is_growing(claim) else None
        return view(user.identifier, volume, claim, pods, why=why, own=own, growable=growable, growth=said)

    async def _own(self, user: User, volume: Volume) -> PersistentVolume | None:
        if not volume.has_own_volume:
            return None
        return await self._storage.volume(naming.persistent_volume(user.identifier, volume.name))

    async def _why(self, claim: PersistentVolumeClaim, own: PersistentVolume | None) -> Why | None:
        why = why_unbound(claim, own, None, [])
        if why is None or why[0] not in ("binding", "no_storage_class"):
            return why
        return why_unbound(claim, own, None, await self._events(claim))

    async def _events(self, claim: PersistentVolumeClaim) -> Sequence[Event]:
        selector = f"involvedObject.uid={claim.metadata.uid}"
        return (await self._kube.list(EVENTS, claim.metadata.namespace, field_selector=selector)).items

    # --- growth

    async def resize(self, user: User, name: str, size: str) -> None:
        """Ask for more; the cluster makes it so in its own time.

        Raises:
            NotFound: no such volume, or it is not made yet.
            Invalid: smaller than it is, larger than it may be, no size at all.
            NotGrowable, NotBound, QuotaExceeded.
            Conflict: it changes all the time.
        """
        volume = next((known for known in self._settings.volumes if known.name == name), None)
        if volume is None:
            raise NotFound("no such volume")
        wanted = _bytes(size)
        if volume.type != "pvc" or volume.max_size is None:
            raise NotGrowable(f"the volume {name!r} has the size that it was configured with; ask an administrator")
        if wanted > parse(volume.max_size):
            raise _invalid(f"expected at most {volume.max_size}")
        for _ in range(_ATTEMPTS):
            claim = await self._claim(user, volume)
            has = claim.spec.resources.requests.get("storage", "0")
            if wanted < parse(has):
                raise _invalid(f"expected no less than the {has} that it has: a volume never gets smaller")
            if wanted == parse(has):
                return
            why = await self._why(claim, None)
            if why is not None:
                raise NotBound(f"the volume {name!r} cannot be made larger yet. {sentence(why)}")
            try:
                await self._grow(claim, size)
            except Conflict as error:
                if isinstance(error, NotGrowable):
                    raise
                continue
            return
        raise Conflict(f"the volume {name!r} changes too often; try again")

    async def _claim(self, user: User, volume: Volume) -> PersistentVolumeClaim:
        name = naming.pvc(user.identifier, volume.name)
        try:
            return await self._kube.get(PVCS, name, naming.namespace(user.identifier))
        except NotFound as error:
            raise NotFound(f"the volume {volume.name!r} is made with your first pod") from error

    async def _grow(self, claim: PersistentVolumeClaim, size: str, *, dry_run: bool = False) -> None:
        meta = claim.metadata
        patch: dict[str, Any] = {
            "metadata": {"uid": meta.uid, "resourceVersion": meta.resource_version},
            "spec": {"resources": {"requests": {"storage": size}}},
        }
        try:
            await self._kube.patch(PVCS, meta.name, patch, meta.namespace, dry_run=dry_run)
        except QuotaRefused as error:
            raise QuotaExceeded(error.detail, extra={"quota": None}) from error
        except Forbidden as error:
            if "support resize" not in error.detail:
                raise
            raise NotGrowable(
                f"the storage class {claim.spec.storage_class_name!r} does not let volumes grow; ask an administrator"
            ) from error

    async def _growable(self, volume: Volume, claim: PersistentVolumeClaim) -> bool:
        has = claim.spec.resources.requests.get("storage", "0")
        if volume.max_size is None or parse(has) >= parse(volume.max_size):
            return False
        if claim.status.phase != "Bound" or claim.metadata.deletion_timestamp is not None:
            return False
        known = self._grows.get(claim.spec.storage_class_name or "")
        if known is not None and known[0] > self._clock():
            return known[1]
        try:
            await self._grow(claim, volume.max_size, dry_run=True)
        except QuotaExceeded:
            grows = True  # the quota is asked last
        except NotGrowable:
            grows = False
        except GenetError:
            return False  # it just changed, or nobody can say
        else:
            grows = True
        self._grows[claim.spec.storage_class_name or ""] = (self._clock() + _REMEMBERED, grows)
        return grows


def _bytes(size: str) -> Any:
    try:
        amount = parse(size)
    except ValueError as error:
        raise _invalid("expected a quantity of bytes such as 20Gi") from error
    if amount < 1 or amount != int(amount):
        raise _invalid("expected whole bytes, more than none")
    return amount


def _invalid(why: str) -> Invalid:
    return Invalid("the volume cannot be made that size", errors=[FieldError("size", why)])
