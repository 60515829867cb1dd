"""What a killed save leaves paused goes on, against the embedded cluster; its `nerdctl` knows who is paused."""

import asyncio
from typing import Any

import pytest

from genet import naming
from genet.flows.let_go_on import LetGoOn
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import PODS
from genet.simulation.cluster import Cluster
from tests.flows.test_save_image import COMMIT, ENDLESS, JOBS, JOBS_PATH, jobs, made, save, status
from tests.replicas import Replica, replica_of, settings, switch, until


@pytest.fixture
def configuration(cluster: Cluster, kubeconfig):
    cluster.store.create("namespaces", {"metadata": {"name": JOBS}})
    return settings(kubeconfig, commit={**COMMIT, "pause": True})


@pytest.fixture
async def replica(configuration):
    async with replica_of(configuration) as one:
        await one.synced()
        yield one


def rescues(cluster: Cluster) -> list[dict[str, Any]]:
    return [job for job in jobs(cluster) if job["metadata"]["name"].startswith("unpause-")]


def has_ended(job: dict[str, Any]) -> bool:
    conditions = job.get("status", {}).get("conditions", ())
    return any(condition["type"] in ("Complete", "Failed") for condition in conditions)


async def being_read(replica: Replica, cluster: Cluster) -> dict[str, Any]:
    """The pod of a Job that reads, and will for ever."""
    assert (await save(replica, ENDLESS)).status_code == 202
    await until(lambda: cluster.nerdctl.paused)
    (worker,) = [pod for pod in cluster.store.list("pods", JOBS) if naming.POD_UID in pod["metadata"]["labels"]]
    return worker


def kill(cluster: Cluster, worker: dict[str, Any]) -> None:
    cluster.store.delete("pods", JOBS, worker["metadata"]["name"], grace_period_seconds=0)


async def test_a_save_that_is_killed_is_followed_by_a_job_that_lets_its_container_go_on(replica, cluster):
    await made(replica, cluster)
    worker = await being_read(replica, cluster)
    kill(cluster, worker)
    await until(lambda: not cluster.nerdctl.paused)
    (rescue,) = rescues(cluster)
    assert rescue["metadata"]["name"] == naming.rescue(worker["metadata"]["uid"])
    (owner,) = rescue["metadata"]["ownerReferences"]
    assert owner["uid"] == worker["metadata"]["ownerReferences"][0]["uid"]
    shown = await status(replica)
    assert (shown["status"], "Genet lets them go on" in shown["message"]) == ("failed", True)
    assert (await save(replica, "again")).status_code == 202, "it is no save, and in nobody's way"


async def test_a_save_that_comes_to_its_own_end_is_followed_by_nothing(replica, cluster):
    await made(replica, cluster)
    for image, ends_as in (("torch:1", "succeeded"), ("nospace:1", "failed")):
        assert (await save(replica, image)).status_code == 202
        await until(lambda: all(has_ended(job) for job in jobs(cluster)))
        assert (await status(replica))["status"] == ends_as
    assert rescues(cluster) == []


async def test_of_all_replicas_one_lets_it_go_on(replica, configuration, cluster):
    await made(replica, cluster)
    async with replica_of(configuration) as other:
        await other.synced()
        kill(cluster, await being_read(replica, cluster))
        await until(lambda: not cluster.nerdctl.paused)
    assert len(rescues(cluster)) == 1


async def test_who_starts_later_sees_what_was_left(configuration, cluster):
    async with replica_of(configuration) as replica:
        await replica.synced()
        await made(replica, cluster)
        worker = await being_read(replica, cluster)
    cluster.nerdctl.paused.clear()
    (commit,) = worker["status"]["initContainerStatuses"]
    killed = {**commit, "state": {"terminated": {"exitCode": 137, "reason": "Error"}}}
    worker = cluster.store.get("pods", JOBS, worker["metadata"]["name"])
    over = {**worker["status"], "phase": "Failed", "initContainerStatuses": [killed]}
    cluster.store.update("pods", {**worker, "status": over}, subresource="status")
    assert rescues(cluster) == []
    for _ in range(2):
        async with replica_of(configuration) as replica:
            await replica.synced()
            await until(lambda: rescues(cluster))
    assert len(rescues(cluster)) == 1


async def test_a_job_that_is_gone_takes_no_rescue_along(replica, cluster):
    await made(replica, cluster)
    await being_read(replica, cluster)
    (job,) = jobs(cluster)
    cluster.store.delete("jobs", JOBS, job["metadata"]["name"])
    await until(lambda: not cluster.nerdctl.paused)
    (rescue,) = rescues(cluster)
    assert "ownerReferences" not in rescue["metadata"]


async def test_it_is_tried_again_where_the_cluster_does_not_answer(configuration, cluster):
    naps: list[float] = []

    async def nap(seconds: float) -> None:
        naps.append(seconds)

    async with replica_of(configuration) as replica:
        await replica.synced()
        await made(replica, cluster)
        worker = await being_read(replica, cluster)
    async with KubeClient.connect(configuration.kubernetes) as kube:
        pods = Cache(kube, PODS)
        let_go_on = LetGoOn(kube, configuration.commit, pods, sleep=nap)
        tasks = [asyncio.create_task(pods.run()), asyncio.create_task(let_go_on.run())]
        await pods.wait_ready()
        await switch(cluster, "fail", status=503, times=3, method="POST", path=JOBS_PATH)
        kill(cluster, worker)
        await until(lambda: not cluster.nerdctl.paused)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert len(naps) == 3


async def test_where_nothing_is_paused_nothing_is_let_go_on(kubeconfig, cluster):
    cluster.store.create("namespaces", {"metadata": {"name": JOBS}})
    async with replica_of(settings(kubeconfig, commit=COMMIT)) as replica:
        await replica.synced()
        await made(replica, cluster)
        assert (await save(replica, ENDLESS)).status_code == 202
        await until(lambda: any("running" in s["state"] for pod in cluster.store.list("pods", JOBS)
                                for s in pod["status"].get("initContainerStatuses", ())))  # fmt: skip
        assert cluster.nerdctl.paused == set()
        (worker,) = cluster.store.list("pods", JOBS)
        kill(cluster, worker)

        await until(lambda: all(has_ended(job) for job in jobs(cluster)))
        assert (await status(replica))["status"] == "failed"
    assert rescues(cluster) == []
