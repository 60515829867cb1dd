"""Where grants are kept: read from the API server each time, changed by compare-and-set, ended whoever changes them."""

import logging
from contextlib import suppress
from typing import Final

from msgspec.structs import replace

from genet.errors import Conflict, NotFound, Unavailable
from genet.kube.records import Record, Records
from genet.oidc import codes
from genet.oidc.grant import GRANT, Grant

log = logging.getLogger(__name__)

_END_ATTEMPTS: Final = 8
_MOST_ENDED_AT_ONCE: Final = 10
_LEAST_MISSED: Final = {"ended": 0, "code": 1, "active": 2}


class GrantStore:
    """`most_per_user`: one more ends the one that is least missed; beginning many at once may pass it by as many."""

    def __init__(self, records: Records, *, most_per_user: int) -> None:
        self._records = records
        self._most = most_per_user

    async def find(self, id_: str) -> Record[Grant] | None:
        """As it is now, from the API server."""
        return await self._records.find(GRANT, id_) if codes.is_id(id_) else None

    async def of(self, identifier: str) -> list[Record[Grant]]:
        """All of one person's, whatever has become of them."""
        return [record for record in await self._records.of(GRANT, identifier) if record.value.user == identifier]

    async def create(self, id_: str, grant: Grant) -> Record[Grant]:
        """Raises Unavailable: it may be there, but nobody has anything that opens it."""
        await self._make_room(grant.user)
        try:
            return await self._records.create(GRANT, id_, grant, user=grant.user)
        except Unavailable:
            record = await self.find(id_)  # nobody else knows the id: if it is there, it was this
            if record is None:
                raise
            return record

    async def try_replace(self, record: Record[Grant], grant: Grant) -> Record[Grant] | None:
        """None: look again, whether because somebody else was faster or because the answer was lost."""
        if grant is record.value:
            return record
        try:
            return await self._records.replace(record, grant)
        except (Conflict, NotFound, Unavailable):
            return None

    async def end(self, record: Record[Grant], why: str) -> None:
        """Make a tombstone of it, whoever else changes it just now.

        Raises:
            Unavailable: it may not have been done.
        """
        found: Record[Grant] | None = record
        for _ in range(_END_ATTEMPTS):
            if found is None or found.value.status == "ended":
                return
            try:
                await self._records.replace(found, replace(found.value, status="ended", ended_because=why))
            except NotFound:
                return
            except Conflict:
                found = await self.find(record.id)
            else:
                _tell(record, why)
                return
        await self.delete(record)
        _tell(record, why)

    async def delete(self, record: Record[Grant]) -> None:
        """Without asking what it has become since. Raises Unavailable: it may still be there."""
        with suppress(NotFound, Conflict):  # gone: ids are never given twice
            await self._records.delete(record)

    async def _make_room(self, identifier: str) -> None:
        """What has ended goes first, then codes, then what idles longest."""
        held = await self.of(identifier)
        held.sort(key=lambda record: (_LEAST_MISSED[record.value.status], record.value.last_used_at))
        surplus = min(len(held) + 1 - self._most, _MOST_ENDED_AT_ONCE)  # no login waits for more
        for record in held[: max(0, surplus)]:
            with suppress(NotFound, Conflict):  # a grant that is just being used is not the one that idles
                await self._records.delete(record, if_unchanged=True)


def _tell(record: Record[Grant], why: str) -> None:
    grant = record.value
    log.warning("ended a grant: %s", why, extra={"grant": record.id, "user": grant.user, "client": grant.client})
