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
from genet.pods.diagnosis.wording import Language

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
    """The cluster's words about the trouble, or the name of the node."""


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


def is_stand_in(pod: Pod) -> bool:
    """Whether there is no object of the pod: the cluster gives a phase to each."""
    return not pod.status.phase


def status_of(restart: Restart) -> str:
    return TERMINATING if restart.is_cancelled else RESTARTING


def message_of(restart: Restart, language: Language = "en") -> str:
    """What it is doing, and what may become of it, for people."""
    english, chinese = _MESSAGES[_doing(restart)]
    gpus_go = _GPUS_GO[language] if restart.gpus else ""
    return (chinese if language == "zh" else english).format(detail=restart.detail.rstrip(".。"), gpus_go=gpus_go)


def _doing(restart: Restart) -> str:
    if restart.is_cancelled:
        return "cancelled"
    if restart.trouble is not None:
        return restart.trouble
    return "ending" if restart.step in ("asked", "released", "deleting") else "beginning"


_GPUS_GO: Final[Mapping[Language, str]] = {
    "en": "; its GPUs may go to somebody else before it has them again",
    "zh": "；在此期间它的 GPU 可能被他人占用",
}
_MESSAGES: Final[Mapping[str, tuple[str, str]]] = {
    "cancelled": (
        "It was deleted while it was being restarted, and does not come back.",
        "重启期间已被删除，不会再恢复。",
    ),
    "quota": (
        "It waits to be made again until the cluster counts its room as free: {detail}.",
        "等待集群配额释放后重新创建：{detail}。",
    ),
    "refused": (
        "The cluster does not take it again, and it is tried on and on: {detail}.",
        "集群拒绝重新创建它，系统会不断重试：{detail}。",
    ),
    "node": (
        "Its node {detail} does not answer, so nobody can tell whether it has ended; restart it elsewhere.",
        "所在节点 {detail} 没有响应，无法确认它是否已结束；请在其他节点上重启。",
    ),
    "ending": (
        "Its processes are being ended, then it is made again{gpus_go}.",
        "正在结束其中的程序，随后重新创建{gpus_go}。",
    ),
    "beginning": ("It has ended and is made again{gpus_go}.", "已结束，正在重新创建{gpus_go}。"),
}


def _readable(secret: Secret) -> Record[Restart] | None:
    """None: somebody else wrote it, or a newer Genet."""
    try:
        return RESTART.read(secret)
    except Unavailable:
        return None


def _by_user(secret: Secret) -> tuple[str, ...]:
    return (secret.metadata.labels.get(naming.USER, ""),)
