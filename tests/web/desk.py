"""Somebody's running pod behind a real server, and what runs in it."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx

from genet.settings import Settings
from genet.simulation.cluster import Cluster
from genet.web.app import create_app
from tests.replicas import Replica, until
from tests.screens import Screen, screen
from tests.served import listening

OWNER = "alice"
NAMESPACE = "user-alice-alice"
POD = "pod-alice-alice-one"


class Desk:
    def __init__(self, replica: Replica, cluster: Cluster, url: str, http: httpx.AsyncClient) -> None:
        self.replica, self.cluster, self.url, self.http = replica, cluster, url, http
        self.services = replica.services

    def screen(self, user: str | None = OWNER, **more: Any) -> AbstractAsyncContextManager[Screen]:
        more |= {"user": user} if user else {}
        return screen(self.url, POD, **more)

    async def exec(self, *command: str, user: str = OWNER, params: dict[str, str] | None = None, **more: Any) -> Any:
        body = {"command": list(command), **more}
        params = {"user": user, **(params or {})}
        return await self.http.post(f"/api/pods/{POD}/exec", params=params, json=body, timeout=30)

    def runs(self, *names: str) -> list[str]:
        """Command lines in the container that begin with one of these, without what looks for them."""
        pod = self.cluster.store.get("pods", NAMESPACE, POD)
        lines = self.cluster.containers.command_lines(pod, "main")
        return [line for line in lines if line.startswith(names)]

    async def is_alone(self) -> None:
        """Waits until the container's own processes are all that is left."""
        own = ("/bin/sh -c if", "sleep 3600")
        await until(lambda: not [line for line in self.runs("") if not line.startswith(own)])


@asynccontextmanager
async def desk_of(replica: Replica, cluster: Cluster, configuration: Settings, **pod: Any) -> AsyncIterator[Desk]:
    capacity = {"cpu": "8", "memory": "64Gi", "pods": "110"}
    status = {"capacity": capacity, "allocatable": capacity, "conditions": [{"type": "Ready", "status": "True"}]}
    cluster.store.create("nodes", {"metadata": {"name": "n1"}, "status": status})
    made = await replica.create(OWNER, name="one", **pod)
    assert made.status_code == 201, made.text
    await until(lambda: _runs(replica))
    async with listening(create_app(configuration, replica.services)) as port:
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=url, headers={"Origin": url}, trust_env=False) as http:
            yield Desk(replica, cluster, url, http)


def _runs(replica: Replica) -> bool:
    return any(pod.status.container_statuses and pod.status.container_statuses[0].state.running
               for pod in replica.services.pods.of("alice-alice"))  # fmt: skip
