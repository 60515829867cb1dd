"""WebSockets: how they are refused so that a page understands it, and the screen behind one.

Trap: a WebSocket that is refused before it is open is a failed connection to the page, with no code and no reason. So
whoever came through the boundary is let in first, and then told. Other sites' pages never are: the boundary is outside.
"""

import asyncio
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import WebSocket
from litestar.exceptions import HTTPException, WebSocketDisconnect, WebSocketException

from genet.errors import GenetError, NotFound
from genet.web.boundary import ASGIApp, Message, Receive, Scope, Send
from genet.web.problems import INTERNAL, code_of, status_of

TERMINAL: Final = "genet.terminal.v1"
SAID: Final = 4000
"""Close codes from here on say why: this and the status of the same refusal over HTTP."""
SAYING_ALL: Final = frozenset({SAID + HTTPStatus.UNAUTHORIZED, SAID + HTTPStatus.NOT_FOUND})
"""Codes that the page acts on by themselves: log in, go away. The others have an `error` message before them."""
_CLOSE_SECONDS: Final = 5.0
_LINGER_SECONDS: Final = 0.1


def refusal(error: GenetError | HTTPException) -> WebSocketException:
    """The refusal of a WebSocket that is not open yet; `detail` is its code."""
    if isinstance(error, GenetError):
        return WebSocketException(code=SAID + status_of(error), detail=error.code)
    return WebSocketException(code=SAID + error.status_code, detail=code_of(error.status_code))


def error_message(code: str) -> str:
    return msgspec.json.encode({"type": "error", "code": code}).decode()


def telling(app: ASGIApp) -> ASGIApp:
    """Opens WebSockets that `app` refuses, to say why, where the client speaks one of Genet's protocols."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket" or TERMINAL not in scope.get("subprotocols", ()):
            await app(scope, receive, send)
            return
        is_open = False

        async def sending(message: Message) -> None:
            nonlocal is_open
            message = _in_own_words(message)
            if message["type"] == "websocket.accept":
                is_open = True
            elif message["type"] == "websocket.close" and not is_open and message["code"] >= SAID:
                is_open = True
                await send({"type": "websocket.accept", "subprotocol": TERMINAL, "headers": []})
                if message["code"] not in SAYING_ALL:
                    await send({"type": "websocket.send", "text": error_message(message["reason"] or "error")})
            await send(message)

        await app(scope, receive, sending)

    return answer


def _in_own_words(message: Message) -> Message:
    """The framework closes with one code and its own words, whatever it refuses and whatever went wrong."""
    if message["type"] != "websocket.close" or message["code"] != SAID + HTTPStatus.INTERNAL_SERVER_ERROR:
        return message
    if message["reason"] == HTTPStatus.NOT_FOUND.phrase:
        return {**message, "code": SAID + HTTPStatus.NOT_FOUND, "reason": NotFound.code}
    return {**message, "reason": INTERNAL}


class BrowserScreen:
    """A terminal's screen at the other end of a WebSocket."""

    def __init__(self, socket: WebSocket[Any, Any, Any]) -> None:
        self._socket = socket

    async def receive(self) -> bytes | str | None:
        event: Any = await self._socket.receive()
        if event["type"] == "websocket.disconnect":
            return None
        data = event.get("bytes")
        return data if data is not None else str(event.get("text") or "")

    async def send(self, data: bytes | str) -> None:
        event = {"type": "websocket.send", "bytes" if isinstance(data, bytes) else "text": data}
        try:
            await self._socket.send(event)  # type: ignore[arg-type] # one of the two keys, as ASGI allows
        except (OSError, RuntimeError, WebSocketDisconnect) as error:  # the server's words for a client that has gone
            raise ConnectionError("the browser has gone") from error

    async def end(self, message: str | None, code: int) -> None:
        """The last message and the close; of one that has gone already, too."""
        with suppress(OSError, RuntimeError, TimeoutError, WebSocketDisconnect):
            async with asyncio.timeout(_CLOSE_SECONDS):
                if message is not None:
                    await self.send(message)
                await self._socket.close(code)
                await asyncio.sleep(_LINGER_SECONDS)  # for the server to write it before the connection is dropped
