"""The people Genet knows: one record each, and one number in it, the epoch, by which everything of theirs ends at once.

Sessions, tokens, grants and devices say in which epoch of their person they were made, and count only while that is the
present one and the person is not disabled: one write ends all of them on every replica, whatever else fails afterwards.

Traps:
- The identifier names the record, the owner (issuer and subject) is the identity: the same name with another owner is
  somebody else, who is refused. Never link by mail.
- Whoever may change their own name at the provider has another identifier, and another record, with each: who is
  disabled is so under all of them.
- A record that is deleted and made again must not revive what was made before: an epoch begins at the time, not at 0.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec.structs import replace

from genet.auth.clock import Clock
from genet.auth.identities import accepted
from genet.auth.lookup import Lookup
from genet.auth.sealing import Purpose, Sealer, Unsealable
from genet.auth.user import User
from genet.errors import Forbidden, NotFound, Unavailable
from genet.kube.cache import Cache
from genet.kube.objects import Secret
from genet.kube.records import RECORD, Kind, Record, Records
from genet.settings import Settings

_DISABLED: Final = "your account is disabled; ask an administrator"
HELD = ("device", "grant", "session", "token")
"""The kinds of records that end with their person's epoch."""


class UpstreamLink(msgspec.Struct, frozen=True):
    """What asks the company's provider whether the person is still who they were."""

    refresh_token: str | None
    """Sealed: see `People.upstream_token`."""
    checked_at: datetime
    """When the provider last said so."""
    claimed_until: datetime | None = None
    """Until then one replica is asking, and the others wait: a refresh token may be good for one question only."""
    refused_at: datetime | None = None
    """When the provider said that it is over."""


class Person(msgspec.Struct, frozen=True):
    identifier: str
    username: str
    email: str
    owner: str
    epoch: int
    created_at: datetime
    email_verified: bool | None = None
    groups: tuple[str, ...] = ()
    is_disabled: bool = False
    last_login_at: datetime | None = None
    upstream: UpstreamLink | None = None
    let_go_at: datetime | None = None
    """When the provider last said that it is over. Grants from before count no more, whoever logs in again: a password
    that is changed because a machine was stolen must not bring that machine back in."""


class UpstreamToken(msgspec.Struct, frozen=True):
    token: str


PERSON = Kind("person", Person)
BY_OWNER = "owner"
"""Index of the cache: see `by_owner`."""
UPSTREAM_TOKEN = Purpose("upstream refresh token", UpstreamToken)


