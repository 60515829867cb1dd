"""Saving a pod as an image, against the embedded cluster; its `nerdctl` is a program of the simulation."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from genet import naming
from genet.flows.lost_node import LOST_AFTER
from genet.settings import Settings
from genet.simulation.cluster import Cluster
from genet.simulation.store import timestamp
from tests.replicas import Replica, replica_of, settings, switch, until

NAMESPACE = "user-alice-alice"
POD = "pod-alice-alice-a"
PATH = f"/api/pods/{POD}"
JOBS = "genet-jobs"
OWN = "registry.example.com/people/alice-alice"
COMMIT: dict[str, Any] = {
    "enabled": True,
    "repository": "registry.example.com/people/{userIdentifier}",
    "image": "registry.example.com/genet/nerdctl:2",
    "pause": False,
}
"""Nothing is paused, so nobody makes a Job to let something go on: that is told in `test_let_go_on`."""
SLEEP = ["sleep", "infinity"]
ENDLESS = "endless"
"""Saving as this takes for ever."""
JOBS_PATH = f"/apis/batch/v1/namespaces/{JOBS}/jobs"
LEASES_PATH = f"/apis/coordination.k8s.io/v1/namespaces/{JOBS}/leases"
STOPS: dict[str, dict[str, Any]] = {
    "nothing": {"method": "GET", "path": LEASES_PATH},
    "looked": {"method": "POST", "path": LEASES_PATH},
    "claimed": {"method": "POST", "path": JOBS_PATH},
    "made": {"method": "GET", "path": LEASES_PATH, "skip": 1},
    "made and looked": {"method": "PATCH", "path": LEASES_PATH},
}
"""The call that fails, by what was done before it."""


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


async def test_another_is_refused_as_long_as_it_is_being_saved(replica, cluster):
    await made(replica, cluster)
    assert (await save(replica, ENDLESS)).status_code == 202
    for _ in range(2):
        refused = await save(replica, "other")
        assert (refused.status_code, refused.json()["code"]) == (409, "commit_in_progress")
    end(cluster, "Failed", reason="BackoffLimitExceeded", lastTransitionTime=timestamp(datetime.now(UTC)))
    assert (await save(replica, ENDLESS)).status_code == 202
    names = [job["metadata"]["name"] for job in jobs(cluster)]
    assert len(set(names)) == 2
    held = lease(cluster)
    assert held is not None
    assert held["spec"]["holderIdentity"] == max(names)
    assert [owner["name"] for owner in held["metadata"]["ownerReferences"]] == [max(names)]


async def test_who_saves_again_and_again_leaves_few_ended_jobs(configuration, cluster):
    """Other pods' stay, and one that cannot be deleted is no trouble: it goes the next time."""
    ahead = timedelta()
    async with replica_of(configuration, lambda: datetime.now(UTC) + ahead) as replica:
        await replica.synced()
        for name in "ba":
            await made(replica, cluster, name)
        assert (await save(replica, ENDLESS, "/api/pods/pod-alice-alice-b")).status_code == 202
        (other,) = jobs(cluster)
        for wanted in (2, 3, 2):
            assert (await save(replica, ENDLESS)).status_code == 202
            left = [job["metadata"]["name"] for job in jobs(cluster)]
            assert (len(left), other["metadata"]["name"] in left) == (wanted, True)
            end(cluster, lastTransitionTime=timestamp(replica.services.clock()))
            ahead += timedelta(minutes=11)
            if wanted == 2:
                await switch(cluster, "fail", status=503, times=1, method="DELETE", path=JOBS_PATH)


async def test_an_ended_job_keeps_its_name_from_one_who_comes_late(replica, cluster):
    """A server that was held up makes a Job of the name it had, while the next one runs already."""
    await made(replica, cluster)
    await save(replica, ENDLESS)
    (before,) = jobs(cluster)
    end(cluster, lastTransitionTime=timestamp(datetime.now(UTC)))
    assert (await save(replica, ENDLESS)).status_code == 202
    assert before["metadata"]["name"] in [job["metadata"]["name"] for job in jobs(cluster)]


