"""An API group that a cluster may not serve: found out, then followed in the version that it does serve.

Not being served is no trouble, and may change while Genet runs: an upgraded API server serves more. So it is asked
again, rarely. No answer changes nothing: what is followed goes on being followed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from genet.errors import GenetError
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.projection import Resource

ASK_SECONDS = 300.0
RETRY_SECONDS = 5.0
"""Until the first answer."""


class OptionalGroup:
    """Keeps caches running while their group is served."""

    def __init__(
        self,
        kube: KubeClient,
        name: str,
        versions: Sequence[str],
        caches: Sequence[tuple[Cache[Any], Callable[[str], Resource[Any]]]],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Collaborators.

        Args:
            kube: the API server.
            name: of the group.
            versions: those that can be read, the best first.
            caches: each with where a version serves its resource.
            sleep: takes seconds.
        """
        self.is_served: bool | None = None
        """None: the API server has not said yet."""
        self.version: str | None = None
        """The best of those that can be read; None: none is served, as far as is known."""
        self._kube = kube
        self._name = name
        self._versions = versions
        self._caches = caches
        self._sleep = sleep

    async def run(self) -> None:
        """Ask and follow until cancelled."""
        known: str | None = None
        following: list[asyncio.Task[None]] = []
        async with asyncio.TaskGroup() as group:
            while True:
                version = await self._find(known)
                if version != known:
                    await _end(following)
                    following = [group.create_task(cache.run()) for cache in self._caches_of(version)]
                    known = version
                await self._sleep(RETRY_SECONDS if self.is_served is None else ASK_SECONDS)

    async def _find(self, known: str | None) -> str | None:
        try:
            served = await self._kube.versions(self._name)
        except GenetError:
            return known
        found = next((version for version in self._versions if version in served), None)
        self.is_served, self.version = found is not None, found
        return found

    def _caches_of(self, version: str | None) -> Iterable[Cache[Any]]:
        """The caches to run; none of an unserved group, of which nothing is known any more."""
        for cache, served_as in self._caches:
            if version is None:
                cache.clear()
            else:
                cache.resource = served_as(version)
                yield cache


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
