"""What goes on in the background for as long as the server does, whatever is said of the cluster.

Trap: a task that fails ends all others of its group, and with them the server.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

_LOG = logging.getLogger(__name__)


async def again_and_again(run: Callable[[], Awaitable[None]], pause_seconds: float) -> None:
    """`run`, a pause, and once more, also after a failure, until cancelled."""
    while True:
        try:
            await run()
        except Exception:  # noqa: BLE001  # whatever it is, it concerns this one alone
            _LOG.exception("a part of the overview has failed and is begun again")
        await asyncio.sleep(pause_seconds)
