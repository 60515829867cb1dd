"""API tokens: `genet-sk-{id}.{random}`, for programs that work in somebody's name.

The id names the record; of the random part only a hash is kept, so whoever reads the records holds no token. The prefix
lets scanners of source code find what was published by mistake.
"""

import asyncio
import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from genet.auth.clock import Clock
from genet.auth.endings import Endings
from genet.auth.lookup import Lookup
from genet.auth.people import People
from genet.auth.sessions import BY_USER, held_by, is_still_there
from genet.auth.user import Caller, User
from genet.errors import Conflict, Forbidden, GenetError, NotFound
from genet.kube.cache import Cache
from genet.kube.objects import Secret
from genet.kube.records import Kind, Record, Records

log = logging.getLogger(__name__)

PREFIX = "genet-sk-"
MOST_PER_USER = 50
_ID_BYTES = 10
_RANDOM_BYTES = 32
_BEARER = re.compile(rf"{PREFIX}(?P<id>[0-9a-f]{{{2 * _ID_BYTES}}})\.[A-Za-z0-9_-]{{43}}")
_ID = re.compile(rf"[0-9a-f]{{{2 * _ID_BYTES}}}")
_USE_NOTED_EVERY = timedelta(hours=1)


class Token(msgspec.Struct, frozen=True):
    user: str
    """userIdentifier"""
    epoch: int
    name: str
    scopes: tuple[str, ...]
    hash: bytes
    """SHA-256 of the whole token."""
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = None
    """To the hour."""


TOKEN = Kind("token", Token)


class Tokens:
    def __init__(
        self,
        records: Records,
        *,
        cache: Cache[Secret],
        lookup: Lookup,
        endings: Endings,
        people: People,
        clock: Clock,
    ) -> None:
        self._records = records
        self._cache = cache
        self._lookup = lookup
        self._endings = endings
        self._people = people
        self._clock = clock
        self._notes: dict[str, asyncio.Task[None]] = {}
        self._noted_at: dict[str, datetime] = {}

    async def create(
        self,
        user: User,
        *,
        name: str,
        scopes: Collection[str],
        lifetime: timedelta,
        session_id: str | None = None,
    ) -> tuple[Record[Token], str]:
        """A new token, and its text, which cannot be had again; `session_id`: in which session it was asked for.

        Raises:
            Forbidden: the person may not come in, or the session has ended meanwhile.
            Conflict: they have too many.
        """
        person = await self._people.seen(user)
        if not await is_still_there(self._records, session_id, person):
            raise Forbidden("your session has ended; log in again")
        now = self._clock()
        id_ = secrets.token_hex(_ID_BYTES)
        bearer = f"{PREFIX}{id_}.{secrets.token_urlsafe(_RANDOM_BYTES)}"
        token = Token(
            user=person.identifier,
            epoch=person.epoch,
            name=name,
            scopes=tuple(scopes),
            hash=_hash(bearer),
            created_at=now,
            expires_at=now + lifetime,
        )
        record = await self._records.create(TOKEN, id_, token, user=person.identifier)
        # counted after the creation, so that of any number made at once none goes uncounted
        valid = [one for one in await self._records.of(TOKEN, person.identifier) if one.value.expires_at > now]
        if len(valid) > MOST_PER_USER:
            await self._delete(record)
            raise Conflict(f"you have {MOST_PER_USER} API tokens; revoke one that is not used any more")
        return self._lookup.take(record), bearer

    def require_known(self) -> None:
        """Raises Unavailable before the first list of tokens: `of` would be a lie."""
        self._lookup.require_known()

    def of(self, user: User) -> list[Record[Token]]:
        """Those that are good, the newest first."""
        person = self._people.known(user.identifier)
        if person is None or person.owner != user.owner:
            return []
        held = [TOKEN.read(secret) for secret in self._cache.by(BY_USER, held_by(user.identifier, TOKEN))]
        now = self._clock()
        good = [one for one in held if one.value.expires_at > now and one.value.epoch == person.epoch]
        return sorted(good, key=lambda record: (record.value.created_at, record.id), reverse=True)

    async def revoke(self, user: User, token_id: str) -> None:
        """Raises NotFound where the user has no such token."""
        self._people.check(user)
        record = await self._records.find(TOKEN, token_id) if _ID.fullmatch(token_id) else None
        if record is None or record.value.user != user.identifier:
            raise NotFound("you have no such token")
        await self._delete(record)

    async def find(self, bearer: str) -> Caller | None:
        """Whose token that is; None: nobody's, or it has ended.

        Raises:
            Unavailable: it is not known here yet, and the API server does not answer.
        """
        match = _BEARER.fullmatch(bearer)
        record = await self._lookup.find(TOKEN, match["id"]) if match else None
        if record is None or not hmac.compare_digest(record.value.hash, _hash(bearer)):
            return None
        token = record.value
        if token.expires_at <= self._clock():
            return None
        person = await self._people.holder(token.user, token.epoch)
        if person is None:
            return None
        self._note_use(record)
        return Caller(
            self._people.user_of(person),
            by="token",
            scopes=frozenset(token.scopes),
            credential_id=record.id,
            until=token.expires_at,
        )

    def on_end(self, token_id: str, callback: Callable[[], None]) -> Callable[[], None]:
        """As that of sessions."""
        record = self._lookup.known(TOKEN, token_id)
        if record is None:
            callback()
            return lambda: None
        return self._endings.on_end(record.secret, record.value.user, record.value.epoch, callback)

    async def settled(self) -> None:
        """Until every use so far is noted, or could not be."""
        await asyncio.gather(*self._notes.values())

    async def close(self) -> None:
        for task in self._notes.values():
            task.cancel()
        await asyncio.gather(*self._notes.values(), return_exceptions=True)

    def _note_use(self, record: Record[Token]) -> None:
        """Beside the request, which does not wait for it; another replica may be faster, and all may fail."""
        now = self._clock()
        last = max(filter(None, (record.value.last_used_at, self._noted_at.get(record.id))), default=None)
        if record.id in self._notes or (last is not None and now - last < _USE_NOTED_EVERY):
            return
        self._noted_at[record.id] = now
        task = asyncio.create_task(self._write_use(record, now))
        self._notes[record.id] = task
        task.add_done_callback(lambda _: self._notes.pop(record.id))

    async def _write_use(self, record: Record[Token], now: datetime) -> None:
        try:
            self._lookup.take(await self._records.replace(record, replace(record.value, last_used_at=now)))
        except (Conflict, NotFound):
            pass
        except GenetError as error:
            log.warning("the use of an API token could not be noted: %s", error.detail)

    async def _delete(self, record: Record[Token]) -> None:
        with suppress(NotFound):
            await self._records.delete(record)
        self._lookup.forget(record.secret)
        self._noted_at.pop(record.id, None)


def _hash(bearer: str) -> bytes:
    return hashlib.sha256(bearer.encode()).digest()
