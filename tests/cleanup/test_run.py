import asyncio
from datetime import UTC, datetime

import pytest

from genet import naming
from genet.cleanup.run import ATTEMPTS, PARALLEL, Action, CleanUp
from genet.errors import Unavailable
from genet.kube.client import KubeClient
from genet.settings import Kubernetes, Lifecycle
from tests.cleanup.api import Api

NOW = datetime(2026, 6, 1, 23, 0, tzinfo=UTC)
CREATED = "2026-06-01T20:00:00Z"
PROTECTED = {naming.PROTECTED_UNTIL: "2026-06-02T12:00:00Z"}
UNREADABLE = {naming.PROTECTED_UNTIL: "tomorrow"}


@pytest.fixture
async def api():
    api = Api()
    await api.start()
    namespace(api, "user-ann-a")
    yield api
    await api.stop()


@pytest.fixture
async def kube(api, tmp_path):
    path = api.kubeconfig(tmp_path / "kubeconfig")
    async with KubeClient.connect(Kubernetes(kubeconfig=str(path)), {}) as kube:
        yield kube


def namespace(api, name, managed="true", **annotations):
    api.put("namespaces", name, labels={naming.MANAGED: managed}, annotations=annotations)


def pod(api, name, annotations=None, *, ns="user-ann-a", owner=None, **more):
    api.put("pods", name, ns, creationTimestamp=CREATED, annotations=annotations or {}, **owned(owner), **more)


def owned(owner):
    if owner is None:
        return {}
    plural, kind, name = owner
    version = {"replicasets": "apps/v1", "deployments": "apps/v1", "jobs": "batch/v1", "cronjobs": "batch/v1beta1"}
    reference = {
        "apiVersion": version.get(plural, "ray.io/v1"),
        "kind": kind,
        "name": name,
        "uid": f"uid-{plural}-{name}",
        "controller": True,
    }
    return {"ownerReferences": [reference]}


class Told(list[Action]):
    def short(self):
        return {(action.action, action.kind, action.name, action.reason) for action in self}


async def clean(kube, *, dry_run=False, settings=None):
    told = Told()
    run = CleanUp(kube, settings or Lifecycle(), clock=lambda: NOW, tell=told.append, dry_run=dry_run)
    return await run.run(), told


async def test_unprotected_and_expired_pods_go_and_protected_ones_stay(api, kube):
    pod(api, "plain")
    pod(api, "expired", {naming.PROTECTED_UNTIL: "2026-06-01T21:00:00Z"})
    pod(api, "protected", PROTECTED)
    done, told = await clean(kube)
    assert api.names("pods") == {"protected"}
    assert done == {"deleted": 2, "kept": 1}
    assert told.short() == {
        ("deleted", "Pod", "plain", "unprotected"),
        ("deleted", "Pod", "expired", "expired"),
        ("kept", "Pod", "protected", "protected"),
    }


async def test_only_managed_namespaces_that_are_not_exempt_are_touched(api, kube):
    namespace(api, "kube-system", managed="false")
    namespace(api, "user-bob-b", **{naming.EXEMPT: "true"})
    for ns in ("kube-system", "user-bob-b"):
        pod(api, f"in-{ns}", ns=ns)
    done, _ = await clean(kube)
    assert api.names("pods") == {"in-kube-system", "in-user-bob-b"}
    assert not done


async def test_a_dry_run_tells_and_writes_nothing(api, kube):
    pod(api, "plain")
    pod(api, "odd", UNREADABLE)
    done, told = await clean(kube, dry_run=True)
    assert done == {"would-delete": 1, "kept": 1}
    assert ("would-delete", "Pod", "plain", "unprotected") in told.short()
    assert api.writes == []


async def test_a_pod_extended_between_judgement_and_deletion_stays(api, kube):
    pod(api, "train")

    def extend(path):
        api.before_delete = lambda path: None
        pod(api, "train", PROTECTED)

    api.before_delete = extend
    done, _ = await clean(kube)
    assert api.names("pods") == {"train"}
    assert done == {"kept": 1}


async def test_a_pod_that_only_changed_is_judged_again_and_goes(api, kube):
    pod(api, "train")

    def touch(path):
        api.before_delete = lambda path: None
        pod(api, "train")

    api.before_delete = touch
    done, _ = await clean(kube)
    assert api.names("pods") == set()
    assert done == {"deleted": 1}