async def test_of_many_who_ask_at_two_replicas_at_once_one_saves(replica, configuration, cluster):
    await made(replica, cluster)
    async with replica_of(configuration) as other:
        await other.synced()
        for _ in range(3):
            answers = await asyncio.gather(*(save(one, ENDLESS) for one in (replica, other) * 5))
            assert sorted(answer.status_code for answer in answers) == [202] + [409] * 9
            (running,) = [job for job in jobs(cluster) if not job.get("status", {}).get("conditions")]
            (taken,) = [answer.json()["jobName"] for answer in answers if answer.status_code == 202]
            assert running["metadata"]["name"] == taken
            end(cluster)


@pytest.mark.parametrize("stop", STOPS)
async def test_a_replica_that_dies_after_any_step_locks_nobody_out_and_lets_nobody_in(
    replica, configuration, cluster, stop
):
    """Its next call never arrives; what it did before is there."""
    await made(replica, cluster)
    await switch(cluster, "fail", status=503, times=1, **STOPS[stop])
    first = await save(replica, ENDLESS)
    had_made_it = len(jobs(cluster))
    assert first.status_code == (202 if had_made_it else 503)
    async with replica_of(configuration) as other:
        await other.synced()
        answers = await asyncio.gather(*(save(one, ENDLESS) for one in (replica, other) * 2))
        assert sorted(answer.status_code for answer in answers) == [409] * 4 if had_made_it else [202] + [409] * 3
        assert len(jobs(cluster)) == 1
        end(cluster)
        assert (await save(other, ENDLESS)).status_code == 202
        held = lease(cluster)
        assert held is not None
        assert len(held["metadata"]["ownerReferences"]) == 1


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("path", [LEASES_PATH, JOBS_PATH])
async def test_a_call_whose_answer_is_lost_locks_nobody_out_and_lets_nobody_in(replica, cluster, method, path):
    await made(replica, cluster)
    await switch(cluster, "lose", times=1, method=method, path=path)
    await save(replica, ENDLESS)
    await save(replica, ENDLESS)
    assert len(jobs(cluster)) == 1
    assert (await save(replica, ENDLESS)).status_code == 409
    end(cluster)
    assert (await save(replica, ENDLESS)).status_code == 202


async def test_a_replica_that_is_held_up_before_it_makes_its_job_makes_no_second_one(replica, configuration, cluster):
    """However long: the name is taken by the one that went on."""
    await made(replica, cluster)
    await switch(cluster, "delay", seconds=1.0, times=1, method="POST", path=JOBS_PATH)
    late = asyncio.create_task(save(replica, ENDLESS))
    await until(lambda: lease(cluster) is not None)
    async with replica_of(configuration) as other:
        await other.synced()
        assert (await save(other, "other-endless")).status_code == 202
    answer = await late
    assert (answer.status_code, answer.json()["code"]) == (409, "commit_in_progress")
    (job,) = jobs(cluster)
    assert job["metadata"]["annotations"][naming.IMAGE] == f"{OWN}/other-endless:latest"


async def test_two_pods_are_saved_in_the_same_second(configuration, cluster):
    """Both want one name, and both get their own."""
    now = datetime.now(UTC)
    async with replica_of(configuration, lambda: now) as replica:
        await replica.synced()
        for name in "ab":
            await made(replica, cluster, name)
        answers = await asyncio.gather(
            *(save(replica, ENDLESS, f"/api/pods/pod-alice-alice-{name}") for name in "ab"),
        )
        assert [answer.status_code for answer in answers] == [202, 202]
        made_of = {job["metadata"]["name"]: job["metadata"]["labels"][naming.POD] for job in jobs(cluster)}
        assert made_of == {
            answer.json()["jobName"]: f"pod-alice-alice-{name}" for answer, name in zip(answers, "ab", strict=True)
        }
        assert set(made_of) == {naming.commit("alice-alice", int(now.timestamp()) + more) for more in (0, 1)}


async def test_a_lease_that_is_about_to_go_with_a_job_of_before_does_not_go_with_the_next(replica, cluster):
    """The Job is gone, and the garbage collector is late. (Here it is kept from it by an owner that is there.)"""
    await made(replica, cluster)
    await save(replica, ENDLESS)
    end(cluster)
    held = lease(cluster)
    assert held is not None
    kept = cluster.store.create("configmaps", {"metadata": {"name": "kept", "namespace": JOBS}})
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "kept", "uid": kept["metadata"]["uid"]}
    cluster.store.update("leases", {**held, "metadata": {**held["metadata"], "ownerReferences": [owner]}})
    cluster.store.delete("jobs", JOBS, jobs(cluster)[0]["metadata"]["name"])
    await switch(cluster, "fail", status=503, times=1, method="POST", path=JOBS_PATH)
    assert (await save(replica, ENDLESS)).status_code == 503
    held = lease(cluster)
    assert held is not None
    assert not held["metadata"].get("ownerReferences"), "taken off before the Job is made"
    assert (await save(replica, ENDLESS)).status_code == 202


