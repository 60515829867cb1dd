"""What a request presents itself with, read from its raw headers. Pure.

A Bearer token is never added to a request by a browser on its own, so whoever sends one needs no further proof of where
the request comes from; in return nothing else that the browser added may say who is calling. Both rules look here, so
that they cannot disagree.
"""

from collections.abc import Iterable
from typing import Final

API_TOKEN: Final = b"genet-sk-"
"""What API tokens begin with."""

Headers = Iterable[tuple[bytes, bytes]]


def bearer(headers: Headers, *, own_alone: bool) -> str | None:
    """The token of `Authorization: Bearer`; None: it has none. Two such headers are one token that nobody knows.

    Args:
        headers: of the request.
        own_alone: leave what is no API token of Genet's: a proxy in front may add tokens of its provider to what
            browsers send, which prove nothing here.
    """
    values = [value.strip() for name, value in headers if name.lower() == b"authorization"]
    tokens = [token.strip() for scheme, _, token in (value.partition(b" ") for value in values) if _is_bearer(scheme)]
    if own_alone:
        tokens = [token for token in tokens if token.startswith(API_TOKEN)]
    if not tokens:
        return None
    return tokens[0].decode("latin-1") if len(values) == 1 else ""


def _is_bearer(scheme: bytes) -> bool:
    return scheme.lower() == b"bearer"
