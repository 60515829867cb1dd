"""How things are shown: tables for people, JSON and YAML for programs, and nothing that a terminal would obey.

What a server says, and what a pod prints, may hold escape sequences: they move the cursor, rename the window, and make
a person see what is not there. JSON and YAML escape them and lose nothing. In tables and sentences they become `?`.
Of a pod's own output (logs, exec) colours, tabs and carriage returns are let through to a terminal and nothing else;
a pipe or a file gets the bytes as they are.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from genet.client.errors import printable

LONGEST_CELL: Final = 200
_COLOUR: Final = r"\x1b\[[0-9;:]{0,40}m"
_OBEYED: Final = re.compile(rf"({_COLOUR})|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_WIDE: Final = 0x10000
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def cell(value: object) -> str:
    """One line of a table or of a sentence; what is not known is a dash."""
    text = "" if value is None else printable(str(value), LONGEST_CELL)
    return text or "-"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [list(head), *([cell(value) for value in row] for row in rows)]
    widths = [max(_width(line[n]) for line in lines) for n in range(len(head))]
    return "\n".join(
        "   ".join(text + " " * (width - _width(text)) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def lines(text: str) -> str:
    """Text of several lines, each of them harmless; tabs are spaces."""
    return "\n".join(printable(line.expandtabs(), 10_000) for line in text.split("\n"))


def output(text: str, *, to_terminal: bool) -> str:
    """What a pod printed."""
    return _OBEYED.sub(lambda found: found[1] or "?", text) if to_terminal else text


def as_json(value: object) -> str:
    return json.dumps(value, indent=2)


def as_yaml(value: object) -> str:
    """Block style; strings that are not plain words are quoted."""
    return "\n".join(_yaml(value))


def age(since: datetime | None, now: datetime) -> str:
    """As kubectl says it: `5d`, `3h12m`, `45s`."""
    if since is None:
        return "-"
    seconds = max(0, int((now - since).total_seconds()))
    if seconds < 2 * _MINUTE:
        return f"{seconds}s"
    if seconds < 3 * _HOUR:
        hours, minutes = divmod(seconds // _MINUTE, 60)
        return f"{hours}h{minutes}m" if hours else f"{minutes}m"
    return f"{seconds // _HOUR}h" if seconds < 2 * _DAY else f"{seconds // _DAY}d"


def moment(at: datetime | None) -> str:
    """In the person's own time zone."""
    return "-" if at is None else at.astimezone().strftime("%Y-%m-%d %H:%M")


def _width(text: str) -> int:
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(bool(unicodedata.combining(character)) for character in text)


def _yaml(value: object) -> list[str]:
    if isinstance(value, Mapping) and value:
        return [line for key, item in value.items() for line in _under(f"{_scalar(key)}:", item)]
    if isinstance(value, list | tuple) and value:
        return [line for item in value for line in _item(_yaml(item))]
    return [_scalar(value)]


def _under(key: str, value: Any) -> list[str]:
    inner = _yaml(value)
    if isinstance(value, Mapping | list | tuple) and value:
        return [key, *(f"  {line}" for line in inner)]
    return [f"{key} {inner[0]}"]


def _item(inner: list[str]) -> list[str]:
    return [f"- {inner[0]}", *(f"  {line}" for line in inner[1:])]


def _scalar(value: object) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    """As YAML quotes (JSON's pairs of surrogates are none there); what is not printable is escaped."""
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < _WIDE else f"\\U{code:08x}"
