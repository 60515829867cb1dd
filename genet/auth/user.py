"""Who somebody is, and how Genet knows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True)
class User:
    username: str
    email: str
    identifier: str
    """userIdentifier: names the namespace and everything in it."""
    owner: str
    """What the namespace's owner annotation says: the identity, not its name."""
    is_admin: bool
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Caller:
    """Somebody who is logged in, and by what this one request proved it."""

    user: User
    by: Literal["session", "token", "proxy", "dev"]
    scopes: frozenset[str] | None = None
    """What an API token may be used for; None: everything its user may."""
    credential_id: str | None = None
    """The record of the session or of the token."""
    until: datetime | None = None
    """When it ends by itself."""
    authenticated_at: datetime | None = None
    """When the person last proved who they are (OpenID's auth_time)."""
