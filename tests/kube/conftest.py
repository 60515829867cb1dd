"""Clusters to test against: the embedded one, a real one (`GENET_TEST_KUBECONFIG`), and a fake that misbehaves."""

import asyncio
import json
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from genet.errors import NotFound
from genet.kube.client import KubeClient
from genet.kube.objects import NAMESPACES
from genet.kube.projection import KubeObject, Resource
from genet.settings import Kubernetes
from tests.kube.fake import FakeApi

SERVICE_ACCOUNTS = Resource("v1", "ServiceAccount", "serviceaccounts", KubeObject)

Until = Callable[[Callable[[], object]], Awaitable[None]]


@pytest.fixture
def until() -> Until:
    """Wait until a condition holds, at most 30 s (a real kubelet takes 8 s to end a pod)."""

    async def wait(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(30):
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


@pytest.fixture(scope="session")
def embedded_kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = str(tmp_path_factory.mktemp("embedded") / "kubeconfig")
    command = [sys.executable, "-m", "genet.simulation", "--scenario", "empty", "--port", "0", "--prometheus-port", "0"]
    with subprocess.Popen(
        [*command, "--kubeconfig", path, "--until-stdin-closes"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["kubeconfig"] == path
        yield path
        process.communicate()


@pytest.fixture(params=["embedded", pytest.param("real", marks=pytest.mark.real)])
def kubeconfig(request: pytest.FixtureRequest) -> str:
    """One for each cluster that there is."""
    if request.param == "embedded":
        return str(request.getfixturevalue("embedded_kubeconfig"))
    path = os.environ.get("GENET_TEST_KUBECONFIG")
    if not path:
        pytest.skip("GENET_TEST_KUBECONFIG names no real cluster")
    return path


@pytest.fixture
async def kube(kubeconfig: str) -> AsyncIterator[KubeClient]:
    async with KubeClient.connect(Kubernetes(kubeconfig=kubeconfig), {}) as client:
        yield client


@pytest.fixture
async def namespace(kube: KubeClient) -> AsyncIterator[str]:
    """A fresh one in which pods can be made; deleted afterwards without waiting."""
    name = f"genet-test-{secrets.token_hex(4)}"
    await kube.create(NAMESPACES, {"metadata": {"name": name}})
    async with asyncio.timeout(20):
        while True:
            with suppress(NotFound):
                await kube.get(SERVICE_ACCOUNTS, "default", name)
                break
            await asyncio.sleep(0.05)
    yield name
    await kube.delete(NAMESPACES, name)
