"""Whose a grant is, and whether they may still use it: the person's record is read from the API server each time."""

from typing import Protocol

from genet.auth.people import People, Person
from genet.auth.user import User
from genet.errors import Forbidden, NotFound
from genet.oidc.grant import Grant


class Recheck(Protocol):
    async def current(self, identifier: str) -> User:
        """The person as the company's provider has them now, or had a moment ago.

        Raises:
            Forbidden: they are no longer who they were, or may no longer come in.
            Unavailable: the provider does not answer.
        """


class Holders:
    def __init__(self, people: People, recheck: Recheck) -> None:
        self._people = people
        self._recheck = recheck

    async def person(self, user: User) -> Person:
        """The person behind a request; made at the first need.

        Raises:
            Forbidden: they are disabled, or the name belongs to somebody else.
        """
        await self._people.seen(user)
        record = await self._people.live(user.identifier)
        if record is None or record.value.owner != user.owner or record.value.is_disabled:
            raise Forbidden("your account is disabled, or is no longer there")
        return record.value

    async def of(self, grant: Grant) -> tuple[Person, User] | None:
        """The person of a grant, as they are known; None: it counts no more."""
        record = await self._people.live(grant.user)
        if record is None or not counts(grant, record.value):
            return None
        return record.value, self._people.user_of(record.value)

    async def rechecked(self, grant: Grant) -> tuple[Person, User] | None:
        """As `of`, and as the company's provider has them, if the last time it was asked is too long ago.

        Raises:
            Unavailable: the provider does not answer.
        """
        try:
            user = await self._recheck.current(grant.user)
        except (Forbidden, NotFound):
            return None
        found = await self.of(grant)  # afterwards: to ask takes time
        return (found[0], user) if found is not None else None

    async def current(self, person: Person) -> User:
        """Raises Forbidden, Unavailable: see `Recheck.current`."""
        return await self._recheck.current(person.identifier)

    async def live(self, user: User) -> Person | None:
        """As they are now; None: nobody knows them."""
        record = await self._people.live(user.identifier)
        return record.value if record is not None else None

    def asks_upstream(self, person: Person) -> bool:
        """Whether there is a refresh token of the company's provider to ask it with."""
        return self._people.upstream_token(person) is not None


def counts(grant: Grant, person: Person) -> bool:
    """Whether a grant has ended neither with everything of its person nor with the provider's word on them."""
    is_let_go = person.let_go_at is not None and grant.created_at <= person.let_go_at
    return not person.is_disabled and person.epoch == grant.epoch and not is_let_go
