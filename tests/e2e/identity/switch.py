"""A load balancer for tests: one port in front of several replicas, and the test says which of them is reached.

It passes bytes on and ends no TLS, so what is proven through it is proven of the replica itself.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle


class Switch:
    """Runs in a thread of its own. New connections go `to` the chosen ones in turn.

    Raises:
        OSError: somebody else has the port.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self._listening = _sockets(port)
        self._targets: list[int] = []
        self._turn = cycle([0])
        self._open: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._is_listening = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)

    def to(self, *ports: int) -> None:
        """From now on; connections that are open already are cut."""
        asyncio.run_coroutine_threadsafe(self._point(ports), self._loop).result(10)

    def start(self) -> None:
        self._thread.start()
        assert self._is_listening.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)
        self._loop.close()

    async def _point(self, ports: tuple[int, ...]) -> None:
        self._targets = list(ports)
        self._turn = cycle(range(len(ports)))
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self) -> None:
        self._ended = asyncio.Event()
        servers = [await asyncio.start_server(self._connected, sock=one) for one in self._listening]
        self._is_listening.set()
        await self._ended.wait()
        for server in servers:
            server.close()
        await self._point(())
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pumps.add(task)
        self._open.add(writer)
        back: asyncio.StreamWriter | None = None
        with contextlib.suppress(OSError, asyncio.CancelledError):
            try:
                target = self._targets[next(self._turn)]
                answers, back = await asyncio.open_connection("127.0.0.1", target)
                self._open.add(back)
                await asyncio.gather(_pump(reader, back), _pump(answers, writer))
            except IndexError:
                pass  # nobody is behind it
            finally:
                for end in (writer, back):
                    if end is not None:
                        self._open.discard(end)
                        end.transport.abort()
                self._pumps.discard(task)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(2**16):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


def _sockets(port: int) -> list[socket.socket]:
    """localhost by both its addresses, where the machine has both."""
    found = [socket.create_server(("127.0.0.1", port), backlog=1024)]
    with contextlib.suppress(OSError):
        found.append(socket.create_server(("::1", port), family=socket.AF_INET6, backlog=1024))
    return found


@contextmanager
def switching(port: int) -> Iterator[Switch]:
    switch = Switch(port)
    switch.start()
    try:
        yield switch
    finally:
        switch.stop()