class People:
    def __init__(
        self,
        records: Records,
        *,
        cache: Cache[Secret],
        lookup: Lookup,
        sealer: Sealer,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._records = records
        self._cache = cache
        self._lookup = lookup
        self._is_strict = settings.auth.mode != "dev"
        self._have_sessions = settings.auth.mode == "oauth"
        self._sealer = sealer
        self._clock = clock
        self._admins = frozenset(settings.auth.admins.users)
        self._admin_groups = frozenset(settings.auth.admins.groups)
        self._wanted_groups = {*settings.auth.admins.groups, *settings.auth.allow.groups}
        self._upstream_lifetime = timedelta(hours=settings.oidc_provider.ttl.refresh_hours)

    # --- who they are

    def known(self, identifier: str) -> Person | None:
        """As the cache has it."""
        record = self._lookup.known(PERSON, identifier)
        return record.value if record else None

    async def live(self, identifier: str) -> Record[Person] | None:
        """As it is now, from the API server."""
        return await self._lookup.live(PERSON, identifier)

    async def is_disabled(self, identifier: str) -> bool:
        """As it is now; those whom Genet does not know are not."""
        record = await self.live(identifier)
        return record is not None and record.value.is_disabled

    async def holder(self, identifier: str, epoch: int) -> Person | None:
        """The person, if what was made in that epoch still counts."""
        record = await self._lookup.find(PERSON, identifier, by_anybody=False)
        if record is not None and record.value.epoch < epoch:
            record = await self.live(identifier)  # made a moment ago, in an epoch that has not come here yet
        if record is None or record.value.is_disabled or record.value.epoch != epoch:
            return None
        return None if self._is_disabled_elsewhere(identifier, record.value.owner) else record.value

    def user_of(self, person: Person) -> User:
        is_admin = person.identifier in self._admins or not self._admin_groups.isdisjoint(person.groups)
        return User(
            username=person.username,
            email=person.email,
            identifier=person.identifier,
            owner=person.owner,
            is_admin=is_admin,
            groups=person.groups,
        )

    def upstream_token(self, person: Person) -> str | None:
        """The refresh token of the company's provider; None: there is none, or it is too old."""
        sealed = person.upstream.refresh_token if person.upstream else None
        if sealed is None:
            return None
        try:
            return self._sealer.open(UPSTREAM_TOKEN, sealed).token
        except Unsealable:
            return None

    def seal_upstream_token(self, token: str) -> str:
        """For `UpstreamLink.refresh_token`."""
        return self._sealer.seal(UPSTREAM_TOKEN, UpstreamToken(token), self._upstream_lifetime)

    async def pages(self) -> AsyncGenerator[list[Record[Person]], None]:
        """Everybody, page by page."""
        pages = self._records.pages(PERSON)
        async with aclosing(pages):
            async for page in pages:
                yield page

    # --- who comes in

    async def logged_in(self, user: User, *, email_verified: bool | None, upstream_refresh_token: str | None) -> Person:
        """Remember that somebody just proved who they are.

        Without a refresh token the one from before stays, unless it was refused: some providers give it only once.

        Raises:
            Forbidden: they are disabled, or the name belongs to somebody else, or cannot be used.
        """
        user = accepted(user, self._wanted_groups)
        if self._is_disabled_elsewhere(user.identifier, user.owner):
            raise Forbidden(_DISABLED)
        now = self._clock()
        sealed = self.seal_upstream_token(upstream_refresh_token) if upstream_refresh_token else None

        def mutate(person: Person | None) -> Person:
            known = self._as_proven(person, user, now)
            return replace(
                known,
                email_verified=email_verified,
                last_login_at=now,
                upstream=UpstreamLink(sealed, now) if sealed else _checked(known.upstream, now),
            )

        return await self._change(user.identifier, mutate)

    async def seen(self, user: User) -> Person:
        """The person of a request; made at first need where a proxy or dev mode vouches for them.

        What is known of somebody with a session is older than the record, and never goes into it: groups that the
        company's provider has taken away would come back with every request that was under way.

        Raises:
            Forbidden: as `logged_in`; or somebody with a session is not known any more.
        """
        user = accepted(user, self._wanted_groups)
        if self._have_sessions:
            return await self._of_session(user)
        now = self._clock()
        known = self.known(user.identifier)
        if known is not None and self._as_proven(known, user, now) == known:
            return known

        def mutate(person: Person | None) -> Person | None:
            proven = self._as_proven(person, user, now)
            return proven if proven != person else None

        return await self._change(user.identifier, mutate)

    async def _of_session(self, user: User) -> Person:
        known = self.known(user.identifier)
        if known is None:
            record = await self.live(user.identifier)
            if record is None:
                raise Forbidden("your account is not known here any more; log in again")
            known = record.value
        _check(known, user)
        return known

    def check(self, user: User) -> None:
        """Whether somebody vouched for may come in, by what the cache knows of them.

        Raises:
            Forbidden: they may not.
            Unavailable: the cache knows nobody yet, and it matters who may.
        """
        if self._is_strict:
            self._lookup.require_known()
        known = self.known(user.identifier)
        if known is not None:
            _check(known, user)

    # --- changes

    async def replace(self, record: Record[Person], person: Person) -> Record[Person]:
        """Compare-and-set. Raises Conflict where the record has changed since it was read."""
        return self._lookup.take(await self._records.replace(record, person))

    async def end_everything(self, identifier: str) -> dict[str, int]:
        """End all sessions, tokens, grants and devices; returns how many of each kind were deleted.

        Raises:
            NotFound: there is no such person.
        """
        await self._change(identifier, lambda person: replace(_existing(person), epoch=_existing(person).epoch + 1))
        return await self._delete_held(identifier)

    async def disable(self, identifier: str) -> dict[str, int]:
        """End everything, and let them in no more until `enable`; returns how many of each kind were deleted.

        The rights in their namespace are taken away by `genet.flows.users`.

        Raises:
            NotFound: there is no such person.
        """

        def mutate(person: Person | None) -> Person:
            known = _existing(person)
            return replace(known, is_disabled=True, epoch=known.epoch + 1)

        await self._change(identifier, mutate)
        return await self._delete_held(identifier)

    async def enable(self, identifier: str) -> None:
        """Let them log in again.

        Raises:
            NotFound: there is no such person.
        """
        await self._change(identifier, lambda person: replace(_existing(person), is_disabled=False))

    def _is_disabled_elsewhere(self, identifier: str, owner: str) -> bool:
        """Whether the same account is disabled under another name, by what the cache knows."""
        own = PERSON.secret_name(identifier)
        others = (secret for secret in self._cache.by(BY_OWNER, owner) if secret.metadata.name != own)
        return any(PERSON.read(secret).value.is_disabled for secret in others)

    async def _delete_held(self, identifier: str) -> dict[str, int]:
        deleted = await self._records.delete_held(HELD, identifier)
        for secret in deleted:
            self._lookup.forget(secret)
        return counted(deleted)

    async def _change(self, identifier: str, mutate: Callable[[Person | None], Person | None]) -> Person:
        record = await self._records.change(PERSON, identifier, mutate, user=identifier)
        if record is None:
            raise NotFound(f"there is no user {identifier}")
        return self._lookup.take(record).value

    def _as_proven(self, person: Person | None, user: User, now: datetime) -> Person:
        """The person as a proof of identity makes it. Raises Forbidden."""
        if person is None:
            return Person(
                identifier=user.identifier,
                username=user.username,
                email=user.email,
                owner=user.owner,
                epoch=int(now.timestamp()),
                created_at=now,
                groups=user.groups,
            )
        _check(person, user)
        return replace(person, username=user.username, email=user.email, groups=user.groups)


def by_owner(secret: Secret) -> Sequence[str]:
    """The account that a person's record is of: nobody else's record, and none that cannot be read."""
    if secret.metadata.labels.get(RECORD) != PERSON.name:
        return ()
    try:
        return (PERSON.read(secret).value.owner,)
    except Unavailable:
        return ()


def counted(secrets: Sequence[Secret]) -> dict[str, int]:
    """How many there are of each kind that ends with an epoch."""
    kinds = [secret.metadata.labels[RECORD] for secret in secrets]
    return {kind: kinds.count(kind) for kind in HELD}


def _check(person: Person, user: User) -> None:
    if person.owner != user.owner:
        raise Forbidden(
            f"the name {user.identifier} belongs to another account of that name; ask an administrator to part them"
        )
    if person.is_disabled:
        raise Forbidden(_DISABLED)


def _checked(link: UpstreamLink | None, now: datetime) -> UpstreamLink | None:
    if link is None or link.refused_at is not None:
        return None
    return replace(link, checked_at=now)


def _existing(person: Person | None) -> Person:
    if person is None:
        raise NotFound("there is no such user")
    return person
