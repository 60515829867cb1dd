"""The log's side of a log that is followed: from the kubelet's answers and the pod's lives to events.

When what is read breaks off (an outage, a drained API server, silence for so long that nobody can tell whether there is
anybody), it reads on behind the last line that was told, as a client does that comes again.

Traps:

- A clean end of the kubelet's answer does not mean that the container has ended, nor that its last line is whole: the
  API server ends it just as cleanly when it has lost the kubelet. So the end of a line that has no newline is believed
  only when the pod's status says that the container is over, and the log is read once more for it.
- While nobody was reading, a container may end and be started again: the rest of its log is the `previous` one.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from genet.errors import GenetError, Invalid
from genet.kube.client import KubeClient
from genet.kube.objects import Pod
from genet.pods.container_life import Life, life_of
from genet.pods.log_lines import Line, Splitter, on_wire
from genet.pods.log_position import Counter, Position, Search
from genet.server_sent_events import event

START_SECONDS: Final = 600.0
"""How long a container that has not started is waited for."""
TROUBLE_SECONDS: Final = 300.0
"""How long the log is asked for again and again while it cannot be read."""
IDLE_SECONDS: Final = 60.0
"""After so much silence the log is asked for anew: a connection that is dead says nothing either."""

_QUIET_SECONDS: Final = 1.0
_FIRST_DELAY: Final = 0.2
_LONGEST_DELAY: Final = 5.0
_PIECE_BYTES: Final = 64 * 1024
_GAP: Final = event("gap", {})
_LOG = logging.getLogger(__name__)

Reason = Literal["finished", "deleted", "not_started", "slow", "unavailable"]


class LogEnd(msgspec.Struct, frozen=True):
    """Nothing more comes; after `slow` and `unavailable` it can be gone on where it was."""

    reason: Reason


class LogRestart(msgspec.Struct, frozen=True, rename="camel"):
    """How the container ended whose log was shown so far; null where that is not known."""

    restarts: int
    exit_code: int | None
    reason: str | None


class Telling:
    """Of one container's log to one client. Call it once: it ends when there is nothing more to come."""

    def __init__(
        self,
        kube: KubeClient,
        pod: Pod,
        container: str,
        *,
        look: Callable[[], Pod | None],
        hand_over: Callable[[bytes], Awaitable[None]],
        tail_lines: int | None,
        since: datetime | None,
        last_id: str | None,
    ) -> None:
        """`look` shows the pod as it is now, and `hand_over` returns when the client can be given more."""
        self.changed = asyncio.Event()
        """Set when the pod looks different."""
        self._kube = kube
        self._key = (pod.metadata.namespace, pod.metadata.name)
        self._uid = pod.metadata.uid
        self._container = container
        self._look = look
        self._hand_over = hand_over
        self._tail = tail_lines
        self._since = since
        self._counter = Counter(self._uid, Position.read(last_id, self._uid))
        self._life: int | None = self._counter.last.life if self._counter.last else None
        self._read_out: int | None = None
        """The life of which everything has been told."""
        self._trouble_until: float | None = None

    async def __call__(self) -> Reason:
        """Hand over everything until there is nothing more to come."""
        loop = asyncio.get_running_loop()
        delay, start_until = _FIRST_DELAY, loop.time() + START_SECONDS
        while True:
            self.changed.clear()
            pod = self._look()
            if pod is None or pod.metadata.uid != self._uid:
                return "deleted"
            life = life_of(pod, self._container)
            told = self._counter.last
            if not life.has_begun:
                if not life.comes_again or loop.time() > start_until:
                    return _over(pod, life)
            elif await self._has_read(life):
                if not life.comes_again:
                    return _over(pod, life)
                await self.changed.wait()  # until it is started again
                continue
            elif self._trouble_until is not None and loop.time() > self._trouble_until:
                return "unavailable"
            delay = _FIRST_DELAY if told != self._counter.last else min(2 * delay, _LONGEST_DELAY)
            await self._wait_for_change(delay)

    async def _has_read(self, life: Life) -> bool:
        """Read as `_read_life`, and remember since when that has been failing."""
        told, began = self._counter.last, asyncio.get_running_loop().time()
        try:
            is_over = await self._read_life(life)
        except GenetError as error:
            _LOG.debug("a log that is followed breaks off: %s", error.detail)
            now = asyncio.get_running_loop().time()
            if told != self._counter.last or now - began >= IDLE_SECONDS:
                self._tail, self._trouble_until = None, None  # it has been read for a while, or it is silent
            elif self._trouble_until is None:
                self._trouble_until = now + TROUBLE_SECONDS
            return False
        self._trouble_until = None
        return is_over

    async def _read_life(self, life: Life) -> bool:
        """Read what the present life has printed and prints; True: it is over, and all of it has been told."""
        if self._life is not None and self._life != life.number:
            await self._change_life(life, self._life)
        self._life = life.number
        if self._tail == 0 and self._counter.last is None:
            await self._begin_at_the_end()
        await self._read(follow=life.is_running)
        if not life.is_running:
            self._read_out = life.number
        return not life.is_running

    async def _change_life(self, life: Life, before: int) -> None:
        """Tell the rest of the life before, and that it is over."""
        is_next = life.number == before + 1
        is_told = is_next and self._read_out == before
        if not is_told and not (is_next and life.before):
            await self._hand_over(_GAP)
        if not is_told and life.before:
            self._life = life.number - 1
            try:
                await self._read(follow=False, previous=True)
            except Invalid:  # its log has been removed
                await self._hand_over(_GAP)
        ended = life.before
        told = LogRestart(life.number, ended.exit_code if ended else None, ended.reason if ended else None)
        await self._hand_over(event("restarted", told))
        self._tail = self._since = None

    async def _begin_at_the_end(self) -> None:
        """Find the last line, so that whatever comes behind it is told, however often the log has to be read again."""
        splitter = Splitter()
        async with self._opened(follow=False, tail_lines=1) as chunks:
            async for chunk in chunks:
                for line in splitter.feed(chunk):
                    self._counter.told(line, self._life or 0)
        self._tail = None

    async def _read(self, *, follow: bool, previous: bool = False) -> None:
        last = self._counter.last
        is_same_life = last is not None and last.life == self._life
        search, splitter = Search(last), Splitter()
        opened = self._opened(
            follow=follow,
            previous=previous,
            tail_lines=None if last else self._tail,
            since=last.since if last else self._since,
        )
        is_quiet = False
        async with opened as chunks:
            while True:
                try:
                    async with asyncio.timeout(None if is_quiet else _QUIET_SECONDS):
                        chunk = await anext(chunks, None)
                except TimeoutError:
                    is_quiet = True
                    await self._hand_over_lines(search.give_up(), search, is_same_life=is_same_life)
                    if self._counter.last is None:
                        self._tail = None  # there were none, so all that come are new
                    continue
                if chunk is None:
                    break
                is_quiet = False
                lines = [line for raw in splitter.feed(chunk) for line in search.take(raw)]
                await self._hand_over_lines(lines, search, is_same_life=is_same_life)
        if not follow:
            lines = [line for raw in splitter.rest() for line in search.take(raw)]
            await self._hand_over_lines(lines, search, is_same_life=is_same_life)
        await self._hand_over_lines(search.give_up(), search, is_same_life=is_same_life)

    def _opened(self, **how: Any) -> Any:
        namespace, name = self._key
        return self._kube.log_stream(
            namespace, name, container=self._container, timestamps=True, idle_seconds=IDLE_SECONDS, **how
        )

    async def _hand_over_lines(self, lines: Iterable[Line], search: Search, *, is_same_life: bool) -> None:
        if search.is_lost and is_same_life:
            await self._hand_over(_GAP)
        if search.is_over and search.alike:
            self._counter.found(search.alike)
            search.alike = {}
        search.is_lost = False
        parts: list[bytes] = []
        size = 0
        for line in lines:
            position = self._counter.told(line, self._life or 0)
            parts.append(event("log", on_wire(line), position))
            size += len(parts[-1])
            if size > _PIECE_BYTES:
                await self._hand_over(b"".join(parts))
                parts, size = [], 0
        if parts:
            await self._hand_over(b"".join(parts))

    async def _wait_for_change(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.changed.wait()
        except TimeoutError:
            return


def _over(pod: Pod, life: Life) -> Reason:
    if pod.metadata.deletion_timestamp is not None:
        return "deleted"
    return "finished" if life.has_begun else "not_started"
