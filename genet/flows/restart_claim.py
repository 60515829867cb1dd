"""The record of a restart in the hands of one replica: every write says that it is at it, and finds out if it is not.

Trap: between such a write and what is done next, a replica may be held up for as long as it takes another to claim the
record and finish. So each step has to be harmless when it comes late; that is `restart_steps`' business.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec

from genet.errors import Conflict, NotFound
from genet.kube.records import Record, Records
from genet.pods.restarting import Restart, Restarts

log = logging.getLogger(__name__)

_TRIES: Final = 20


class Overtaken(Exception):
    """Somebody else has the record now, or it is done."""


class Claim:
    """Of one replica on one restart."""

    def __init__(
        self, records: Records, restarts: Restarts, record: Record[Restart], *, clock: Callable[[], datetime]
    ) -> None:
        self._records = records
        self._restarts = restarts
        self._record = record
        self._clock = clock
        self.is_over = False
        self.held_at = record.value.asked_at
        """When this replica last said that the room is needed still."""
        restarts.merge(record)

    @property
    def value(self) -> Restart:
        return self._record.value

    async def advance(self, **changes: Any) -> None:
        """Write what has changed, and that somebody is at it.

        What others may write in between (the wish for another node) stays.

        Raises:
            Overtaken: it is not this replica's any more.
            Unavailable: it may have been written or not.
        """
        for _ in range(_TRIES):
            value = msgspec.structs.replace(self._record.value, **changes, touched_at=self._clock())
            try:
                self._record = await self._records.replace(self._record, value)
            except NotFound as error:
                self.is_over = True
                raise Overtaken from error
            except Conflict:
                await self._read_again()
            else:
                self._restarts.merge(self._record)
                return
        raise Conflict("the record of a restart changes too often")

    async def drop(self) -> None:
        """It is done. Raises Overtaken if something has been written meanwhile: then it is not."""
        try:
            await self._records.delete(self._record, if_unchanged=True)
        except NotFound:
            pass
        except Conflict as error:
            await self._read_again()
            raise Conflict("the record of a restart has changed") from error
        self.is_over = True
        self._restarts.forget(self._record)

    async def hand_over(self) -> None:
        """Let another replica go on at once."""
        await self.advance(holder="")
        self.is_over = True

    async def _read_again(self) -> None:
        found = await self._restarts.find(self.value.namespace, self.value.pod)
        if found is None or found.value.holder != self.value.holder:
            self.is_over = True
            raise Overtaken
        self._record = found
