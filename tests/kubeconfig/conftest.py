from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from genet.kube.client import KubeClient
from genet.settings import Kubernetes
from tests.replicas import cluster, kubeconfig

__all__ = ["cluster", "kubeconfig"]


@pytest.fixture
async def kube(kubeconfig: Path) -> AsyncIterator[KubeClient]:
    async with KubeClient.connect(Kubernetes(kubeconfig=str(kubeconfig)), {}) as client:
        yield client