async def test_a_pod_that_never_holds_still_is_a_failure(api, kube):
    pod(api, "train")
    tries = 0

    def touch(path):
        nonlocal tries
        tries += 1
        pod(api, "train")

    api.before_delete = touch
    done, _ = await clean(kube)
    assert (done, tries) == ({"failed": 1}, ATTEMPTS)


async def test_a_pod_of_the_same_name_made_anew_is_judged_by_its_own_annotations(api, kube):
    pod(api, "train")

    def recreate(path):
        api.before_delete = lambda path: None
        pod(api, "train", PROTECTED, uid="uid-other")

    api.before_delete = recreate
    await clean(kube)
    assert api.names("pods") == {"train"}


async def test_two_runs_at_once_do_no_harm(api, kube):
    for index in range(20):
        pod(api, f"p{index}")
    (first, _), (second, _) = await asyncio.gather(clean(kube), clean(kube))
    assert api.names("pods") == set()
    assert first["deleted"] + second["deleted"] == 20
    assert first["failed"] == second["failed"] == 0


async def test_nothing_is_deleted_in_a_namespace_whose_list_failed(api, kube):
    namespace(api, "user-bob-b")
    pod(api, "anns")
    pod(api, "bobs", ns="user-bob-b")
    api.failing["GET /api/v1/namespaces/user-ann-a/pods"] = 500
    done, _ = await clean(kube)
    assert api.names("pods") == {"anns"}
    assert done == {"failed": 1, "deleted": 1}


async def test_nothing_at_all_is_deleted_when_the_namespaces_cannot_be_listed(api, kube):
    pod(api, "train")
    api.failing["GET /api/v1/namespaces"] = 503
    with pytest.raises(Unavailable):
        await clean(kube)
    assert api.names("pods") == {"train"}


async def test_one_failing_delete_stops_no_other(api, kube):
    for name in "abc":
        pod(api, name)
    api.failing["DELETE /api/v1/namespaces/user-ann-a/pods/b"] = 403
    done, told = await clean(kube)
    assert api.names("pods") == {"b"}
    assert done == {"deleted": 2, "failed": 1}
    assert [action.name for action in told if action.action == "failed"] == ["b"]


async def test_pods_of_a_controller_go_with_the_topmost_one(api, kube):
    api.put("deployments", "web", "user-ann-a", creationTimestamp=CREATED)
    api.put("replicasets", "web-1", "user-ann-a", **owned(("deployments", "Deployment", "web")))
    for name in ("web-1-a", "web-1-b"):
        pod(api, name, owner=("replicasets", "ReplicaSet", "web-1"))
    done, told = await clean(kube)
    assert api.writes == ["DELETE /apis/apps/v1/namespaces/user-ann-a/deployments/web"]
    assert told.short() == {("deleted", "Deployment", "web", "unprotected")}
    assert done == {"deleted": 1}


@pytest.mark.parametrize("protected", ["pod", "controller"])
async def test_one_protected_pod_or_its_controller_s_own_protection_keeps_all(api, kube, protected):
    mine = PROTECTED if protected == "controller" else {}
    api.put("replicasets", "web", "user-ann-a", creationTimestamp=CREATED, annotations=mine)
    pod(api, "web-a", owner=("replicasets", "ReplicaSet", "web"))
    pod(api, "web-b", PROTECTED if protected == "pod" else {}, owner=("replicasets", "ReplicaSet", "web"))
    await clean(kube)
    assert api.writes == []


async def test_a_pod_extended_while_its_controller_is_deleted_keeps_it(api, kube):
    api.put("replicasets", "web", "user-ann-a", creationTimestamp=CREATED)
    pod(api, "web-a", owner=("replicasets", "ReplicaSet", "web"))

    def extend(path):
        api.before_delete = lambda path: None
        api.put("replicasets", "web", "user-ann-a", creationTimestamp=CREATED)
        pod(api, "web-a", PROTECTED, owner=("replicasets", "ReplicaSet", "web"))

    api.before_delete = extend
    done, _ = await clean(kube)
    assert done == {"kept": 1}


