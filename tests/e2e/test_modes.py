"""How GPUs may be used, mode by mode: nodes of the real API server, exporters' own formats, a real Prometheus.

The nodes are made here, without a kubelet, and their pods are bound by hand: what a mode looks like is a matter of
objects and samples alone. Each test holds for a Prometheus that honours the exporters' labels and for one that does
not.
"""

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import httpx
import pytest

from tests.e2e.conftest import SETTINGS, Kubectl, installed
from tests.e2e.exporter import exporting
from tests.e2e.modes import AMD, INSTANCES, MIG, nodes, pages, pods
from tests.e2e.prometheus import Job, scraping
from tests.processes import configuration, serving, until

pytestmark = pytest.mark.e2e


class Seen(NamedTuple):
    client: httpx.Client
    prefix: str
    """Of the names of the nodes."""

    def groups(self, mode: str) -> list[dict[str, Any]]:
        overview = self.client.get("/api/cluster/gpu-overview").raise_for_status().json()
        name = f"{self.prefix}-{mode}"
        return [group for group in overview["acceleratorGroups"] if name in {n["nodeName"] for n in group["nodes"]}]

    def slots(self, mode: str) -> list[dict[str, Any]]:
        nodes = [node for group in self.groups(mode) for node in group["nodes"]]
        return [slot for node in nodes if node["nodeName"] == f"{self.prefix}-{mode}" for slot in node["slots"]]


def names(pods: list[dict[str, Any]]) -> list[str]:
    return [pod["name"] for pod in pods]


@pytest.fixture(scope="module")
def crowd(kubectl: Kubectl) -> Iterator[tuple[str, str]]:
    """The prefix of the nodes' names, and the namespace of their pods."""
    prefix = f"genet-e2e-{secrets.token_hex(3)}"
    kubectl("create", "namespace", prefix)
    until(lambda: kubectl.read("serviceaccounts", "-n", prefix)["items"], what="pods can be made in the namespace")
    made = nodes(prefix)
    try:
        kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": made}))
        kubectl.create_in(prefix, {"apiVersion": "v1", "kind": "List", "items": pods(prefix)})
        yield prefix, prefix
    finally:
        kubectl("delete", "pods", "-n", prefix, "--all", "--force", "--grace-period=0", "--wait=false")
        kubectl("delete", "namespace", prefix, "--wait=false")
        kubectl("delete", "node", *(one["metadata"]["name"] for one in made), "--wait=false")


