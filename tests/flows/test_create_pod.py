"""Creating pods over HTTP, on one replica and on two, in good weather and in bad."""

import asyncio

import msgspec
import pytest

from genet import naming
from tests.replicas import replica_of, settings, switch, until

NAMESPACE = "user-alice-alice"


def problem(answer):
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    return answer.json()


def reservations(cluster):
    notes = cluster.store.get("namespaces", "", NAMESPACE)["metadata"]["annotations"]
    return msgspec.json.decode(notes.get(naming.RESERVATIONS, "[]"))


async def test_a_created_pod_is_in_the_list_and_by_id_at_once(replica):
    answer = await replica.create(name="train", gpuType="A100", gpuCount=2)
    assert answer.status_code == 201
    assert answer.headers["Location"] == "/api/pods/pod-alice-alice-train"
    listed = (await replica.ask("GET", "/api/pods")).json()
    assert [pod["id"] for pod in listed["pods"]] == ["pod-alice-alice-train"]
    assert listed["quota"] == {"podUsed": 1, "podLimit": 3, "gpuUsed": 2, "gpuLimit": 4}
    one = await replica.ask("GET", answer.headers["Location"])
    assert (one.status_code, one.json()["name"], one.json()["gpuCount"]) == (200, "train", 2)


async def test_another_replica_finds_it_by_id_at_once_and_in_the_list_soon(replica, kubeconfig):
    async with replica_of(settings(kubeconfig)) as other:
        await other.synced()
        path = (await replica.create(name="train")).headers["Location"]
        assert (await other.ask("GET", path)).status_code == 200
        await until(lambda: other.services.namespaces.get(NAMESPACE))
        assert await other.pods() == ["pod-alice-alice-train"]


@pytest.mark.parametrize(("asked", "resource"), [({}, "pods"), ({"gpuType": "A100", "gpuCount": 2}, "gpus")])
async def test_of_many_creations_at_two_replicas_exactly_the_limit_succeeds(
    replica, kubeconfig, cluster, asked, resource
):
    limit = {"pods": 3, "gpus": 2}[resource]
    async with replica_of(settings(kubeconfig)) as other:
        await other.synced()
        replicas = [replica, other] * 6
        answers = await asyncio.gather(*(one.create(name=f"n{n}", **asked) for n, one in enumerate(replicas)))
    made = [answer for answer in answers if answer.status_code == 201]
    refused = [problem(answer) for answer in answers if answer.status_code != 201]
    assert len(made) == limit == len(cluster.store.list("pods", NAMESPACE))
    assert {(answer["status"], answer["code"], answer["quota"]["resource"]) for answer in refused} == {
        (403, "quota_exceeded", resource)
    }
    assert reservations(cluster) == []


async def test_the_refusal_says_how_much_is_used_asked_and_allowed(replica):
    await replica.create(name="a", gpuType="A100", gpuCount=3)
    answer = problem(await replica.create(name="b", gpuType="A100", gpuCount=2))
    assert answer["quota"] == {"resource": "gpus", "used": 3, "asked": 2, "limit": 4}


async def test_the_resource_quota_is_a_second_wall_with_the_same_words(replica, cluster):
    await replica.create(name="a")
    quota = cluster.store.get("resourcequotas", NAMESPACE, "genet")
    cluster.store.update("resourcequotas", {**quota, "spec": {"hard": {"pods": "1"}}})
    answer = problem(await replica.create(name="b"))
    assert (answer["status"], answer["code"]) == (403, "quota_exceeded")
    assert answer["quota"] == {"resource": "pods", "used": 1, "asked": 1, "limit": 1}
    assert reservations(cluster) == []


async def test_a_pod_that_ended_frees_its_place(replica, cluster):
    for name in "abc":
        await replica.create(name=name)
    ended = cluster.store.get("pods", NAMESPACE, "pod-alice-alice-a")
    cluster.store.update("pods", {**ended, "status": {"phase": "Succeeded"}}, subresource="status")
    assert (await replica.create(name="d")).status_code == 201