async def test_without_a_lease_the_jobs_are_asked(replica, configuration, cluster):
    await made(replica, cluster)
    await save(replica, ENDLESS)
    held = lease(cluster)
    assert held is not None
    cluster.store.delete("leases", JOBS, held["metadata"]["name"])
    async with replica_of(configuration, lambda: datetime.now(UTC) + timedelta(minutes=1)) as later:
        await later.synced()
        refused = await save(later, ENDLESS)
        assert (refused.status_code, refused.json()["code"]) == (409, "commit_in_progress")
    assert len(jobs(cluster)) == 1


async def test_a_pod_that_is_being_saved_is_not_restarted_and_may_be_deleted(replica, cluster):
    before = await made(replica, cluster)
    await save(replica, ENDLESS)
    for params in ({}, {"avoidNode": "true"}):
        refused = await replica.ask("POST", f"{PATH}/restart", params=params)
        assert (refused.status_code, refused.json()["code"]) == (409, "commit_in_progress")
    shown = pod(cluster)
    assert shown is not None
    assert shown["metadata"]["uid"] == before["metadata"]["uid"]
    end(cluster)
    assert (await replica.ask("POST", f"{PATH}/restart")).status_code == 202
    await until(lambda: (one := pod(cluster)) and one["metadata"]["uid"] != before["metadata"]["uid"])
    await until(lambda: (one := pod(cluster)) and one["status"].get("phase") == "Running")
    await until(lambda: not replica.services.restarts.is_restarting(NAMESPACE, POD))
    assert (await status(replica))["status"] == "none"
    assert (await save(replica, ENDLESS)).status_code == 202
    assert (await replica.ask("DELETE", PATH)).status_code == 204


async def test_a_job_that_never_ends_keeps_a_pod_from_its_restart_for_a_while_only(configuration, cluster):
    """One that is suspended has no deadline, and one that no controller looks at does not know it."""
    ahead = timedelta()
    async with replica_of(configuration, lambda: datetime.now(UTC) + ahead) as replica:
        await replica.synced()
        await made(replica, cluster)
        await save(replica, ENDLESS)
        ahead = timedelta(minutes=119)
        assert (await replica.ask("POST", f"{PATH}/restart")).status_code == 409
        ahead = timedelta(minutes=121)
        assert (await replica.ask("POST", f"{PATH}/restart")).status_code == 202


async def test_on_a_lost_node_nothing_is_saved_so_the_pod_may_be_restarted(configuration, cluster):
    ahead = timedelta()
    async with replica_of(configuration, lambda: datetime.now(UTC) + ahead) as replica:
        await replica.synced()
        shown = await made(replica, cluster)
        await save(replica, ENDLESS)
        node = cluster.store.get("nodes", "", shown["spec"]["nodeName"])
        silent = [{"type": "Ready", "status": "Unknown", "lastTransitionTime": timestamp(datetime.now(UTC))}]
        cluster.store.update(
            "nodes", {**node, "status": {**node["status"], "conditions": silent}}, subresource="status"
        )
        assert (await replica.ask("POST", f"{PATH}/restart")).status_code == 409
        ahead = LOST_AFTER + timedelta(seconds=5)
        assert (await replica.ask("POST", f"{PATH}/restart")).status_code == 202


