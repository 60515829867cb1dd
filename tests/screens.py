"""The browser's end of a terminal, as tests have it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

PROTOCOL = "genet.terminal.v1"
_LOOKED_THROUGH = 256 * 1024
"""Bytes without what is waited for, of which only the last may be its beginning."""


class Screen:
    """What was printed so far in `text`; what ended it in `messages` and `code`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.printed = b""
        self.messages: list[dict[str, Any]] = []
        self.beats = 0
        """Empty frames."""
        self._said: int | None = None
        # aiohttp forgets the server's code (1006 instead) where its own goodbye comes too late

    @property
    def code(self) -> int | None:
        return self._said or self.socket.close_code

    async def type(self, text: str | bytes) -> None:
        await self.socket.send_bytes(text.encode() if isinstance(text, str) else text)

    async def tell(self, **message: Any) -> None:
        await self.socket.send_str(json.dumps(message))

    async def read(self) -> bool:
        """Take one frame; False: there are no more."""
        frame = await self.socket.receive()
        if frame.type is aiohttp.WSMsgType.BINARY:
            self.printed += frame.data
            self.beats += not frame.data
        elif frame.type is aiohttp.WSMsgType.TEXT:
            self.messages.append(json.loads(frame.data))
        else:
            if frame.type is aiohttp.WSMsgType.CLOSE:
                self._said = frame.data
            return False
        return True

    async def until(self, text: str | bytes, *, seconds: float = 30) -> str:
        """Read until this was printed; what was printed before it and after the last such wait."""
        wanted = text.encode() if isinstance(text, str) else text
        try:
            async with asyncio.timeout(seconds):
                while wanted not in self.printed:
                    if len(self.printed) > _LOOKED_THROUGH:
                        self.printed = self.printed[-len(wanted) :]
                    assert await self.read(), f"ended with {self.code} {self.messages} after {self.printed!r}"
        except TimeoutError:
            raise AssertionError(f"{wanted!r} is not in {self.printed[-2000:]!r}") from None
        before, _, self.printed = self.printed.partition(wanted)
        return before.decode(errors="replace")

    async def run(self, command: str, *, seconds: float = 30) -> str:
        """Type a command line and give what it prints. Quotes keep the marks apart from their own echo."""
        await self.type(f"echo 'beg''in'; {command}; echo 'en''d'\n")
        await self.until("begin\r\n", seconds=seconds)
        return (await self.until("end\r\n", seconds=seconds)).replace("\r\n", "\n")

    async def end(self, *, seconds: float = 30) -> int | None:
        """Read to the end; the close code."""
        async with asyncio.timeout(seconds):
            while await self.read():
                pass
        return self.code


@asynccontextmanager
async def screen(
    url: str, pod: str, *, headers: Mapping[str, str] | None = None, origin: str | None = None, **query: Any
) -> AsyncIterator[Screen]:
    """A terminal of a pod; what a browser says of where it comes from is said, unless `origin` is something else."""
    address = f"{url}/api/pods/{pod}/terminal"
    async with (
        aiohttp.ClientSession(trust_env=False) as session,
        session.ws_connect(
            address,
            params={key: str(value) for key, value in query.items()},
            protocols=(PROTOCOL,),
            headers=dict(headers or {}),
            origin=url if origin is None else origin,
            max_msg_size=0,
        ) as socket,
    ):
        assert socket.protocol == PROTOCOL
        yield Screen(socket)
