"""Who may see what of a node and of usage."""

import httpx
import msgspec
import pytest

from genet.flows.show_node import NodeDetail, labels_of_interest
from genet.gpus.overview import Audience
from genet.simulation.cluster import Cluster
from genet.simulation.pod_life import Pace
from genet.web.app import create_app
from tests.replicas import HOST, replica_of, settings

FAR = ("10.1.2.3", 50000)


@pytest.fixture
async def replica(tmp_path):
    async with Cluster("small", pace=Pace(0, 0, 0)) as cluster:
        cluster.write_kubeconfig(tmp_path / "kubeconfig")
        async with replica_of(settings(tmp_path / "kubeconfig", prometheusURL=cluster.prometheus_url)) as one:
            await one.synced()
            await one.services.overview.refresh()
            yield one


async def node_names(replica):
    overview = (await replica.ask("GET", "/api/cluster/gpu-overview")).json()
    return [node["nodeName"] for group in overview["acceleratorGroups"] for node in group["nodes"]]


async def from_afar(replica, path, **changes):
    auth = msgspec.structs.replace(replica.services.settings.auth, **changes)
    replica.services.settings = msgspec.structs.replace(replica.services.settings, auth=auth)
    transport = httpx.ASGITransport(create_app(replica.services.settings, replica.services), client=FAR)
    async with httpx.AsyncClient(transport=transport, base_url=HOST) as http:
        return await http.get(path)


async def test_members_see_all_of_a_node(replica):
    for name in await node_names(replica):
        node = (await replica.ask("GET", f"/api/cluster/nodes/{name}")).json()
        msgspec.convert(node, NodeDetail)
        assert node["nodeIP"]
        assert [card["uuid"] for card in node["history"]["series"]] == [slot["uuid"] for slot in node["slots"]]
        if any(slot["utilization"] for slot in node["slots"]):
            assert any(value for card in node["history"]["series"] for value in card["utilization"])
            return
    pytest.fail("no node of the scenario works")


async def test_without_login_a_node_has_its_shape_and_no_names(replica):
    for name in await node_names(replica):
        whole = (await replica.ask("GET", f"/api/cluster/nodes/{name}")).json()
        answer = await from_afar(replica, f"/api/cluster/nodes/{name}")
        node = answer.json()
        assert (node["nodeIP"], node["events"], node["sources"]["events"]["state"]) == (None, [], "off")
        assert {card["uuid"] for card in node["history"]["series"]} == {None}
        assert len(node["history"]["series"]) == len(node["slots"]) == len(whole["slots"])
        names = {slot["uuid"] for slot in whole["slots"]} | {
            pod["name"] for slot in whole["slots"] for pod in slot["pods"]
        }
        assert not [secret for secret in names if secret and secret in answer.text]


@pytest.mark.parametrize("shown", ["summary", "off"])
async def test_where_nodes_are_not_shown_to_everybody_one_has_to_log_in(replica, shown):
    [name, *_] = await node_names(replica)
    answer = await from_afar(replica, f"/api/cluster/nodes/{name}", anonymous_overview=shown)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_usage_is_for_users_alone(replica):
    answer = await from_afar(replica, "/api/cluster/usage")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_usage_of_a_cluster_whose_genet_was_never_scraped_is_what_exporters_saw(replica):
    usage = (await replica.ask("GET", "/api/cluster/usage", params={"by": "namespace"})).json()
    assert usage["sources"]["prometheus"]["state"] == "ok"
    assert any(row["gpuHours"] for row in usage["rows"])
    overview = (await replica.ask("GET", "/api/cluster/gpu-overview")).json()
    assert sum(row["gpusNow"] for row in usage["rows"]) >= overview["summary"]["usedDevices"] > 0


async def test_labels_tell_of_devices_and_place_alone(replica):
    [name, *_] = await node_names(replica)
    seen = await replica.services.show_node(name, Audience.MEMBER)
    assert "nvidia.com/gpu.product" in seen.labels
    assert "kubernetes.io/hostname" not in seen.labels


@pytest.mark.parametrize("path", ["nodes/{}", "usage", "availability", "nodes/none"])
async def test_no_cache_keeps_what_one_of_them_may_see_for_another(replica, path):
    name = (await node_names(replica))[0]
    for answer in (
        await replica.ask("GET", f"/api/cluster/{path.format(name)}"),
        await from_afar(replica, f"/api/cluster/{path.format(name)}"),
    ):
        assert answer.headers.get_list("cache-control") == ["no-store"]


async def test_the_overview_says_itself_how_it_may_be_kept(replica):
    answer = await from_afar(replica, "/api/cluster/gpu-overview")
    assert answer.headers.get_list("cache-control") == ["private, no-cache"]


@pytest.mark.parametrize(
    ("label", "is_told"),
    [
        ("node.kubernetes.io/npu.chip.name", True),
        ("beta.amd.com/gpu.vram.16G", True),
        ("topology.kubernetes.io/zone", True),
        ("node.kubernetes.io/exclude-from-external-load-balancers", False),
        ("nvidia.com/gfd.timestamp", False),
        ("kubernetes.io/hostname", False),
    ],
)
def test_a_label_is_told_where_it_is_of_devices_or_place(label, is_told):
    assert (label in labels_of_interest({label: "1"})) is is_told
