"""From what a provider says of somebody to who that is for Genet. Pure.

Traps:

- The identity is issuer and subject; names and mail addresses are given to others when people leave. Never link by
  mail.
- `email_verified` says something of `email`, from the same answer, and nothing of another claim that is taken for the
  address. What is no true boolean is not true.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from genet import naming
from genet.auth.user import User
from genet.errors import Forbidden
from genet.settings import Allow, Auth, OAuth

Claims = Mapping[str, Any]

_LONGEST: Final = 256
_MISSING: Final = object()


@dataclass(frozen=True)
class Proven:
    """Somebody as the company's provider knows them."""

    owner: str
    """`{issuer}|{subject}`: the identity."""
    subject: str
    username: str
    email: str
    email_verified: bool | None
    groups: tuple[str, ...]
    auth_time: datetime | None = None
    """When they last proved who they are; None: the provider does not say."""
    refresh_token: str | None = None


class OddClaimError(Forbidden):
    """The provider left out a claim, or it is not what it should be; the text names claim and setting."""


def proven(issuer: str, sources: tuple[Claims, ...], settings: OAuth) -> Proven:
    """Who that is.

    Args:
        issuer: whose claims these are.
        sources: what was said, that which counts first: the ID token, then userinfo.
        settings: which claims to look at.

    Raises:
        OddClaimError: one of them is missing or odd.
    """
    username = _text(sources, settings.username_claim, "usernameClaim")
    email = _text(sources, settings.email_claim, "emailClaim")
    subject = _subject(sources, settings)
    return Proven(
        owner=f"{issuer}|{subject}",
        subject=subject,
        username=username,
        email=email,
        email_verified=_is_verified(sources, settings, email),
        groups=_groups(sources, settings),
    )


def user_of(who: Proven, auth: Auth) -> User:
    """Who that is for Genet."""
    identifier = naming.user_identifier(who.username, who.email)
    admins = auth.admins
    return User(
        username=who.username,
        email=who.email,
        identifier=identifier,
        owner=who.owner,
        is_admin=identifier in admins.users or not set(admins.groups).isdisjoint(who.groups),
        groups=who.groups,
    )


def check_allowed(user: User, allow: Allow, *, email_verified: bool | None) -> None:
    """Raises Forbidden where there are lists of who may log in, and none has this person."""
    if not (allow.users or allow.groups or allow.email_domains):
        return
    is_listed = user.identifier in allow.users or not set(allow.groups).isdisjoint(user.groups)
    domains = {domain.lower() for domain in allow.email_domains}
    has_domain = email_verified is True and user.email.count("@") == 1 and _domain(user.email) in domains
    if not (is_listed or has_domain):
        raise Forbidden("your account may not log in here; ask an administrator")


def says_all(claims: Claims, settings: OAuth) -> bool:
    """Whether these claims alone say what is needed, so that nothing else has to be asked."""
    wanted = (settings.username_claim, settings.email_claim, settings.groups_claim, settings.subject_claim)
    return all(_find(claims, name) is not _MISSING for name in wanted)


def _domain(email: str) -> str:
    return email.rpartition("@")[2].lower()


def _is_verified(sources: tuple[Claims, ...], settings: OAuth, email: str) -> bool | None:
    source = next(source for source in sources if _find(source, settings.email_claim) is not _MISSING)
    said = source.get("email_verified")
    if source.get("email") != email or not isinstance(said, bool):
        return None
    return said


def _subject(sources: tuple[Claims, ...], settings: OAuth) -> str:
    value = _first(sources, settings.subject_claim)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _text(sources, settings.subject_claim, "subjectClaim")


def _text(sources: tuple[Claims, ...], claim: str, setting: str) -> str:
    value = _first(sources, claim)
    if value is _MISSING:
        raise OddClaimError(f"the login provider does not say the claim `{claim}` of you (see oauth.{setting})")
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST or not value.isprintable():
        raise OddClaimError(f"the login provider's claim `{claim}` cannot be used (see oauth.{setting})")
    return value


def _groups(sources: tuple[Claims, ...], settings: OAuth) -> tuple[str, ...]:
    value = _first(sources, settings.groups_claim)
    if value is _MISSING:
        return ()
    groups = [value] if isinstance(value, str) else value
    if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
        raise OddClaimError(
            f"the login provider's claim `{settings.groups_claim}` is no list of names (see oauth.groupsClaim)"
        )
    return tuple(groups)


def _first(sources: tuple[Claims, ...], claim: str) -> Any:
    return next((value for source in sources if (value := _find(source, claim)) is not _MISSING), _MISSING)


def _find(claims: Claims, name: str) -> Any:
    """A claim by its name, or inside of others by its path (`realm_access.roles`); null is as good as missing."""
    found: Any = claims
    for part in (name,) if name in claims else name.split("."):
        found = found.get(part, _MISSING) if isinstance(found, Mapping) else _MISSING
    return _MISSING if found is None else found
