"""What may come in as a person's name and groups, from whatever says who people are. Pure.

Names and groups go into tokens that the API server believes. There, what begins with `system:` is Kubernetes' own: the
API server refuses none of it by itself. And every request carries every group: 400 groups made a token of 27 kB, and
proxies commonly end headers at 8 kB.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace

from genet.auth.user import User
from genet.errors import Forbidden

MOST_GROUPS = 200
LONGEST_GROUP = 256
MOST_GROUP_BYTES = 4096
"""All groups of one person together, as UTF-8."""
LONGEST_NAME = 256
_RESERVED = "system:"


def accepted(user: User, wanted_groups: Collection[str] = ()) -> User:
    """The user as Genet will know them.

    Args:
        user: as they were proven.
        wanted_groups: groups that mean something here, so that they are kept before others where there are too many.

    Raises:
        Forbidden: the name or a group is reserved or cannot be used.
    """
    for name in (user.username, user.identifier, *user.groups):
        if name.strip().casefold().startswith(_RESERVED):
            raise Forbidden(f"names and groups that begin with {_RESERVED} belong to Kubernetes; ask an administrator")
    for name in (user.username, user.email):
        if not _is_usable(name, LONGEST_NAME):
            raise Forbidden("your account has a name or a mail address that cannot be used; ask an administrator")
    return replace(user, groups=_groups(user.groups, wanted_groups))


def _groups(groups: Iterable[str], wanted: Collection[str]) -> tuple[str, ...]:
    usable = [group for group in dict.fromkeys(groups) if _is_usable(group, LONGEST_GROUP)]
    left = MOST_GROUP_BYTES
    kept: set[str] = set()
    for group in sorted(usable, key=lambda group: group not in wanted):
        left -= len(group.encode())
        if left < 0 or len(kept) == MOST_GROUPS:
            break
        kept.add(group)
    return tuple(group for group in usable if group in kept)


def _is_usable(text: str, longest: int) -> bool:
    return 0 < len(text) <= longest and text.isprintable()
