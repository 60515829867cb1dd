"""Dev mode: whoever reaches the port is whoever they say. For one person on the own machine, and for `genet demo`."""

from genet import naming
from genet.auth.user import User
from genet.errors import FieldError, Invalid
from genet.settings import Settings

DEFAULT_USER = "dev-user"
_LONGEST = 64


def dev_user(name: str | None, settings: Settings) -> User:
    """The user of `?user=NAME`; without it `dev-user`."""
    name = DEFAULT_USER if name is None else name
    if not 0 < len(name) <= _LONGEST or not name.isprintable():
        raise Invalid("no such user", errors=[FieldError("user", "expected 1 to 64 printable characters")])
    email = f"{name}@dev.invalid"
    identifier = naming.user_identifier(name, email)
    return User(
        username=name,
        email=email,
        identifier=identifier,
        owner=f"dev|{name}",
        is_admin=identifier in settings.auth.admins.users,
    )
