"""The bytes of a log with time stamps become lines. Pure.

Traps of the kubelet:

- A runtime cuts long lines into parts of 16 KiB. Kubelets before 1.27 put a time stamp before each part, in the middle
  of the line.
- Stamps have nine digits or fewer, and the kubelet's own offset from UTC.
- It tells of its own troubles in plain lines without a stamp.
- A program that never ends its line prints a line of any length: nothing here is kept beyond `LONGEST`.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

LONGEST: Final = 128 * 1024
"""Bytes of a line that are shown; of the rest only that it was there."""
CUT: Final = b" [cut here: the line is longer than 128 KiB]"

_PART: Final = 16 * 1024
"""What runtimes (containerd, CRI-O, Docker) keep of a line in one piece."""
_STAMP: Final = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)(?: |$)", re.ASCII)
_LONGEST_STAMP: Final = 40
_BILLION: Final = 1_000_000_000


class Line(NamedTuple):
    at: int | None
    """When it was printed: nanoseconds since 1970. None: a line of the kubelet's own."""
    text: bytes
    """Without its newline."""


class LogLine(msgspec.Struct, frozen=True):
    """One line of a log that is followed."""

    time: str | None
    """When it was printed, RFC 3339 with nanoseconds; null for what the kubelet says itself."""
    line: str
    """Without its newline; carriage returns and colours are kept, what is no UTF-8 is U+FFFD."""


class Splitter:
    """Cuts what comes into lines; the last one, while it has no end, is kept back."""

    def __init__(self) -> None:
        self._rest = b""
        self._is_cut = False
        """The present line has been told already, as far as it is shown."""
        self._second = (b"", 0)

    def feed(self, chunk: bytes) -> Iterator[Line]:
        *whole, rest = chunk.split(b"\n")
        if whole:
            whole[0] = self._rest + whole[0]
            self._rest = b""
        for raw in whole:
            if self._is_cut:
                self._is_cut = False
            else:
                yield self._line(raw)
        if self._is_cut:
            return
        self._rest += rest
        if len(self._rest) > LONGEST + _parts(LONGEST) * _LONGEST_STAMP:
            yield self._line(self._rest)
            self._rest, self._is_cut = b"", True

    def rest(self) -> Iterator[Line]:
        """The last line, of which nothing more will come."""
        if self._rest:
            yield self._line(self._rest)
        self._rest, self._is_cut = b"", False

    def _line(self, raw: bytes) -> Line:
        found = _STAMP.match(raw)
        if found is None:
            return Line(None, _shown(raw))
        text = raw[found.end() :]
        return Line(self._nanoseconds(found), _shown(_joined(text) if len(text) > _PART else text))

    def _nanoseconds(self, found: re.Match[bytes]) -> int | None:
        second, fraction, offset = found.groups(b"")
        if second + offset != self._second[0]:
            try:
                moment = datetime.fromisoformat((second + offset).decode())
                self._second = second + offset, int(moment.timestamp())
            except ValueError:
                return None
        return self._second[1] * _BILLION + int(fraction.ljust(9, b"0"))


def on_wire(line: Line) -> LogLine:
    return LogLine(None if line.at is None else stamp(line.at), line.text.decode(errors="replace"))


def stamp(at: int) -> str:
    """Nanoseconds since 1970 as RFC 3339."""
    seconds, rest = divmod(at, _BILLION)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def _joined(text: bytes) -> bytes:
    """A long line without the stamps between its parts."""
    parts, at = [text[:_PART]], _PART
    while found := _STAMP.match(text, at, at + _LONGEST_STAMP):
        parts.append(text[found.end() : found.end() + _PART])
        at = found.end() + _PART
    return b"".join(parts) + text[at:]


def _parts(size: int) -> int:
    return size // _PART + 1


def _shown(text: bytes) -> bytes:
    if len(text) <= LONGEST:
        return text
    end = LONGEST
    while text[end] & 0xC0 == 0x80 and end > LONGEST - 4:  # noqa: PLR2004 # a character has four bytes at most
        end -= 1
    return text[:end] + CUT
