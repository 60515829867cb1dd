"""Answers to clients that may stop reading: nothing is written to them for ever, and never much at once.

Traps: the server keeps a copy of its own of whatever it is handed, for as long as the client likes; it makes the
application wait only between one piece of a body and the next. So what is large goes out in pieces. And a client that
takes a piece now and then would keep what is being sent for hours, although everybody else has a newer one already; so
the whole of it has to be read in time as well.
"""

import asyncio
import logging
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

from litestar import Response
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from genet.gpus.wire.renderings import pieces

WRITE_SECONDS: Final = 30.0
"""How long one write may wait for the client."""
WHOLE_SECONDS: Final = 60.0
"""How long a client may take to read a large answer."""
_LOG = logging.getLogger(__name__)


def in_time(inner: ASGIApp, *, write_seconds: float = WRITE_SECONDS, whole_seconds: float | None = None) -> ASGIApp:
    """`inner`, ended where it is when the client does not read."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(write_seconds):
                await send(message)

        try:
            async with asyncio.timeout(whole_seconds):
                await inner(scope, receive, send_in_time)
        except* TimeoutError:
            _LOG.info("a client has stopped reading its answer")

    return answer


class LargeAnswer(Response[bytes]):
    """A body that many may be reading at once, without a copy of the whole for any of them.

    Args:
        parts: the body.
        headers: beside its length.
        media_type: of the body.
        write_seconds: the limit of one write.
        whole_seconds: the limit of all.
    """

    def __init__(
        self,
        parts: Sequence[bytes],
        *,
        headers: dict[str, str],
        media_type: str,
        write_seconds: float = WRITE_SECONDS,
        whole_seconds: float = WHOLE_SECONDS,
    ) -> None:
        length = str(sum(map(len, parts)))
        super().__init__(b"", headers={**headers, "Content-Length": length}, media_type=media_type)
        self._parts = parts
        self._write_seconds = write_seconds
        self._whole_seconds = whole_seconds

    def to_asgi_response(self, *args: Any, **kwargs: Any) -> ASGIApp:  # type: ignore[override] # all that Litestar needs
        head = super().to_asgi_response(*args, **kwargs)

        async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
            await head.start_response(send)
            for piece in chain.from_iterable(map(pieces, self._parts)):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        return in_time(answer, write_seconds=self._write_seconds, whole_seconds=self._whole_seconds)
