"""An answer that goes on: server-sent events to one client until it goes, or until it does not read any more.

Trap: a client that stops reading stops the writer, with everything it holds; so no write waits for ever.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from typing import Any, Final

from litestar.response import Stream
from litestar.types import ASGIApp, Message, Receive, Scope, Send

WRITE_SECONDS: Final = 30.0
"""How long one write may wait for the client."""
_LOG = logging.getLogger(__name__)


class EventStream(Stream):
    """Litestar's stream, with a limit to its patience and an end that is always told.

    Args:
        chunks: what is sent, encoded.
        on_end: called once when the client has gone, for whatever reason and even if nothing was sent.
        headers: added to those of every stream.
        write_seconds: the limit.
    """

    def __init__(
        self,
        chunks: AsyncGenerator[bytes],
        *,
        on_end: Callable[[], None],
        headers: dict[str, str],
        write_seconds: float = WRITE_SECONDS,
    ) -> None:
        # nginx and its like would gather events into blocks
        super().__init__(chunks, headers={"X-Accel-Buffering": "no", **headers}, media_type="text/event-stream")
        self._chunks = chunks
        self._on_end = on_end
        self._write_seconds = write_seconds

    def to_asgi_response(self, *args: Any, **kwargs: Any) -> ASGIApp:  # type: ignore[override] # all that Litestar needs
        return self._watched(super().to_asgi_response(*args, **kwargs))

    def _watched(self, inner: ASGIApp) -> ASGIApp:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            async def send_in_time(message: Message) -> None:
                async with asyncio.timeout(self._write_seconds):
                    await send(message)

            try:
                await inner(scope, receive, send_in_time)
            except* TimeoutError:
                _LOG.info("a client has stopped reading its stream")
            finally:
                self._on_end()
                await self._chunks.aclose()

        return answer
