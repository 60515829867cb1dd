"""Pods that are being saved as images stay; ended Jobs go where the cluster leaves them."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from genet import naming
from genet.cleanup import saves
from genet.cleanup.job import FAILED, OK, main
from genet.cleanup.run import Action, CleanUp
from genet.errors import Forbidden
from genet.kube.client import KubeClient
from genet.settings import Auth, Commit, Kubernetes, Lifecycle, Settings
from tests.cleanup.api import Api

NOW = datetime(2026, 6, 1, 23, 0, tzinfo=UTC)
PEOPLE, JOBS = "user-ann-a", "genet-jobs"
LIST = f"GET /apis/batch/v1/namespaces/{JOBS}/jobs"
SAVING = Commit(enabled=True, repository="registry.example/{userIdentifier}", image="nerdctl:2", keep_hours=24)


@pytest.fixture
async def api():
    api = Api()
    await api.start()
    api.put("namespaces", PEOPLE, labels={naming.MANAGED: "true"})
    api.put("pods", "train", PEOPLE, creationTimestamp="2026-06-01T20:00:00Z")
    yield api
    await api.stop()


@pytest.fixture
async def kube(api, tmp_path):
    path = api.kubeconfig(tmp_path / "kubeconfig")
    async with KubeClient.connect(Kubernetes(kubeconfig=str(path)), {}) as kube:
        yield kube


def job(api, name, pod="train", *, at=NOW, ended=None, kind="Complete", labels=None, now=NOW, **metadata):
    """Begun at `at`; `ended` so long before `now`."""
    conditions = []
    if ended is not None:
        when = (now - ended).isoformat()
        conditions = [{"type": kind, "status": "True", "lastTransitionTime": when}]
    known = {naming.MANAGED: "true", naming.POD_UID: f"uid-pods-{pod}"} if labels is None else labels
    status = {"conditions": conditions}
    api.put("jobs", name, JOBS, labels=known, creationTimestamp=at.isoformat(), status=status, **metadata)


async def clean(kube, settings=SAVING, *, dry_run=False):
    told: list[Action] = []
    being_saved = saves.Saves(kube, settings, lambda: NOW).pods
    run = CleanUp(kube, Lifecycle(), clock=lambda: NOW, tell=told.append, being_saved=being_saved, dry_run=dry_run)
    await run.run()
    return [(action.action, action.name, action.reason) for action in told]


async def test_a_pod_that_is_being_saved_stays_and_goes_when_that_has_ended(api, kube):
    api.put("pods", "other", PEOPLE, creationTimestamp="2026-06-01T20:00:00Z")
    job(api, "commit-ann-a-1", at=NOW - timedelta(minutes=5))
    assert set(await clean(kube)) == {("kept", "train", "saving"), ("deleted", "other", "unprotected")}
    job(api, "commit-ann-a-1", ended=timedelta(seconds=1))
    assert await clean(kube) == [("deleted", "train", "unprotected")]


@pytest.mark.parametrize("kind", ["SuccessCriteriaMet", "FailureTarget"])
async def test_a_job_whose_end_is_only_decided_has_not_ended(api, kube, kind):
    job(api, "commit-ann-a-1", ended=timedelta(seconds=1), kind=kind)
    assert await clean(kube) == [("kept", "train", "saving")]


@pytest.mark.parametrize(
    "other",
    [
        {"pod": "another"},
        {"ended": timedelta(seconds=1)},
        {"ended": timedelta(seconds=1), "kind": "Failed"},
        {"labels": {naming.POD_UID: "uid-pods-train"}},
        {"labels": {naming.MANAGED: "true"}},
        {"at": NOW - timedelta(hours=2, seconds=1)},
    ],
)
async def test_other_jobs_keep_no_pod(api, kube, other):
    job(api, "commit-ann-a-1", **other)
    assert await clean(kube) == [("deleted", "train", "unprotected")]


async def test_a_dry_run_says_that_it_stays(api, kube):
    job(api, "commit-ann-a-1")
    assert await clean(kube, dry_run=True) == [("kept", "train", "saving")]


async def test_a_controller_stays_while_one_of_its_pods_is_being_saved(api, kube):
    reference = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "set", "uid": "uid-set", "controller": True}
    api.put("replicasets", "set", PEOPLE, uid="uid-set", creationTimestamp="2026-06-01T20:00:00Z")
    for name in ("train", "two"):
        api.put("pods", name, PEOPLE, creationTimestamp="2026-06-01T20:00:00Z", ownerReferences=[reference])
    job(api, "commit-ann-a-1", "two")
    assert await clean(kube) == [("kept", "set", "saving")]


async def test_where_it_cannot_be_told_what_is_being_saved_nothing_that_is_due_goes(api, kube):
    api.failing[LIST] = 403
    [(action, name, _)] = await clean(kube)
    assert (action, name) == ("failed", "train")
    assert api.names("pods") == {"train"}


async def test_nobody_asks_for_jobs_where_pods_are_not_saved(api, kube):
    api.failing[LIST] = 403
    assert await clean(kube, Commit()) == [("deleted", "train", "unprotected")]


async def test_the_jobs_are_looked_at_again_after_a_moment(api, kube):
    now = NOW
    found = saves.Saves(kube, SAVING, lambda: now)
    assert await found.pods() == frozenset()
    job(api, "commit-ann-a-1")
    assert await found.pods() == frozenset()
    now += saves.FRESH + timedelta(seconds=1)
    assert await found.pods() == {"uid-pods-train"}
    api.failing[LIST] = 403
    now += saves.FRESH + timedelta(seconds=1)
    with pytest.raises(Forbidden):
        await found.pods()


async def collected(kube, settings=SAVING, *, dry_run=False):
    told: list[Action] = []
    configuration = Settings(auth=Auth(mode="dev"), commit=settings)
    await saves.collect(kube, configuration, clock=lambda: NOW, tell=told.append, dry_run=dry_run)
    return [(action.action, action.kind, action.namespace, action.name) for action in told]


@pytest.mark.parametrize("kind", ["Complete", "Failed"])
async def test_ended_jobs_go_where_nobody_else_took_them_away(api, kube, kind):
    job(api, "old", ended=timedelta(hours=25), kind=kind)
    job(api, "kept", ended=timedelta(hours=24, minutes=59), kind=kind)
    job(api, "begun", at=NOW - timedelta(days=3))
    job(api, "strange", ended=timedelta(days=3), labels={naming.MANAGED: "true"})
    job(api, "going", ended=timedelta(days=3), deletionTimestamp=NOW.isoformat())
    assert await collected(kube, dry_run=True) == [("would-delete", "Job", JOBS, "old")]
    assert api.writes == []
    assert await collected(kube) == [("deleted", "Job", JOBS, "old")]
    assert api.names("jobs") == {"kept", "begun", "strange", "going"}


async def test_what_went_meanwhile_is_no_failure_and_what_cannot_be_deleted_is_one(api, kube):
    job(api, "old", ended=timedelta(hours=25))
    path = api.path("jobs", "old", JOBS)
    api.failing[f"DELETE {path}"] = 403
    assert await collected(kube) == [("failed", "Job", JOBS, "old")]
    del api.failing[f"DELETE {path}"]
    api.before_delete = lambda path: api.objects.pop(path, None) and None
    assert await collected(kube) == [("gone", "Job", JOBS, "old")]


async def test_jobs_that_cannot_be_listed_are_a_failure_only_where_pods_are_saved(api, kube):
    api.failing[LIST] = 403
    assert await collected(kube) == [("failed", "Job", JOBS, None)]
    assert await collected(kube, Commit()) == []


async def test_the_program_says_which_pod_stays_because_it_is_being_saved(api, tmp_path, capsys):
    now = datetime.now(UTC)
    job(api, "commit-ann-a-1", at=now)
    job(api, "commit-ann-a-0", "gone", ended=timedelta(days=2), now=now)
    kubernetes = Kubernetes(kubeconfig=str(api.kubeconfig(tmp_path / "kubeconfig")))
    settings = Settings(auth=Auth(mode="dev"), kubernetes=kubernetes, commit=SAVING)
    assert await asyncio.to_thread(main, settings) == OK
    out, err = capsys.readouterr()
    done = [json.loads(line) for line in out.splitlines()]
    assert [(line["action"], line["name"], line["reason"]) for line in done] == [
        ("kept", "train", "saving"),
        ("deleted", "commit-ann-a-0", "expired"),
    ]
    assert err == "Clean-up: 1 deleted, 1 kept.\n"
    api.failing[LIST] = 403
    assert await asyncio.to_thread(main, settings) == FAILED
