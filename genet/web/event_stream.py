"""An answer that goes on: server-sent events to one client until it goes, or until it does not read any more."""

from collections.abc import AsyncGenerator, Callable
from typing import Any

from litestar.response import Stream
from litestar.types import ASGIApp, Receive, Scope, Send

from genet.web.patience import WRITE_SECONDS, in_time


class EventStream(Stream):
    """Litestar's stream, with a limit to its patience and an end that is always told.

    Args:
        chunks: what is sent, encoded.
        on_end: called once when the client has gone, for whatever reason and even if nothing was sent.
        headers: added to those of every stream.
        write_seconds: the limit.
        media_type: where it is no events.
    """

    def __init__(
        self,
        chunks: AsyncGenerator[bytes],
        *,
        on_end: Callable[[], None],
        headers: dict[str, str],
        write_seconds: float = WRITE_SECONDS,
        media_type: str = "text/event-stream",
    ) -> None:
        # nginx and its like would gather events into blocks
        super().__init__(chunks, headers={"X-Accel-Buffering": "no", **headers}, media_type=media_type)
        self._chunks = chunks
        self._on_end = on_end
        self._write_seconds = write_seconds

    def to_asgi_response(self, *args: Any, **kwargs: Any) -> ASGIApp:  # type: ignore[override] # all that Litestar needs
        return self._told(in_time(super().to_asgi_response(*args, **kwargs), write_seconds=self._write_seconds))

    def _told(self, inner: ASGIApp) -> ASGIApp:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await inner(scope, receive, send)
            finally:
                self._on_end()
                await self._chunks.aclose()

        return answer