async def test_a_name_that_is_taken_is_refused_before_the_quota_is_asked(replica):
    for name in "abc":
        await replica.create(name=name)
    answer = problem(await replica.create(name="a"))
    assert (answer["status"], answer["code"]) == (409, "pod_exists")


async def test_of_two_creations_of_one_name_one_succeeds(replica, kubeconfig, cluster):
    async with replica_of(settings(kubeconfig)) as other:
        await other.synced()
        answers = await asyncio.gather(replica.create(name="a"), other.create(name="a"))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert reservations(cluster) == []


async def test_without_a_name_a_free_one_is_found(replica):
    now = replica.services.clock()
    entropy = iter([b"aaa", b"aaa", b"bbb"])
    replica.services.create_pod._clock = lambda: now
    replica.services.create_pod._entropy = lambda _: next(entropy)
    first, second = await replica.create(), await replica.create()
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]


async def test_the_reservations_of_a_replica_that_died_count_until_they_end(replica, cluster):
    await replica.create(name="a")
    left = [
        {"pod": f"gone-{n}", "gpus": 0, "until": until_, "mark": ""}
        for n, until_ in enumerate(("2999-01-01T00:00:00Z", "2020-01-01T00:00:00Z"))
    ]
    namespace = cluster.store.get("namespaces", "", NAMESPACE)
    namespace["metadata"]["annotations"][naming.RESERVATIONS] = msgspec.json.encode(left).decode()
    cluster.store.update("namespaces", namespace)
    assert (await replica.create(name="b")).status_code == 201
    assert problem(await replica.create(name="c"))["quota"]["used"] == 3


async def test_an_unanswered_creation_keeps_its_room_for_it_may_be_done_yet(replica, cluster):
    await replica.create(name="a")
    pods = f"/api/v1/namespaces/{NAMESPACE}/pods"
    await switch(cluster, "delay", path=pods)  # the list of pods, which is well
    await switch(cluster, "fail", status=504, path=pods)
    assert (await replica.create(name="b")).status_code == 503
    assert [reservation["pod"] for reservation in reservations(cluster)] == ["pod-alice-alice-b"]
    again = await replica.create(name="b")
    assert again.status_code == 201  # who asks again is not refused because of the first try


async def test_a_client_that_hangs_up_leaves_a_pod_or_nothing_but_never_a_reservation(replica, cluster):
    await replica.create(name="a")
    await switch(cluster, "delay", seconds=0.2, path=f"/api/v1/namespaces/{NAMESPACE}/pods", times=2)
    asking = asyncio.create_task(replica.create(name="b"))
    await until(lambda: reservations(cluster))
    asking.cancel()
    await until(lambda: not reservations(cluster))
    assert cluster.store.find("pods", NAMESPACE, "pod-alice-alice-b")


async def test_what_is_wrong_is_said_once_and_nothing_is_said_of_what_could_not_be_read(replica):
    fields = {
        "gpuType": 5,
        "gpuCount": "2",
        "gpuDevices": ["0", 1],
        "memory": 8,
        "shmSize": "15Gi",
        "env": [7, {"name": "9", "value": 1}],
        "command": [0, "a\0"],
    }
    answer = problem(await replica.create(**fields))
    named = [error["field"] for error in answer["errors"]]
    assert sorted(named) == [
        "command[0]",
        "command[1]",
        "env[0]",
        "env[1].name",
        "env[1].value",
        "gpuCount",
        "gpuDevices[0]",
        "gpuType",
        "memory",
    ]


async def test_a_quantity_beyond_all_numbers_is_a_bad_field(replica):
    answer = problem(await replica.create(cpu="1e99999999999999999999", memory="1e99999999999999999999"))
    assert [error["field"] for error in answer["errors"]] == ["cpu", "memory"]


async def test_a_bad_request_creates_nothing_at_all(replica, cluster):
    answer = problem(await replica.create(name="A!", gpuCount="2"))
    assert [error["field"] for error in answer["errors"]] == ["gpuCount", "name"]
    assert cluster.store.find("namespaces", "", NAMESPACE) is None
