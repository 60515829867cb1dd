"""Who somebody is."""

from dataclasses import dataclass


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
