from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from genet.auth.identity import Identity
from tests.identities import Clock, identity_of
from tests.replicas import cluster, kubeconfig

__all__ = ["cluster", "kubeconfig"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def identity(kubeconfig: Path, clock: Clock) -> AsyncIterator[Identity]:
    async with identity_of(kubeconfig, clock) as one:
        yield one


@pytest.fixture
async def other(identity: Identity, kubeconfig: Path, clock: Clock) -> AsyncIterator[Identity]:
    """A second replica."""
    async with identity_of(kubeconfig, clock) as another:
        yield another
