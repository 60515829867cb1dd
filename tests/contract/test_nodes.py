"""What one node says, whatever the cluster is. Without Prometheus: here the API server alone speaks."""

import secrets

from genet.kube.objects import EVENTS
from tests.contract.conftest import until


async def some_node(person):
    groups = (await person.read("/api/cluster/gpu-overview"))["acceleratorGroups"]
    return groups[0]["nodes"][0]["nodeName"]


async def test_a_node_is_as_in_the_overview_and_says_what_could_not_be_asked(person):
    name = await some_node(person)
    node = await person.read(f"/api/cluster/nodes/{name}")
    assert (node["nodeName"], len(node["slots"])) == (name, node["totalDevices"])
    assert node["totalDevices"] > 0
    assert (node["history"]["step"], node["history"]["series"]) == (300, [])
    assert node["sources"]["prometheus"]["state"] == "off"
    assert node["sources"]["events"]["state"] == "ok"


async def test_events_of_a_node_are_its_own(person, kube):
    name, mark = await some_node(person), secrets.token_hex(4)
    for about, kind in ((name, "Node"), ("other", "Node"), (name, "Pod")):
        event = {
            "metadata": {"generateName": "genet-test-", "namespace": "default"},
            "involvedObject": {"kind": kind, "name": about, "namespace": "default" if kind == "Pod" else ""},
            "type": "Warning",
            "reason": f"{kind}{about == name}",
            "message": mark,
            "lastTimestamp": "2026-06-01T12:00:00Z",
            "source": {"component": "test"},
        }
        await kube.create(EVENTS, event, "default")

    async def found():
        events = (await person.read(f"/api/cluster/nodes/{name}"))["events"]
        return [event for event in events if event["message"] == mark]

    [seen] = await until(found, bool)
    assert (seen["type"], seen["reason"], seen["lastSeen"]) == ("Warning", "NodeTrue", "2026-06-01T12:00:00Z")


async def test_a_node_that_is_not_there_is_not_found(person):
    answer = await person.http.get("/api/cluster/nodes/nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
