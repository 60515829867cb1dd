"""Which of the replicas does what one of them should do: whoever holds a Lease and has renewed it lately.

It saves work, and is no lock: a replica that is held up for a minute may go on beside its successor. What is done under
it has to be right when two do it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from genet.errors import AlreadyExists, Conflict, NotFound
from genet.kube.client import KubeClient
from genet.kube.objects import LEASES, Lease

DURATION: Final = timedelta(seconds=60)
"""How long a holder may be silent before another takes over."""


class Leadership:
    """Of one replica, which calls itself `identity`."""

    def __init__(
        self, kube: KubeClient, name: str, namespace: str, *, identity: str, clock: Callable[[], datetime]
    ) -> None:
        self._kube = kube
        self._name = name
        self._namespace = namespace
        self._identity = identity
        self._clock = clock

    async def hold(self) -> bool:
        """Take the Lease or renew it: whether it is this replica's for the next minute.

        Raises:
            Unavailable: nobody can tell.
        """
        try:
            known = await self._kube.get(LEASES, self._name, self._namespace)
        except NotFound:
            return await self._take(None)
        return await self._take(known) if self._may_take(known) else False

    def _may_take(self, known: Lease) -> bool:
        spec = known.spec
        if spec.holder_identity in {self._identity, None, ""} or spec.renew_time is None:
            return True
        seconds = spec.lease_duration_seconds or int(DURATION.total_seconds())
        return self._clock() >= spec.renew_time + timedelta(seconds=seconds)

    async def _take(self, known: Lease | None) -> bool:
        """Of any number that try, one does."""
        metadata: dict[str, Any] = {"name": self._name}
        manifest = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata}
        manifest["spec"] = self._spec(known)
        try:
            if known is None:
                await self._kube.create(LEASES, manifest, self._namespace)
            else:
                metadata |= {"uid": known.metadata.uid, "resourceVersion": known.metadata.resource_version}
                await self._kube.replace(LEASES, manifest, self._namespace)
        except (AlreadyExists, Conflict, NotFound):
            return False
        return True

    def _spec(self, known: Lease | None) -> dict[str, Any]:
        now = self._clock()
        is_new = known is None or known.spec.holder_identity != self._identity
        acquired = now if known is None or is_new else known.spec.acquire_time or now
        before = (known.spec.lease_transitions or 0) if known else -1
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": int(DURATION.total_seconds()),
            "acquireTime": _micro_time(acquired),
            "renewTime": _micro_time(now),
            "leaseTransitions": before + 1 if is_new else before,
        }


def _micro_time(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
