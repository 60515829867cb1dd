from collections.abc import AsyncIterator

import pytest

from tests.replicas import Replica, cluster, kubeconfig, replica, replica_of, settings

__all__ = ["cluster", "kubeconfig", "replica"]


@pytest.fixture
async def unsynced() -> AsyncIterator[Replica]:
    """A replica that has never reached its cluster."""
    nowhere = {"kubeconfig": "/nowhere", "requestTimeoutSeconds": 1}
    async with replica_of(settings("/nowhere", kubernetes=nowhere)) as one:
        yield one
