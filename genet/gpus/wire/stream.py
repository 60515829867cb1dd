"""All who listen to the overview as it changes: to each the server-sent events of a channel (see `channel`).

A client is a position in its channel's ring, so it has no queue of its own. One that has fallen out of the ring,
because it reads too slowly, gets a new snapshot: never a gap.

Trap: a snapshot of a large cluster is many megabytes, shared by all who read it just then. Whoever kept it for longer
would have it for themselves; so a client lets go of it when it has read it, and has to have read it in time.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Container, Iterator
from typing import Final

from genet.errors import RateLimited
from genet.gpus.overview import Audience, Form, Moment
from genet.gpus.wire.channel import Channel, Segment, Told
from genet.gpus.wire.fleet import Fleet
from genet.gpus.wire.renderings import GZIP_HEADER, Renderings, Variant
from genet.server_sent_events import AUTH, HEARTBEAT, HEARTBEAT_SECONDS, RETRY, Client

ANONYMOUS_STREAMS: Final = 20
"""How many may listen without login, over all of a replica."""
STREAMS_OF_A_USER: Final = 256
"""How many may be somebody's own: a sixteenth of the connections that a replica takes."""
SNAPSHOT_SECONDS: Final = 60.0
"""How long a client may take to read one; one that takes a chunk now and then would hold it for hours."""
TICK_SECONDS: Final = 0.075

_RETRY: Final = Segment.of(RETRY)
_HEARTBEAT: Final = Segment.of(HEARTBEAT)
_AUTH: Final = Segment.of(AUTH)


class Listener(Client):
    """One client. `close` has to be called when it has gone, whether it has read anything or not."""

    def __init__(self, channel: "Channel", position: int | None, user: str | None = None) -> None:
        super().__init__(user)
        self._channel = channel
        self._position = position
        self._revision = -1
        channel.listeners.add(self)

    async def chunks(
        self,
        *,
        gzip: bool,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        snapshot_seconds: float = SNAPSHOT_SECONDS,
    ) -> AsyncGenerator[bytes]:
        """The stream; ends when the replica drains, the session is over, or the client reads too slowly."""
        coding = 1 if gzip else 0
        if gzip:
            yield GZIP_HEADER
        yield _RETRY[coding]
        loop = asyncio.get_running_loop()
        beat_at = loop.time() + heartbeat_seconds
        while not self._is_over:
            if loop.time() >= beat_at:
                beat_at += heartbeat_seconds
                yield _HEARTBEAT[coding]
            elif self._position is None or self._position < self._channel.first:
                snapshot, self._position = await self._channel.snapshot()
                self._revision = snapshot.seen.rendering.revision
                for chunk in self._in_time(snapshot.chunks(gzip=gzip), snapshot_seconds):
                    yield chunk
                del snapshot
            elif self._position < self._channel.end:
                event = self._channel.event(self._position)
                self._position += 1
                if event.revision > self._revision:  # else it was still being made when the snapshot was
                    yield event.segment[coding]
            else:
                await self._wait_until(beat_at)
        if self._has_expired:
            yield _AUTH[coding]

    def close(self) -> None:
        self._channel.left(self)

    def _in_time(self, chunks: Iterator[bytes], seconds: float) -> Iterator[bytes]:
        """Ends the stream when they have not all been read in so many seconds."""
        until = time.monotonic() + seconds
        for chunk in chunks:
            yield chunk
            if time.monotonic() > until:
                self.end()
                return


class Streams:
    """All streams of one replica.

    Args:
        fleet: what is told.
        renderings: where snapshots come from.
        settle: brings the fleet up to what is known of the cluster.
        moment: what can be seen now.
        instance: names this process in ids.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        fleet: Fleet,
        renderings: Renderings,
        settle: Callable[[], Awaitable[None]],
        moment: Callable[[], Moment],
        *,
        instance: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._told = Told(fleet, renderings, moment, instance, clock)
        self._settle = settle
        self._channels: dict[Variant, Channel] = {}
        self._wanted = asyncio.Event()
        self._is_over = False

    def open(self, form: Form, audience: Audience, last_id: str | None, user: str | None = None) -> Listener:
        """A place for one more client.

        Args:
            form: of the snapshots.
            audience: who listens.
            last_id: `Last-Event-ID` of one that was here before.
            user: userIdentifier of a member.

        Raises:
            RateLimited: too many listen without login already, or too many of one user's.
        """
        if audience is not Audience.MEMBER and self._anonymous() >= ANONYMOUS_STREAMS:
            raise RateLimited("too many people watch without login; log in, or try again later", retry_after=30)
        if user is not None and self._of_user(user) >= STREAMS_OF_A_USER:
            raise RateLimited("you watch from too many places; close some, or try again later", retry_after=30)
        channel = self._channels.get((form, audience))
        if channel is None:
            channel = self._channels[form, audience] = Channel(form, audience, self._told)
            self._wanted.set()
        listener = Listener(channel, channel.place_of(last_id), user)
        if self._is_over:
            listener.end()
        return listener

    def changed(self, name: str, audiences: Container[Audience]) -> None:
        """A node looks different now to these."""
        for (_, audience), channel in self._channels.items():
            if audience in audiences:
                channel.pending.add(name)

    def gather(self, name: str, audiences: Container[Audience]) -> None:
        """A node looks different now, like many others: it is told with them, see `tell_gathered`."""
        for (_, audience), channel in self._channels.items():
            if audience in audiences:
                channel.gathered.add(name)

    def tell_gathered(self) -> None:
        """All of them have been gathered."""
        # the next event tells of nodes as they were at earlier ones: it has to be newer
        self._told.fleet.touch({audience for (_, audience), channel in self._channels.items() if channel.gathered})
        for channel in self._channels.values():
            channel.pending |= channel.gathered
            channel.gathered.clear()

    async def run(self) -> None:
        """Tell who listens until cancelled; where nobody does, nothing is done."""
        while True:
            await self._wanted.wait()
            await asyncio.sleep(TICK_SECONDS)
            await self.tell()

    async def tell(self) -> None:
        """Put what has changed since the last time into the rings."""
        await self._settle()
        for variant, channel in tuple(self._channels.items()):
            if channel.is_forgotten():
                del self._channels[variant]
            else:
                await channel.tell()
        if not self._channels:
            self._wanted.clear()

    def close(self) -> None:
        """End all streams, also those that come later: the clients find another replica."""
        self._is_over = True
        for channel in self._channels.values():
            for listener in channel.listeners:
                listener.end()

    def _anonymous(self) -> int:
        return sum(len(channel.listeners) for (_, who), channel in self._channels.items() if who is not Audience.MEMBER)

    def _of_user(self, user: str) -> int:
        return sum(listener.user == user for channel in self._channels.values() for listener in channel.listeners)
