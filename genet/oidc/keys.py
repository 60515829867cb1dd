"""The keys that sign ID tokens, one record for all replicas: `genet-keys-signing`.

Every change is compare-and-set on the whole set, so of replicas that rotate at the same moment one does, and the others
find that somebody did. What a replica signs with and publishes is what the cache of identities holds; where that holds
nothing yet, or not the key that is needed, the API server is asked.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from genet.errors import AlreadyExists, Conflict, GenetError, Unavailable
from genet.kube.cache import Cache
from genet.kube.objects import Secret
from genet.kube.records import Kind, Record, Records
from genet.oidc.key_set import ALGORITHM, MAX_AGE, Key, KeySet, PublicKey, first_set, make_key

SIGNING_KEYS: Final = Kind("keys", KeySet)
ID: Final = "signing"

log = logging.getLogger(__name__)

_LOOK_EVERY: Final = 60.0
"""Seconds between two looks whether a rotation is due."""


class JWKS(msgspec.Struct, frozen=True):
    """RFC 7517 section 5."""

    keys: tuple[PublicKey, ...]


class Signer:
    """A key that is ready: signing awaits nothing and cannot fail for want of the cluster."""

    def __init__(self, key: Key) -> None:
        if key.private is None:
            raise Unavailable("the signing key has no private half")
        private = load_pem_private_key(key.private.encode(), password=None)
        if not isinstance(private, RSAPrivateKey):
            raise Unavailable("the signing key is not RSA")
        self.kid = key.kid
        self._private = private

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Takes a millisecond."""
        return jwt.encode(dict(claims), self._private, algorithm=ALGORITHM, headers={"kid": self.kid})


class SigningKeys:
    """Of one replica.

    Args:
        records: where they are kept.
        cache: of the Secrets in that namespace; None: the API server is asked each time (the command line).
        period: after how long a key signs no more.
        clock: the time.
        sleep: waits so many seconds.
    """

    max_age: Final = int(MAX_AGE.total_seconds())
    """Seconds that the document of keys may be kept by who fetches it."""

    def __init__(
        self,
        records: Records,
        cache: Cache[Secret] | None,
        *,
        period: timedelta,
        clock: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._records = records
        self._cache = cache
        self._period = period
        self._clock = clock
        self._sleep = sleep
        self._read: tuple[str, Record[KeySet]] | None = None
        self._signer: Signer | None = None

    async def jwks(self) -> JWKS:
        return JWKS((await self.known()).published(self._clock()))

    async def signer(self) -> Signer:
        """What signs now: get it before the step that cannot be taken back."""
        current = (await self.known()).current
        if self._signer is None or self._signer.kid != current.kid:
            self._signer = Signer(current)
        return self._signer

    async def sign(self, claims: Mapping[str, Any]) -> str:
        return (await self.signer()).sign(claims)

    async def public(self, kid: str) -> PublicKey | None:
        """The key of that name, if it is published: from the API server where this replica has not heard of it."""
        for known in (self.known, self.live):
            found = next((key for key in (await known()).published(self._clock()) if key.kid == kid), None)
            if found is not None:
                return found
        return None

    async def known(self) -> KeySet:
        """As the cache has them; made at the first need."""
        name = SIGNING_KEYS.secret_name(ID)
        secret = self._cache.get(name, self._records.namespace) if self._cache else None
        if secret is None:
            return await self.live()
        version = secret.metadata.resource_version
        if self._read is None or self._read[0] != version:
            self._read = version, SIGNING_KEYS.read(secret)
        return self._read[1].value

    async def live(self) -> KeySet:
        """As the API server has them; made at the first need."""
        return (await self._record()).value

    async def found(self) -> KeySet | None:
        """As the API server has them; none are made."""
        record = await self._records.find(SIGNING_KEYS, ID)
        return record.value if record else None

    async def rotate(self) -> KeySet:
        """Have `next` sign from now on.

        Raises:
            Conflict: it is too early, and the message says until when; or somebody else has just done it.
        """
        record = await self._record()
        now = self._clock()
        record.value.rotated(record.value.next, now)  # whether it may, before a key is made for it
        return await self._replace(record, record.value.rotated(await asyncio.to_thread(make_key, now), now))

    async def replace_leaked(self) -> KeySet:
        """Two new keys, and the old ones forgotten at once: see `docs/decisions` for what that breaks."""
        record = await self._record()
        return await self._replace(record, await _new_set(self._clock()))

    async def run(self) -> None:
        """Rotate when it is time, whichever replica sees it first. Runs until cancelled."""
        while True:
            try:
                await self.look()
            except GenetError as error:
                log.warning("the signing keys cannot be looked after now", extra={"reason": error.detail})
            await self._sleep(_LOOK_EVERY)

    async def look(self) -> None:
        """Rotate if it is due; drop a previous key that nobody needs any more.

        Where the cache hears nothing, the API server is asked: else a replica would go on signing with, and publishing,
        a key that the others have forgotten, be it because it leaked.
        """
        if self._cache is not None and self._cache.staleness().stale:
            await self._record()
        now = self._clock()
        known = await self.known()
        if known.is_due(now, self._period):
            await self._rotate_if_due()
        elif known.previous is not None and known.is_previous_over(now):
            record = await self._record()
            if record.value.tidied(now) is not record.value:
                await self._unless_beaten(self._replace(record, record.value.tidied(now)))

    async def _rotate_if_due(self) -> None:
        now = self._clock()
        if (await self.live()).is_due(now, self._period):  # what is cached may be the set before
            await self._unless_beaten(self.rotate())

    async def _unless_beaten(self, change: Awaitable[KeySet]) -> None:
        try:
            changed = await change
        except Conflict:
            log.info("another replica has changed the signing keys")
        else:
            log.info("changed the signing keys", extra={"kid": changed.current.kid, "next_kid": changed.next.kid})

    async def _record(self) -> Record[KeySet]:
        record = await self._records.find(SIGNING_KEYS, ID)
        if record is None:
            try:
                record = await self._records.create(SIGNING_KEYS, ID, await _new_set(self._clock()))
            except AlreadyExists:
                record = await self._records.get(SIGNING_KEYS, ID)
        if self._cache is not None:
            self._cache.merge(record.secret)
        return record

    async def _replace(self, record: Record[KeySet], keys: KeySet) -> KeySet:
        try:
            changed = await self._records.replace(record, keys)
        except (Conflict, Unavailable):
            # an answer that was lost on the way, after which the HTTP client asks again: it may have been done
            changed = await self._records.get(SIGNING_KEYS, ID)
            if changed.value != keys:
                raise
        if self._cache is not None:
            self._cache.merge(changed.secret)
        return changed.value


async def _new_set(now: datetime) -> KeySet:
    current, spare = await asyncio.gather(asyncio.to_thread(make_key, now), asyncio.to_thread(make_key, now))
    return first_set(current, spare)
