"""What streams of server-sent events have in common, whatever they tell: their bytes, and how one client's ends.

A stream that ends where it is, without a word, makes the client come again, to another replica perhaps; one whose
session has ended says so by `auth`, as coming again would be of no use.
"""

import asyncio
from typing import Any, Final

import msgspec

HEARTBEAT_SECONDS: Final = 15.0
"""Silence after which something is sent, so that a dead connection shows."""
RETRY: Final = b"retry: 2000\n\n"
"""Comes first: after how many milliseconds a client whose stream has ended comes again."""
HEARTBEAT: Final = b":\n\n"

_ENCODER: Final = msgspec.json.Encoder()


def event(name: str, data: Any, place: object = None) -> bytes:
    """One event; `place` is what the client says when it comes again (`Last-Event-ID`)."""
    line = f"\nid: {place}" if place else ""
    return f"event: {name}{line}\ndata: ".encode() + _ENCODER.encode(data) + b"\n\n"


AUTH: Final = event("auth", {})
"""The session has ended."""


class Client:
    """One who listens."""

    def __init__(self, user: str | None) -> None:
        """`user` is their userIdentifier; None: not logged in."""
        self.user = user
        self._wake = asyncio.Event()
        self._is_over = False
        self._has_expired = False

    def wake(self) -> None:
        """There may be something for them."""
        self._wake.set()

    def end(self) -> None:
        """End the stream where it is: the client comes again, perhaps to another replica."""
        self._is_over = True
        self._wake.set()

    def expire(self) -> None:
        """End the stream because the session has: an event `auth` says so."""
        self._has_expired = True
        self.end()

    async def _wait_until(self, at: float) -> None:
        """Until they are woken, or the loop's clock says `at`; whoever waits has just seen that there is nothing."""
        self._wake.clear()
        try:
            async with asyncio.timeout_at(at):
                await self._wake.wait()
        except TimeoutError:
            return
