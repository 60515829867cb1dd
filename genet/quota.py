"""Holds the sums of one user, on every replica and over all GPU types, without a database.

The user's namespace object is the one thing all replicas compare-and-set. A create reserves there first, with the
resourceVersion it read, then makes the pod, then drops the reservation. The order of reads is the proof: reservations
first, pods second. A reservation seen is counted by name together with its pod, so once; a reservation gone before it
was read has left its pod for the list that follows; one made after the read moves the resourceVersion and the write
fails. A replica that dies in between leaves a reservation that ends by itself.

Trap: two creates of one name may be on their way, of which one will win. Each is judged without the other, because
never both count; each drops its own reservation, and what others see of the two is the larger.

A restart holds its room and its name the same way, from before the old pod is deleted until after the new one is made,
so a pod that is not there for a moment is counted by the same proof.

ResourceQuota is the second wall: it cannot sum over types, but it meets kubectl too.
"""

import asyncio
import logging
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from operator import is_
from typing import Any, Final
from weakref import WeakValueDictionary

import msgspec

from genet import naming
from genet.errors import AlreadyExists, GenetError, NotFound, QuotaExceeded, QuotaRefused, Unavailable
from genet.kube.client import KubeClient
from genet.kube.objects import NAMESPACES, PODS, Namespace, Pod
from genet.kube.requests import devices, is_finished
from genet.kube.state import compare_and_set
from genet.limits import Limits

log = logging.getLogger(__name__)

_REFUSAL = re.compile(r"(requested|used|limited): (\S+?)(?:, |$)")
_AMOUNT = re.compile(r"([^=,]+)=([0-9]+)")

HELD = timedelta(days=1)
"""How long a restart holds its room unless it asks again."""

_MOST_KEPT: Final = 5_000
"""Of people's sums; then all are forgotten."""

_Change = Callable[[Namespace], Awaitable[Sequence["Reservation"] | None]]


class Reservation(msgspec.Struct, frozen=True):
    pod: str
    gpus: int
    until: datetime
    mark: str
    """Tells it from others for a pod of the same name."""
    keeps_name: bool = False
    """Whether nobody else may make a pod of that name: it is being restarted, and comes back."""


class Use(msgspec.Struct, frozen=True):
    """Pods neither Succeeded nor Failed, and the devices they ask for over all types."""

    pods: int
    gpus: int


def use(pods: Iterable[Pod], is_device: Callable[[str], bool], reserved: Iterable[Reservation] = ()) -> Use:
    """The sums; a reservation counts only while its pod is not among the pods. Pure."""
    asked: dict[str, int] = {}
    for reservation in reserved:
        asked[reservation.pod] = max(reservation.gpus, asked.get(reservation.pod, 0))
    asked |= {pod.metadata.name: sum(devices(pod, is_device).values()) for pod in pods if not is_finished(pod)}
    return Use(pods=len(asked), gpus=sum(asked.values()))


class Uses:
    """What people's pods use, worked out once for the very objects it is about: pages ask every two seconds."""

    def __init__(self, is_device: Callable[[str], bool], *, most: int = _MOST_KEPT) -> None:
        self._is_device = is_device
        self._most = most
        self._kept: dict[str, tuple[tuple[Pod, ...], Use]] = {}

    def of(self, user: str, pods: Iterable[Pod]) -> Use:
        """As `use`, of all pods of this user."""
        pods = tuple(pods)
        known, found = self._kept.get(user, ((), Use(0, 0)))
        if len(known) != len(pods) or not all(map(is_, known, pods)):
            if len(self._kept) >= self._most:
                self._kept.clear()
            found = use(pods, self._is_device)
            self._kept[user] = pods, found
        return found


