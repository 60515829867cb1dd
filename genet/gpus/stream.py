"""The overview as it changes: server-sent events, encoded and compressed once for all who listen.

- A channel stands for one form and audience. While somebody listens it looks several times a second which nodes have
  changed and puts one event about them into its ring, so a burst of changes is one event.
- A client is a position in the ring. One that resumes where the ring begins, or later, gets what it missed; one that
  has fallen out of it, because it reads too slowly, gets a new snapshot: never a gap, and no queue of its own.
- Where so many nodes changed that a snapshot says it in fewer bytes, or the groups themselves did, the ring begins
  anew behind everybody's position: so all get the one new rendering.
- Events are compressed by themselves and end on a byte; one gzip stream can be made of a header and any of them in a
  row. So a client costs no compressor. Trap: such a stream has no end of its own, which browsers and curl accept.

Ids are `{instance}.{revision}.{audience}-{form}`: revisions are counted by each process for itself.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from genet.errors import RateLimited
from genet.gpus.fleet import Fleet
from genet.gpus.inventory import Kind
from genet.gpus.overview import Audience, Change, Form, Moment, Sources
from genet.gpus.renderings import GZIP_HEADER, Renderings, Representation, Variant, deflated

ANONYMOUS_STREAMS: Final = 20
"""How many may listen without login, over all of a replica."""
HEARTBEAT_SECONDS: Final = 15.0
TICK_SECONDS: Final = 0.075
_KEPT_SECONDS: Final = 60.0
"""How long events are gathered for somebody who may come back."""
_RING_EVENTS: Final = 256
_RING_BYTES: Final = 4 * 1024 * 1024
_FEW_NODES: Final = 16
_FRACTION: Final = 16
"""Of the fleet's nodes: more of them than this part are a snapshot."""
_CHUNK_BYTES: Final = 64 * 1024
_THREAD_BYTES: Final = 32 * 1024
"""What is longer is compressed in a thread."""
_ENCODER: Final = msgspec.json.Encoder()


class Segment(NamedTuple):
    """Bytes of a stream, plain and as raw deflate that needs nothing before it."""

    plain: bytes
    deflated: bytes

    @classmethod
    def of(cls, plain: bytes) -> "Segment":
        return cls(plain, deflated(plain))


class _Event(NamedTuple):
    revision: int
    """Of the fleet, as whoever has read this knows it."""
    segment: Segment


class _Snapshot(NamedTuple):
    seen: Representation
    head: Segment
    end: Segment

    def chunks(self, *, gzip: bool) -> Iterator[bytes]:
        """In pieces, so that a client that does not read holds one of them and not the whole."""
        coding = 1 if gzip else 0
        body = self.seen.rendering.deflated if gzip else self.seen.rendering.content
        yield self.head[coding]
        for start in range(0, len(body), _CHUNK_BYTES):
            yield body[start : start + _CHUNK_BYTES]
        yield self.end[coding]


_RETRY: Final = Segment.of(b"retry: 2000\n\n")
_HEARTBEAT: Final = Segment.of(b":\n\n")
_AUTH: Final = Segment.of(b"event: auth\ndata: {}\n\n")


