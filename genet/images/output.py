"""What a Job's container said, for people. Pure.

nerdctl draws its progress anew ten times a second, line by line and with what moves a terminal's cursor: of each of
these lines the last one is told.
"""

import re
from typing import Final

LINES: Final = 100
MOST_CHARACTERS: Final = 64 * 1024
_ESCAPES: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_DRAWN: Final = re.compile(r"^((?:index|manifest|config|layer)-sha256:[0-9a-f]+|elapsed):")


def readable(text: str) -> str:
    """The last lines."""
    lines = [_ESCAPES.sub("", line).rstrip() for line in text.split("\n")]
    last: dict[str, int] = {}
    for number, line in enumerate(lines):
        drawn = _DRAWN.match(line)
        if drawn is not None:
            last[drawn[1]] = number
    kept = [
        line
        for number, line in enumerate(lines)
        if line and ((drawn := _DRAWN.match(line)) is None or last[drawn[1]] == number)
    ]
    return "\n".join(kept[-LINES:])[-MOST_CHARACTERS:]
