"""Who people are, put together: keys, people, sessions and tokens over one cache of their records.

Grants and codes are never in that cache: what may be used once must be read from the API server each time.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from genet.auth.clock import Clock
from genet.auth.endings import Endings
from genet.auth.keyring import Keyring
from genet.auth.lookup import TRUSTED_SECONDS, Lookup
from genet.auth.people import BY_OWNER, People, by_owner
from genet.auth.sealing import Sealer
from genet.auth.sessions import BY_USER, Sessions, by_user
from genet.auth.tokens import Tokens
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import SECRETS, Secret
from genet.kube.records import RECORD, Records
from genet.kube.watch import USUAL, Scope, Timing
from genet.settings import Settings

CACHED = ("keys", "person", "session", "token")
_SPARE = timedelta(days=1)


@dataclass(frozen=True)
class Identity:
    records: Records
    keyring: Keyring
    sealer: Sealer
    people: People
    sessions: Sessions
    tokens: Tokens
    endings: Endings
    cache: Cache[Secret]
    is_needed: bool
    """Whether people cannot be served without it; dev mode alone can do without."""

    @classmethod
    def over(
        cls,
        kube: KubeClient,
        settings: Settings,
        clock: Clock,
        *,
        timing: Timing = USUAL,
        trusted_seconds: float = TRUSTED_SECONDS,
    ) -> Self:
        """Everything in its place; the cache is still empty, and stays so until `running`."""
        records = Records(kube, settings.kubernetes.grants_namespace)
        scope = Scope(records.namespace, label_selector=f"{RECORD} in ({','.join(CACHED)})")
        cache = Cache(kube, SECRETS, scope=scope, indexes={BY_USER: by_user, BY_OWNER: by_owner}, timing=timing)
        lookup = Lookup(records, cache, trusted_seconds=trusted_seconds)
        provider = settings.oidc_provider
        longest = timedelta(hours=max(settings.auth.session.hours, provider.ttl.refresh_hours)) + _SPARE
        rotate_after = timedelta(days=provider.key_rotation_days)
        keyring = Keyring(records, cache, clock, rotate_after=rotate_after, keep=longest)
        sealer = Sealer(keyring.sealing, clock)
        people = People(records, cache=cache, lookup=lookup, sealer=sealer, settings=settings, clock=clock)
        endings = Endings(cache)
        sessions = Sessions(
            records,
            cache=cache,
            lookup=lookup,
            endings=endings,
            people=people,
            sealer=sealer,
            settings=settings,
            clock=clock,
        )
        tokens = Tokens(records, cache=cache, lookup=lookup, endings=endings, people=people, clock=clock)
        is_needed = settings.auth.mode != "dev" or bool(provider.enabled)
        return cls(records, keyring, sealer, people, sessions, tokens, endings, cache, is_needed)

    @classmethod
    @asynccontextmanager
    async def running(
        cls,
        kube: KubeClient,
        settings: Settings,
        clock: Clock,
        *,
        timing: Timing = USUAL,
        trusted_seconds: float = TRUSTED_SECONDS,
    ) -> AsyncIterator[Self]:
        """Follows the records. Returns at once; `wait_ready` says when it knows them."""
        identity = cls.over(kube, settings, clock, timing=timing, trusted_seconds=trusted_seconds)
        failure: Exception | None = None
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(identity.cache.run())]
            if identity.is_needed:
                tasks.append(group.create_task(identity.keyring.run()))
            try:
                yield identity
            except Exception as error:  # noqa: BLE001 # raised below: as it is, and not in a group
                failure = error
            finally:
                for task in tasks:
                    task.cancel()
                await identity.tokens.close()
        if failure is not None:
            raise failure

    @property
    def is_ready(self) -> bool:
        """Whether people can be served; stays so when the API server goes away."""
        return not self.is_needed or (self.cache.is_ready and self.keyring.is_ready)

    async def wait_ready(self) -> None:
        """Until the records are known, and keys are there where they are needed."""
        await self.cache.wait_ready()
        if self.is_needed:
            await self.keyring.load()
