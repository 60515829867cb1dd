"""Replicas as far as people's records go: each with a cache and keys of its own, over one cluster."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from genet.auth.identity import Identity
from genet.auth.lookup import TRUSTED_SECONDS
from genet.auth.user import User
from genet.kube.client import KubeClient
from genet.kube.watch import USUAL, Timing
from tests.replicas import settings

NAMESPACE = "genet-grants"
ANN = User("ann", "ann@example.org", "ann-ann", "https://login.example.org|1", is_admin=False, groups=("staff",))
BOB = User("bob", "bob@example.org", "bob-bob", "https://login.example.org|2", is_admin=False)


class Clock:
    """A time that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 31, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> None:
        self.now += timedelta(**parts)


@asynccontextmanager
async def identity_of(
    kubeconfig: Path | str,
    clock: Clock,
    *,
    timing: Timing = USUAL,
    trusted_seconds: float = TRUSTED_SECONDS,
    ready: bool = True,
    **changes: Any,
) -> AsyncIterator[Identity]:
    """One replica's, in a mode in which people log in; `changes` are of the configuration."""
    configured = settings(kubeconfig, **{"auth": {"mode": "oauth"}, **changes})
    async with (
        KubeClient.connect(configured.kubernetes) as kube,
        Identity.running(kube, configured, clock, timing=timing, trusted_seconds=trusted_seconds) as identity,
    ):
        if ready:
            await identity.wait_ready()
        yield identity


async def log_in(identity: Identity, user: User = ANN, **more: Any) -> str:
    """A new session's cookie."""
    await identity.people.logged_in(user, email_verified=True, upstream_refresh_token=None)
    at = {"authenticated_at": datetime(2026, 1, 31, 7, 59, tzinfo=UTC), "user_agent": "Firefox", **more}
    cookie, _ = await identity.sessions.start(user, **at)
    return cookie


async def make_token(identity: Identity, user: User = ANN, **more: Any) -> str:
    """A new token's text, of somebody who has logged in."""
    if await identity.people.live(user.identifier) is None:
        await identity.people.logged_in(user, email_verified=True, upstream_refresh_token=None)
    wanted = {"name": "ci", "scopes": ("pods:read",), "lifetime": timedelta(days=90), **more}
    return (await identity.tokens.create(user, **wanted))[1]


async def ends(find: Callable[[str], Awaitable[object]], *bearers: str) -> None:
    """Within two seconds nobody is found by any of these any more."""
    async with asyncio.timeout(2):
        for bearer in bearers:
            while await find(bearer) is not None:  # noqa: ASYNC110 # what an answer depends on tells nobody
                await asyncio.sleep(0.01)
