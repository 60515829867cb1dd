from collections.abc import AsyncIterator

import pytest

from tests.replicas import Replica, cluster, kubeconfig, replica, replica_of, settings
from tests.web.provider import Site, configuration, site_of

__all__ = ["cluster", "kubeconfig", "replica"]


@pytest.fixture
async def unsynced() -> AsyncIterator[Replica]:
    """A replica that has never reached its cluster."""
    nowhere = {"kubeconfig": "/nowhere", "requestTimeoutSeconds": 1}
    async with replica_of(settings("/nowhere", kubernetes=nowhere)) as one:
        yield one


@pytest.fixture
async def site(kubeconfig) -> AsyncIterator[Site]:
    """A replica with its OpenID Provider, and people who log in with sessions."""
    async with site_of(configuration(kubeconfig)) as one:
        yield one
