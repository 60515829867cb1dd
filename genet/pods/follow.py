"""Logs as they grow: server-sent events to one client each, read from the kubelet no faster than the client reads.

    log {time, line}                        with an id, by which any replica goes on behind that line
    restarted {restarts, exitCode, reason}  the container has ended, and its next life's lines follow
    gap {}                                  lines may be missing here: the log was rotated meanwhile
    end {reason}                            finished, deleted, not_started, slow or unavailable
    auth {}                                 the session has ended

One task reads for one client (`log_telling`) and hands over one piece at a time; it holds nothing while the client does
not read.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection
from datetime import datetime, timedelta
from typing import Final

from genet.errors import RateLimited
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import Pod
from genet.pods.container_life import chosen
from genet.pods.log_telling import LogEnd, Reason, Telling
from genet.server_sent_events import AUTH, HEARTBEAT, HEARTBEAT_SECONDS, RETRY, Client, event

OF_A_USER: Final = 16
"""How many logs one person may follow at once on one replica."""
OF_A_REPLICA: Final = 256
SLOW_SECONDS: Final = 120.0
"""How long a client may keep the log waiting before it has caught up once."""


class Follow(Client):
    """One client. `close` has to be called when it has gone, whether it has read anything or not."""

    def __init__(
        self,
        follows: "Follows",
        pod: Pod,
        container: str,
        user: str,
        *,
        tail_lines: int | None,
        since: datetime | None,
        last_id: str | None,
    ) -> None:
        super().__init__(user)
        self.key = (pod.metadata.namespace, pod.metadata.name)
        self._follows = follows
        self._telling = Telling(
            follows.kube,
            pod,
            container,
            look=lambda: follows.look(self.key),
            hand_over=self._hand_over,
            tail_lines=tail_lines,
            since=since,
            last_id=last_id,
        )
        self._piece: bytes | None = None
        self._is_free = asyncio.Event()
        self._is_free.set()

    async def chunks(
        self, *, heartbeat_seconds: float = HEARTBEAT_SECONDS, slow_seconds: float = SLOW_SECONDS
    ) -> AsyncGenerator[bytes]:
        """The stream; ends with the log, the session or the replica, or when the client reads too slowly."""
        telling = asyncio.create_task(self._telling())
        telling.add_done_callback(lambda _: self.wake())
        try:
            yield RETRY
            async for piece in self._pieces(telling, heartbeat_seconds, slow_seconds):
                yield piece
        finally:
            telling.cancel()
            await asyncio.wait({telling})

    async def _pieces(
        self, telling: "asyncio.Task[Reason]", heartbeat_seconds: float, slow_seconds: float
    ) -> AsyncGenerator[bytes]:
        loop = asyncio.get_running_loop()
        beat_at = loop.time() + heartbeat_seconds
        kept_waiting = 0.0
        while not self._is_over:
            if loop.time() >= beat_at:
                beat_at += heartbeat_seconds
                yield HEARTBEAT
            elif self._piece is not None:
                piece, self._piece = self._piece, None
                self._is_free.set()
                handed_at = loop.time()
                yield piece
                kept_waiting += loop.time() - handed_at
                if kept_waiting > slow_seconds:
                    yield event("end", LogEnd("slow"))
                    return
            elif telling.done():
                yield event("end", LogEnd(telling.result()))
                return
            else:
                kept_waiting = 0.0
                await self._wait_until(beat_at)
        if self._has_expired:
            yield AUTH

    async def _hand_over(self, piece: bytes) -> None:
        """Waits until the client has taken the piece before this one."""
        await self._is_free.wait()
        self._is_free.clear()
        self._piece = piece
        self.wake()

    def look_again(self) -> None:
        """The pod looks different."""
        self._telling.changed.set()

    def close(self) -> None:
        self._follows.left(self)


class Follows:
    """All who follow a log on one replica.

    Args:
        kube: where logs come from.
        pods: those of the cluster.
        clock: what time it is.
    """

    def __init__(self, kube: KubeClient, *, pods: Cache[Pod], clock: Callable[[], datetime]) -> None:
        self.kube = kube
        self._clock = clock
        self._pods = pods
        self._open: dict[tuple[str, str], set[Follow]] = {}
        self._is_over = False
        pods.subscribe(self._changed)

    def open(
        self,
        pod: Pod,
        user: str,
        *,
        container: str | None,
        tail_lines: int | None,
        since_seconds: int | None,
        last_id: str | None,
    ) -> Follow:
        """A place for one more client, which `user` (a userIdentifier) is.

        Raises:
            Invalid: there is no such container.
            RateLimited: too many are followed already.
        """
        name = chosen(pod, container)
        everybody = [follow for some in self._open.values() for follow in some]
        if sum(follow.user == user for follow in everybody) >= OF_A_USER:
            raise RateLimited("you follow too many logs; close some, or try again later", retry_after=30)
        if len(everybody) >= OF_A_REPLICA:
            raise RateLimited("too many logs are followed just now; try again later", retry_after=30)
        since = self._clock() - timedelta(seconds=since_seconds) if since_seconds is not None else None
        follow = Follow(self, pod, name, user, tail_lines=tail_lines, since=since, last_id=last_id)
        self._open.setdefault(follow.key, set()).add(follow)
        if self._is_over:
            follow.end()
        return follow

    def look(self, key: tuple[str, str]) -> Pod | None:
        return self._pods.get(key[1], key[0])

    def left(self, follow: Follow) -> None:
        some = self._open.get(follow.key, set())
        some.discard(follow)
        if not some:
            self._open.pop(follow.key, None)

    def close(self) -> None:
        """End all streams, also those that come later: the clients find another replica."""
        self._is_over = True
        for some in self._open.values():
            for follow in some:
                follow.end()

    def _changed(self, changes: Collection[tuple[Pod | None, Pod | None]]) -> None:
        if not self._open:
            return
        for before, after in changes:
            pod = after or before
            if pod is not None:
                for follow in self._open.get((pod.metadata.namespace, pod.metadata.name), ()):
                    follow.look_again()
