"""One form and audience of the stream: a ring of events, encoded and compressed once for all who listen.

- While somebody listens, or may come back, the channel is asked several times a second to tell what has changed, and
  puts one event about it into its ring, so a burst of changes is one event.
- Whoever resumes where the ring begins, or later, finds there what they missed; for all others there is a snapshot.
- Where so many nodes changed that a snapshot says it in fewer bytes, or the groups themselves did, the ring begins
  anew behind everybody's position: so all get the one new rendering. Many nodes change with each round of readings,
  and to render them takes long: until that is done the ring goes on, so that no event about a pod waits for it.
- Events are compressed by themselves and end on a byte; one gzip stream can be made of a header and any of them in a
  row. So a client costs no compressor. Trap: such a stream has no end of its own, which browsers and curl accept.

Ids are `{instance}.{revision}.{audience}-{form}`: revisions are counted by each process for itself, and for each
audience by itself. Who is not logged in is told nothing, not even a number, when only a holder's name has changed.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple, Protocol

import msgspec

from genet.gpus.merge.inventory import Kind
from genet.gpus.overview import Audience, Change, Form, Moment, Sources
from genet.gpus.wire.fleet import Fleet
from genet.gpus.wire.renderings import Rendering, Renderings, Representation, deflated, pieces

_KEPT_SECONDS: Final = 60.0
"""How long events are gathered for somebody who may come back."""
_RING_EVENTS: Final = 256
_RING_BYTES: Final = 4 * 1024 * 1024
_FEW_EVENTS: Final = 16
"""How many of them may follow a snapshot at once: with more, a newer one is better."""
_FEW_NODES: Final = 16
_FRACTION: Final = 16
"""Of the fleet's nodes: more of them than this part are a snapshot."""
_THREAD_BYTES: Final = 32 * 1024
"""What is longer is compressed in a thread."""
_AT_ONCE: Final = 4
"""How many may take a snapshot in the same turn of the loop."""
_REVISION: Final = re.compile(r"\d{1,18}", re.ASCII)
_ENCODER: Final = msgspec.json.Encoder()


class Segment(NamedTuple):
    """Bytes of a stream, plain and as raw deflate that needs nothing before it."""

    plain: bytes
    deflated: bytes

    @classmethod
    def of(cls, plain: bytes) -> "Segment":
        return cls(plain, deflated(plain))


class Event(NamedTuple):
    revision: int
    """Of the fleet, as whoever has read this sees it."""
    segment: Segment


class Snapshot(NamedTuple):
    seen: Representation
    head: Segment
    end: Segment

    def chunks(self, *, gzip: bool) -> Iterator[bytes]:
        coding = 1 if gzip else 0
        body = self.seen.rendering.deflated if gzip else self.seen.rendering.content
        yield self.head[coding]
        yield from pieces(body)
        yield self.end[coding]


class Waiting(Protocol):
    """Who listens, as far as a channel has to know."""

    @property
    def user(self) -> str | None: ...
    def wake(self) -> None: ...
    def end(self) -> None: ...


class Told(NamedTuple):
    """What there is to tell."""

    fleet: Fleet
    renderings: Renderings
    moment: Callable[[], Moment]
    instance: str
    clock: Callable[[], float]


