"""The whole embedded cluster: a store, the API server before it, and those who make something happen in it.

Real time by default; tests hand in their own `clock` and `sleep`, and nothing waits. The order of the start matters:
the garbage collector must see every object come, while scheduler and kubelet take over a world that is complete.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import Any, Self

import msgspec

from genet.simulation import prometheus
from genet.simulation.accidents import Accidents
from genet.simulation.admission import Admission
from genet.simulation.apiserver import ApiServer
from genet.simulation.collector import Collector
from genet.simulation.containers import Containers
from genet.simulation.devices import Devices
from genet.simulation.dynamic_claims import DynamicClaims
from genet.simulation.exporters import Exporters
from genet.simulation.jobs import Jobs
from genet.simulation.kubelet import Kubelet
from genet.simulation.nerdctl import Nerdctl
from genet.simulation.orphans import Orphans
from genet.simulation.pod_life import Pace
from genet.simulation.scenarios import SCENARIOS
from genet.simulation.scenarios.build import Scenario
from genet.simulation.scheduler import Scheduler
from genet.simulation.store import Store
from genet.simulation.volumes import Volumes


class Cluster:
    """`async with Cluster(scenario="small") as cluster:` serves until the block ends."""

    url: str
    """Of the Kubernetes API."""
    prometheus_url: str

    def __init__(
        self,
        scenario: str = "small",
        *,
        port: int = 0,
        prometheus_port: int = 0,
        seed: int = 0,
        clock: Callable[[], datetime] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        pace: Pace | None = None,
        dra: str = "v1",
    ) -> None:
        """Port 0 takes a free one; KeyError for a scenario that is not there.

        `dra`: the version in which resource.k8s.io is served, or `off`.
        """
        self._ports = (port, prometheus_port)
        self._clock = clock or _now
        built = SCENARIOS[scenario](self._clock(), seed)
        self.store = Store(self._clock, seed=seed)
        self._collector = Collector(self.store)
        admission = Admission(self.store)
        _fill(self.store, built)
        self.store.clock = self._clock
        self.devices = Devices(built.gpus)
        for node, card, namespace, name, since, until in built.past:
            self.devices.remember(node, card, namespace, name, since.timestamp(), until.timestamp())
        self.nerdctl = Nerdctl(self.store, sleep)
        self.containers = Containers(self._clock, sleep, self.devices, self.nerdctl)
        self.api = ApiServer(self.store, admission, self.containers, dra=dra)
        self._volumes = Volumes(self.store)
        self._claims = DynamicClaims(self.store, admission)
        self._scheduler = Scheduler(self.store, self._claims)
        self._jobs = Jobs(self.store, admission, sleep)
        self._orphans = Orphans(self.store, sleep)
        self._kubelet = Kubelet(
            self.store, self.containers, self.devices, sleep, pace or Pace(), reporting=built.reporting
        )
        self.accidents = Accidents(self.store, self._kubelet)
        self._exporters = Exporters(self.devices, self._silent_since, built.generation, built.generations)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self._kubelet.start()
            stack.callback(self.containers.close)
            stack.push_async_callback(self._kubelet.stop)
            for work in (self._scheduler.run(), self._jobs.run(), self._claims.run(), self._orphans.run()):
                await stack.enter_async_context(_running(work))
            self.url = await stack.enter_async_context(self.api.serve(self._ports[0]))
            served = prometheus.served(self._exporters.series, self.api.faults.prometheus, self._clock, self._ports[1])
            self.prometheus_url = await stack.enter_async_context(served)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def write_kubeconfig(self, path: Path) -> None:
        """For kubectl and every other client. Readable by its owner only, like any kubeconfig."""
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "simulation", "cluster": {"server": self.url}}],
            "users": [{"name": "admin", "user": {}}],
            "contexts": [{"name": "simulation", "context": {"cluster": "simulation", "user": "admin"}}],
            "current-context": "simulation",
        }
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(config)))  # JSON is YAML

    def _silent_since(self, node: str) -> float:
        """Since when its exporters cannot be scraped."""
        found = self.store.find("nodes", "", node)
        for item in found["status"]["conditions"] if found else ():
            if item["type"] == "Ready" and item["status"] != "True":
                return datetime.fromisoformat(item["lastTransitionTime"]).timestamp()
        return inf if found else -inf


def _fill(store: Store, scenario: Scenario) -> None:
    for plural, obj, created in scenario.objects:
        store.clock = lambda created=created: created  # type: ignore[misc]
        store.create(plural, obj)
    for namespace, name, moment in scenario.evicted:
        store.clock = lambda moment=moment: moment  # type: ignore[misc]
        store.delete("pods", namespace, name)
    for claim in store.list("resourceclaims"):
        namespace, pods = claim["metadata"]["namespace"], claim["status"]["reservedFor"]
        reserved = [{**pod, "uid": store.get("pods", namespace, pod["name"])["metadata"]["uid"]} for pod in pods]
        store.update(
            "resourceclaims", {**claim, "status": {**claim["status"], "reservedFor": reserved}}, subresource="status"
        )


def _now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def _running(work: Any) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
