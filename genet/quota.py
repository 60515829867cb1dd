"""Holds the sums of one user, on every replica and over all GPU types, without a database.

The user's namespace object is the one thing all replicas compare-and-set. A create reserves there first, with the
resourceVersion it read, then makes the pod, then drops the reservation. The order of reads is the proof: reservations
first, pods second. A reservation seen is counted by name together with its pod, so once; a reservation gone before it
was read has left its pod for the list that follows; one made after the read moves the resourceVersion and the write
fails. A replica that dies in between leaves a reservation that ends by itself.

ResourceQuota is the second wall: it cannot sum over types, but it meets kubectl too.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta

import msgspec

from genet import naming
from genet.errors import Conflict, QuotaExceeded, Unavailable
from genet.kube.client import KubeClient
from genet.kube.objects import NAMESPACES, PODS, Namespace, Pod
from genet.kube.requests import devices, is_finished
from genet.limits import Limits

_ATTEMPTS = 40
_LIFETIME = timedelta(seconds=90)
"""More than a create can take: every call to the API server is bounded well below."""


class Reservation(msgspec.Struct, frozen=True):
    pod: str
    gpus: int
    until: datetime


class Use(msgspec.Struct, frozen=True):
    """Pods neither Succeeded nor Failed, and the devices they ask for over all types."""

    pods: int
    gpus: int


def use(pods: Iterable[Pod], is_device: Callable[[str], bool], reserved: Iterable[Reservation] = ()) -> Use:
    """The sums; a reservation counts only while its pod is not among the pods. Pure."""
    asked = {pod.metadata.name: sum(devices(pod, is_device).values()) for pod in pods if not is_finished(pod)}
    for reservation in reserved:
        asked.setdefault(reservation.pod, reservation.gpus)
    return Use(pods=len(asked), gpus=sum(asked.values()))


class Quota:
    """Reserves room for a pod before it is made."""

    def __init__(self, kube: KubeClient, is_device: Callable[[str], bool], clock: Callable[[], datetime]) -> None:
        self._kube = kube
        self._is_device = is_device
        self._clock = clock
        # one replica's own creates queue up instead of making each other's writes fail
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def reserve(self, namespace: str, pod: str, gpus: int, limits: Limits) -> None:
        """Raises QuotaExceeded with the sums it was judged by, or Unavailable when too many replicas write at once."""

        async def add(current: Namespace) -> list[Reservation]:
            pods = await self._kube.list(PODS, namespace)
            live = self._live(current)
            _judge(use(pods.items, self._is_device, live), gpus, limits)
            return [*live, Reservation(pod, gpus, self._clock() + _LIFETIME)]

        await self._write(namespace, add)

    async def release(self, namespace: str, pod: str) -> None:
        """Drop the reservation: the pod is there, or will never be."""

        async def drop(current: Namespace) -> list[Reservation]:
            return [reservation for reservation in self._live(current) if reservation.pod != pod]

        await self._write(namespace, drop)

    async def _write(self, namespace: str, change: Callable[[Namespace], Awaitable[list[Reservation]]]) -> None:
        async with self._turns[namespace]:
            for attempt in range(_ATTEMPTS):
                current = await self._kube.get(NAMESPACES, namespace)
                reservations = await change(current)
                metadata = {
                    "resourceVersion": current.metadata.resource_version,
                    "annotations": {naming.RESERVATIONS: msgspec.json.encode(reservations).decode()},
                }
                try:
                    await self._kube.patch(NAMESPACES, namespace, {"metadata": metadata})
                except Conflict:
                    await asyncio.sleep(random.uniform(0, 0.01 * min(attempt + 1, 10)))  # noqa: S311 # only spreads
                    continue
                return
        raise Unavailable("too many changes at once in your namespace; try again", retry_after=1)

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
