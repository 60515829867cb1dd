"""Logs so far: the last lines as an answer, or all of them as a file. See `follow` for logs that go on.

Of a log of any size only the end is ever in memory: the kubelet is asked for as many lines as are wanted, and of what
it sends the last bytes are kept. Trap: its own limit of bytes keeps the first ones.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from io import BytesIO
from typing import Final

from genet.errors import Invalid, Unavailable
from genet.kube.client import KubeClient
from genet.kube.objects import Pod
from genet.pods.container_life import chosen
from genet.pods.model import PodLogs
from genet.pods.place import NotRunning
from genet.pods.restarting import is_stand_in

MOST_BYTES: Final = 8 * 1024 * 1024
"""Of a log that is answered at once."""
WITHIN_SECONDS: Final = 20.0
"""How long reading it may take."""
LARGE_BYTES: Final = 1024 * 1024
AT_ONCE: Final = 4
"""How many logs larger than that are read at a time; others wait for their turn."""
_IDLE_SECONDS: Final = 60.0
_PART: Final = 16 * 1024
"""What the kubelet counts as a line, at most."""


class Ending:
    """The last bytes of what it is fed."""

    def __init__(self, most: int) -> None:
        self.size = 0
        """Of all that was fed."""
        self._most = most
        self._kept = 0
        self._chunks: deque[bytes] = deque()

    def feed(self, chunk: bytes) -> None:
        self.size += len(chunk)
        self._kept += len(chunk)
        self._chunks.append(chunk)
        while self._kept - len(self._chunks[0]) >= self._most:
            self._kept -= len(self._chunks.popleft())

    def text(self) -> bytes:
        """Whole lines, unless a single one is longer than that."""
        kept = b"".join(self._chunks)[-self._most :]
        if self.size > len(kept) and b"\n" in kept[:-1]:
            kept = kept.partition(b"\n")[2]
        return kept


class Logs:
    def __init__(self, kube: KubeClient) -> None:
        self._kube = kube
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def tail(
        self, pod: Pod, *, tail_lines: int, since_seconds: int | None, container: str | None, previous: bool
    ) -> PodLogs:
        """The last lines, at most `MOST_BYTES` of them.

        Raises:
            Invalid: there is no such container.
            NotRunning: there is no log of it.
            Unavailable: it cannot be read in time.
        """
        name = _name(pod, container)
        ending = Ending(MOST_BYTES)
        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                await self._read(pod, name, ending, tail_lines + 1, since_seconds, previous=previous)
        except TimeoutError as error:
            message = f"so much of the log cannot be read within {WITHIN_SECONDS:g} s; ask for fewer lines"
            raise Unavailable(message) from error
        except Invalid as error:
            raise NotRunning(error.detail) from error
        text = ending.text()
        lines = BytesIO(text).readlines()  # by newlines alone: a progress bar's carriage returns end no line
        kept = lines[-tail_lines:] if tail_lines else []
        # one line more than asked for came if there was one; the kubelet counts each part of a long line
        counted = sum(max(1, -(-len(line) // _PART)) for line in lines)
        is_cut = len(lines) > len(kept) or ending.size > len(text) or counted > tail_lines
        return PodLogs(b"".join(kept).decode(errors="replace"), name, truncated=is_cut)

    async def _read(
        self, pod: Pod, name: str, ending: Ending, lines: int, since_seconds: int | None, *, previous: bool
    ) -> None:
        opened = self._kube.log_stream(
            pod.metadata.namespace,
            pod.metadata.name,
            container=name,
            tail_lines=lines,
            since=since_seconds,
            previous=previous,
            idle_seconds=WITHIN_SECONDS,
        )
        async with opened as chunks:
            async for chunk in chunks:
                ending.feed(chunk)
                if ending.size > LARGE_BYTES:
                    break
            else:
                return
            async with self._turns:
                async for chunk in chunks:
                    ending.feed(chunk)

    async def whole(
        self, pod: Pod, *, tail_lines: int | None, since_seconds: int | None, container: str | None, previous: bool
    ) -> AsyncGenerator[bytes]:
        """All of it as it is, no faster than it is taken; the first piece is there when this returns.

        Raises:
            NotRunning: there is no log of it.
        """
        pieces = self._pieces(pod, _name(pod, container), tail_lines, since_seconds, previous=previous)
        try:
            first = await anext(pieces, b"")
        except Invalid as error:
            raise NotRunning(error.detail) from error

        async def everything() -> AsyncGenerator[bytes]:
            try:
                yield first
                async for piece in pieces:
                    yield piece
            finally:
                await pieces.aclose()

        return everything()

    async def _pieces(
        self, pod: Pod, name: str, tail_lines: int | None, since_seconds: int | None, *, previous: bool
    ) -> AsyncGenerator[bytes]:
        opened = self._kube.log_stream(
            pod.metadata.namespace,
            pod.metadata.name,
            container=name,
            tail_lines=tail_lines,
            since=since_seconds,
            previous=previous,
            idle_seconds=_IDLE_SECONDS,
        )
        async with opened as chunks:
            async for chunk in chunks:
                yield chunk


def _name(pod: Pod, container: str | None) -> str:
    """The container's name. Raises NotRunning while there is no pod to ask."""
    name = chosen(pod, container)
    if is_stand_in(pod):
        raise NotRunning("the pod is being restarted; try again in a moment")
    return name
