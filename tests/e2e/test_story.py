"""The main job, from the first pod to the last, on a real kubelet and with a real Prometheus."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import GPU_LIMIT, GPU_TYPE, IMAGE, Kubectl, Person
from tests.e2e.exporter import Exporter, Holder, idle_card
from tests.processes import Replica, until

pytestmark = pytest.mark.e2e

HELD = (1, 2)
"""The cards that the device plugin gave the pod: not those that a count alone would show as used."""
LOAD = {1: 41, 2: 0}
"""Percent; the second of its cards does nothing."""


class Story:
    """A person with one running pod of two cards, and the clients of both replicas."""

    def __init__(self, person: Person, clients: list[httpx.Client], node: str) -> None:
        self.person = person
        self.clients = clients
        self.node = node
        self.pod_id = f"pod-{person.identifier}-train"
        self.request = {"image": IMAGE, "gpuType": GPU_TYPE, "gpuCount": 2, "nodeName": node}


@pytest.fixture(scope="module")
def story(replicas: list[Replica], new_person: Callable[[], Person], gpu_node: str) -> Story:
    person = new_person()
    told = Story(person, [replica.client(person.name) for replica in replicas], gpu_node)
    first, second = told.clients
    created = first.post("/api/pods", json={**told.request, "name": "train"})
    assert created.status_code == 201, created.text
    assert created.json()["id"] == told.pod_id
    assert created.headers["Location"] == f"/api/pods/{told.pod_id}"
    assert told.pod_id in pods(first), "the replica that wrote it shows it at once"
    until(lambda: told.pod_id in pods(second), seconds=2, what="the other replica lists it")
    until(lambda: pods(first)[told.pod_id]["status"] == "Running", seconds=90, what="the pod runs")
    return told


@pytest.fixture
def exported(story: Story, exporter: Exporter) -> Iterator[Exporter]:
    for index in HELD:
        exporter.cards[index].holder = Holder(story.person.namespace, story.pod_id)
        exporter.cards[index].values |= {
            "DCGM_FI_DEV_GPU_UTIL": LOAD[index],
            "DCGM_FI_DEV_FB_USED": 20480,
            "DCGM_FI_DEV_FB_FREE": 61440,
        }
    yield exporter
    for index in HELD:
        exporter.cards[index] = idle_card(index)


def pods(client: httpx.Client) -> dict[str, dict[str, Any]]:
    return {pod["id"]: pod for pod in client.get("/api/pods").raise_for_status().json()["pods"]}


def slots(client: httpx.Client, node: str) -> dict[int, dict[str, Any]]:
    overview = client.get("/api/cluster/gpu-overview").raise_for_status().json()
    nodes = [found for group in overview["acceleratorGroups"] for found in group["nodes"] if found["nodeName"] == node]
    return {slot["index"]: slot for found in nodes for slot in found["slots"]}


def moment(text: str) -> datetime:
    assert text.endswith("Z")
    return datetime.fromisoformat(text)


def test_the_pod_runs_on_the_real_kubelet(story, kubectl):
    pod = story.clients[0].get(f"/api/pods/{story.pod_id}").json()
    assert (pod["gpuCount"], pod["gpuType"], pod["nodeName"], pod["message"]) == (2, GPU_TYPE, story.node, None)
    assert pod["startedAt"] is not None
    assert kubectl.read("pod", story.pod_id, "-n", story.person.namespace)["status"]["phase"] == "Running"


def test_two_cards_of_its_node_are_used(story):
    def used() -> bool:
        statuses = [slot["status"] for slot in slots(story.clients[0], story.node).values()]
        return statuses.count("used") == 2 and statuses.count("free") == len(statuses) - 2

    until(used, what="two cards are used, the others free")


@pytest.mark.parametrize("replica_number", [0, 1], ids=["honor_labels", "exported_pod"])
def test_they_are_the_ones_that_the_exporter_names_with_what_prometheus_holds(story, exported, replica_number):
    client = story.clients[replica_number]

    def attributed() -> dict[int, dict[str, Any]]:
        found = slots(client, story.node).items()
        return {
            index: slot for index, slot in found if slot["attribution"] == "exporter" and slot["memoryUsed"] == 20480
        }

    until(lambda: len(attributed()) == len(HELD), what="the exporter's holder is shown")
    used = attributed()
    assert {index: (slot["uuid"], slot["status"]) for index, slot in used.items()} == {
        index: (exported.cards[index].uuid, "used") for index in HELD
    }
    for index, slot in used.items():
        assert (slot["utilization"], slot["memoryTotal"]) == (LOAD[index], 81920)
        assert (slot["pod"]["name"], slot["pod"]["user"]) == (story.pod_id, story.person.identifier)
    sources = client.get("/api/cluster/gpu-overview").json()["sources"]
    assert (sources["kubernetes"]["state"], sources["prometheus"]["state"]) == ("ok", "ok")
    busy, idle = (used[index]["idleSince"] for index in HELD)
    assert busy is None
    assert moment(used[HELD[0]]["pod"]["startedAt"]) <= moment(idle) <= datetime.now(UTC)
    node = client.get(f"/api/cluster/nodes/{story.node}").raise_for_status().json()
    assert [series["uuid"] for series in node["history"]["series"]] == [card.uuid for card in exported.cards]
    assert node["sources"]["prometheus"]["state"] == "ok"


def test_it_says_that_it_is_ready(story):
    def logs() -> dict[str, Any]:
        told: dict[str, Any] = story.clients[0].get(f"/api/pods/{story.pod_id}/logs").raise_for_status().json()
        return told

    until(lambda: logs()["logs"], what="the pod has said something")
    assert logs() == {"logs": "genet: ready\n", "container": "main", "truncated": False}


def test_its_events_tell_how_it_came_newest_first(story):
    def events() -> list[dict[str, Any]]:
        answer = story.clients[0].get(f"/api/pods/{story.pod_id}/events").raise_for_status()
        found: list[dict[str, Any]] = answer.json()["events"]
        return found

    # a busy kubelet tells later
    started = {"Scheduled", "Created", "Started"}
    until(lambda: started <= {event["reason"] for event in events()}, what="it is told how it came")
    seen = [event["lastSeen"] for event in events() if event["lastSeen"]]
    assert seen == sorted(seen, reverse=True)


def test_extending_it_moves_its_end(story, kubectl):
    first, second = story.clients
    before = datetime.now(UTC)
    extended = first.post(f"/api/pods/{story.pod_id}/extend", json={"hours": 48}).raise_for_status().json()
    end = moment(extended["protectedUntil"])
    assert timedelta(hours=48, seconds=-1) <= end - before <= timedelta(hours=48, minutes=1)
    assert end <= moment(extended["deletesAt"]) < end + timedelta(days=1)
    annotations = kubectl.read("pod", story.pod_id, "-n", story.person.namespace)["metadata"]["annotations"]
    assert moment(annotations["genet.io/protected-until"]) == end
    until(lambda: pods(second)[story.pod_id]["protectedUntil"] == extended["protectedUntil"], seconds=2)


def test_a_third_pod_beyond_the_quota_is_refused_and_the_second_given_back(story, kubectl):
    first, second = story.clients
    # it takes a while to end, so that it can be seen ending
    slow = ["sh", "-c", "trap 'sleep 3; exit 0' TERM; while true; do sleep 0.1; done"]
    request = {**story.request, "name": "eval", "command": slow}
    eval_id = first.post("/api/pods", json=request).raise_for_status().json()["id"]
    refused = second.post("/api/pods", json={**story.request, "name": "more", "gpuCount": 1})
    assert (refused.status_code, refused.json()["code"]) == (403, "quota_exceeded")
    assert refused.json()["quota"] == {"resource": "gpus", "used": GPU_LIMIT, "asked": 1, "limit": GPU_LIMIT}
    assert in_cluster(kubectl, story) == {story.pod_id, eval_id}

    until(lambda: pods(first)[eval_id]["status"] == "Running", seconds=90, what="the second pod runs")
    assert first.delete(f"/api/pods/{eval_id}").status_code == 204
    assert first.delete(f"/api/pods/{eval_id}").status_code == 204
    assert pods(first)[eval_id]["status"] == "Terminating"
    until(lambda: eval_id not in pods(first), what="the pod is gone")
    assert first.delete(f"/api/pods/{eval_id}").status_code == 404
    assert first.get(f"/api/pods/{eval_id}").status_code == 404
    assert in_cluster(kubectl, story) == {story.pod_id}
    assert second.get("/api/pods").json()["quota"] == {"podUsed": 1, "podLimit": 5, "gpuUsed": 2, "gpuLimit": 4}


def in_cluster(kubectl: Kubectl, story: Story) -> set[str]:
    return {pod["metadata"]["name"] for pod in kubectl.read("pods", "-n", story.person.namespace)["items"]}
