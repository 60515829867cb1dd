"""A reason: a code and what it is about; the sentence is made from these (`texts`)."""

import re
from typing import Final, TypeAlias

import msgspec

Param: TypeAlias = str | int | float | list[str] | None
Params: TypeAlias = dict[str, Param]

_LONGEST: Final = 400
_CREDENTIALS: Final = re.compile(r"(?<=://)[^/\s@]+@")


class Reason(msgspec.Struct, frozen=True):
    """`params` always has the keys of its code; what is not known is null. `text` is in the caller's language."""

    code: str
    params: dict[str, str | float | list[str] | None]
    text: str


class Finding(msgspec.Struct, frozen=True):
    """A reason before it is put into words."""

    code: str
    params: Params = {}


def finding(code: str, /, **params: Param) -> Finding:
    return Finding(code, params)


def quoted(text: str) -> str:
    """Words of another program, fit for a sentence: one line, bounded, without a full stop or anybody's password."""
    line = " ".join(_CREDENTIALS.sub("", text).split())
    line = "".join(char for char in line if char.isprintable()).rstrip(".")
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "…"
