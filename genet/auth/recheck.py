"""Whether a person is still who they were, as the company's provider says it, a little while ago at the most.

Tokens are made from what the provider said. It is asked again with the refresh token that it gave at the login, by one
replica at a time: many providers take such a token once, and whoever sends it a second time loses all of them. So who
asks puts a short claim into the person's record first, and the others wait for what comes of it.

Traps:

- A provider that cannot be reached says nothing: neither that somebody has left, nor that they are still there. What
  was known counts for an hour more, and then no longer; nothing is ever deleted for it.
- The answer must be about the same identity, name and address. Another one is never linked, whatever its mail.
- Somebody may log in while the provider is asked: their new refresh token is not replaced by the old one's successor.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec.structs import replace

from genet.auth.clock import Clock
from genet.auth.identities import accepted
from genet.auth.people import People, Person, UpstreamLink
from genet.auth.proven import Proven, check_allowed, user_of
from genet.auth.upstream import Upstream
from genet.auth.upstream_calls import TIMEOUT_SECONDS, Refused
from genet.auth.user import User
from genet.errors import Conflict, Forbidden, NotFound, Unavailable
from genet.kube.records import Record
from genet.settings import Settings

log = logging.getLogger(__name__)

GRACE: Final = timedelta(hours=1)
"""For how long what was known counts after it should have been asked again, if the provider does not answer."""
CLOCKS_DIFFER: Final = timedelta(seconds=10)
"""Those of two replicas, at the most."""
CLAIM: Final = timedelta(seconds=4 * TIMEOUT_SECONDS) + CLOCKS_DIFFER
"""For how long one replica has the question to itself: discovery, tokens, keys and userinfo, each bounded."""
_LOOK_SECONDS: Final = 0.2
_WAIT_SECONDS: Final = 15.0
"""How long to wait for the answer that another replica asked for."""
_TRIES: Final = 10
_GONE: Final = "the login provider does not know you any more; log in again"


class Recheck:
    """Asks again what is too old.

    Args:
        people: the records.
        upstream: the provider; None: there is none to ask, and what is known counts.
        settings: how old it may be.
        clock: the time.
    """

    def __init__(self, people: People, upstream: Upstream | None, settings: Settings, clock: Clock) -> None:
        self._people = people
        self._upstream = upstream
        self._auth = settings.auth
        self._check_after = timedelta(seconds=settings.oidc_provider.ttl.upstream_check)
        self._clock = clock
        self._asking: dict[str, asyncio.Task[User]] = {}

    async def current(self, identifier: str) -> User:
        """The person as the provider had them at most `oidcProvider.ttl.upstreamCheck` ago.

        Raises:
            Forbidden: they are disabled, unknown, gone at the provider, or not who they were.
            Unavailable: the provider has not answered for too long.
        """
        task = self._asking.get(identifier)
        if task is None:
            task = self._asking[identifier] = asyncio.create_task(self._current(identifier))
            task.add_done_callback(lambda done: self._ended(identifier, done))
        # whoever hangs up does not take the question from the others, nor the answer out of the record
        return await asyncio.shield(task)

    def _ended(self, identifier: str, task: asyncio.Task[User]) -> None:
        del self._asking[identifier]
        if not task.cancelled():
            task.exception()

    async def _current(self, identifier: str) -> User:
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + _WAIT_SECONDS
        while True:
            record = _alive(await self._people.live(identifier))
            person = record.value
            link, token = person.upstream, self._people.upstream_token(person)
            if self._upstream is None or link is None or not self._is_due(link) or token is None:
                return self._people.user_of(person)
            now = self._clock()
            if is_claimed(link, now):
                if loop.time() > give_up_at:
                    return self._for_now(person)
                await asyncio.sleep(_LOOK_SECONDS)
                continue
            claim = replace(person, upstream=replace(link, claimed_until=now + CLAIM))
            try:
                claimed = await self._people.replace(record, claim)
            except Conflict:
                continue
            return await self._ask(self._upstream, claimed, token)

    def _is_due(self, link: UpstreamLink) -> bool:
        """Raises Forbidden where the provider has said already that it is over."""
        if link.refused_at is not None:
            raise Forbidden(_GONE)
        return self._clock() >= link.checked_at + self._check_after

    async def _ask(self, upstream: Upstream, claimed: Record[Person], token: str) -> User:
        try:
            who = await upstream.refresh(token)
            user = self._unchanged(claimed.value, who)
        except Unavailable as error:
            log.warning("the login provider could not be asked about somebody: %s", error.detail)
            return self._for_now(await self._learn(claimed, _linked))
        except (Refused, Forbidden) as error:
            now = self._clock()
            await self._learn(
                claimed, lambda person, link: replace(_linked(person, link, refused_at=now), let_go_at=now)
            )
            raise Forbidden(error.detail if isinstance(error, Forbidden) else _GONE) from error
        now = self._clock()
        sealed = self._people.seal_upstream_token(who.refresh_token) if who.refresh_token else None

        def checked(person: Person, link: UpstreamLink) -> Person:
            said = replace(person, groups=user.groups, email_verified=who.email_verified)
            return _linked(said, link, checked_at=now, refresh_token=sealed or link.refresh_token)

        return self._people.user_of(await self._learn(claimed, checked))

    def _unchanged(self, person: Person, who: Proven) -> User:
        """Raises Forbidden where that is somebody else, or may not come in any more."""
        auth = self._auth
        user = accepted(user_of(who, auth), {*auth.admins.groups, *auth.allow.groups})
        if (user.owner, user.identifier) != (person.owner, person.identifier):
            raise Forbidden("your account's name or address is another one now; log in again")
        check_allowed(user, auth.allow, email_verified=who.email_verified)
        return user

    async def _learn(self, claimed: Record[Person], change: Callable[[Person, UpstreamLink], Person]) -> Person:
        """Write what came of it, unless somebody has logged in meanwhile; returns the person as they are then.

        Raises:
            Forbidden: they are disabled or gone meanwhile.
        """
        record, asked_with = claimed, _sealed(claimed.value)
        is_known = True
        for _ in range(_TRIES):
            try:
                record = record if is_known else _alive(await self._people.live(claimed.id))
                person = record.value
                if person.upstream is None or _sealed(person) != asked_with:
                    return person
                is_known = False
                return (await self._people.replace(record, change(person, person.upstream))).value
            except (Conflict, NotFound):
                continue
            except Unavailable:
                # the old token is used up: what is not written down now is lost, and the person has to log in again
                await asyncio.sleep(_LOOK_SECONDS)
        raise Unavailable("what the login provider said could not be kept; try again", retry_after=1)

    def _for_now(self, person: Person) -> User:
        """The person as they were known, while that may count."""
        link = person.upstream
        if link is not None and self._clock() >= link.checked_at + self._check_after + GRACE:
            raise Unavailable("the login provider has not answered for too long", retry_after=30)
        return self._people.user_of(person)


def is_claimed(link: UpstreamLink, now: datetime) -> bool:
    """Whether some replica is asking, by the clock of this one; a claim from too far ahead is nobody's."""
    until = link.claimed_until
    return until is not None and now < until <= now + CLAIM + CLOCKS_DIFFER


def _alive(record: Record[Person] | None) -> Record[Person]:
    if record is None or record.value.is_disabled:
        raise Forbidden("your account is disabled, or is no longer there")
    return record


def _sealed(person: Person) -> str | None:
    return person.upstream.refresh_token if person.upstream else None


def _linked(person: Person, link: UpstreamLink, **changes: Any) -> Person:
    """The person with these changes of the link, and nobody's claim on it."""
    return replace(person, upstream=replace(link, claimed_until=None, **changes))
