from datetime import UTC, datetime

import msgspec
import pytest

from genet.gpus.fleet import Fleet
from genet.gpus.inventory import inventory
from genet.gpus.model import NodeFacts, Reading
from genet.gpus.overview import Audience, GPUOverview, Sources, SourceState
from genet.settings import GPUType
from tests.gpus.builders import A100, GPU, node, pod

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
LATER = datetime(2026, 6, 1, 13, 0, tzinfo=UTC)
A100_TYPE = GPUType(name="a100", resource_name=GPU, node_selector=A100)
SLOT_KEYS = {
    *("index", "uuid", "status", "attribution", "reason", "utilization", "memoryUsed", "memoryTotal", "power"),
    *("temperature", "pod", "pods", "slices", "replicas", "idleSince"),
}
NODE_KEYS = {
    *("nodeName", "nodeIP", "deviceType", "totalDevices", "usedDevices", "slots", "timeSharingEnabled"),
    *("ready", "schedulable"),
}


def sources(state="ok", at=NOW):
    ok = SourceState(state="ok", message=None, checked_at=at)
    return Sources(
        kubernetes=ok,
        prometheus=SourceState(state=state, message=None, checked_at=at),
        dra=SourceState("off", None, None),
    )


def put(fleet, n, pods=(), readings=()):
    fleet.put(n.metadata.name, inventory(NodeFacts(node=n, pods=tuple(pods), readings=tuple(readings)), [A100_TYPE]))


def small_fleet(order=1):
    fleet = Fleet(["a100"])
    holder = (("user-ann-a", "a"),)
    for name in ("n1", "n2", "n3")[::order]:
        readings = [Reading(uuid=f"GPU-{name}", index=0, pods=holder, utilization=7)] if name == "n1" else []
        put(fleet, node(name, labels=A100 if name != "n3" else {}), [pod("a")] if name == "n1" else [], readings)
    return fleet


def render(fleet, audience=Audience.MEMBER, given=None, at=NOW):
    return fleet.render(audience, given or sources(), at, prometheus_enabled=True)


def decoded(representation):
    return msgspec.json.decode(representation.body, type=GPUOverview)


def test_groups_come_in_the_configured_order_then_by_name():
    fleet = small_fleet()
    put(fleet, node("n0", {"amd.com/gpu": "1"}))
    groups = decoded(render(fleet)).accelerator_groups
    assert [(group.type, [n.node_name for n in group.nodes]) for group in groups] == [
        ("a100", ["n1", "n2"]),
        ("amd.com/gpu", ["n0"]),
        (GPU, ["n3"]),
    ]
    assert [(group.total_devices, group.used_devices) for group in groups] == [(8, 1), (1, 0), (4, 0)]


def test_the_sums_add_up_and_follow_every_change():
    fleet = small_fleet()
    put(fleet, node("n2", labels=A100, allocatable={GPU: "3"}), [pod("b", 2, on="n2")])
    put(fleet, node("n3", capacity={}))
    summary = decoded(render(fleet)).summary
    assert (summary.total_devices, summary.used_devices, summary.free_devices, summary.unhealthy_devices) == (
        8,
        3,
        4,
        1,
    )
    assert set(summary.by_type) == {"a100"}
    assert summary.by_type["a100"].used_devices == 3


def test_every_key_of_the_contract_is_there():
    document = msgspec.json.decode(render(small_fleet()).body)
    assert set(document) == {"acceleratorGroups", "summary", "updatedAt", "prometheusEnabled", "sources"}
    assert set(document["sources"]["dra"]) == {"state", "message", "checkedAt"}
    group = document["acceleratorGroups"][0]
    assert set(group) == {"type", "label", "resourceName", "nodes", "totalDevices", "usedDevices"}
    assert set(group["nodes"][0]) == NODE_KEYS
    slot = group["nodes"][0]["slots"][0]
    assert set(slot) == SLOT_KEYS
    assert slot["pods"] == [slot["pod"]]
    assert slot["pod"] == {
        "name": "a",
        "namespace": "user-ann-a",
        "user": "ann-a",
        "startedAt": "2026-06-01T12:00:00Z",
    }
    six = {f"{what}Devices" for what in ("total", "used", "free", "unknown", "unhealthy", "external")}
    assert set(document["summary"]) == six | {"byType"}
    assert set(document["summary"]["byType"]["a100"]) == six
    assert document["updatedAt"] == "2026-06-01T12:00:00Z"


def test_without_login_people_see_the_shape_and_nobody_s_name():
    representation = render(small_fleet(), Audience.PUBLIC)
    for secret in (b"ann", b"10.0.0.1", b"GPU-n1"):
        assert secret not in representation.body
    overview = decoded(representation)
    assert overview.summary == decoded(render(small_fleet())).summary
    slot = overview.accelerator_groups[0].nodes[0].slots[0]
    assert (slot.status, slot.utilization, slot.pods) == ("used", 7, ())


def test_the_summary_s_audience_sees_sums_alone():
    overview = decoded(render(small_fleet(), Audience.SUMMARY))
    assert [group.nodes for group in overview.accelerator_groups] == [(), ()]
    assert overview.summary.used_devices == 1


def test_two_replicas_with_the_same_content_have_the_same_etag():
    one = render(small_fleet(), at=NOW)
    other = render(small_fleet(order=-1), given=sources(at=LATER), at=LATER)
    assert one.etag == other.etag
    assert (one.updated_at, other.updated_at) == (NOW, LATER)


def test_each_audience_has_its_own_etag():
    empty = Fleet([])
    assert len({render(empty, audience).etag for audience in Audience}) == len(Audience)


@pytest.mark.parametrize("audience", Audience)
def test_what_an_audience_can_see_changes_its_etag(audience):
    fleet = small_fleet()
    before = render(fleet, audience).etag
    put(fleet, node("n2", labels=A100), [pod("b", on="n2")])
    assert render(fleet, audience).etag != before
    assert render(fleet, audience).etag != render(fleet, audience, sources("stale")).etag


def test_what_an_audience_cannot_see_leaves_its_etag():
    fleet = small_fleet()
    before = {audience: render(fleet, audience).etag for audience in Audience}
    put(fleet, node("n2", labels=A100, ip="10.0.0.9"))
    assert render(fleet, Audience.PUBLIC).etag == before[Audience.PUBLIC]
    assert render(fleet, Audience.MEMBER).etag != before[Audience.MEMBER]


def test_what_does_not_change_anything_is_no_new_revision():
    fleet = small_fleet()
    before = fleet.revision
    put(fleet, node("n2", labels=A100, version="99"))
    assert fleet.revision == before


def test_a_node_that_lost_its_devices_is_gone_with_its_group():
    fleet = Fleet([])
    put(fleet, node("n1"))
    fleet.put("n1", {})
    overview = decoded(render(fleet))
    assert overview.accelerator_groups == ()
    assert overview.summary.total_devices == 0


def test_requests_of_one_revision_share_the_encoded_bytes():
    fleet = small_fleet()
    assert render(fleet) is render(fleet)
