"""Notes on the user's namespace which pods were deleted and why, so that nobody wonders in the morning."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from genet import naming
from genet.errors import GenetError
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import NAMESPACES, Namespace, Pod
from genet.kube.requests import devices
from genet.kube.state import compare_and_set
from genet.pods.deletions import Code, Deletion, read, written

log = logging.getLogger(__name__)


class Deletions:
    def __init__(
        self,
        kube: KubeClient,
        is_device: Callable[[str], bool],
        clock: Callable[[], datetime],
        *,
        namespaces: Cache[Namespace] | None = None,
    ) -> None:
        """`namespaces`, where there is a cache, hears of what is written at once."""
        self._kube = kube
        self._is_device = is_device
        self._clock = clock
        self._namespaces = namespaces

    async def note(self, pod: Pod, code: Code, *, by: str | None = None, until: datetime | None = None) -> None:
        """Write down that a pod has been deleted. What fails is logged: the deletion has been done all the same."""
        now = self._clock().replace(microsecond=0)
        meta = pod.metadata
        deletion = Deletion(
            pod=meta.name,
            uid=meta.uid,
            image=pod.spec.containers[0].image if pod.spec.containers else "",
            gpu_type=meta.labels.get(naming.GPU_TYPE),
            gpu_count=sum(devices(pod, self._is_device).values()),
            created_at=meta.creation_timestamp or now,
            deleted_at=now,
            code=code,
            by=by,
            until=until,
        )

        async def add(namespace: Namespace | None) -> dict[str, Any] | None:
            if namespace is None or namespace.status.phase == "Terminating":
                return None
            known = namespace.metadata.annotations.get(naming.DELETED, "[]")
            return {"metadata": {"annotations": {naming.DELETED: written(known, [deletion], now)}}}

        try:
            noted = await compare_and_set(self._kube, NAMESPACES, meta.namespace, None, add)
        except GenetError as error:
            log.warning("a deletion is not noted: %s", error.detail, extra={"pod": meta.name})
            return
        if noted is not None and self._namespaces is not None:
            self._namespaces.merge(noted)

    def of(self, namespace: Namespace | None) -> list[Deletion]:
        """What is noted on it, newest first."""
        text = namespace.metadata.annotations.get(naming.DELETED, "[]") if namespace is not None else "[]"
        return read(text, self._clock())[::-1]
