"""What the HTTP API promises about pods, whatever the cluster is."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from genet.errors import NotFound
from genet.kube.objects import NAMESPACES, NODES, PODS, PVCS, RESOURCE_QUOTAS
from tests.contract.conftest import GPU, GPU_LIMIT, IMAGE, POD_LIMIT, until


async def test_a_pod_runs_says_so_and_is_gone_after_deletion(person):
    created = await person.create("one")
    assert created.status_code == 201, created.text
    pod = created.json()
    assert pod["id"] == f"pod-{person.identifier}-one"
    assert created.headers["Location"] == f"/api/pods/{pod['id']}"
    assert (pod["namespace"], pod["managed"], pod["userIdentifier"]) == (person.namespace, True, person.identifier)
    running = await person.sees("one", "Running")
    assert running["message"] is None
    assert running["nodeName"]
    assert running == await person.read(f"/api/pods/{pod['id']}")

    address = f"/api/pods/{pod['id']}"
    assert (await person.http.delete(address)).status_code == 204
    assert (await person.pods())["one"]["status"] == "Terminating"
    assert (await person.http.delete(address)).status_code == 204
    await person.misses("one")
    assert (await person.http.delete(address)).status_code == 404
    assert (await person.http.get(address)).status_code == 404


async def test_what_was_created_is_in_the_next_list_and_in_the_quota(person):
    await person.made("one")
    answer = await person.read("/api/pods")
    assert [pod["name"] for pod in answer["pods"]] == ["one"]
    assert answer["quota"] == {"podUsed": 1, "podLimit": POD_LIMIT, "gpuUsed": 0, "gpuLimit": GPU_LIMIT}


async def test_the_namespace_is_ready_before_its_first_pod(person, kube):
    await person.made("one")
    namespace = await kube.get(NAMESPACES, person.namespace)
    assert namespace.metadata.labels["genet.io/managed"] == "true"
    assert namespace.metadata.labels["pod-security.kubernetes.io/enforce"] == "baseline"
    assert namespace.metadata.annotations["genet.io/owner"] == f"dev|{person.username}"
    (quota,) = (await kube.list(RESOURCE_QUOTAS, person.namespace)).items
    assert quota.spec.hard["pods"] == str(POD_LIMIT)
    assert quota.spec.hard[f"requests.{GPU}"] == str(GPU_LIMIT)
    await kube.get(PVCS, f"{person.identifier}-workspace", person.namespace)


async def test_a_pod_runs_on_the_node_that_was_chosen_or_nowhere(person, kube):
    nodes = (await kube.list(NODES)).items
    refusing = {n.metadata.name for n in nodes if any(taint.effect == "NoSchedule" for taint in n.spec.taints)}
    open_node = max({n.metadata.name for n in nodes} - refusing)
    await person.made("there", nodeName=open_node)
    await person.made("nowhere", nodeName=min(refusing))
    assert (await person.sees("there", "Running"))["nodeName"] == open_node
    waiting = await until(person.pods, lambda pods: pods["nowhere"]["message"] is not None)
    assert (waiting["nowhere"]["status"], waiting["nowhere"]["nodeName"]) == ("Pending", None)


async def test_a_name_is_given_once(person):
    await person.made("one")
    again = await person.create("one")
    assert (again.status_code, again.json()["code"]) == (409, "pod_exists")


async def test_a_pod_without_a_name_gets_one(person):
    answer = await person.http.post("/api/pods", json={"image": IMAGE})
    assert answer.status_code == 201
    seconds, _, letters = answer.json()["name"].partition("-")
    assert abs(int(seconds) - datetime.now(UTC).timestamp()) < 60
    assert len(letters) == 4


async def test_an_image_that_is_not_there_shows_why_the_pod_does_not_run(person):
    answer = await person.http.post("/api/pods", json={"image": "cluster.local/missing:1", "name": "one"})
    assert answer.status_code == 201
    assert (await person.sees("one", "ErrImagePull", "ImagePullBackOff"))["message"]


@pytest.mark.parametrize(
    ("each", "resource", "limit"),
    [({}, "pods", POD_LIMIT), ({"gpuType": "gpu", "gpuCount": 1}, "gpus", GPU_LIMIT)],
    ids=["pods", "gpus"],
)
async def test_of_many_creations_at_once_the_quota_lets_as_many_through_as_there_is_room_for(
    person, kube, *, each, resource, limit
):
    answers = await asyncio.gather(*(person.create(f"n{number}", **each) for number in range(8)))
    made = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    refused = [answer.json() for answer in answers if answer.status_code != 201]
    assert len(made) == limit
    assert {(problem["status"], problem["code"]) for problem in refused} == {(403, "quota_exceeded")}
    assert [problem["quota"] for problem in refused] == [
        {"resource": resource, "used": limit, "asked": 1, "limit": limit}
    ] * len(refused)
    assert {pod.metadata.name for pod in (await kube.list(PODS, person.namespace)).items} == made


async def test_a_pod_given_back_makes_room(person):
    for number in range(POD_LIMIT):
        pod = await person.made(f"n{number}")
    assert (await person.create("more")).status_code == 403
    await person.http.delete(f"/api/pods/{pod['id']}")
    await person.misses(pod["name"])
    assert (await person.create("more")).status_code == 201


async def test_a_namespace_of_somebody_else_is_not_adopted(person, kube):
    await kube.create(NAMESPACES, {"metadata": {"name": person.namespace}})
    refused = await person.create("one")
    assert (refused.status_code, refused.json()["code"]) == (403, "namespace_taken")
    namespace = await kube.get(NAMESPACES, person.namespace)
    assert "genet.io/managed" not in namespace.metadata.labels
    assert not (await kube.list(PODS, person.namespace)).items


async def test_a_pod_of_somebody_else_is_not_found(person, backend):
    pod = await person.made("one")
    stranger = backend.client("stranger")
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/logs"), ("GET", "/events")):
        assert stranger.request(method, f"/api/pods/{pod['id']}{path}").status_code == 404
    assert stranger.post(f"/api/pods/{pod['id']}/extend", json={"hours": 1}).status_code == 404
    assert (await person.pods())["one"]["status"] != "Terminating"


async def test_a_pod_made_with_kubectl_is_listed_as_not_managed(person, kube):
    await person.made("one")
    container = {"name": "main", "image": IMAGE, "command": ["sleep", "3600"]}
    await kube.create(PODS, {"metadata": {"name": "by-hand"}, "spec": {"containers": [container]}}, person.namespace)
    pods = await until(person.pods, lambda pods: "by-hand" in pods, seconds=2)
    assert (pods["by-hand"]["managed"], pods["one"]["managed"]) == (False, True)
    assert (await person.read("/api/pods"))["quota"]["podUsed"] == 2


async def test_protection_is_extended_set_and_cleared(person, kube):
    pod = await person.made("one")
    address = f"/api/pods/{pod['id']}/extend"
    assert pod["protectedUntil"] is None
    assert pod["deletesAt"] is not None

    async def extend(**body):
        return (await person.http.post(address, json=body)).raise_for_status().json()

    now = datetime.now(UTC)
    extended = await extend(hours=10)
    end = datetime.fromisoformat(extended["protectedUntil"])
    assert abs(end - now - timedelta(hours=10)) < timedelta(minutes=1)
    assert datetime.fromisoformat(extended["deletesAt"]) >= end
    assert (await extend(hours=1))["protectedUntil"] == extended["protectedUntil"], "hours never shorten"
    sooner = (now + timedelta(hours=2)).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    assert (await extend(until=sooner))["protectedUntil"] == sooner
    assert (await kube.get(PODS, pod["id"], person.namespace)).metadata.annotations[
        "genet.io/protected-until"
    ] == sooner
    assert (await extend(until=None))["protectedUntil"] is None
    assert "genet.io/protected-until" not in (await kube.get(PODS, pod["id"], person.namespace)).metadata.annotations


async def test_logs_are_the_last_lines_asked_for(person):
    says = "echo line 1; echo line 2; echo line 3; trap 'exit 0' TERM; sleep 3600 & wait"
    pod = await person.made("one", command=["sh", "-c", says])
    await person.sees("one", "Running")

    async def logs(**params):
        return await person.read(f"/api/pods/{pod['id']}/logs", **params)

    await until(logs, lambda told: "line 3" in told["logs"])
    assert await logs() == {"logs": "line 1\nline 2\nline 3\n", "container": "main", "truncated": False}
    assert await logs(tailLines=2) == {"logs": "line 2\nline 3\n", "container": "main", "truncated": True}
    missing = await person.http.get(f"/api/pods/{pod['id']}/logs", params={"container": "other"})
    assert (missing.status_code, missing.json()["errors"][0]["field"]) == (422, "container")


async def test_events_are_those_of_the_pod_newest_first(person):
    pod = await person.made("one")
    await person.sees("one", "Running")

    async def told():
        return (await person.read(f"/api/pods/{pod['id']}/events"))["events"]

    # a busy kubelet tells later
    started = {"Scheduled", "Created", "Started"}
    events = await until(told, lambda found: started <= {event["reason"] for event in found})
    assert {event["type"] for event in events} <= {"Normal", "Warning"}
    seen = [event["lastSeen"] for event in events if event["lastSeen"]]
    assert seen == sorted(seen, reverse=True)


async def test_a_pod_deleted_behind_genets_back_leaves_its_list(person, kube):
    pod = await person.made("one")
    await kube.delete(PODS, pod["id"], person.namespace, grace_period_seconds=0)
    await person.misses("one")
    with pytest.raises(NotFound):
        await kube.get(PODS, pod["id"], person.namespace)
