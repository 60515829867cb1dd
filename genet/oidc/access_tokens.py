"""Access tokens: sealed, for userinfo alone, never read by anybody but Genet.

Sealing binds them to their purpose: ID tokens, refresh tokens, codes, cookies and forms are no access tokens, however
they are presented (CVE-2025-12421). Whether the grant behind one is still alive, only the API server knows.
"""

from datetime import timedelta
from typing import Final

import msgspec

from genet.auth.sealing import Purpose, Sealer, Unsealable

PREFIX: Final = "genet-at-"


class AccessToken(msgspec.Struct, frozen=True):
    grant: str
    client: str
    scope: tuple[str, ...]


PURPOSE: Final = Purpose("access token", AccessToken)


def write(sealer: Sealer, token: AccessToken, lifetime: timedelta) -> str:
    return PREFIX + sealer.seal(PURPOSE, token, lifetime)


def read(sealer: Sealer, text: str) -> AccessToken | None:
    """None: it is none, or its time is over."""
    if not text.startswith(PREFIX):
        return None
    try:
        return sealer.open(PURPOSE, text.removeprefix(PREFIX))
    except Unsealable:
        return None