async def test_a_pod_left_behind_by_a_controller_that_is_gone_goes_by_itself(api, kube):
    pod(api, "orphan", owner=("replicasets", "ReplicaSet", "gone"))
    api.put("replicasets", "new", "user-ann-a", uid="another")
    pod(api, "namesake", owner=("replicasets", "ReplicaSet", "new"))
    await clean(kube)
    assert api.names("pods") == set()
    assert api.names("replicasets") == {"new"}


async def test_a_pod_of_unknown_origin_fails_and_holds_the_controllers_of_its_namespace(api, kube):
    api.put("replicasets", "web", "user-ann-a")
    pod(api, "web-a", owner=("replicasets", "ReplicaSet", "web"))
    pod(api, "ray", owner=("rayclusters", "RayCluster", "r"))
    pod(api, "plain")
    done, told = await clean(kube)
    assert api.names("pods") == {"web-a", "ray"}
    assert api.names("replicasets") == {"web"}
    assert done == {"deleted": 1, "failed": 1}
    assert "RayCluster" in next(action.reason for action in told if action.action == "failed")


async def test_finished_jobs_go_and_running_ones_stay(api, kube):
    finished = {"conditions": [{"type": "Complete", "status": "True"}]}
    api.put("jobs", "done", "user-ann-a", creationTimestamp=CREATED, status=finished)
    api.put("jobs", "kept", "user-ann-a", creationTimestamp=CREATED, status=finished, annotations=PROTECTED)
    api.put("jobs", "young", "user-ann-a", creationTimestamp=CREATED)
    await clean(kube)
    assert api.names("jobs") == {"kept", "young"}


async def test_jobs_that_cannot_be_listed_are_a_failure_that_keeps_no_pod(api, kube):
    pod(api, "plain")
    api.failing["GET /apis/batch/v1/namespaces/user-ann-a/jobs"] = 403
    done, _ = await clean(kube)
    assert api.names("pods") == set()
    assert done == {"deleted": 1, "failed": 1}


async def test_an_old_api_version_of_a_controller_is_used_as_its_pod_names_it(api, kube):
    api.put("cronjobs", "nightly", "user-ann-a")
    api.put("jobs", "nightly-1", "user-ann-a", **owned(("cronjobs", "CronJob", "nightly")))
    pod(api, "nightly-1-x", owner=("jobs", "Job", "nightly-1"))
    await clean(kube)
    assert api.writes == ["DELETE /apis/batch/v1beta1/namespaces/user-ann-a/cronjobs/nightly"]


async def test_an_unreadable_value_protects_and_warns_once_a_day(api, kube):
    pod(api, "odd", UNREADABLE)
    first, told = await clean(kube)
    second, _ = await clean(kube)
    assert api.names("pods") == {"odd"}
    assert (first, second) == ({"kept": 1, "warned": 1}, {"kept": 1})
    assert ("warned", "Pod", "odd", "unreadable") in told.short()
    (path,) = (path for path in api.objects if "/events/" in path)
    event = api.objects[path]
    assert path.endswith(".20260601")
    assert (event["type"], event["involvedObject"]["name"]) == ("Warning", "odd")


async def test_a_warning_that_cannot_be_written_is_a_failure(api, kube):
    pod(api, "odd", UNREADABLE)
    api.failing["POST /api/v1/namespaces/user-ann-a/events"] = 403
    done, _ = await clean(kube)
    assert done == {"kept": 1, "failed": 1}


async def test_terminating_pods_are_left_to_their_end(api, kube):
    pod(api, "leaving", deletionTimestamp="2026-06-01T22:59:00Z")
    await clean(kube)
    assert api.writes == []


async def test_pods_that_were_given_long_to_end_are_given_less(api, kube):
    pod(api, "lingering", deletionTimestamp="2026-06-09T22:59:00Z")
    done, _ = await clean(kube)
    assert done == {"deleted": 1}
    assert api.graces == [60]


async def test_namespaces_are_worked_on_a_few_at_a_time(api, kube):
    for index in range(40):
        namespace(api, f"user-u{index}-u")
        pod(api, "p", ns=f"user-u{index}-u")
    done, _ = await clean(kube)
    assert done == {"deleted": 40}
    assert 1 < api.most_running <= PARALLEL
