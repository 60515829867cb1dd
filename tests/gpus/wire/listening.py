"""A fleet that is changed by hand with clients of its streams, which read as a browser would."""

import asyncio
import zlib
from contextlib import aclosing, asynccontextmanager

import msgspec

from genet.gpus.overview import Audience, Form
from genet.gpus.wire.renderings import Renderings
from genet.gpus.wire.stream import Streams
from tests.gpus.wire.test_fleet import put
from tests.gpus.wire.test_renderings import Clock, moment


class Told:
    """Streams over a fleet, and what is known of it from outside."""

    def __init__(self, fleet):
        self.fleet = fleet
        self.clock = Clock()
        self.sources = "ok"
        self.can_render = asyncio.Event()
        self.can_render.set()
        self.streams = Streams(
            fleet,
            Renderings(fleet, self.settle_to_render, lambda: True),
            self.settle,
            self.moment,
            instance="i",
            clock=self.clock,
        )

    def moment(self):
        return moment(self.sources)

    async def settle(self):
        pass

    async def settle_to_render(self):
        await self.can_render.wait()

    def put(self, n, pods=(), readings=(), *, is_gathered=False):
        if audiences := put(self.fleet, n, pods, readings):
            (self.streams.gather if is_gathered else self.streams.changed)(n.metadata.name, audiences)

    def gone(self, name):
        self.streams.changed(name, self.fleet.put(name, {}))

    @asynccontextmanager
    async def client(self, form=Form.OBJECT, audience=Audience.MEMBER, last_id=None, *, gzip=False, **more):
        listener = self.streams.open(form, audience, last_id)
        try:
            async with aclosing(listener.chunks(gzip=gzip, **more)) as chunks:
                yield Client(listener, chunks, gzip=gzip)
        finally:
            listener.close()


class Client:
    """Reads one event after the other, as a browser would."""

    def __init__(self, listener, chunks, *, gzip):
        self.listener = listener
        self.read = b""
        self._chunks = chunks
        self._buffer = b""
        self._decoder = zlib.decompressobj(16 + zlib.MAX_WBITS) if gzip else None

    async def event(self):
        """Name, id and data; a comment is (":", None, None), the end (None, None, None)."""
        async with asyncio.timeout(5):
            while True:
                while b"\n\n" not in self._buffer:
                    try:
                        chunk = await anext(self._chunks)
                    except StopAsyncIteration:
                        return None, None, None
                    chunk = self._decoder.decompress(chunk) if self._decoder else chunk
                    self.read += chunk
                    self._buffer += chunk
                block, _, self._buffer = self._buffer.partition(b"\n\n")
                if block.startswith(b":"):
                    return ":", None, None
                fields = dict(line.split(": ", 1) for line in block.decode().split("\n"))
                if "event" in fields:
                    data = msgspec.json.decode(fields["data"])
                    return fields["event"], fields.get("id"), data

    async def named(self, name):
        event, id_, data = await self.event()
        assert event == name, (event, data)
        return id_, data

    async def snapshot(self):
        return await self.named("snapshot")

    async def change(self):
        return await self.named("change")
