"""What the server and its reader say to each other: msgpack with the length before it, over the child's pipes.

The server says once how to ask (`Orders`), then `Ask` for each round; the reader answers with any number of
`Portion`s and one `Summary`. Readings stay encoded until somebody looks at their node.
"""

import asyncio
import struct
from typing import Final, TypeVar

import msgspec

from genet.gpus.telemetry.devices import Host

Frame = TypeVar("Frame")

_LENGTH: Final = struct.Struct(">I")
_MAX_BYTES: Final = 16 * 1024 * 1024


class Orders(msgspec.Struct, frozen=True):
    url: str
    """Base URL of Prometheus, with its password if it has one: never an argument of a command."""
    idle_percent: int


class Ask(msgspec.Struct, frozen=True):
    everything: bool
    """Whether hosts whose readings have not changed are to be told as well."""


class HostReadings(msgspec.Struct, frozen=True, array_like=True):
    host: Host
    readings: bytes
    """A msgpack array of `Reading`."""


class Portion(msgspec.Struct, frozen=True, tag=True):
    hosts: tuple[HostReadings, ...] = ()
    """Whose readings are new."""
    gone: tuple[Host, ...] = ()
    """Of which nothing is told any more."""


class Summary(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """How a round went."""

    error: str | None = None
    """Why nothing could be learned, for people to read; nothing else is said then."""
    is_complete: bool = False
    """Whether every host was told, not only those of which something is new."""
    missing: tuple[tuple[str, str], ...] = ()
    """What could not be learned, and why."""
    devices: int = 0
    nameless: int = 0
    """Series that name no device."""
    not_numbers: int = 0
    """Series whose value is NaN or infinite."""
    unmeasured: int = 0
    """Devices of which some values are known, but not how busy they are."""


def pack(frame: object) -> bytes:
    body = msgspec.msgpack.encode(frame)
    return _LENGTH.pack(len(body)) + body


async def unpack(stream: asyncio.StreamReader, decoder: msgspec.msgpack.Decoder[Frame]) -> Frame:
    """The next frame.

    Raises:
        EOFError: the other side has gone.
        ValueError: it says something else than frames.
    """
    (length,) = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
    if length > _MAX_BYTES:
        raise ValueError("too long for a frame")
    return decoder.decode(await stream.readexactly(length))
