"""What a replica keeps up while a restart lasts: its room in the quota, its volumes, and the word that it is at it.

All of that runs out by itself, so a replica that dies holds nothing for ever.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, Protocol

from genet.errors import NotFound
from genet.flows.restart_claim import Claim
from genet.limits import Limits
from genet.pods.restarting import Restart, Restarts
from genet.quota import HELD, Quota

LONGEST_PAUSE: Final = 5.0
_PATIENCE: Final = 20.0
"""The pause is this part of the time since the restart was asked for."""
_TOUCH_AFTER: Final = timedelta(seconds=10)
"""How often a holder says that it is still at it."""


class Storage(Protocol):
    """Claims that go with the last pod that uses them are held while there is none."""

    def transient(self, namespace: str, claims: Iterable[str]) -> list[str]: ...

    async def hold(self, namespace: str, claims: Iterable[str], mark: str, lifetime: timedelta) -> None: ...

    async def release(self, namespace: str, claims: Iterable[str], mark: str) -> None: ...


class Upkeep:
    def __init__(self, restarts: Restarts, *, quota: Quota, storage: Storage, clock: Callable[[], datetime]) -> None:
        self._restarts = restarts
        self._quota = quota
        self._storage = storage
        self._clock = clock
        self._sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def hold(self, claim: Claim, limits: Limits | None) -> None:
        """Its room and its claims, from now on for `HELD`; without `limits` the room is its own already.

        Raises:
            QuotaExceeded: there is no room.
        """
        value = claim.value
        await self._quota.hold(value.namespace, value.pod, value.gpus, value.mark, limits)
        await self._storage.hold(value.namespace, self._claims(value), value.mark, HELD)
        claim.held_at = self._clock()

    async def release(self, value: Restart) -> None:
        """Give both back."""
        with suppress(NotFound):
            await self._storage.release(value.namespace, self._claims(value), value.mark)
            await self._quota.release(value.namespace, value.mark)

    def patience(self, claim: Claim, shortest: float) -> float:
        """Seconds until the next look: what has taken long may take longer, and nobody is to be asked all the while."""
        age = (self._clock() - claim.value.asked_at).total_seconds()
        return min(LONGEST_PAUSE, max(shortest, age / _PATIENCE))

    async def pause(self, claim: Claim, seconds: float) -> None:
        """Raises Overtaken if somebody else has taken it."""
        await self._sleep(seconds)
        await self.notice(claim)
        if self._clock() - claim.value.touched_at >= _TOUCH_AFTER:
            if self._clock() - claim.held_at > HELD / 4:
                await self.hold(claim, None)
            await claim.advance()

    async def notice(self, claim: Claim) -> None:
        """What others have written into the record since, as far as this replica has heard."""
        known, mine = self._restarts.get(claim.value.namespace, claim.value.pod), claim.value
        if known is None or (known.holder, known.avoids_node) != (mine.holder, mine.avoids_node):
            await claim.advance()

    def _claims(self, value: Restart) -> list[str]:
        sources = (volume.get("persistentVolumeClaim") for volume in value.manifest["spec"].get("volumes") or ())
        return self._storage.transient(value.namespace, [source["claimName"] for source in sources if source])
