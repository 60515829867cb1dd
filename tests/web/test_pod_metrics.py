"""What a pod uses, and who shares its cards, over HTTP; Prometheus is a server of the test's own."""

import asyncio
import json
import time
import urllib.parse
from contextlib import AsyncExitStack

import httpx
import pytest

from genet.auth.dev import dev_user
from genet.auth.user import Caller
from genet.web.app import create_app
from tests.listening import listening
from tests.replicas import HOST, cluster, kubeconfig, replica, replica_of, settings, until

__all__ = ["cluster", "kubeconfig", "replica"]

NAMES = {"alice": "user-alice-alice", "bob": "user-bob-bob"}
NODE = "shared-1"


class FakePrometheus:
    """Answers with the values of the questions that contain a word; `hangs`: never."""

    def __init__(self):
        self.values = {}
        self.hangs = False
        self.asked = []

    async def __call__(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        query = urllib.parse.unquote_plus(head.split()[1])
        self.asked.append(query)
        if self.hangs:
            await asyncio.Event().wait()
        result = [
            {"metric": labels, "value": [time.time(), str(value)]}
            for word, rows in self.values.items()
            for labels, value in rows
            if word in query
        ]
        body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()


@pytest.fixture
async def measured(kubeconfig):
    """A replica with a Prometheus."""
    fake = FakePrometheus()
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(listening(fake))
        one = await stack.enter_async_context(replica_of(settings(kubeconfig, prometheusURL=f"http://{address}")))
        await one.synced()
        yield one, fake


def shared_node(cluster):
    labels = {"genet.io/gpu-mode": "shared", "nvidia.com/gpu.count": "2", "nvidia.com/gpu.product": "A100"}
    ready = {"type": "Ready", "status": "True"}
    cluster.store.create("nodes", {"metadata": {"name": NODE, "labels": labels}, "spec": {}})
    node = cluster.store.get("nodes", "", NODE)
    room = {"cpu": "8", "memory": "8Gi", "pods": "100"}
    status = {"capacity": room, "allocatable": room, "conditions": [ready]}
    cluster.store.update("nodes", {**node, "status": status}, subresource="status")


async def sharer(replica, cluster, user, name, cards):
    """A pod of the user on these cards."""
    pod_id = f"pod-{user}-{user}-{name}"
    if cluster.store.find("namespaces", "", NAMES[user]) is None:
        assert (await replica.create(user=user, name="first")).status_code == 201
    labels = {"genet.io/gpu-type": "shared", "genet.io/created-by": "genet"}
    metadata = {"name": pod_id, "labels": labels, "annotations": {"genet.io/gpu-devices": cards}}
    spec = {"nodeName": NODE, "containers": [{"name": "main", "image": "debian:13", "command": ["sleep", "3600"]}]}
    cluster.store.create("pods", {"metadata": {**metadata, "namespace": NAMES[user]}, "spec": spec})
    await until(lambda: replica.services.follows.look((NAMES[user], pod_id)))
    return pod_id


async def read(replica, pod_id, what, user="alice", **more):
    answer = await replica.ask("GET", f"/api/pods/{pod_id}/{what}", user=user, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_others_on_the_same_cards_are_named_to_who_sees_the_overview(replica, cluster):
    shared_node(cluster)
    mine = await sharer(replica, cluster, "alice", "s", "0,1")
    other = await sharer(replica, cluster, "bob", "s", "1")
    devices = (await read(replica, mine, "shared-gpus"))["devices"]
    assert [(device["index"], len(device["pods"])) for device in devices] == [(0, 0), (1, 1)]
    (seen,) = devices[1]["pods"]
    assert (seen["user"], seen["name"]) == ("bob-bob", other)


async def test_a_token_that_may_not_read_the_overview_learns_no_names(replica, cluster):
    shared_node(cluster)
    mine = await sharer(replica, cluster, "alice", "s", "1")
    await sharer(replica, cluster, "bob", "s", "1")
    configuration = replica.services.settings
    scopes = frozenset({"pods:read"})

    async def identify(connection):
        return Caller(dev_user("alice", configuration), by="token", scopes=scopes)

    app = create_app(configuration, replica.services, identify=identify)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HOST) as http:
        answer = await http.get(f"/api/pods/{mine}/shared-gpus")
        assert answer.json()["devices"][0]["pods"] == [{"user": None, "name": None, "startedAt": None}]
        scopes |= {"cluster:read"}
        answer = await http.get(f"/api/pods/{mine}/shared-gpus")
        assert answer.json()["devices"][0]["pods"][0]["user"] == "bob-bob"


async def test_a_pod_without_cards_shares_none(replica):
    await replica.create(name="a")
    assert await read(replica, "pod-alice-alice-a", "shared-gpus") == {"devices": []}


@pytest.mark.parametrize("what", ["metrics", "shared-gpus"])
async def test_others_pods_are_not_found(replica, what):
    await replica.create(name="a")
    assert (await replica.ask("GET", f"/api/pods/pod-alice-alice-a/{what}", user="bob")).status_code == 404


async def test_without_any_source_everything_is_unknown_and_said_why(replica):
    await replica.create(name="a")
    seen = await read(replica, "pod-alice-alice-a", "metrics")
    assert (seen["cpu"], seen["memory"], seen["gpus"]) == (None, None, [])
    states = {name: source["state"] for name, source in seen["sources"].items()}
    assert states == {"metricsApi": "off", "prometheus": "off", "gpus": "off"}
    assert "metrics.k8s.io" in seen["sources"]["metricsApi"]["message"]


async def test_processor_and_memory_come_from_prometheus_where_nothing_else_measures(measured):
    replica, fake = measured
    fake.values = {"cpu_usage": [({}, 0.25)], "working_set": [({}, 64 * 2**20)]}
    await replica.create(name="a", cpu="500m", memory="128Mi")
    seen = await read(replica, "pod-alice-alice-a", "metrics")
    assert seen["cpu"] == {"usedCores": 0.25, "limitCores": 0.5}
    assert seen["memory"] == {"usedBytes": 64 * 2**20, "limitBytes": 128 * 2**20}
    assert seen["sources"]["prometheus"]["state"] == "ok"


async def test_of_a_shared_card_only_what_is_measured_by_pod_is_told(measured, cluster):
    replica, _ = measured
    shared_node(cluster)
    mine = await sharer(replica, cluster, "alice", "s", "0")
    await sharer(replica, cluster, "bob", "s", "0")
    seen = await read(replica, mine, "metrics")
    assert [(gpu["index"], gpu["utilization"], gpu["memoryUsed"]) for gpu in seen["gpus"]] == [(0, None, None)]


async def test_while_prometheus_hangs_the_answer_comes_in_time_and_says_so(measured):
    replica, fake = measured
    await replica.create(name="a")
    fake.hangs = True
    began = time.monotonic()
    answers = await asyncio.gather(*(read(replica, "pod-alice-alice-a", "metrics") for _ in range(5)))
    assert time.monotonic() - began < 4
    for seen in answers:
        assert (seen["cpu"], seen["memory"]) == (None, None)
        assert seen["sources"]["prometheus"]["state"] == "unavailable"
