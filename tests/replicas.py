"""Replicas of the server in the test's own process, over an embedded cluster: the whole application, asked over ASGI.

A test brings its cluster (`cluster` below) and as many replicas of it as it needs; each has caches of its own.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import msgspec
import pytest

from genet.settings import Settings
from genet.simulation.cluster import Cluster
from genet.simulation.pod_life import Pace
from genet.web.app import create_app
from genet.web.services import Services, running

HOST = "http://localhost:8080"
CONFIGURATION: dict[str, Any] = {
    "auth": {"mode": "dev", "admins": {"users": ["admin-admin"]}},
    "gpu": {"availableTypes": [{"name": "A100", "resourceName": "nvidia.com/gpu"}]},
    "storage": {"volumes": [{"name": "workspace", "mountPath": "/workspace"}]},
    "podLimitPerUser": 3,
    "gpuLimitPerUser": 4,
}
IMAGE = {"image": "debian:13"}


class Replica:
    """One server, and short words for what its users ask of it; `user` is the dev mode's."""

    def __init__(self, services: Services, http: httpx.AsyncClient) -> None:
        self.services = services
        self.http = http

    async def ask(self, method: str, path: str, *, user: str = "alice", **more: Any) -> httpx.Response:
        params = {"user": user, **more.pop("params", {})}
        return await self.http.request(method, path, params=params, **more)

    async def create(
        self, user: str = "alice", params: Mapping[str, str] | None = None, **fields: Any
    ) -> httpx.Response:
        return await self.ask("POST", "/api/pods", user=user, params=params or {}, json={**IMAGE, **fields})

    async def pods(self, user: str = "alice", **params: str) -> list[str]:
        answer = await self.ask("GET", "/api/pods", user=user, params=params)
        assert answer.status_code == 200, answer.text
        return [pod["id"] for pod in answer.json()["pods"]]

    async def synced(self) -> None:
        async with asyncio.timeout(10):
            for cache in self.services.caches:
                await cache.wait_ready()
            await self.services.identity.wait_ready()
            await self.services.restarts.cache.wait_ready()
            # what DRA says is not waited for by the server, and the first answers would differ from the next
            while self.services.overview.moment().sources.dra.state == "unavailable":  # noqa: ASYNC110 # from outside
                await asyncio.sleep(0.005)


def settings(kubeconfig: Path | str, /, **changes: Any) -> Settings:
    return msgspec.convert({**CONFIGURATION, "kubernetes": {"kubeconfig": str(kubeconfig)}, **changes}, Settings)


@asynccontextmanager
async def replica_of(
    configuration: Settings, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> AsyncIterator[Replica]:
    """A server whose caches may not be filled yet: see `Replica.synced`."""
    async with running(configuration, clock) as services:
        transport = httpx.ASGITransport(create_app(configuration, services), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=HOST) as http:
            yield Replica(services, http)


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with Cluster("empty", pace=Pace(0, 0, 0)) as embedded:
        yield embedded


@pytest.fixture
def kubeconfig(cluster: Cluster, tmp_path: Path) -> Path:
    path = tmp_path / "kubeconfig"
    cluster.write_kubeconfig(path)
    return path


@pytest.fixture
async def replica(kubeconfig: Path) -> AsyncIterator[Replica]:
    async with replica_of(settings(kubeconfig)) as one:
        await one.synced()
        yield one


async def switch(cluster: Cluster, name: str, **parameters: Any) -> None:
    """Turn on one of the embedded cluster's faults."""
    url = f"{cluster.url}/simulation/{name}"
    async with aiohttp.ClientSession() as session, session.post(url, json=parameters) as answer:
        assert answer.status == 204


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 # conditions of any kind, seen from outside
            await asyncio.sleep(0.005)
