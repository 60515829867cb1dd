"""The overview encoded: once for each form, audience and revision, shared by all who ask.

What it costs, and where:

- Nodes that changed are encoded in portions between which the loop answers others. Joining, hashing and compressing
  40,000 devices takes longer than anybody should wait, so that is done in a thread, from a view that no longer changes.
- However many events there are, a rendering is made so seldom that it takes a tenth of the time. In a small cluster
  that is every few milliseconds: whoever asks waits for one that shows what they have just done. In a large one the
  last one is given as long as it is young.
- Times are not part of it. They say when somebody looked, not what was seen; they come last in the document, so that a
  new second costs a few bytes and not the whole, also in the compressed form.

The ETag is a hash of the content, never a counter: two replicas that show the same say the same.
"""

import asyncio
import time
import zlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

from genet.gpus.overview import AcceleratorGroup, Audience, Form, Moment
from genet.gpus.wire import columnar
from genet.gpus.wire.fleet import Fleet, GroupView, View

Variant = tuple[Form, Audience]

YOUNG_SECONDS: Final = 1.0
"""How far behind an answer may be where a newer one would take long."""
_PATIENCE_SECONDS: Final = 0.25
"""What is not long."""
_SHARE: Final = 10
"""A rendering is followed by so many times its cost without one, less its own."""
SLICE_SECONDS: Final = 0.005
"""How long the loop is kept at once."""
_PIECE_BYTES: Final = 128 * 1024
"""With half of that, eighteen megabytes take a third longer; with twice of it, no less."""
_LEVEL: Final = 4
_DIGEST_BYTES: Final = 16
_ENCODER: Final = msgspec.json.Encoder()
GZIP_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


class Rendering(NamedTuple):
    """A JSON document that lacks its end: `"updatedAt"` and what else depends on when somebody looks."""

    revision: int
    digest: str
    """Of the content; also says which form and audience."""
    content: bytes
    deflated: bytes
    """The same as a segment of raw deflate, ended on a byte: others can follow it."""
    checksum: int
    """CRC-32 of the content."""


class Renderings:
    """The latest rendering of each variant.

    Args:
        fleet: what is rendered.
        settle: brings the fleet up to what is known of the cluster.
        is_settled: whether there is nothing to bring it up to.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        fleet: Fleet,
        settle: Callable[[], Awaitable[None]],
        is_settled: Callable[[], bool],
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._fleet = fleet
        self._settle = settle
        self._is_settled = is_settled
        self._clock = clock
        self._kept: dict[Variant, _Kept] = {}

    async def latest(self, form: Form, audience: Audience, *, at_least: int = 0) -> Rendering:
        """As it is now, or where that would take long, as it was a second ago at most and since revision `at_least`."""
        kept = self._kept.setdefault((form, audience), _Kept())
        asked = self._clock()
        while kept.rendering is None or kept.taken_at < asked:
            last = kept.rendering
            if last is not None and last.revision == self._fleet.revision(audience) and self._is_settled():
                kept.taken_at = self._clock()
                return last
            if kept.making is None:
                begin_at = max(kept.due_at, self._clock())
                kept.expected_at = begin_at + kept.took
                kept.making = asyncio.create_task(self._make(form, audience, kept, begin_at))
            if (
                last is not None
                and last.revision >= at_least
                and asked - kept.taken_at < YOUNG_SECONDS
                and kept.expected_at - asked > _PATIENCE_SECONDS
            ):
                return last
            await asyncio.shield(kept.making)  # others wait for it too
        return kept.rendering

    async def _make(self, form: Form, audience: Audience, kept: "_Kept", begin_at: float) -> None:
        try:
            await asyncio.sleep(begin_at - self._clock())
            await self._settle()
            taken_at = self._clock()
            view = self._fleet.view(audience)
            cost = await self._encode(view, form, audience, began=taken_at)
            rendering, seconds = await asyncio.to_thread(_rendered, view, form, audience)
            kept.rendering, kept.taken_at = rendering, taken_at
            ended = self._clock()
            kept.took = ended - begin_at
            kept.due_at = ended + (_SHARE - 1) * (cost + seconds)
        finally:
            kept.making = None

    async def _encode(self, view: View, form: Form, audience: Audience, *, began: float) -> float:
        """Seconds spent."""
        spent = 0.0
        for group in view.groups:
            for piece in group.pieces:
                piece.encode(form, audience)
                if self._clock() - began > SLICE_SECONDS:
                    spent += self._clock() - began
                    await asyncio.sleep(0)
                    began = self._clock()
        return spent + self._clock() - began


@dataclass
class _Kept:
    """What is known of one variant. Times are the clock's."""

    rendering: Rendering | None = None
    taken_at: float = 0
    """When the rendering was last known to be as things are."""
    making: "asyncio.Task[None] | None" = None
    expected_at: float = 0
    """When `making` will be done."""
    due_at: float = 0
    """When another may be begun."""
    took: float = 0


