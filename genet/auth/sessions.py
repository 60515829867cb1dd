"""Browser sessions: one record each, and a cookie that is worth nothing without the keys.

The cookie is the sealed id; the id alone, which audit logs and object names show, opens nothing. Every login makes a
new session, so one that somebody else put into a browser is never lifted to a login. A session lasts for a fixed time,
whatever is done with it.
"""

import logging
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec

from genet import naming
from genet.auth.clock import Clock
from genet.auth.endings import Endings
from genet.auth.lookup import Lookup
from genet.auth.people import People, Person
from genet.auth.sealing import Purpose, Sealer, Unsealable
from genet.auth.user import Caller, User
from genet.errors import Forbidden, GenetError, NotFound
from genet.kube.cache import Cache
from genet.kube.objects import Secret
from genet.kube.records import RECORD, Kind, Record, Records
from genet.settings import Settings

log = logging.getLogger(__name__)

COOKIE = "__Host-genet-session"
BY_USER = "user and kind"
"""Index of the cache: see `by_user`."""
_ID = re.compile(r"[0-9a-f]{40}")
_ID_BYTES = 20
_LONGEST_AGENT = 256


class Session(msgspec.Struct, frozen=True):
    user: str
    """userIdentifier"""
    epoch: int
    created_at: datetime
    expires_at: datetime
    authenticated_at: datetime
    """When the person last proved who they are (OpenID's auth_time)."""
    user_agent: str = ""


class SessionCookie(msgspec.Struct, frozen=True):
    id: str


SESSION = Kind("session", Session)
SESSION_COOKIE = Purpose("session cookie", SessionCookie)


class Sessions:
    def __init__(
        self,
        records: Records,
        *,
        cache: Cache[Secret],
        lookup: Lookup,
        endings: Endings,
        people: People,
        sealer: Sealer,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._records = records
        self._cache = cache
        self._lookup = lookup
        self._endings = endings
        self._people = people
        self._sealer = sealer
        self._clock = clock
        self._most = settings.auth.session.most_per_user
        self._lifetime = timedelta(hours=settings.auth.session.hours)

    async def start(self, user: User, *, authenticated_at: datetime, user_agent: str) -> tuple[str, Session]:
        """A new session of somebody whom `People.logged_in` let in, and the value of its cookie.

        One more than a user may have ends the oldest.

        Raises:
            Forbidden: the person is unknown or disabled.
        """
        person = self._people.known(user.identifier)
        if person is None:
            record = await self._people.live(user.identifier)
            person = record.value if record else None
        if person is None or person.is_disabled:
            raise Forbidden("your account is disabled; ask an administrator")
        now = self._clock()
        session = Session(
            user=user.identifier,
            epoch=person.epoch,
            created_at=now,
            expires_at=now + self._lifetime,
            authenticated_at=authenticated_at,
            user_agent="".join(char for char in user_agent[:_LONGEST_AGENT] if char.isprintable()),
        )
        id_ = secrets.token_hex(_ID_BYTES)
        self._lookup.take(await self._records.create(SESSION, id_, session, user=user.identifier))
        await self._end_surplus(user.identifier)
        return self._sealer.seal(SESSION_COOKIE, SessionCookie(id_), self._lifetime), session

    async def find(self, cookie: str) -> Caller | None:
        """Whose session a cookie is of; None: nobody's, or it has ended.

        Raises:
            Unavailable: it is not known here yet, and the API server does not answer.
        """
        try:
            id_ = self._sealer.open(SESSION_COOKIE, cookie).id
        except Unsealable:
            return None
        record = await self._lookup.find(SESSION, id_, is_proven=True)
        if record is None or record.value.expires_at <= self._clock():
            return None
        session = record.value
        person = await self._people.holder(session.user, session.epoch)
        if person is None:
            return None
        return Caller(
            self._people.user_of(person),
            by="session",
            credential_id=id_,
            until=session.expires_at,
            authenticated_at=session.authenticated_at,
        )

    async def end(self, session_id: str) -> None:
        """Log out of one session, on every replica; of one that has ended already, too."""
        if _ID.fullmatch(session_id) is None:
            return
        record = await self._records.find(SESSION, session_id)
        if record is not None:
            await self._delete(record)

    def on_end(self, session_id: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called once when it is ended (not when its time is over); returns what stops that."""
        record = self._lookup.known(SESSION, session_id)
        if record is None:
            callback()
            return lambda: None
        return self._endings.on_end(record.secret, record.value.user, record.value.epoch, callback)

    async def _end_surplus(self, identifier: str) -> None:
        held = [SESSION.read(secret) for secret in self._cache.by(BY_USER, held_by(identifier, SESSION))]
        newest_first = sorted(held, key=lambda record: (record.value.created_at, record.id), reverse=True)
        for record in newest_first[self._most :]:
            try:
                await self._delete(record)
            except GenetError as error:
                log.warning("a session too many could not be ended: %s", error.detail)

    async def _delete(self, record: Record[Session]) -> None:
        with suppress(NotFound):
            await self._records.delete(record)
        self._lookup.forget(record.secret)


async def is_still_there(records: Records, session_id: str | None, person: Person) -> bool:
    """Whether a request may still leave something behind that outlives its session. None: it came in by none.

    Who is calling is found out before the body of a request is read, and a body may come minutes later: by then the
    session may have been ended, as it was stolen. So whatever lasts asks the API server again, after the person was
    read: what ended everything in between shows in one of the two.
    """
    if session_id is None:
        return True
    record = await records.find(SESSION, session_id)
    return record is not None and (record.value.user, record.value.epoch) == (person.identifier, person.epoch)


def by_user(secret: Secret) -> tuple[str, ...]:
    """Index of the cache: whose record it is, and of which kind."""
    labels = secret.metadata.labels
    return (f"{labels.get(naming.USER, '')}/{labels.get(RECORD, '')}",)


def held_by(identifier: str, kind: Kind[Any]) -> str:
    return f"{identifier}/{kind.name}"
