"""Cookies as they came, byte by byte. Pure.

Trap: Litestar's parser strips bytes such as 85, A0, 0B and 1F from names, and of two cookies of one name takes the
last. A page of a sibling domain can set a cookie for the whole domain. A browser refuses its `__Host-` name, but not
one with such a byte in it, which would then take the place of the real one. So a name counts only if it is the very
bytes, and where something else could be taken for it nothing counts.
"""

import re
from collections.abc import Iterable

_VALUE = re.compile(rb"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*")
"""What RFC 6265 section 4.1.1 lets a cookie's value be, without quotes."""
_NO_NAME = re.compile(rb"[^!#$%&'*+\-.^_`|~0-9A-Za-z]")
"""What no name of a cookie may hold."""


class DoubledCookieError(Exception):
    """Two cookies could be meant, so none is."""


def cookie(headers: Iterable[tuple[bytes, bytes]], name: str) -> str | None:
    """The value of the one cookie of this name; None: there is none, or its value is none that Genet has set.

    Raises:
        DoubledCookieError: another one has its name, or a name that could be taken for it.
    """
    wanted = name.encode()
    found = [(key, value) for key, value in _pairs(headers) if _plain(key) == wanted.lower()]
    if len(found) > 1 or any(key != wanted for key, _ in found):
        raise DoubledCookieError(name)
    if not found or not _VALUE.fullmatch(found[0][1]):
        return None
    return found[0][1].decode() or None


def names(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    """Of all cookies that came with names a cookie can have."""
    return [key.decode() for key, _ in _pairs(headers) if key and not _NO_NAME.search(key)]


def _pairs(headers: Iterable[tuple[bytes, bytes]]) -> Iterable[tuple[bytes, bytes]]:
    for header, line in headers:
        if header.lower() != b"cookie":
            continue
        for part in line.split(b";"):
            # blanks and tabs alone are no part of a name; anything else that Python calls white space is
            key, _, value = part.partition(b"=")
            yield key.strip(b" \t"), value.strip(b" \t")


def _plain(name: bytes) -> bytes:
    """A name as the most careless reader would see it."""
    return _NO_NAME.sub(b"", name).lower()