def _rendered(view: View, form: Form, audience: Audience) -> tuple[Rendering, float]:
    """In a thread, and the seconds of processor time it took there."""
    began = time.thread_time()
    content = _columns(view, audience) if form is Form.COLUMNAR else _objects(view, audience)
    digest = blake2b(content, digest_size=_DIGEST_BYTES, key=f"{form.value} {audience.value}".encode()).hexdigest()
    rendering = Rendering(view.revision, digest, content, deflated(content), zlib.crc32(content))
    return rendering, time.thread_time() - began


def _columns(view: View, audience: Audience) -> bytes:
    groups = (
        (columnar.ColumnarGroup(*_names(group)), [piece.row() for piece in group.pieces]) for group in view.groups
    )
    return _ENCODER.encode(columnar.columns(groups, view.summary, audience)).removesuffix(b"}")


def _objects(view: View, audience: Audience) -> bytes:
    parts = [b'{"acceleratorGroups":[']
    for number, group in enumerate(view.groups):
        empty = AcceleratorGroup(
            *_names(group),
            nodes=(),
            total_devices=group.counts.total_devices,
            used_devices=group.counts.used_devices,
        )
        # a quote inside of a string is escaped, so this stands nowhere else
        before, _, after = _ENCODER.encode(empty).partition(b'"nodes":[]')
        parts += (b"," if number else b"", before, b'"nodes":[')
        for nth, piece in enumerate(group.pieces):
            parts += (b",", piece.json(audience)) if nth else (piece.json(audience),)
        parts += (b"]", after)
    parts += (b'],"summary":', _ENCODER.encode(view.summary))
    return b"".join(parts)  # once: they are many megabytes, and copying them keeps the interpreter from all else


def _names(group: GroupView) -> tuple[str, str, str]:
    return group.kind.type, group.kind.label, group.kind.resource_name


def deflated(data: bytes) -> bytes:
    """A segment of raw deflate that needs no other and ends on a byte."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)


def pieces(body: bytes) -> Iterator[bytes]:
    """So that a client that does not read holds one of them and not the whole."""
    for start in range(0, len(body), _PIECE_BYTES):
        yield body[start : start + _PIECE_BYTES]


class Representation:
    """A rendering as somebody looks at it now; its bytes are made once, when they are asked for."""

    def __init__(self, rendering: Rendering, moment: Moment, form: Form) -> None:
        self.rendering = rendering
        self.moment = moment
        self.end = _end(moment, form)
        seen = rendering.digest.encode() + _ENCODER.encode(moment.sources.timeless())
        self.etag = blake2b(seen, digest_size=_DIGEST_BYTES).hexdigest()
        """Of all codings, without quotes."""

    def parts(self, *, gzip: bool) -> tuple[bytes, ...]:
        """All of it; what is long in them is the rendering's, and nobody's own."""
        return self._gzip_parts if gzip else (self.rendering.content, self.end)

    @cached_property
    def plain(self) -> bytes:
        return b"".join(self.parts(gzip=False))

    @cached_property
    def gzipped(self) -> bytes:
        return b"".join(self.parts(gzip=True))

    @cached_property
    def _gzip_parts(self) -> tuple[bytes, ...]:
        """What is compressed here is the end alone."""
        compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        last = compressor.compress(self.end) + compressor.flush()
        checksum = zlib.crc32(self.end, self.rendering.checksum).to_bytes(4, "little")
        size = (len(self.rendering.content) + len(self.end)) % 2**32
        return GZIP_HEADER, self.rendering.deflated, last + checksum + size.to_bytes(4, "little")


def _end(moment: Moment, form: Form) -> bytes:
    """What completes the document."""
    end = b"," + _ENCODER.encode(moment)[1:]
    if form is Form.COLUMNAR:
        return end
    enabled = _ENCODER.encode(moment.sources.prometheus.state != "off")
    return b',"prometheusEnabled":' + enabled + end
