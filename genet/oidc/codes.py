"""Authorization codes: `genet-ac-{id of the grant}.{random}`. The id is no secret; of the whole only the hash is kept.

Pure but for randomness.
"""

import base64
import hashlib
import hmac
import re
import secrets
from typing import Final

PREFIX: Final = "genet-ac-"
ID_PATTERN: Final = "[a-z2-7]{26}"
"""Of a grant's id: 128 random bits, fit to be an object's name. What does not match never reaches the API server."""

_CODE = re.compile(rf"{PREFIX}({ID_PATTERN})\.[A-Za-z0-9_-]{{43}}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def new_id() -> str:
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()


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
