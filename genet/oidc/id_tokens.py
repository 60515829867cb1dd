"""What ID tokens and userinfo say of a person. Pure: the time is passed in.

API servers believe these claims, so some things are never said: a name or a group that begins with `system:` means the
cluster's own parts, and an API server told to add no prefix takes it at its word.

- `email_verified` is what the company's provider said, true or false, and is left out where it said nothing. It is not
  left out where it said false: an API server that names people by e-mail refuses false, and accepts a missing claim.
- `groups` are cut at `GROUPS_BYTES`, in alphabetical order, so that a token fits into a header. To lack a group is to
  lack rights, and the log says it happened.
"""

import base64
import hashlib
import json
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from genet.auth.user import User
from genet.errors import Forbidden

log = logging.getLogger(__name__)

GROUPS_BYTES: Final = 4700
"""Of `groups` in JSON: a third more in base64, and with all other claims a token stays below 8 kB. It is more than the
4,096 bytes of names that `genet.auth.identities` keeps, with quotes and commas; only escapes may make some not fit."""
_LONGEST_GROUP: Final = 256
_RESERVED: Final = "system:"


def claims_of(user: User, *, email_verified: bool | None, scope: Iterable[str]) -> dict[str, Any]:
    """`sub` and what the scope opens (OpenID Connect Core section 5.4); `preferred_username` always.

    Raises:
        Forbidden: the person is called like a part of the cluster.
    """
    if any(_is_reserved(name) for name in (user.identifier, user.username, user.email)):
        raise Forbidden("names that begin with system: belong to the cluster's own parts")
    claims: dict[str, Any] = {"sub": user.identifier, "preferred_username": user.username}
    if "email" in scope and user.email:
        claims["email"] = user.email
        if email_verified is not None:
            claims["email_verified"] = email_verified
    if "groups" in scope:
        claims["groups"] = told_groups(user)
    return claims


def id_token_claims(
    claims: dict[str, Any],
    *,
    issuer: str,
    client: str,
    now: datetime,
    lifetime: timedelta,
    access_token: str,
    auth_time: datetime | None,
    nonce: str | None,
) -> dict[str, Any]:
    """OpenID Connect Core sections 2 and 3.1.3.6."""
    issued_at = int(now.timestamp())
    token: dict[str, Any] = {
        **claims,
        "iss": issuer,
        "aud": client,
        "iat": issued_at,
        "exp": issued_at + int(lifetime.total_seconds()),
        "at_hash": at_hash(access_token),
    }
    if auth_time is not None:
        token["auth_time"] = int(auth_time.timestamp())
    if nonce is not None:
        token["nonce"] = nonce
    return token


def at_hash(access_token: str) -> str:
    """For RS256: the left half of the SHA-256."""
    digest = hashlib.sha256(access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def told_groups(user: User) -> list[str]:
    """The groups that may be told, as many as fit."""
    usable = sorted({group for group in user.groups if _is_usable(group)})
    told: list[str] = []
    size = len("[]")
    for group in usable:
        size += len(json.dumps(group)) + len(",")
        if size > GROUPS_BYTES:
            log.warning(
                "a person is in more groups than a token holds",
                extra={"user": user.identifier, "groups": len(usable), "told": len(told)},
            )
            break
        told.append(group)
    return told


def _is_usable(group: str) -> bool:
    return 0 < len(group) <= _LONGEST_GROUP and group.isprintable() and not _is_reserved(group)


def _is_reserved(name: str) -> bool:
    return name.strip().casefold().startswith(_RESERVED)
