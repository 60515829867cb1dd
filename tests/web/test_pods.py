"""Reading pods over HTTP: whose they are, logs, events. What changes them is tested with the flows."""

import pytest
from litestar.routes import HTTPRoute

from genet.web.app import create_litestar
from tests.replicas import settings, until

NAMESPACE, POD = "user-alice-alice", "pod-alice-alice-a"
ADMIN = "admin"


@pytest.fixture
async def running(replica, cluster):
    """A pod whose process said three lines, one of them with a progress bar's carriage returns."""
    script = "echo one; echo 'two 1%\rtwo 99%'; echo three; sleep 3600"
    await replica.create(name="a", command=["sh", "-c", script])
    pod = lambda: cluster.store.get("pods", NAMESPACE, POD)  # noqa: E731
    await until(lambda: pod()["status"].get("phase") == "Running")
    await until(lambda: len(cluster.containers.logs(pod(), "main", previous=False)) >= 3)


async def read(replica, path, **params):
    answer = await replica.ask("GET", f"/api/pods/{POD}/{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_others_pods_are_not_found(replica):
    await replica.create(name="a")
    for path in (f"/api/pods/{POD}", f"/api/pods/{POD}/logs", f"/api/pods/{POD}/events"):
        for user in ("mallory", ADMIN):
            assert (await replica.ask("GET", path, user=user)).status_code == 404
    assert await replica.pods("mallory") == []


EVERY_WAY = sorted(
    (method, route.path)
    for route in create_litestar(settings("/nowhere")).routes
    if isinstance(route, HTTPRoute) and route.path.startswith("/api/pods/{pod_id:str}")
    for method in route.methods - {"OPTIONS"}
)


@pytest.mark.parametrize(("method", "path"), EVERY_WAY)
async def test_there_is_no_way_to_somebody_elses_pod(replica, cluster, method, path):
    """Whatever is sent: what is wrong with it is not said before it is known whose pod is meant."""
    await replica.create(name="a")
    for_alice = {"owner": "alice-alice"}
    for user, params in (("mallory", {}), ("mallory", for_alice), (ADMIN, {})):
        body: dict[str, str] | None = {} if method == "POST" else None
        answer = await replica.ask(method, path.replace("{pod_id:str}", POD), user=user, params=params, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (user, params)
    assert cluster.store.get("pods", NAMESPACE, POD)["metadata"].get("deletionTimestamp") is None


async def test_the_ways_to_a_pod_are_all_there():
    assert len(EVERY_WAY) > 12


async def test_only_admins_act_for_others(replica):
    await replica.create(name="a")
    for_alice = {"owner": "alice-alice"}
    for method, path in (("GET", "/api/pods"), ("GET", f"/api/pods/{POD}"), ("DELETE", f"/api/pods/{POD}")):
        answer = await replica.ask(method, path, user="mallory", params=for_alice)
        assert answer.json()["code"] == "not_found"
    assert (await replica.create("mallory", params=for_alice)).status_code == 404
    assert await replica.pods(ADMIN, **for_alice) == [POD]
    assert (await replica.ask("GET", f"/api/pods/{POD}", user=ADMIN, params=for_alice)).json()["id"] == POD
    made = await replica.create(ADMIN, params=for_alice, name="b")
    assert made.json()["userIdentifier"] == "alice-alice"
    assert (await replica.ask("GET", made.headers["Location"], user=ADMIN)).status_code == 404
    assert (await replica.ask("DELETE", f"/api/pods/{POD}", user=ADMIN, params=for_alice)).status_code == 204


async def test_an_admin_acts_for_nobody_who_has_no_namespace(replica, cluster):
    cluster.store.create("namespaces", {"metadata": {"name": "user-kube", "labels": {"genet.io/user": "kube"}}})
    for owner in ("kube", "nobody", "../default", ""):
        answer = await replica.ask("GET", "/api/pods", user=ADMIN, params={"owner": owner})
        assert answer.status_code == 404, owner


async def test_only_admins_list_everybody(replica):
    await replica.create(name="a")
    await replica.create("bob", name="b")
    assert set(await replica.pods(ADMIN, all="true")) == {POD, "pod-bob-bob-b"}
    answer = await replica.ask("GET", "/api/pods", user="mallory", params={"all": "true"})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("name", ["..", "%2e%2e", "a%2Fb", "A", "-", "a" * 300, "%00", "a%0a"])
async def test_what_can_be_no_pods_name_is_not_found(replica, cluster, name):
    await replica.create(name="a")
    for method in ("GET", "DELETE"):
        answer = await replica.ask(method, f"/api/pods/{name}")
        assert answer.status_code in {404, 405}, answer.text
    assert cluster.store.find("namespaces", "", NAMESPACE)["metadata"].get("deletionTimestamp") is None


async def test_pods_made_with_kubectl_are_listed_as_unmanaged(replica, cluster):
    await replica.create(name="a")
    pod = {
        "metadata": {"name": "by-hand", "namespace": NAMESPACE},
        "spec": {"containers": [{"name": "x", "image": "y"}]},
    }
    cluster.store.create("pods", {**pod, "status": {"phase": "Pending"}})
    one = (await replica.ask("GET", "/api/pods/by-hand")).json()
    assert (one["managed"], one["name"]) == (False, "by-hand")


@pytest.mark.usefixtures("running")
async def test_logs_are_the_last_lines_and_say_whether_there_were_more(replica):
    whole = "one\ntwo 1%\rtwo 99%\nthree\n"
    assert await read(replica, "logs") == {"logs": whole, "container": "main", "truncated": False}
    assert await read(replica, "logs", tailLines="3") == {"logs": whole, "container": "main", "truncated": False}
    two = {"logs": "two 1%\rtwo 99%\nthree\n", "container": "main", "truncated": True}
    assert await read(replica, "logs", tailLines="2") == two
    assert await read(replica, "logs", tailLines="0") == {"logs": "", "container": "main", "truncated": True}


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize(
    ("params", "status", "code", "field"),
    [
        ({"tailLines": "-1"}, 422, "invalid", "tailLines"),
        ({"tailLines": "many"}, 422, "invalid", "tailLines"),
        ({"sinceSeconds": "0"}, 422, "invalid", "sinceSeconds"),
        ({"previous": "perhaps"}, 422, "invalid", "previous"),
        ({"container": "other"}, 422, "invalid", "container"),
        ({"previous": "true"}, 409, "not_running", None),
    ],
)
async def test_logs_that_cannot_be_had_are_refused(replica, params, status, code, field):
    answer = await replica.ask("GET", f"/api/pods/{POD}/logs", params=params)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert [error["field"] for error in answer.json()["errors"]] == ([field] if field else [])


async def test_a_pod_without_a_node_has_no_log(replica):
    await replica.create(name="a", cpu="64")  # more than any node has
    refused = await replica.ask("GET", f"/api/pods/{POD}/logs")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_running")


async def test_events_are_the_pods_own_newest_first(replica, cluster):
    await replica.create(name="a", cpu="64")
    uid = cluster.store.get("pods", NAMESPACE, POD)["metadata"]["uid"]

    def event(name, about, **times):
        reference = {"kind": "Pod", "name": POD, "namespace": NAMESPACE, "uid": about}
        common = {"involvedObject": reference, "type": "Normal", "reason": name, "message": "", "source": {}}
        cluster.store.create("events", {"metadata": {"name": name, "namespace": NAMESPACE}, **common, **times})

    event("old", uid, lastTimestamp="2026-01-01T00:00:00Z", count=7)
    event("new", uid, eventTime="2099-01-01T00:00:00.000000Z", reportingComponent="tests")
    event("never", uid)
    event("of-another-of-that-name", "some-other-uid")
    events = (await read(replica, "events"))["events"]
    reasons = [event["reason"] for event in events]
    assert (reasons[0], reasons[-2:]) == ("new", ["old", "never"])
    assert "of-another-of-that-name" not in reasons
    assert (events[0]["source"], events[0]["count"], events[-2]["count"]) == ("tests", 1, 7)
