"""One Genet per cluster: the same tests over HTTP on the embedded cluster and, where there is one, on a real one.

Both have `nvidia.com/gpu` to give: the embedded one the scenario's, the real one what its nodes advertise.
"""

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from typing import Any, Final, TypeVar

import httpx
import pytest

from genet import naming
from genet.errors import NotFound
from genet.kube.client import KubeClient
from genet.kube.objects import NAMESPACES
from genet.settings import Kubernetes
from tests.processes import Replica, configuration, embedded_cluster, serving

IMAGE: Final = os.environ.get("GENET_TEST_IMAGE", "cluster.local/busybox:1")
T = TypeVar("T")

POD_LIMIT, GPU_LIMIT = 3, 2
GPU: Final = "nvidia.com/gpu"

SETTINGS: Final[dict[str, Any]] = {
    "podLimitPerUser": POD_LIMIT,
    "gpuLimitPerUser": GPU_LIMIT,
    "gpu": {"availableTypes": [{"name": "gpu", "resourceName": GPU}]},
    "pod": {"defaults": {"cpu": "50m", "memory": "32Mi"}},
    "storage": {"volumes": [{"name": "workspace", "mountPath": "/workspace", "size": "1Gi"}]},
}


@pytest.fixture(scope="session", params=["embedded", pytest.param("real", marks=pytest.mark.real)])
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    directory = tmp_path_factory.mktemp(request.param)
    real = os.environ.get("GENET_TEST_KUBECONFIG", "")
    if request.param == "real" and not real:
        pytest.skip("GENET_TEST_KUBECONFIG names no real cluster")
    with ExitStack() as stack:
        embedded = request.param == "embedded"
        kubeconfig = stack.enter_context(embedded_cluster("small", directory))["kubeconfig"] if embedded else real
        yield stack.enter_context(serving(configuration(directory, kubeconfig, **SETTINGS)))


async def until(ask: Callable[[], Awaitable[T]], holds: Callable[[T], bool], *, seconds: float = 60) -> T:
    """Asks until the answer is as wanted."""
    deadline = time.monotonic() + seconds
    while not holds(answer := await ask()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s; the last answer was {answer!r}"
        await asyncio.sleep(0.05)
    return answer


class Person:
    """Somebody with a name nobody else has, and their requests."""

    def __init__(self, replica: Replica) -> None:
        self.username = f"contract{secrets.token_hex(3)}"
        self.identifier = naming.user_identifier(self.username, f"{self.username}@dev.invalid")
        self.namespace = naming.namespace(self.identifier)
        self.http = httpx.AsyncClient(base_url=replica.url, params={"user": self.username}, trust_env=False, timeout=30)

    async def create(self, name: str, **request: Any) -> httpx.Response:
        return await self.http.post("/api/pods", json={"image": IMAGE, "name": name, **request})

    async def made(self, name: str, **request: Any) -> dict[str, Any]:
        pod: dict[str, Any] = (await self.create(name, **request)).raise_for_status().json()
        return pod

    async def read(self, path: str, **params: Any) -> Any:
        return (await self.http.get(path, params=params)).raise_for_status().json()

    async def pods(self) -> dict[str, dict[str, Any]]:
        return {pod["name"]: pod for pod in (await self.read("/api/pods"))["pods"]}

    async def sees(self, name: str, *statuses: str) -> dict[str, Any]:
        """Waits until the list shows the pod with one of these."""
        pods = await until(self.pods, lambda pods: name in pods and pods[name]["status"] in statuses)
        return pods[name]

    async def misses(self, name: str) -> None:
        """Waits until the list does not show the pod."""
        await until(self.pods, lambda pods: name not in pods)


@pytest.fixture
async def kube(backend: Replica) -> AsyncIterator[KubeClient]:
    """The cluster itself, as an administrator has it."""
    settings = Kubernetes(kubeconfig=backend.kubeconfig)
    async with KubeClient.connect(settings, {}) as client:
        yield client


@pytest.fixture
async def person(backend: Replica, kube: KubeClient) -> AsyncIterator[Person]:
    somebody = Person(backend)
    async with somebody.http:
        yield somebody
    try:
        await kube.delete(NAMESPACES, somebody.namespace)
    except NotFound:
        return