async def test_a_pod_that_is_restarting_or_does_not_run_is_not_saved(replica, cluster):
    shown = await made(replica, cluster)
    held = {**shown, "metadata": {**shown["metadata"], "finalizers": ["tests/held"]}}
    cluster.store.update("pods", held)
    assert (await replica.ask("POST", f"{PATH}/restart")).status_code == 202
    refused = await save(replica)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_running")
    await made(replica, cluster, "b")
    other = pod(cluster, "pod-alice-alice-b")
    assert other is not None
    (main,) = other["status"]["containerStatuses"]
    waiting = {**other["status"], "containerStatuses": [{**main, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}
    cluster.store.update("pods", {**other, "status": waiting}, subresource="status")
    refused = await save(replica, path="/api/pods/pod-alice-alice-b")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_running")
    docker = {**other["status"], "containerStatuses": [{**main, "containerID": "docker://" + "ab" * 32}]}
    other = cluster.store.get("pods", NAMESPACE, "pod-alice-alice-b")
    cluster.store.update("pods", {**other, "status": docker}, subresource="status")
    refused = await save(replica, path="/api/pods/pod-alice-alice-b")
    assert (refused.status_code, refused.json()["code"], "docker" in refused.json()["detail"]) == (
        409,
        "conflict",
        True,
    )
    assert (jobs(cluster), lease(cluster)) == ([], None)


@pytest.mark.parametrize(("code", "path"), [(403, JOBS_PATH), (403, LEASES_PATH), (422, JOBS_PATH)])
async def test_what_the_cluster_refuses_genet_is_no_refusal_of_the_person(replica, cluster, code, path):
    await made(replica, cluster)
    await switch(cluster, "fail", status=code, times=1, method="POST", path=path)
    refused = await save(replica)
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert "administrators" in refused.json()["detail"]
    await switch(cluster, "fail", status=403, times=2, method="GET", path=JOBS_PATH)
    assert (await replica.ask("GET", f"{PATH}/commit/status")).status_code == 503
    assert (await replica.ask("POST", f"{PATH}/restart")).status_code == 503


async def test_where_the_namespace_of_the_jobs_is_not_there_nobody_is_told_that_the_pod_is_not(kubeconfig, cluster):
    async with replica_of(settings(kubeconfig, commit={**COMMIT, "namespace": "nowhere"})) as replica:
        await replica.synced()
        await made(replica, cluster)
        refused = await save(replica)
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")


async def test_a_pod_whose_ssh_host_key_is_among_its_files_is_not_saved(replica, cluster):
    """Made by a Genet that could not save pods; its restart keeps the volumes as they were."""
    shown = await made(replica, cluster)
    main = shown["spec"]["containers"][0]
    mounts = [mount for mount in main["volumeMounts"] if mount["name"] != "genet-ssh-run"]
    assert len(mounts) < len(main["volumeMounts"])
    old = {**shown["spec"], "containers": [{**main, "volumeMounts": mounts}]}
    cluster.store.update("pods", {**shown, "spec": old})
    refused = await save(replica)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert "Make a new pod" in refused.json()["detail"]
    assert (jobs(cluster), lease(cluster)) == ([], None)


async def test_an_image_that_a_pod_of_the_person_runs_from_is_not_saved_over(replica, cluster):
    await made(replica, cluster)
    answer = await replica.create(name="b", image=f"{OWN}/torch:1", command=SLEEP)
    assert answer.status_code == 201
    await until(lambda: (one := pod(cluster, "pod-alice-alice-b")) and one["status"].get("phase") == "Running")
    for path in (PATH, "/api/pods/pod-alice-alice-b"):
        refused = await save(replica, "torch:1", path)
        assert refused.status_code == 422
        assert [error["field"] for error in refused.json()["errors"]] == ["image"]
        assert "pod-alice-alice-b" in refused.json()["errors"][0]["message"]
    assert (await save(replica, "torch:2", "/api/pods/pod-alice-alice-b")).status_code == 202


@pytest.mark.parametrize("image", ["registry.example.com/people/bob-bob/x", "x@sha256:0", "../bob-bob/x", "X", "-x"])
async def test_a_name_elsewhere_is_refused_before_anything_is_made(replica, cluster, image):
    await made(replica, cluster)
    refused = await save(replica, image)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "image")
    assert (jobs(cluster), lease(cluster)) == ([], None)


async def test_nobody_saves_or_sees_the_saving_of_others_pods(replica, cluster):
    await made(replica, cluster)
    body = {"image": "x"}
    assert (await replica.ask("POST", f"{PATH}/commit", user="mallory", json=body)).status_code == 404
    owned = {"owner": "alice-alice"}
    assert (await replica.ask("POST", f"{PATH}/commit", user="mallory", params=owned, json=body)).status_code == 404
    assert (await replica.ask("GET", f"{PATH}/commit/status", user="mallory")).status_code == 404
    assert jobs(cluster) == []
    answer = await replica.ask("POST", f"{PATH}/commit", user="admin", params=owned, json=body)
    assert answer.status_code == 202
    assert jobs(cluster)[0]["metadata"]["annotations"][naming.IMAGE] == f"{OWN}/x:latest"


async def test_where_it_is_switched_off_nothing_is_saved_and_nothing_asked(kubeconfig, cluster):
    async with replica_of(settings(kubeconfig, commit={**COMMIT, "enabled": False})) as replica:
        await replica.synced()
        await made(replica, cluster)
        await switch(cluster, "fail", status=503, times=100, path="/apis/batch/")
        refused = await save(replica)
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
        assert (await status(replica))["status"] == "none"
        assert (await replica.ask("POST", f"{PATH}/restart")).status_code == 202


async def test_who_saved_an_image_may_run_it_where_images_are_listed_and_nobody_else(configuration, cluster):
    listed = msgspec.structs.replace(
        configuration, pod=msgspec.structs.replace(configuration.pod, allowed_images=("debian",))
    )
    async with replica_of(listed) as replica:
        await replica.synced()
        assert (await replica.create(name="a", image=f"{OWN}/torch:1")).status_code == 201
        assert (await replica.create(name="b", image=f"{OWN}-x/torch:1")).status_code == 422
        assert (await replica.create(user="bob", name="a", image=f"{OWN}/torch:1")).status_code == 422
    off = msgspec.structs.replace(listed, commit=msgspec.structs.replace(listed.commit, enabled=False))
    async with replica_of(off) as replica:
        await replica.synced()
        assert (await replica.create(name="c", image=f"{OWN}/torch:1")).status_code == 422


async def test_what_somebody_else_saved_runs_in_no_pod_also_where_no_images_are_listed(replica):
    refused = await replica.create(user="bob", name="a", image=f"{OWN}/torch:1", cpu="many")
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == ["image", "cpu"]
    assert (await replica.create(name="a", image=f"{OWN}/torch:1")).status_code == 201


async def test_from_pending_to_an_image_that_is_there(replica, cluster):
    await made(replica, cluster)
    await save(replica)
    seen: list[dict[str, Any]] = []
    async with asyncio.timeout(30):
        while not seen or seen[-1]["status"] not in ("succeeded", "failed"):
            seen.append(await status(replica))
            await asyncio.sleep(0.1)
    assert seen[-1]["status"] == "succeeded", seen[-1]
    assert (seen[-1]["image"], seen[-1]["message"]) == (f"{OWN}/torch:1", None)
    assert seen[-1]["startedAt"] <= seen[-1]["finishedAt"]
    assert {one["status"] for one in seen} <= {"pending", "running", "succeeded"}
    messages = [one["message"] or "" for one in seen]
    assert any("it reads" in message for message in messages)
    assert any("pushes" in message for message in messages)


@pytest.mark.parametrize(
    ("image", "words", "said"),
    [
        ("nospace", "no room on the disk", "no space left"),
        ("collected", "does not have all layers", "content digest"),
        ("unauthorized", "commit.pushSecret", "401"),
        ("unreachable", "does not answer", "no such host"),
    ],
)
async def test_what_went_wrong_is_said_with_what_to_do(replica, cluster, image, words, said):
    await made(replica, cluster)
    await save(replica, image)
    await until(lambda: any(job.get("status", {}).get("failed") for job in jobs(cluster)))
    async with asyncio.timeout(10):
        while (seen := await status(replica))["status"] != "failed":  # noqa: ASYNC110 # seen from outside
            await asyncio.sleep(0.1)
    assert words in seen["message"]
    assert said in seen["logs"]
    chinese = await status(replica, headers={"accept-language": "zh"})
    assert chinese["message"] != seen["message"]
    assert (await save(replica, "torch:2")).status_code == 202


async def test_a_log_that_cannot_be_read_takes_nothing_from_the_status(replica, cluster):
    await made(replica, cluster)
    await save(replica, "nospace")
    await until(lambda: any(job.get("status", {}).get("failed") for job in jobs(cluster)))
    await switch(cluster, "fail", status=500, times=1, path=f"/api/v1/namespaces/{JOBS}/pods/")
    seen = await status(replica)
    assert seen["image"] == f"{OWN}/nospace:latest"
