"""Saving a pod as an image, against the embedded cluster; its `nerdctl` is a program of the simulation."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from genet import naming
from genet.settings import Settings
from genet.simulation.cluster import Cluster
from tests.replicas import Replica, replica_of, settings, until

NAMESPACE = "user-alice-alice"
POD = "pod-alice-alice-a"
PATH = f"/api/pods/{POD}"
JOBS = "genet-jobs"
OWN = "registry.example.com/people/alice-alice"
COMMIT: dict[str, Any] = {
    "enabled": True,
    "repository": "registry.example.com/people/{userIdentifier}",
    "image": "registry.example.com/genet/nerdctl:2",
}
SLEEP = ["sleep", "infinity"]


@pytest.fixture
def configuration(cluster: Cluster, kubeconfig: Path) -> Settings:
    cluster.store.create("namespaces", {"metadata": {"name": JOBS}})
    return settings(kubeconfig, commit=COMMIT)


@pytest.fixture
async def replica(configuration: Settings) -> AsyncIterator[Replica]:
    async with replica_of(configuration) as one:
        await one.synced()
        yield one


def pod(cluster: Cluster, name: str = POD) -> dict[str, Any] | None:
    return cluster.store.find("pods", NAMESPACE, name)


def jobs(cluster: Cluster) -> list[dict[str, Any]]:
    return cluster.store.list("jobs", JOBS)


def lease(cluster: Cluster) -> dict[str, Any] | None:
    return next(iter(cluster.store.list("leases", JOBS)), None)


def end(cluster: Cluster, kind: str = "Complete", **more: Any) -> None:
    """All Jobs end, as the Job controller says it."""
    for job in jobs(cluster):
        condition = {"type": kind, "status": "True", "lastTransitionTime": "2026-11-22T10:00:00Z", **more}
        status = {**job.get("status", {}), "conditions": [condition]}
        cluster.store.update("jobs", {**job, "status": status}, subresource="status")


async def made(replica: Replica, cluster: Cluster, name: str = "a") -> dict[str, Any]:
    answer = await replica.create(name=name, command=SLEEP)
    assert answer.status_code == 201, answer.text
    found = f"pod-alice-alice-{name}"
    await until(lambda: (one := pod(cluster, found)) and one["status"].get("phase") == "Running")
    shown = pod(cluster, found)
    assert shown is not None
    return shown


async def save(replica: Replica, image: str = "torch:1", path: str = PATH) -> Any:
    return await replica.ask("POST", f"{path}/commit", json={"image": image})


async def status(replica: Replica, **more: Any) -> dict[str, Any]:
    answer = await replica.ask("GET", f"{PATH}/commit/status", **more)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def test_a_pod_is_saved_by_a_job_on_its_node(replica, cluster):
    before = await made(replica, cluster)
    answer = await save(replica)
    assert answer.status_code == 202, answer.text
    (job,) = jobs(cluster)
    assert answer.json() == {"jobName": job["metadata"]["name"]}
    assert job["metadata"]["labels"][naming.POD_UID] == before["metadata"]["uid"]
    assert job["metadata"]["annotations"] == {naming.IMAGE: f"{OWN}/torch:1"}
    shown = await status(replica)
    assert (shown["status"] in ("pending", "running"), shown["image"]) == (True, f"{OWN}/torch:1")
    held = lease(cluster)
    assert held is not None
    assert held["metadata"]["name"] == f"commit-{before['metadata']['uid']}"
    assert held["spec"]["holderIdentity"] == job["metadata"]["name"]
    assert [owner["uid"] for owner in held["metadata"]["ownerReferences"]] == [job["metadata"]["uid"]]
