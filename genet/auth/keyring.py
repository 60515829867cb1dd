"""The keys that all replicas share: for what is sealed, and for HMACs.

One record holds them. The first replica that needs it makes it; the others read it, and follow it through the cache.

Traps:
- A new key is announced an hour before it is used: what one replica makes with it, every other can read.
- A key stays for as long as anything made with it may live.
- Whoever deletes the record ends all that was sealed: every replica turns to the record that is made next.
"""

import asyncio
import logging
import os
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from genet.auth.clock import Clock
from genet.errors import AlreadyExists, Conflict, GenetError, Unavailable
from genet.kube.cache import Cache, Change
from genet.kube.objects import Secret
from genet.kube.records import Kind, Record, Records

log = logging.getLogger(__name__)

KEY_BYTES = 32
ANNOUNCED = timedelta(hours=1)
"""From when a key is known until it is used."""
_LOOK_SECONDS = 600.0
_RETRY_SECONDS = 5.0
_ID = "sealing"


class Key(msgspec.Struct, frozen=True):
    key: bytes
    since: datetime
    """When it begins to be used; it is known before."""


class Keys(msgspec.Struct, frozen=True):
    keys: tuple[Key, ...]
    """The newest first."""


KEYS = Kind("keys", Keys)


class Keyring:
    """Use `await load()` or a running `run()` before the first key is asked for.

    Args:
        records: where the record is.
        cache: what is known of it.
        clock: the time.
        rotate_after: how long a key is used.
        keep: the longest life of anything that is made with a key.
    """

    def __init__(
        self, records: Records, cache: Cache[Secret], clock: Clock, *, rotate_after: timedelta, keep: timedelta
    ) -> None:
        self._records = records
        self._cache = cache
        self._clock = clock
        self._rotate_after = rotate_after
        self._keep = keep
        self._name = KEYS.secret_name(_ID)
        self._gone = asyncio.Event()
        self.is_ready = False
        """Whether there have ever been keys."""
        self._derived: dict[tuple[bytes, str], bytes] = {}
        cache.subscribe(self._follow)

    def sealing(self) -> Sequence[bytes]:
        """Keys for a Sealer. Raises Unavailable while there are none."""
        return self.derived("sealing")

    def derived(self, purpose: str) -> Sequence[bytes]:
        """Keys of 32 bytes for one purpose, the one to use now first; Unavailable while there are none."""
        record = self._known()
        if record is None:
            raise Unavailable("the keys of Genet are not there yet", retry_after=1)
        return [self._derive(key.key, purpose) for key in _present_first(record.value.keys, self._clock())]

    async def load(self) -> None:
        """Make sure that there are keys: those of another replica, or new ones."""
        if self._known() is None:
            record = await self._records.find(KEYS, _ID)
            if record is None:
                try:
                    record = await self._records.create(KEYS, _ID, Keys((_new_key(self._clock()),)))
                except AlreadyExists:
                    record = await self._records.get(KEYS, _ID)
            self._cache.merge(record.secret)
        self.is_ready = True

    async def look_again(self) -> None:
        """Learn from the API server what the keys are: the cache may hear nothing. Raises Unavailable."""
        known, record = self._known(), await self._records.find(KEYS, _ID)
        if record is not None:
            self._cache.merge(record.secret)
        elif known is not None:
            self._cache.forget(known.secret)  # and `run` makes new ones, or finds those of another replica
            await self.load()

    async def rotate(self, *, if_due: bool = False) -> None:
        """Announce a new key, and drop those of which nothing can be left. Another replica's rotation counts as well.

        Raises:
            NotFound: there are no keys.
        """
        record = await self._records.get(KEYS, _ID)
        now = self._clock()
        if if_due and not self._is_due(record):
            return
        keys = (_new_key(now + ANNOUNCED), *_still_needed(record.value.keys, now - self._keep))
        with suppress(Conflict):
            self._cache.merge((await self._records.replace(record, Keys(keys))).secret)

    async def run(self) -> None:
        """Keep the keys there, and young, until cancelled."""
        while True:
            pause = _LOOK_SECONDS
            try:
                await self.load()
                if self._cache.staleness().stale:
                    await self.look_again()
                known = self._known()
                if known is not None and self._is_due(known):
                    await self.rotate(if_due=True)
            except GenetError as error:
                log.warning("the keys of Genet cannot be had: %s", error.detail)
                pause = _RETRY_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._gone.wait()
            self._gone.clear()

    def _is_due(self, record: Record[Keys]) -> bool:
        return record.value.keys[0].since + self._rotate_after <= self._clock()

    def _known(self) -> Record[Keys] | None:
        secret = self._cache.get(self._name, self._records.namespace)
        return KEYS.read(secret) if secret else None

    def _follow(self, changes: Collection[Change[Secret]]) -> None:
        if any(
            after is None and before is not None and before.metadata.name == self._name for before, after in changes
        ):
            self._gone.set()

    def _derive(self, key: bytes, purpose: str) -> bytes:
        known = self._derived.get((key, purpose))
        if known is None:
            known = HKDF(SHA256(), KEY_BYTES, salt=None, info=b"genet " + purpose.encode()).derive(key)
            self._derived[key, purpose] = known
        return known


def _new_key(since: datetime) -> Key:
    return Key(os.urandom(KEY_BYTES), since)


def _present_first(keys: Sequence[Key], now: datetime) -> list[Key]:
    """The key in use, then its predecessors, then the announced ones; the first of all counts from the beginning."""
    in_use = [key for key in keys if key.since <= now] or [keys[-1]]
    return [*in_use, *(key for key in keys if key not in in_use)]


def _still_needed(keys: Sequence[Key], oldest: datetime) -> list[Key]:
    """A key was last used when the next one began."""
    ends = [None, *(key.since for key in keys)]
    return [key for key, end in zip(keys, ends, strict=False) if end is None or end > oldest]
