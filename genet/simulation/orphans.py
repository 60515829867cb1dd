"""The collector of pods whose node is gone: no kubelet would end them, so they go by force 40 s later.

Trap: a node of that name may have come back meanwhile; then its pods are left to it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from genet.simulation.store import Store, key_of

Obj = dict[str, Any]

_QUARANTINE_SECONDS: Final = 40


class Orphans:
    def __init__(self, store: Store, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._store = store
        self._sleep = sleep
        self._gone: asyncio.Queue[str] = asyncio.Queue()
        store.subscribe(self._changed)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(self._collect(await self._gone.get()))

    def _changed(self, plural: str, kind: str, new: Obj, _: Obj | None) -> None:
        if plural == "nodes" and kind == "DELETED":
            self._gone.put_nowait(new["metadata"]["name"])

    async def _collect(self, node: str) -> None:
        await self._sleep(_QUARANTINE_SECONDS)
        if self._store.find("nodes", "", node) is not None:
            return
        for pod in self._store.list("pods"):
            if pod["spec"].get("nodeName") == node:
                self._store.delete("pods", *key_of(pod), grace_period_seconds=0)
