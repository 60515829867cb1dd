import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from genet.kube.client import KubeClient
from genet.settings import Kubernetes
from tests.kube.fake import FakeApi

Until = Callable[[Callable[[], object]], Awaitable[None]]


@pytest.fixture
def until() -> Until:
    """Wait until a condition holds, at most 10 s."""

    async def wait(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 # conditions of any kind, seen from outside
                await asyncio.sleep(0.005)

    return wait


@pytest.fixture
async def fake() -> AsyncIterator[FakeApi]:
    api = FakeApi()
    await api.start()
    yield api
    await api.stop()


@pytest.fixture
async def kube_of_fake(fake: FakeApi, tmp_path: Path) -> AsyncIterator[KubeClient]:
    path = fake.kubeconfig(tmp_path / "kubeconfig", token="t")
    async with KubeClient.connect(Kubernetes(kubeconfig=path, request_timeout_seconds=5.0), {}) as kube:
        yield kube
