"""Let a container go on that a killed save has left paused: a Job on its node does it, made by whoever sees it first.

The Job's name is that of the killed one's pod, so of all replicas one makes it, and a server that starts later finds it
made. If all servers are down at that moment the next one still sees the pod, as long as that is there.

Trap: somebody who saves again at once may be let go on in the middle of it; then it is as if nothing was paused.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Final

from genet import naming
from genet.errors import AlreadyExists, GenetError, NotFound
from genet.images.job import rescue
from genet.images.rescue import left_standing
from genet.images.source import Source
from genet.kube.cache import Cache, Change
from genet.kube.client import KubeClient
from genet.kube.objects import JOBS, Job, Pod
from genet.settings import Commit

log = logging.getLogger(__name__)

_TRIES: Final = 12
_RETRY_SECONDS: Final = 10.0
"""Two minutes in all: others wait behind it, and later it might come in the middle of the next save."""


class LetGoOn:
    def __init__(
        self,
        kube: KubeClient,
        settings: Commit,
        pods: Cache[Pod],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._kube = kube
        self._settings = settings
        self._pods = pods
        self._sleep = sleep
        self._standing: dict[str, tuple[Pod, Source]] = {}
        """By uid of the killed Job's pod."""
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled; at first all that was missed while nobody watched."""
        if not (self._settings.enabled and self._settings.pause):
            return
        end = self._pods.subscribe(self._seen)
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._standing:
                    _, (pod, source) = self._standing.popitem()
                    await self._rescue(pod, source)
        finally:
            end()

    def _seen(self, changes: Collection[Change[Pod]]) -> None:
        for before, after in changes:
            pod = after or before
            if pod is None or pod.metadata.namespace != self._settings.namespace:
                continue
            source = left_standing(before, after)
            if source is not None:
                self._standing[pod.metadata.uid] = pod, source
                self._wake.set()

    async def _rescue(self, pod: Pod, source: Source) -> None:
        name = naming.rescue(pod.metadata.uid)
        for _ in range(_TRIES):
            try:
                made = rescue(name, source, self._settings, await self._owner(pod))
                await self._kube.create(JOBS, made, self._settings.namespace)
            except AlreadyExists:
                return
            except GenetError as error:
                log.warning("a container may stand still for now", extra={"job": name, "error": error.detail})
                await self._sleep(_RETRY_SECONDS)
            else:
                log.info("a save was killed, its container is let go on", extra={"job": name, "node": source.node})
                return

    async def _owner(self, pod: Pod) -> Job | None:
        """The killed Job. One that is gone or going would take what it owns along."""
        reference = next((one for one in pod.metadata.owner_references if one.kind == "Job"), None)
        if reference is None:
            return None
        try:
            job = await self._kube.get(JOBS, reference.name, self._settings.namespace)
        except NotFound:
            return None
        return job if job.metadata.uid == reference.uid and job.metadata.deletion_timestamp is None else None
