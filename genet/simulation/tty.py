"""The terminal that a kubelet gives a process: echo, lines, ctrl-C, ctrl-D, a size. Its other end is bytes."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Self

from genet.simulation.processes import INT, Process

_SPECIAL: Final = re.compile(rb"([\r\n\x03\x04])")


@dataclass
class Screen:
    """Its size, as whoever looks at it says."""

    cols: int = 0
    rows: int = 0


class Tty:
    """Reads like a stream of lines: each `async for` over it ends with ctrl-D, and the next goes on."""

    def __init__(self, screen: Screen, out: Callable[[bytes], Awaitable[None]]) -> None:
        self.screen = screen
        self.echoes = True
        self.foreground: Process | None = None
        """Who hears ctrl-C; None: the shell, which forgets the line."""
        self._out = out
        self._line = b""
        self._lines: asyncio.Queue[bytes] = asyncio.Queue()

    async def write(self, data: bytes) -> None:
        await self._out(data.replace(b"\n", b"\r\n"))

    async def feed(self, data: bytes) -> None:
        """What was typed."""
        for piece in filter(None, _SPECIAL.split(data)):
            if piece == b"\x03":
                await self.write(b"^C\n")
                self._line = b""
                if self.foreground is not None:
                    self.foreground.signal(INT)
            elif piece == b"\x04":
                self._lines.put_nowait(self._line)
                self._line = b""
            elif piece in (b"\r", b"\n"):
                await self._echo(b"\n")
                self._lines.put_nowait(self._line + b"\n")
                self._line = b""
            else:
                await self._echo(piece)
                self._line += piece

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        line = await self._lines.get()
        if not line:
            raise StopAsyncIteration
        return line

    async def _echo(self, data: bytes) -> None:
        if self.echoes:
            await self.write(data)