class Quota:
    """Reserves room for a pod before it is made."""

    def __init__(
        self,
        kube: KubeClient,
        is_device: Callable[[str], bool],
        clock: Callable[[], datetime],
        lifetime: timedelta,
    ) -> None:
        """`lifetime` of a reservation must be longer than the creation of a pod can take."""
        self._kube = kube
        self._is_device = is_device
        self._clock = clock
        self._lifetime = lifetime
        # one replica's own creates queue up instead of making each other's writes fail
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def room(self, namespace: str, pod: str, gpus: int, limits: Limits) -> AsyncIterator[None]:
        """Holds room for a pod while the block makes it.

        Raises:
            AlreadyExists: a pod of that name is there.
            QuotaExceeded: with the sums it was judged by, by Genet or (raised in the block) by the ResourceQuota.
            Conflict: other replicas write all the time.
        """
        mark = secrets.token_hex(4)
        await self._reserve(namespace, pod, gpus, limits, mark)
        try:
            yield
        except Unavailable:
            raise  # it may be made yet: its room is kept until the reservation ends by itself
        except GenetError as error:
            await self._release(namespace, mark)
            if isinstance(error, QuotaRefused):
                raise QuotaExceeded(error.detail, extra={"quota": _sums(error.detail, self._is_device)}) from error
            raise
        await self._release(namespace, mark)

    async def hold(self, namespace: str, pod: str, gpus: int, mark: str, limits: Limits | None) -> None:
        """Keep the name and the room of a pod that ends and is made again, until `release` or for a day.

        Args:
            namespace: the user's.
            pod: its name.
            gpus: devices it asks for.
            mark: of this restart; holding again under the same mark only makes it last.
            limits: what to judge it by where it has no room yet (it had finished); None: it has.

        Raises:
            QuotaExceeded, Conflict, NotFound.
        """

        async def add(current: Namespace) -> Sequence[Reservation] | None:
            reserved = self._live(current)
            now = self._clock()
            if any(known.mark == mark and known.until > now + HELD / 2 for known in reserved):
                return None
            others = [other for other in reserved if other.mark != mark]
            if limits is not None:
                pods = (await self._kube.list(PODS, namespace)).items
                beside = (known for known in pods if known.metadata.name != pod)
                _judge(use(beside, self._is_device, (other for other in others if other.pod != pod)), gpus, limits)
            return [*others, Reservation(pod, gpus, now + HELD, mark, keeps_name=True)]

        await self._write(namespace, add)

    async def release(self, namespace: str, mark: str) -> None:
        """Drop what is held under this mark. Raises NotFound where the namespace is gone, Unavailable, Conflict."""

        async def drop(current: Namespace) -> Sequence[Reservation] | None:
            reserved = self._live(current)
            left = [reservation for reservation in reserved if reservation.mark != mark]
            return left if len(left) < len(reserved) else None

        await self._write(namespace, drop)

    async def _reserve(self, namespace: str, pod: str, gpus: int, limits: Limits, mark: str) -> None:
        async def add(current: Namespace) -> Sequence[Reservation]:
            reserved = self._live(current)
            pods = (await self._kube.list(PODS, namespace)).items
            kept = {other.pod for other in reserved if other.keeps_name}
            if pod in kept or any(known.metadata.name == pod for known in pods):
                raise AlreadyExists(f"a pod named {pod} is there")
            others = use(pods, self._is_device, (other for other in reserved if other.pod != pod))
            _judge(others, gpus, limits)
            return [*reserved, Reservation(pod, gpus, self._clock() + self._lifetime, mark)]

        await self._write(namespace, add)

    async def _release(self, namespace: str, mark: str) -> None:
        try:
            await self.release(namespace, mark)
        except GenetError as error:
            extra = {"namespace": namespace, "error": error.detail}
            log.warning("a reservation stays until it ends by itself", extra=extra)

    async def _write(self, namespace: str, change: _Change) -> None:
        async def mutate(current: Namespace | None) -> dict[str, Any] | None:
            if current is None:
                raise NotFound(f"the namespace {namespace} is gone")
            reserved = await change(current)
            if reserved is None:
                return None
            return {"metadata": {"annotations": {naming.RESERVATIONS: msgspec.json.encode(reserved).decode()}}}

        turn = self._turns.setdefault(namespace, asyncio.Lock())
        async with turn:
            await compare_and_set(self._kube, NAMESPACES, namespace, None, mutate)

    def _live(self, namespace: Namespace) -> list[Reservation]:
        text = namespace.metadata.annotations.get(naming.RESERVATIONS, "[]")
        try:
            reservations = msgspec.json.decode(text, type=list[Reservation])
        except msgspec.MsgspecError:
            return []  # written by hand; ResourceQuota still stands behind
        return [reservation for reservation in reservations if reservation.until > self._clock()]


def _judge(used: Use, gpus: int, limits: Limits) -> None:
    for resource, have, asked, limit in (
        ("pods", used.pods, 1, limits.pods),
        ("gpus", used.gpus, gpus, limits.gpus),
    ):
        if asked and have + asked > limit:
            raise QuotaExceeded(
                f"your quota of {resource} does not allow it: {have} of {limit} in use, {asked} more asked",
                extra={"quota": {"resource": resource, "used": have, "asked": asked, "limit": limit}},
            )


def _sums(refusal: str, is_device: Callable[[str], bool]) -> dict[str, Any] | None:
    """`requested: pods=1, used: pods=5, limited: pods=5` of the API server; None where it is about something else."""
    parts = {word: dict(_AMOUNT.findall(amounts)) for word, amounts in _REFUSAL.findall(refusal)}
    for name, asked in parts.get("requested", {}).items():
        if name == "pods" or is_device(name.removeprefix("requests.")):
            used, limit = (parts.get(word, {}).get(name, "0") for word in ("used", "limited"))
            amounts = {"used": int(used), "asked": int(asked), "limit": int(limit)}
            return {"resource": "pods" if name == "pods" else "gpus", **amounts}
    return None
