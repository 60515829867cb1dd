"""Waits for what a new namespace needs from others: rights, quota status, a default service account.

Each of these is written by a controller of its own a moment after the namespace, and until then the API server answers
403. Only refusals that are known to pass are waited for.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from genet.errors import Forbidden

Answer = TypeVar("Answer")

_PATIENCE_SECONDS = 10.0
_PAUSE_SECONDS = 0.1


async def settled(call: Callable[[], Awaitable[Answer]], passing: Callable[[Forbidden], bool]) -> Answer:
    """The call's answer; while it is refused for a reason that passes, it is made again, for at most 10 s."""
    deadline = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
    while True:
        try:
            return await call()
        except Forbidden as error:
            if not passing(error) or asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(_PAUSE_SECONDS)


def new_namespace(error: Forbidden) -> bool:
    """Refusals of a pod in a namespace whose quota has no status, or which has no service account, yet."""
    return "status unknown for quota" in error.detail or 'serviceaccount "default" not found' in error.detail
