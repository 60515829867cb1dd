"""Where somebody is in a log, so that they can go on there: later, on another replica, in the log read again. Pure.

A log has no line numbers, and times alone do not tell lines apart: a runtime may give many lines one time, and lines
of standard output and standard error may stand in the file a moment out of order. So a position is a line: its time,
a checksum of its text, and which one of those that are alike. The log is read again from somewhat before it, until
that line has come by.

Traps: the kubelet keeps whole seconds of the time to begin at. Once a log has been rotated, it reads what is left; then
the line never comes, and whoever goes on is told that some may be missing.
"""

import re
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple, Self

from genet.pods.log_lines import Line

_ID: Final = re.compile(r"([0-9a-f]{1,8})-(\d{1,9})-(\d{1,19})-([0-9a-f]{1,8})-(\d{1,9})", re.ASCII)
_BILLION: Final = 1_000_000_000
_BEFORE_SECONDS: Final = 1
"""How far out of order lines may be, at most."""
_MOST_ALIKE: Final = 10_000
_MOST_HELD: Final = 256
_MOST_HELD_BYTES: Final = 256 * 1024


class Position(NamedTuple):
    pod: str
    """The first characters of its UID."""
    life: int
    """How often the container had been restarted."""
    at: int
    """Nanoseconds since 1970."""
    checksum: int
    number: int
    """Of the lines of that time and checksum."""

    @classmethod
    def read(cls, text: str | None, uid: str) -> Self | None:
        """What a client sent as the last id that it saw; None: nothing that is good for this pod."""
        found = _ID.fullmatch(text or "")
        if found is None or found[1] != short(uid):
            return None
        return cls(found[1], int(found[2]), int(found[3]), int(found[4], 16), int(found[5]))

    def __str__(self) -> str:
        return f"{self.pod}-{self.life}-{self.at}-{self.checksum:x}-{self.number}"

    @property
    def since(self) -> datetime:
        """From where to read again."""
        return datetime.fromtimestamp(max(0, self.at // _BILLION - _BEFORE_SECONDS), UTC)


class Counter:
    """Gives each line that is told its position."""

    def __init__(self, uid: str, last: Position | None) -> None:
        self.last = last
        """Of the line that was told last."""
        self._pod = short(uid)
        self._alike: dict[int, int] = {last.checksum: last.number} if last else {}

    def found(self, alike: dict[int, int]) -> None:
        """The line has come by again, and with it those of the same time before it."""
        self._alike = alike

    def told(self, line: Line, life: int) -> Position | None:
        """Where somebody is who has read this line too."""
        if line.at is None:
            return self.last
        if self.last is None or line.at != self.last.at or life != self.last.life or len(self._alike) > _MOST_ALIKE:
            self._alike.clear()
        checksum = zlib.crc32(line.text)
        number = self._alike[checksum] = self._alike.get(checksum, 0) + 1
        self.last = Position(self._pod, life, line.at, checksum, number)
        return self.last


class Search:
    """Lets through what stands behind a position; None: everything.

    Lines that are later than the position's, while its own has not come by, are held for a while: it is among those out
    of order, or not there at all.
    """

    def __init__(self, position: Position | None) -> None:
        self.is_over = position is None
        self.is_lost = False
        """The line was not there: others may be missing as well."""
        self._position = position
        self._held: list[Line] = []
        self._held_bytes = 0
        self.alike: dict[int, int] = {}
        """How many lines of the position's own time have come by, by checksum."""

    def take(self, line: Line) -> Iterable[Line]:
        if self.is_over or self._position is None:
            return (line,)
        wanted = self._position
        if line.at == wanted.at and len(self.alike) <= _MOST_ALIKE:
            checksum = zlib.crc32(line.text)
            number = self.alike[checksum] = self.alike.get(checksum, 0) + 1
            if (checksum, number) == (wanted.checksum, wanted.number):
                self.is_over = True
                self._held.clear()
        if self.is_over or line.at is None or line.at <= wanted.at:
            return ()
        self._held.append(line)
        self._held_bytes += len(line.text)
        is_far = line.at > wanted.at + _BEFORE_SECONDS * _BILLION
        return self.give_up() if is_far or self._is_full() else ()

    def give_up(self) -> Iterable[Line]:
        """Nothing more comes for now; if there are later lines, it is not there: those are let through."""
        if self.is_over or not self._held:
            return ()
        self.is_over = self.is_lost = True
        held, self._held = self._held, []
        return held

    def _is_full(self) -> bool:
        return len(self._held) >= _MOST_HELD or self._held_bytes > _MOST_HELD_BYTES


def short(uid: str) -> str:
    return re.sub("[^0-9a-f]", "", uid)[:8] or "0"
