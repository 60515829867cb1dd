"""Ends processes in containers: closing an exec's streams does not.

It takes a process of its own to look, and one to kill. What is being killed may be starting others, so it is looked
again until nothing is left.

Trap: who made the image made its `sh`, and so what it says of its processes. Nothing of that reaches further than the
container, and none of it may keep this server busy: not with long lists, not with many, not for long.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Final

from genet.errors import Conflict, NotFound, Unavailable
from genet.kube.client import KubeClient
from genet.kube.exec import Channel
from genet.pods import processes
from genet.pods.place import Place, started
from genet.pods.processes import Started, Table

Choose = Callable[[Table], Collection[int]]
Signal = Callable[[Collection[int]], list[str]]

_PASSES: Final = 8
_MOST_BYTES: Final = 4 * 1024 * 1024
"""Of a list of processes, about ten thousand."""
_MOST_PIDS: Final = 1000
"""That one process is told to end."""
_MOST_ENDED: Final = 10_000
"""In one pass."""
_LOOK_SECONDS: Final = 15.0
_MOST_SECONDS: Final = 120.0
_PAUSE_SECONDS: Final = 0.1
"""How long processes have to go before it is looked again; grows with each time."""


class Killing:
    """Finds and ends what Genet has started.

    Args:
        kube: the gateway.
        most_seconds: how long it is tried.
    """

    def __init__(self, kube: KubeClient, *, most_seconds: float = _MOST_SECONDS) -> None:
        self._kube = kube
        self._most_seconds = most_seconds

    async def family(self, where: Place, cookie: str, began: Started | None) -> bool:
        """End a command and all that came of it; whether anything may be left."""
        return await self._until_none(where, cookie, partial(processes.family, started=began))

    async def terminal(self, where: Place, cookie: str, began: Started) -> bool:
        """Hang up on a terminal as a closed window does, then end what does not hear; whether anything may be left."""
        chosen = partial(processes.terminals, started=began)
        try:
            left = chosen(await self._look(where, cookie))
            if not left:
                return False
            await self._send(where, processes.hang_up, left)
            await asyncio.sleep(_PAUSE_SECONDS)
        except (NotFound, Conflict):
            return False
        except Unavailable:
            pass
        return await self._until_none(where, cookie, partial(processes.remaining, started=began))

    async def _until_none(self, where: Place, cookie: str, choose: Choose) -> bool:
        try:
            async with asyncio.timeout(self._most_seconds):
                return await self._passes(where, cookie, choose)
        except TimeoutError:
            return True

    async def _passes(self, where: Place, cookie: str, choose: Choose) -> bool:
        for attempt in range(_PASSES):
            try:
                left = choose(await self._look(where, cookie))
                if not left:
                    return False
                await self._send(where, processes.kill, left)
            except (NotFound, Conflict):  # the container has ended, and they with it
                return False
            except Unavailable:
                pass
            await asyncio.sleep(_PAUSE_SECONDS * (attempt + 1))
        return True

    async def _look(self, where: Place, cookie: str) -> Table:
        said = await self._run(where, processes.listing(cookie))
        table = await asyncio.to_thread(processes.read_table, said)  # a long list takes a while
        if not table.processes:
            raise Unavailable("the container does not say what runs in it")
        return table

    async def _send(self, where: Place, signal: Signal, pids: Collection[int]) -> None:
        several = sorted(pids)[:_MOST_ENDED]
        for first in range(0, len(several), _MOST_PIDS):
            await self._run(where, signal(several[first : first + _MOST_PIDS]))

    async def _run(self, where: Place, command: Sequence[str]) -> bytes:
        output = bytearray()
        try:
            async with asyncio.timeout(_LOOK_SECONDS), started(self._kube, where, command) as execution:
                async for channel, data in execution.outputs():
                    if channel is Channel.STDOUT and len(output) < _MOST_BYTES:
                        output += data
        except TimeoutError as error:
            raise Unavailable("the container takes too long") from error
        return bytes(output)
