"""Twenty creations at once at two replicas: the quota holds to the pod, in the answers and in the cluster."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest

from tests.e2e.conftest import GPU_LIMIT, IMAGE, NOWHERE_TYPE, POD_LIMIT
from tests.processes import until

pytestmark = pytest.mark.e2e

MANY = 20


@pytest.mark.parametrize(
    ("each", "resource", "limit"),
    [({}, "pods", POD_LIMIT), ({"gpuType": NOWHERE_TYPE, "gpuCount": 1}, "gpus", GPU_LIMIT)],
    ids=["pods", "gpus"],
)
def test_exactly_as_many_are_made_as_there_is_room_for(replicas, kubectl, person, *, each, resource, limit):
    clients = [replica.client(person.name) for replica in replicas]
    request = {"image": IMAGE, **each}
    assert clients[0].post("/api/pods", json={**request, "name": "before"}).status_code == 201
    barrier = Barrier(MANY)

    def create(number):
        barrier.wait()
        return clients[number % 2].post("/api/pods", json={**request, "name": f"n{number}"})

    with ThreadPoolExecutor(MANY) as threads:
        answers = list(threads.map(create, range(MANY)))

    made = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    refused = [answer for answer in answers if answer.status_code != 201]
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(403, "quota_exceeded")}
    assert len(made) == limit - 1
    told = [answer.json()["quota"] for answer in refused]
    assert {(quota["resource"], quota["asked"], quota["limit"]) for quota in told} == {(resource, 1, limit)}
    assert all(quota["used"] == limit for quota in told)

    everything = made | {f"pod-{person.identifier}-before"}
    in_cluster = kubectl.read("pods", "-n", person.namespace)["items"]
    assert {pod["metadata"]["name"] for pod in in_cluster} == everything
    for client in clients:
        until(partial(lists, client, everything), seconds=2, what="the list is complete")


def lists(client, wanted):
    return {pod["id"] for pod in client.get("/api/pods").json()["pods"]} == wanted