class Channel:
    """What everybody of one form and audience is told: events from revision `_floor` to `_head` of the fleet."""

    def __init__(self, form: Form, audience: Audience, told: Told) -> None:
        self.listeners: set[Waiting] = set()
        self.pending: set[str] = set()
        """Nodes of the next event."""
        self.gathered: set[str] = set()
        """Nodes of a round of readings that is still being taken in."""
        self.first = 0
        """Position of the oldest event in the ring."""
        self._form = form
        self._audience = audience
        self._fleet, self._renderings, self._moment, self._instance, self._clock = told
        self._ring: deque[Event] = deque()
        self._bytes = 0
        self._floor = self._head = self._fleet.revision(audience)
        self._state = self._seen()
        self._left_at = self._clock()
        self._snapshot: Snapshot | None = None
        self._rendering: Rendering | None = None
        """Made for those who listened when the ring last began anew."""
        self._due = 0
        """The revision that it has to be of, at least."""
        self._renewal: asyncio.Task[None] | None = None
        self._turns = asyncio.Semaphore(_AT_ONCE)

    @property
    def end(self) -> int:
        """Position behind the newest event."""
        return self.first + len(self._ring)

    def event(self, position: int) -> Event:
        return self._ring[position - self.first]

    def left(self, listener: Waiting) -> None:
        self.listeners.discard(listener)
        self._left_at = self._clock()

    def is_forgotten(self) -> bool:
        """Whether nobody has listened for so long that nobody will come back."""
        return not self.listeners and self._clock() - self._left_at > _KEPT_SECONDS

    def place_of(self, last_id: str | None) -> int | None:
        """Where somebody goes on whose last event that was; None: they need a snapshot."""
        instance, _, rest = (last_id or "").partition(".")
        revision, _, variant = rest.partition(".")
        if (instance, variant) != (self._instance, self._variant) or not _REVISION.fullmatch(revision):
            return None
        return self._place_after(int(revision))

    async def snapshot(self) -> tuple[Snapshot, int]:
        """And where to go on after it. Made once for all who need it, and handed out to a few at a time.

        Two hundred who begin to read it in the same turn of the loop would hold up everybody else.
        """
        async with self._turns:
            found = await self._latest()
            await asyncio.sleep(0)  # the next few come in the next turn
            return found

    async def _latest(self) -> tuple[Snapshot, int]:
        rendering = self._rendering
        position = None if rendering is None else self._place_after(rendering.revision)
        if position is not None and self.end - position > _FEW_EVENTS:
            position = None
        while rendering is None or position is None:
            rendering = await self._renderings.latest(self._form, self._audience, at_least=self._floor)
            position = self._place_after(rendering.revision)
        moment, known = self._moment(), self._snapshot
        if known is None or known.seen.rendering is not rendering or known.seen.moment != moment:
            seen = Representation(rendering, moment, self._form)
            head = self._headed("snapshot", rendering.revision)
            known = self._snapshot = Snapshot(seen, Segment.of(head), Segment.of(seen.end + b"\n\n"))
        return known, position

    async def tell(self) -> None:
        revision = self._fleet.revision(self._audience)
        if revision == self._head:
            return
        state = self._seen()
        names, self.pending = sorted(self.pending), set()
        if self._audience is Audience.SUMMARY:
            names = []
        is_much = len(names) > max(_FEW_NODES, len(self._fleet) // _FRACTION)
        if state[0] != self._state[0] or (is_much and not self.listeners):
            self._begin_anew(revision)
        elif is_much:
            self._due = revision
            if self._renewal is None:
                self._renewal = asyncio.create_task(self._renew())
        elif names or state != self._state:
            try:
                plain = self._headed("change", revision) + self._change(names) + b"\n\n"
                few = len(plain) <= _THREAD_BYTES
                segment = Segment.of(plain) if few else await asyncio.to_thread(Segment.of, plain)
            except BaseException:
                self.pending.update(names)  # they have not been told yet
                raise
            self._append(Event(revision, segment))
        self._head, self._state = revision, state

    async def _renew(self) -> None:
        """Have a snapshot made, and only then send everybody to it."""
        try:
            while self._floor < self._due:
                rendering = await self._renderings.latest(self._form, self._audience, at_least=self._due)
                if rendering.revision > self._floor:
                    self._rendering = rendering
                    self._begin_anew(rendering.revision)
        finally:
            self._renewal = None
            if self._floor < self._due:
                self._begin_anew(self._due)  # it has failed: let whoever listens see to it themselves

    def _begin_anew(self, revision: int) -> None:
        """All need a snapshot of that revision or a later one; events since then stay for who has it."""
        self.first = self.end + 1
        self._ring = deque(event for event in self._ring if event.revision > revision)
        self._bytes = sum(map(_size, self._ring))
        self._floor = revision
        self._wake()

    def _append(self, event: Event) -> None:
        self._ring.append(event)
        self._bytes += _size(event)
        while len(self._ring) > _RING_EVENTS or self._bytes > _RING_BYTES:
            oldest = self._ring.popleft()
            self._bytes -= _size(oldest)
            self._floor = max(self._floor, oldest.revision)
            self.first += 1
        self._wake()

    def _wake(self) -> None:
        for listener in self.listeners:
            listener.wake()

    def _place_after(self, revision: int) -> int | None:
        if revision < self._floor or revision > max(self._head, self._fleet.revision(self._audience)):
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


def _size(event: Event) -> int:
    return len(event.segment.plain) + len(event.segment.deflated)
