"""Work that goes on when whoever began it has gone, such as ending what they left behind."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from genet.errors import GenetError

T = TypeVar("T")
log = logging.getLogger(__name__)

_SETTLE_SECONDS: Final = 10.0


class Tasks:
    """Holds on to tasks until they are done; the event loop alone would not."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def settle(self, *, seconds: float = _SETTLE_SECONDS) -> None:
        """Wait for all of them, then cancel those that take longer."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, GenetError):
            log.error("unhandled error", exc_info=error)
