"""How many certificates a person may have in an hour, counted over all replicas by compare-and-set on one record."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from genet.errors import RateLimited
from genet.kube.records import Kind, Records

_PERIOD: Final = timedelta(hours=1)


class Issues(msgspec.Struct, frozen=True):
    at: tuple[datetime, ...]
    """Of the last hour, the oldest first."""


ISSUES: Final = Kind("certificates", Issues)


class Allowance:
    """`per_hour` for each person; what failed counts too, because it has cost the signer the same."""

    def __init__(self, records: Records, per_hour: int, clock: Callable[[], datetime]) -> None:
        self._records = records
        self._per_hour = per_hour
        self._clock = clock

    async def take(self, identifier: str) -> None:
        """Count one more. Raises RateLimited where there is none left."""

        def count(known: Issues | None) -> Issues:
            now = self._clock()
            recent = [at for at in known.at if at > now - _PERIOD] if known else []
            if len(recent) >= self._per_hour:
                wait = min(recent[0] + _PERIOD - now, _PERIOD)
                raise RateLimited(
                    f"you have had {self._per_hour} certificates within an hour, and get no more yet",
                    retry_after=max(1.0, wait.total_seconds()),
                )
            return Issues((*recent, now))

        await self._records.change(ISSUES, identifier, count, user=identifier)
