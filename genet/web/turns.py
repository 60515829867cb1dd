"""Requests begin a few at a time, however many arrive at one instant. Plain ASGI.

Trap: whatever has arrived while the loop was busy runs in one turn of it, and until that is over nothing else does. To
begin a request costs little, but two hundred pages that come back together, as they do after a replica has ended, held
up everybody else for longer than anybody should wait.

Probes take no turn: a kubelet that waits behind everybody ends a replica that only has much to do.
"""

import asyncio
from collections import deque
from typing import Final

from genet.web.boundary import PROBES, ASGIApp, Receive, Scope, Send

_AT_ONCE: Final = 8
"""How many begin in the same turn of the loop; where they trickle in, up to twice as many may meet in one."""


class Turns:
    """Wraps the application; whoever came first begins first."""

    def __init__(self, app: ASGIApp, *, at_once: int = _AT_ONCE) -> None:
        self._app = app
        self._at_once = at_once
        self._begun = 0
        """In this turn."""
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("path") in PROBES:
            pass
        elif self._begun < self._at_once:
            self._begin()
        else:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        await self._app(scope, receive, send)

    def _begin(self) -> None:
        if not self._begun:
            asyncio.get_running_loop().call_soon(self._next_turn)
        self._begun += 1

    def _next_turn(self) -> None:
        self._begun = 0
        while self._waiting and self._begun < self._at_once:
            turn = self._waiting.popleft()
            if not turn.cancelled():
                self._begin()
                turn.set_result(None)
