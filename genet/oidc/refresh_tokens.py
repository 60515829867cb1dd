"""Refresh tokens: `genet-rt-{id of the grant}.{generation}.{HMAC}`. Pure.

Nothing of them is kept: whoever has the grant and the key can say again what its token is, which is how two replicas
give the same answer to the same question. The HMAC is over the grant's own salt as well, so that the key alone makes
no token.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from genet.oidc.codes import ID_PATTERN

PREFIX: Final = "genet-rt-"
PURPOSE: Final = "refresh token"
"""Of the keys: what they are derived for."""

_TOKEN = re.compile(rf"{PREFIX}({ID_PATTERN})\.([1-9][0-9]{{0,8}})\.([A-Za-z0-9_-]{{43}})")


class Presented(NamedTuple):
    grant: str
    generation: int
    mac: str


def read(token: str) -> Presented | None:
    """What the token says; None: it is none. Nothing of it is proved before `is_genuine`."""
    match = _TOKEN.fullmatch(token)
    return Presented(match[1], int(match[2]), match[3]) if match else None


def write(grant: str, generation: int, salt: str, keys: Sequence[bytes]) -> str:
    """The token of a generation; `keys` as the keyring has them, the one in use first."""
    return f"{PREFIX}{grant}.{generation}.{_mac(grant, generation, salt, keys[0])}"


def is_genuine(presented: Presented, salt: str, keys: Sequence[bytes]) -> bool:
    """Whether it was made here, with any of the keys."""
    macs = [_mac(presented.grant, presented.generation, salt, key) for key in keys]
    return any([hmac.compare_digest(presented.mac, mac) for mac in macs])  # noqa: C419 # all of them, each time


def _mac(grant: str, generation: int, salt: str, key: bytes) -> str:
    message = f"{grant}.{generation}.{salt}".encode()
    return base64.urlsafe_b64encode(hmac.new(key, message, hashlib.sha256).digest()).rstrip(b"=").decode()