@pytest.fixture(scope="module", params=[True, False], ids=["honor_labels", "exported_pod"])
def seen(
    request: pytest.FixtureRequest,
    kubectl: Kubectl,
    crowd: tuple[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Seen]:
    prefix, namespace = crowd
    binary, directory = installed("prometheus"), tmp_path_factory.mktemp("modes")
    with ExitStack() as stack:
        jobs = []
        for name, page in pages(prefix, namespace).items():
            stack.enter_context(exporting(page))
            jobs.append(Job(name, page.address, {"instance": INSTANCES[name]} if name in INSTANCES else {}))
        url = stack.enter_context(scraping(binary, jobs, directory / "prometheus", honor_labels=request.param))
        config = configuration(directory, kubectl.kubeconfig, prometheusURL=url, **SETTINGS)
        client = stack.enter_context(serving(config)).client("modes")

        def source() -> dict[str, Any]:
            overview = client.get("/api/cluster/gpu-overview").raise_for_status().json()
            told: dict[str, Any] = overview["sources"]["prometheus"]
            return told

        until(lambda: source()["state"] == "ok", what="Prometheus was asked")
        yield Seen(client, prefix)


def test_slices_of_a_mig_card_have_their_own_holders(seen):
    [slot] = seen.slots("mig")
    assert [(part["id"], part["profile"], part["status"], names(part["pods"])) for part in slot["slices"]] == [
        ("7", "1g.5gb", "free", []),
        ("9", "1g.5gb", "used", ["m1"]),
        ("11", "1g.5gb", "used", ["m2"]),
    ]
    assert (slot["uuid"], slot["status"], slot["attribution"]) == ("GPU-mig", "used", "exporter")
    assert (slot["utilization"], slot["memoryUsed"], slot["power"]) == (25, 3084, 88.2)
    assert [group["resourceName"] for group in seen.groups("mig")] == [MIG]


def test_time_slicing_makes_slots_of_cards_and_not_of_turns(seen):
    slots = seen.slots("turns")
    assert [(slot["uuid"], slot["replicas"], slot["utilization"]) for slot in slots] == [
        ("GPU-00000000", 4, 90),
        ("GPU-00000001", 4, 0),
    ]
    assert (slots[0]["status"], slots[0]["attribution"], names(slots[0]["pods"])) == ("used", "exporter", ["ann"])
    [group] = seen.groups("turns")
    [shared] = [node for node in group["nodes"] if node["nodeName"] == f"{seen.prefix}-turns"]
    assert shared["timeSharingEnabled"] is True
    assert (shared["totalDevices"], shared["usedDevices"]) == (2, sum(slot["status"] == "used" for slot in slots))


def test_the_exporter_of_old_is_understood(seen):
    slots = seen.slots("old")
    assert [(slot["uuid"], slot["status"], slot["utilization"], names(slot["pods"])) for slot in slots] == [
        ("GPU-00000000", "free", 0, []),
        ("GPU-00000001", "used", 61, ["old"]),
    ]


def test_amd_cards_are_known_by_their_serial_numbers(seen):
    slots = seen.slots("amd")
    assert [(slot["uuid"], slot["status"], slot["utilization"], names(slot["pods"])) for slot in slots] == [
        ("S0", "free", 0, []),
        ("S1", "used", 77, ["bob"]),
    ]
    assert (slots[1]["memoryUsed"], slots[1]["memoryTotal"], slots[1]["power"]) == (98304, 196592, 142)
    [group] = seen.groups("amd")
    assert (group["resourceName"], group["type"]) == (AMD, "amd.com/gpu/AMD_Instinct_MI300X_OAM")


def test_ascend_chips_are_placed_by_the_target_and_told_by_pod_name(seen):
    slots = seen.slots("npu")
    assert [(slot["uuid"], slot["status"], slot["utilization"], names(slot["pods"])) for slot in slots] == [
        ("V0", "used", 12, ["npu"]),
        ("V1", "unhealthy", 0, []),
    ]
    assert slots[1]["reason"] == "npu-exporter reports the chip as unhealthy"
    assert (slots[0]["memoryUsed"], slots[0]["memoryTotal"]) == (4096, 65536)


def test_hami_shares_a_card_by_its_annotations_and_measures_it_by_its_monitor(seen):
    slots = seen.slots("hami")
    assert [(slot["uuid"], slot["status"], slot["utilization"], sorted(names(slot["pods"]))) for slot in slots] == [
        ("GPU-hami-0", "used", 55, ["h1", "h2"]),
        ("GPU-hami-1", "free", 0, []),
    ]
    assert (slots[0]["attribution"], slots[0]["memoryUsed"], slots[0]["memoryTotal"]) == ("annotation", 9000, 40960)


def test_the_columns_say_what_the_objects_say(seen):
    overview = seen.client.get("/api/cluster/gpu-overview").json()
    columns = seen.client.get("/api/cluster/gpu-overview", params={"format": "columnar"}).json()
    states, blank = ("free", "used", "unknown", "unhealthy", "external"), 255
    state, util, mem, owner = (base64.b64decode(columns[name]) for name in ("state", "util", "mem", "owner"))
    at = 0
    for name, group, devices in zip(*(columns["nodes"][part] for part in ("name", "group", "devices")), strict=True):
        kind = columns["groups"][group]["type"]
        [found] = [
            node
            for group in overview["acceleratorGroups"]
            if group["type"] == kind
            for node in group["nodes"]
            if node["nodeName"] == name
        ]
        for slot, place in zip(found["slots"], range(at, at + devices), strict=True):
            assert states[state[place]] == slot["status"]
            assert util[place] == (blank if slot["utilization"] is None else slot["utilization"])
            share = slot["memoryUsed"] is not None and slot["memoryTotal"]
            assert mem[place] == (round(100 * slot["memoryUsed"] / slot["memoryTotal"]) if share else blank)
            users = {user for pod in slot["pods"] if (user := pod["user"])}
            number = int.from_bytes(owner[2 * place : 2 * place + 2], "little")
            several, none = 65535, 0
            assert number == none if not users else number == several or columns["users"][number - 1] in users
        at += devices
    assert at == columns["summary"]["totalDevices"] == overview["summary"]["totalDevices"]
    assert columns["summary"] == overview["summary"]


def test_what_is_held_and_what_is_free_is_told_by_namespace_and_type(seen):
    rows = seen.client.get("/api/cluster/usage", params={"by": "namespace"}).raise_for_status().json()["rows"]
    assert [row["gpusNow"] for row in rows if row["key"] == seen.prefix] == [9]
    free = seen.client.get("/api/cluster/availability").raise_for_status().json()["types"]
    by_type = {one["type"]: (one["free"], one["largest"], one["node"]) for one in free}
    assert by_type["amd.com/gpu/AMD_Instinct_MI300X_OAM"] == (1, 1, f"{seen.prefix}-amd")
    assert by_type[seen.groups("mig")[0]["type"]] == (1, 1, f"{seen.prefix}-mig")


def test_a_node_tells_its_cards_and_what_is_known_of_their_last_day(seen):
    node = seen.client.get(f"/api/cluster/nodes/{seen.prefix}-amd").raise_for_status().json()
    assert [slot["uuid"] for slot in node["slots"]] == ["S0", "S1"]
    assert [series["uuid"] for series in node["history"]["series"]] == ["S0", "S1"]
    assert all(len(series["utilization"]) == 24 * 60 // 5 for series in node["history"]["series"])
    assert node["sources"]["prometheus"]["state"] == "ok"
    assert node["labels"] == {"amd.com/gpu.product-name": "AMD_Instinct_MI300X_OAM"}
