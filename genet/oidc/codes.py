"""Authorization codes: `genet-ac-{id of the grant}.{random}`. The id is no secret; of the whole only the hash is kept.

Trap: codes and refresh tokens come from anybody, and what they are worth only the API server knows. So an id says of
itself that it was made here, and none that somebody made up becomes a question to the API server.

Pure but for randomness.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from typing import Final

PREFIX: Final = "genet-ac-"
ID_PATTERN: Final = "[a-z2-7]{26}"
"""Of a grant's id: 80 random bits and a mark on them, fit to be an object's name."""
ID_PURPOSE: Final = "grant id"
"""Of the keys: what they are derived for."""

_CODE = re.compile(rf"{PREFIX}({ID_PATTERN})\.[A-Za-z0-9_-]{{43}}")
_RANDOM_BYTES = 10
_MARK_BYTES = 6
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def new_id(keys: Sequence[bytes]) -> str:
    """`keys` as the keyring has them, the one in use first."""
    return _marked(secrets.token_bytes(_RANDOM_BYTES), keys[0])


def is_own_id(id_: str, keys: Sequence[bytes]) -> bool:
    """Whether it was made here, with any of the keys."""
    if not is_id(id_):
        return False
    random = base64.b32decode(f"{id_.upper()}======")[:_RANDOM_BYTES]
    return any([hmac.compare_digest(_marked(random, key), id_) for key in keys])  # noqa: C419 # all of them, each time


def new_code(id_: str) -> str:
    return f"{PREFIX}{id_}.{secrets.token_urlsafe(32)}"


def grant_of(code: str) -> str | None:
    """The id of the grant that the code names; None: it is no code."""
    match = _CODE.fullmatch(code)
    return match[1] if match else None


def hash_of(code: str) -> str:
    """256 random bits need no salt and no slow hash."""
    return hashlib.sha256(code.encode()).hexdigest()


def is_same(code: str, code_hash: str) -> bool:
    return hmac.compare_digest(hash_of(code), code_hash)


def proves(verifier: str | None, challenge: str | None) -> bool:
    """RFC 7636 section 4.6, and RFC 9700 section 4.8.2: neither may be there without the other."""
    if verifier is None or challenge is None:
        return verifier is challenge
    if not _VERIFIER.fullmatch(verifier):
        return False
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(digest, challenge)


def is_id(text: str) -> bool:
    return re.fullmatch(ID_PATTERN, text) is not None


def _marked(random: bytes, key: bytes) -> str:
    mark = hmac.new(key, random, hashlib.sha256).digest()[:_MARK_BYTES]
    return base64.b32encode(random + mark).decode().rstrip("=").lower()
