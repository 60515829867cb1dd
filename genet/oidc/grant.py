"""What is remembered of one person's leave to one client, and how long it counts. Pure: the time is passed in.

A grant begins as a code, becomes active by the one presentation of the code, and ends by its time, by its user, or by
a code or a refresh token that comes twice. One that ended otherwise than by its time stays as a tombstone, and a used
code stays recognisable, until the last refresh token could have been used; the collector takes it then.

Nothing here is a bearer's secret: of the code there is the hash, and refresh tokens are computed (`refresh_tokens`).
"""

import secrets
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from genet.kube.records import Kind
from genet.settings import Lifetimes

WITHOUT_UPSTREAM: Final = timedelta(hours=12)
"""How long a grant lives where nobody can be asked whether its person still works here."""
LONGEST_ACCESS: Final = timedelta(hours=1)
"""No access token lives longer, whatever the settings say or said when it was made."""
_CODE_KEPT: Final = timedelta(minutes=1)
_LONGEST_USER_AGENT: Final = 200

Status = Literal["code", "active", "ended"]


class Grant(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    user: str
    """userIdentifier."""
    epoch: int
    """The person's when this began: it counts while the two are the same."""
    client: str
    scope: tuple[str, ...]
    status: Status
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    """However often it is refreshed."""
    auth_time: datetime | None = None
    """When the person last proved who they are."""
    user_agent: str = ""
    """By which people tell their grants from each other: the browser's, or a name they chose."""
    session: str | None = None
    """Id of the session in which it began."""

    redirect_uri: str | None = None
    code_hash: str = ""
    """SHA-256, hexadecimal."""
    code_challenge: str | None = None
    code_expires_at: datetime | None = None
    nonce: str | None = None

    can_refresh: bool = False
    generation: int = 1
    """Of the refresh token that is good now."""
    salt: str = ""
    rotated_at: datetime | None = None
    """When the generation before went out of use."""
    written_by: str = ""
    """A random mark of the request that wrote last: by it a request whose answer was lost knows its own work."""
    ended_because: str | None = None


GRANT: Final = Kind("grant", Grant)

Standing = Literal["current", "previous", "past", "unknown"]


def ends_at(grant: Grant, ttl: Lifetimes) -> datetime:
    """When it ends if nobody uses it."""
    if grant.status == "code":
        return grant.code_expires_at or grant.created_at
    if not grant.can_refresh:
        return grant.expires_at
    return min(grant.expires_at, grant.last_used_at + timedelta(hours=ttl.refresh_idle_hours))


def is_live(grant: Grant, now: datetime, ttl: Lifetimes) -> bool:
    """Whether tokens of it may still be good."""
    return grant.status == "active" and now < ends_at(grant, ttl)


def is_forgettable(grant: Grant, now: datetime, ttl: Lifetimes) -> bool:
    """Whether nothing is left that could be presented and would have to be recognised."""
    kept = _CODE_KEPT if grant.status == "code" else LONGEST_ACCESS
    return now >= ends_at(grant, ttl) + kept


def may_last(created_at: datetime, ttl: Lifetimes, *, asks_upstream: bool) -> datetime:
    """Until when, however often it is refreshed."""
    lifetime = timedelta(hours=ttl.refresh_hours)
    return created_at + (lifetime if asks_upstream else min(lifetime, WITHOUT_UPSTREAM))


def standing(grant: Grant, generation: int, now: datetime, ttl: Lifetimes) -> Standing:
    """What a refresh token of that generation is worth.

    `previous` is the exception that RFC 9700 section 4.14.2 knows nothing of: programs that share one kubeconfig send
    the same token at the same moment, and an answer may get lost. So the generation before the present one is answered
    for `refreshGrace` seconds with the present token, never with a newer one.
    """
    if generation == grant.generation:
        return "current"
    if generation > grant.generation:
        return "unknown"  # of a future that a restored backup has undone
    grace = timedelta(seconds=ttl.refresh_grace)
    if grace and generation == grant.generation - 1 and grant.rotated_at is not None and now < grant.rotated_at + grace:
        return "previous"  # without `grace and` a replica whose clock is behind would have some
    return "past"


def new_mark() -> str:
    return secrets.token_hex(8)


def shown_user_agent(text: str | None) -> str:
    """As much of it as can be shown in a list."""
    return "".join(character for character in text or "" if character.isprintable())[:_LONGEST_USER_AGENT]
