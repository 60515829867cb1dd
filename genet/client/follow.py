"""A log that is followed: server-sent events, taken up again where they broke off."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

import httpx
import msgspec

from genet.client.api import Api, Query
from genet.client.errors import Unreachable

_LONGEST_LINE: Final = 16 * 1024 * 1024
_SILENCE_SECONDS: Final = 60.0
"""Heartbeats come every 15 seconds."""
_PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0)
"""Between tries while the server is away (seconds); then it is given up."""


class Event(NamedTuple):
    name: str
    data: str
    id: str | None


class _Line(msgspec.Struct):
    line: str = ""


def follow(api: Api, path: str, query: Query, sleep: Callable[[float], None]) -> Iterator[str]:
    """Lines as they come, until the log ends.

    Raises:
        Refused: also when the pod is gone meanwhile.
        Unreachable: the server is away for too long.
    """
    last: str | None = None
    failures = 0
    while True:
        headers = {"Accept": "text/event-stream", **({} if last is None else {"Last-Event-ID": last})}
        try:
            with api.open(path, query, headers, expected=httpx.codes.OK, silence=_SILENCE_SECONDS) as answer:
                for event in events(_lines(answer.iter_bytes())):
                    last, failures = event.id or last, 0
                    if event.name == "end":
                        return
                    if event.name == "log":
                        yield msgspec.json.decode(event.data, type=_Line).line
            lost = Unreachable("the server ends the stream again and again")
        except Unreachable as error:
            lost = error
        except msgspec.DecodeError:
            lost = Unreachable("the server sends something else than a log")
        if failures >= len(_PAUSES):
            raise lost
        sleep(_PAUSES[failures])
        failures += 1


def events(lines: Iterable[str]) -> Iterator[Event]:
    """The events of a stream (WHATWG HTML, 9.2.6); what is cut off before its empty line is none."""
    name, id_ = "", None
    data: list[str] = []
    for line in lines:
        if not line:
            if data:
                yield Event(name or "message", "\n".join(data), id_)
            name, data = "", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif field == "id" and "\0" not in value:
            id_ = value


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """By newlines alone: what a JSON text holds of other line ends is its own."""
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        if len(buffer) > _LONGEST_LINE:
            raise Unreachable("the server sends lines without end")
        *whole, rest = bytes(buffer).split(b"\n")
        for line in whole:
            yield line.removesuffix(b"\r").decode(errors="replace")
        buffer = bytearray(rest)
