"""Finds the records of sessions, tokens and people: in the cache, and at the API server where the cache cannot say.

- What the cache has not heard of may have been made a moment ago by another replica: it is asked for once, within a
  budget, as anybody may send ids that never were. Ids are never used twice, so what is gone stays gone.
- A cache that has not heard anything for a minute may miss that somebody was logged out. Then the API server is asked
  about each record, seldom and briefly. If it does not answer either, what was known still counts: everything that
  changes something fails anyway without it, and its outage must not log everybody out.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

import msgspec

from genet.errors import GenetError, NotFound, Unavailable
from genet.kube.cache import Cache
from genet.kube.objects import Secret
from genet.kube.records import Kind, Record, Records

TRUSTED_SECONDS = 60.0
"""For how long a cache without news is believed."""
CONFIRMED_SECONDS = 10.0
"""For how long the API server's own word on a record counts, while there is no news."""
_CONFIRM_TIMEOUT_SECONDS = 2.0
_SILENCE_SECONDS = 5.0
"""After an unanswered question nobody asks for so long."""
_LOOKS_PER_SECOND = 20.0
_REMEMBERED = 10_000

Value = TypeVar("Value", bound=msgspec.Struct)


class Lookup:
    """Over the records and what is known of them; `clock` says seconds that only ever grow."""

    def __init__(
        self,
        records: Records,
        cache: Cache[Secret],
        *,
        trusted_seconds: float = TRUSTED_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._records = records
        self._cache = cache
        self._trusted_seconds = trusted_seconds
        self._clock = clock
        self._gone: OrderedDict[str, None] = OrderedDict()
        self._confirmed: OrderedDict[str, float] = OrderedDict()
        self._budget = _Budget(_LOOKS_PER_SECOND, clock)
        self._silent_until = -1.0

    def require_known(self) -> None:
        """Raises Unavailable before the records were listed: an empty list would be a lie."""
        if not self._cache.is_ready:
            raise Unavailable("what people hold has not been listed yet", retry_after=1)

    def known(self, kind: Kind[Value], id_: str) -> Record[Value] | None:
        """As the cache has it."""
        secret = self._cache.get(kind.secret_name(id_), self._records.namespace)
        return kind.read(secret) if secret else None

    async def find(
        self, kind: Kind[Value], id_: str, *, by_anybody: bool = True, is_proven: bool = False
    ) -> Record[Value] | None:
        """As the cache has it, or the API server where the cache cannot say.

        Args:
            kind: of the record.
            id_: of the record.
            by_anybody: anybody may have sent the id, and none of this kind is used twice.
            is_proven: the id was made here, so it is asked for however many others are made up meanwhile.

        Raises:
            Unavailable: nothing is known of it, and the API server does not answer.
        """
        known = self.known(kind, id_)
        if known is not None:
            return known if self._is_fresh() else await self._confirmed_or_known(known)
        if by_anybody:
            return await self._look_for_unknown(kind, id_, is_proven=is_proven)
        return await self.live(kind, id_)

    async def live(self, kind: Kind[Value], id_: str) -> Record[Value] | None:
        """As it is now, from the API server; the cache learns it."""
        known = self.known(kind, id_)
        record = await self._records.find(kind, id_)
        if record is not None:
            self._cache.merge(record.secret)
        elif known is not None:
            self._cache.forget(known.secret)
        return record

    def take(self, record: Record[Value]) -> Record[Value]:
        """Learn what was just written."""
        self._cache.merge(record.secret)
        return record

    def forget(self, secret: Secret) -> None:
        """Learn that it is gone for good."""
        self._cache.forget(secret)
        self._remember_gone(secret.metadata.name)

    async def _look_for_unknown(self, kind: Kind[Value], id_: str, *, is_proven: bool) -> Record[Value] | None:
        name = kind.secret_name(id_)
        if name in self._gone or not (is_proven or self._budget.take()):
            return None
        record = await self.live(kind, id_)
        if record is None:
            self._remember_gone(name)
        return record

    def _is_fresh(self) -> bool:
        staleness = self._cache.staleness()
        return not staleness.stale or staleness.age_seconds <= self._trusted_seconds

    async def _confirmed_or_known(self, known: Record[Value]) -> Record[Value] | None:
        name, now = known.secret.metadata.name, self._clock()
        if now < max(self._silent_until, self._confirmed.get(name, -CONFIRMED_SECONDS) + CONFIRMED_SECONDS):
            return known
        try:
            async with asyncio.timeout(_CONFIRM_TIMEOUT_SECONDS):
                record = await self._records.get(known.kind, known.id)
        except NotFound:
            self.forget(known.secret)
            return None
        except (GenetError, TimeoutError):
            self._silent_until = self._clock() + _SILENCE_SECONDS
            return known
        _remember(self._confirmed, name, self._clock())
        return self.take(record)

    def _remember_gone(self, name: str) -> None:
        self._gone[name] = None
        if len(self._gone) > _REMEMBERED:
            self._gone.popitem(last=False)


class _Budget:
    """So many a second, and at once no more than that."""

    def __init__(self, per_second: float, clock: Callable[[], float]) -> None:
        self._per_second = per_second
        self._clock = clock
        self._left = per_second
        self._at = clock()

    def take(self) -> bool:
        now = self._clock()
        self._left = min(self._per_second, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def _remember(known: OrderedDict[str, float], name: str, at: float) -> None:
    known[name] = at
    known.move_to_end(name)
    if len(known) > _REMEMBERED:
        known.popitem(last=False)
