"""Which pods are being restarted right now: one record each, in Genet's own namespace, known to every replica.

While a pod is between its end and its new beginning there is no object of it, and it is there all the same: it is
listed, found by its id and counted. Its record has all that is needed to make it again, so any replica can.

One record for a name at a time: its id is the namespace and the name, so of two who restart at once one makes the
record, and the other joins.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from genet import naming
from genet.errors import Unavailable
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import SECRETS, Pod, Secret
from genet.kube.records import RECORD, Kind, Record, Records
from genet.kube.watch import USUAL, Scope, Timing

Step = Literal["asked", "released", "deleting", "gone", "made", "owned"]
"""How far it is; each is written after it is true, but `deleting`, which is written before."""
Trouble = Literal["quota", "refused", "node"]
"""What it waits for: room in the quota, a cluster that takes the pod again, a node that does not answer."""

RESTARTING: Final = "Restarting"
TERMINATING: Final = "Terminating"
BY_USER: Final = "user"


class Restart(msgspec.Struct, frozen=True, kw_only=True):
    """One restart."""

    namespace: str
    pod: str
    uid: str
    """Of the pod that ends."""
    mark: str
    """Tells what this restart made from what anybody else did."""
    manifest: dict[str, Any]
    """By which the pod is made again."""
    gpus: int
    node: str
    """Where the pod was; empty: nowhere yet."""
    created_at: datetime
    """When the pod that ends was made."""
    asked_at: datetime
    step: Step = "asked"
    holder: str
    """Who is at it; empty: whoever comes first."""
    touched_at: datetime
    """When the holder last said so."""
    avoids_node: bool = False
    """Whether it is to come up anywhere but where it was."""
    is_cancelled: bool = False
    """Whether it was deleted meanwhile: then nothing comes back."""
    trouble: Trouble | None = None
    detail: str = ""
    """The cluster's words about the trouble."""


RESTART: Final = Kind("restart", Restart)


def record_id(namespace: str, pod: str) -> str:
    return f"{namespace}.{pod}"


class Restarts:
    """The records, as a cache knows them. `run` must be running."""

    def __init__(self, kube: KubeClient, records: Records, *, timing: Timing = USUAL) -> None:
        self._records = records
        scope = Scope(records.namespace, label_selector=f"{RECORD}={RESTART.name}")
        self.cache: Cache[Secret] = Cache(kube, SECRETS, scope=scope, indexes={BY_USER: _by_user}, timing=timing)

    def all(self) -> list[Record[Restart]]:
        return [record for secret in self.cache.all() if (record := _readable(secret)) is not None]

    def of(self, user: str) -> Mapping[str, Restart]:
        """Of one user's pods, by their names."""
        found = (_readable(secret) for secret in self.cache.by(BY_USER, user))
        return {record.value.pod: record.value for record in found if record is not None}

    def get(self, namespace: str, pod: str) -> Restart | None:
        secret = self.cache.get(RESTART.secret_name(record_id(namespace, pod)), self._records.namespace)
        record = _readable(secret) if secret is not None else None
        return record.value if record is not None else None

    def is_restarting(self, namespace: str, pod: str) -> bool:
        """Whether the pod of that name is to come back."""
        restart = self.get(namespace, pod)
        return restart is not None and not restart.is_cancelled

    async def find(self, namespace: str, pod: str) -> Record[Restart] | None:
        """As it is now, from the API server."""
        record = await self._records.find(RESTART, record_id(namespace, pod))
        if record is not None:
            self.cache.merge(record.secret)
        return record

    def merge(self, record: Record[Restart]) -> None:
        self.cache.merge(record.secret)

    def forget(self, record: Record[Restart]) -> None:
        self.cache.forget(record.secret)


def stand_in(restart: Restart) -> Pod:
    """The pod while no object of it is there: as it will be, with the identity of the one that ended."""
    manifest = restart.manifest
    metadata = {**manifest["metadata"], "uid": restart.uid, "creationTimestamp": restart.created_at}
    return msgspec.convert({**manifest, "metadata": metadata}, Pod)


def status_of(restart: Restart) -> str:
    return TERMINATING if restart.is_cancelled else RESTARTING


def message_of(restart: Restart) -> str:
    """What it is doing, and what may become of it, for people."""
    if restart.is_cancelled:
        return "it was deleted while it was being restarted, and does not come back"
    if restart.trouble == "quota":
        return f"it waits to be made again until the cluster counts its room as free: {restart.detail}"
    if restart.trouble == "refused":
        return f"the cluster does not take it again, and it is tried on and on: {restart.detail}"
    if restart.trouble == "node":
        return restart.detail
    if restart.step in ("asked", "released", "deleting"):
        loses = "; its GPUs may go to somebody else before it has them again" if restart.gpus else ""
        return f"its processes are being ended, then it is made again{loses}"
    return "it has ended and is made again" + ("; its GPUs may go to somebody else meanwhile" if restart.gpus else "")


def _readable(secret: Secret) -> Record[Restart] | None:
    """None: somebody else wrote it, or a newer Genet."""
    try:
        return RESTART.read(secret)
    except Unavailable:
        return None


def _by_user(secret: Secret) -> tuple[str, ...]:
    return (secret.metadata.labels.get(naming.USER, ""),)