class Listener:
    """One client. `close` has to be called when it has gone, whether it has read anything or not."""

    def __init__(self, channel: "_Channel", position: int | None) -> None:
        self._channel = channel
        self._position = position
        self._revision = -1
        self._wake = asyncio.Event()
        self._is_over = False
        self._has_expired = False
        channel.listeners.add(self)

    async def chunks(self, *, gzip: bool, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> AsyncGenerator[bytes]:
        """The stream; ends when the replica drains or the session is over."""
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
                for chunk in snapshot.chunks(gzip=gzip):
                    yield chunk
            elif self._position < self._channel.end:
                event = self._channel.event(self._position)
                self._position += 1
                if event.revision > self._revision:  # else it was still being made when the snapshot was
                    yield event.segment[coding]
            else:
                self._wake.clear()
                try:
                    async with asyncio.timeout_at(beat_at):
                        await self._wake.wait()
                except TimeoutError:
                    continue
        if self._has_expired:
            yield _AUTH[coding]

    def wake(self) -> None:
        self._wake.set()

    def end(self) -> None:
        """End the stream where it is: the client comes again, perhaps to another replica."""
        self._is_over = True
        self._wake.set()

    def expire(self) -> None:
        """End the stream because the session has: an event `auth` says so."""
        self._has_expired = True
        self.end()

    def close(self) -> None:
        self._channel.left(self)


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
        self._told = _Told(fleet, renderings, moment, instance, clock)
        self._settle = settle
        self._channels: dict[Variant, _Channel] = {}
        self._wanted = asyncio.Event()
        self._is_over = False

    def open(self, form: Form, audience: Audience, last_id: str | None) -> Listener:
        """A place for one more client.

        Args:
            form: of the snapshots.
            audience: who listens.
            last_id: `Last-Event-ID` of one that was here before.

        Raises:
            RateLimited: too many listen without login already.
        """
        if audience is not Audience.MEMBER and self._anonymous() >= ANONYMOUS_STREAMS:
            raise RateLimited("too many people watch without login; log in, or try again later", retry_after=30)
        channel = self._channels.get((form, audience))
        if channel is None:
            channel = self._channels[form, audience] = _Channel(form, audience, self._told)
            self._wanted.set()
        listener = Listener(channel, channel.place_of(last_id))
        if self._is_over:
            listener.end()
        return listener

    def changed(self, name: str) -> None:
        """A node looks different now."""
        for channel in self._channels.values():
            channel.pending.add(name)

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


class _Told(NamedTuple):
    """What there is to tell."""

    fleet: Fleet
    renderings: Renderings
    moment: Callable[[], Moment]
    instance: str
    clock: Callable[[], float]


class _Channel:
    """What everybody of one form and audience is told: events from revision `_floor` to `_head` of the fleet."""

    def __init__(self, form: Form, audience: Audience, told: _Told) -> None:
        self.listeners: set[Listener] = set()
        self.pending: set[str] = set()
        self.first = 0
        """Position of the oldest event in the ring."""
        self._form = form
        self._audience = audience
        self._fleet, self._renderings, self._moment, self._instance, self._clock = told
        self._ring: deque[_Event] = deque()
        self._bytes = 0
        self._floor = self._head = self._fleet.revision
        self._state = self._seen()
        self._left_at = self._clock()
        self._snapshot: _Snapshot | None = None

    @property
    def end(self) -> int:
        """Position behind the newest event."""
        return self.first + len(self._ring)

    def event(self, position: int) -> _Event:
        return self._ring[position - self.first]

    def left(self, listener: Listener) -> None:
        self.listeners.discard(listener)
        self._left_at = self._clock()

    def is_forgotten(self) -> bool:
        """Whether nobody has listened for so long that nobody will come back."""
        return not self.listeners and self._clock() - self._left_at > _KEPT_SECONDS

    def place_of(self, last_id: str | None) -> int | None:
        """Where somebody goes on whose last event that was; None: they need a snapshot."""
        instance, _, rest = (last_id or "").partition(".")
        revision, _, variant = rest.partition(".")
        if (instance, variant) != (self._instance, self._variant) or not revision.isdecimal():
            return None
        return self._place_after(int(revision))

    async def snapshot(self) -> tuple[_Snapshot, int]:
        """And where to go on after it. Made once for all who need it."""
        position = None
        while position is None:
            rendering = await self._renderings.latest(self._form, self._audience, at_least=self._floor)
            position = self._place_after(rendering.revision)
        moment, known = self._moment(), self._snapshot
        if known is None or known.seen.rendering is not rendering or known.seen.moment != moment:
            seen = Representation(rendering, moment, self._form)
            head = self._headed("snapshot", rendering.revision)
            known = self._snapshot = _Snapshot(seen, Segment.of(head), Segment.of(seen.end + b"\n\n"))
        return known, position

    async def tell(self) -> None:
        if self._fleet.revision == self._head:
            return
        revision, state = self._fleet.revision, self._seen()
        names, self.pending = sorted(self.pending), set()
        if self._audience is Audience.SUMMARY:
            names = []
        if state[0] != self._state[0] or len(names) > max(_FEW_NODES, len(self._fleet) // _FRACTION):
            self._begin_anew(revision)
        elif names or state != self._state:
            plain = self._headed("change", revision) + self._change(names) + b"\n\n"
            few = len(plain) <= _THREAD_BYTES
            segment = Segment.of(plain) if few else await asyncio.to_thread(Segment.of, plain)
            self._append(_Event(revision, segment))
        self._head, self._state = revision, state

    def _begin_anew(self, revision: int) -> None:
        self.first = self.end + 1
        self._ring.clear()
        self._bytes = 0
        self._floor = revision
        self._wake()

    def _append(self, event: _Event) -> None:
        self._ring.append(event)
        self._bytes += _size(event)
        while len(self._ring) > _RING_EVENTS or self._bytes > _RING_BYTES:
            oldest = self._ring.popleft()
            self._bytes -= _size(oldest)
            self._floor = oldest.revision
            self.first += 1
        self._wake()

    def _wake(self) -> None:
        for listener in self.listeners:
            listener.wake()

    def _place_after(self, revision: int) -> int | None:
        if revision < self._floor or revision > max(self._head, self._fleet.revision):
            return None
        return self.first + sum(event.revision <= revision for event in self._ring)

    def _seen(self) -> tuple[tuple[Kind, ...], bytes, Sources]:
        """What an event tells beside the nodes; the first of it only a snapshot can."""
        return self._fleet.kinds(), _ENCODER.encode(self._fleet.summary()), self._moment().sources.timeless()

    def _change(self, names: Iterable[str]) -> bytes:
        parts = [(name, self._fleet.parts(name)) for name in names]
        moment = self._moment()
        frame = Change(
            nodes=(),
            types=tuple(kind.type for _, own in parts for kind, _ in own),
            removed=tuple(name for name, own in parts if not own),
            summary=self._fleet.summary(),
            updated_at=moment.updated_at,
            sources=moment.sources,
        )
        nodes = b",".join(piece.json(self._audience) for _, own in parts for _, piece in own)
        # comes first in the document, so it is not in any string
        return _ENCODER.encode(frame).replace(b'"nodes":[]', b'"nodes":[' + nodes + b"]", 1)

    def _headed(self, kind: str, revision: int) -> bytes:
        return f"event: {kind}\nid: {self._instance}.{revision}.{self._variant}\ndata: ".encode()

    @property
    def _variant(self) -> str:
        return f"{self._audience.value}-{self._form.value}"


def _size(event: _Event) -> int:
    return len(event.segment.plain) + len(event.segment.deflated)
