from datetime import UTC, datetime

import pytest

from genet.gpus.merge.inventory import inventory
from genet.gpus.model import NodeFacts, Reading
from genet.gpus.overview import Audience, Form
from genet.gpus.wire.fleet import Fleet
from genet.settings import GPUType
from tests.gpus.builders import A100, GPU, node, pod

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
A100_TYPE = GPUType(name="a100", resource_name=GPU, node_selector=A100)


def put(fleet, n, pods=(), readings=()):
    facts = NodeFacts(node=n, pods=tuple(pods), readings=tuple(readings))
    return fleet.put(n.metadata.name, inventory(facts, [A100_TYPE]))


def small_fleet(order=1):
    fleet = Fleet(["a100"])
    holder = (("user-ann-a", "a"),)
    for name in ("n1", "n2", "n3")[::order]:
        readings = [Reading(uuid=f"GPU-{name}", index=0, pods=holder, utilization=7)] if name == "n1" else []
        put(fleet, node(name, labels=A100 if name != "n3" else {}), [pod("a")] if name == "n1" else [], readings)
    return fleet


def names(view):
    return [(group.kind.type, [piece.node.node_name for piece in group.pieces]) for group in view.groups]


def test_groups_come_in_the_configured_order_then_by_name():
    fleet = small_fleet()
    put(fleet, node("n0", {"amd.com/gpu": "1"}))
    view = fleet.view(Audience.MEMBER)
    assert names(view) == [("a100", ["n1", "n2"]), ("amd.com/gpu", ["n0"]), (GPU, ["n3"])]
    assert [(group.counts.total_devices, group.counts.used_devices) for group in view.groups] == [
        (8, 1),
        (1, 0),
        (4, 0),
    ]


def test_the_sums_add_up_and_follow_every_change():
    fleet = small_fleet()
    put(fleet, node("n2", labels=A100, allocatable={GPU: "3"}), [pod("b", 2, on="n2")])
    put(fleet, node("n3", capacity={}))
    summary = fleet.summary()
    assert (summary.total_devices, summary.used_devices, summary.free_devices) == (8, 3, 4)
    assert summary.unhealthy_devices == 1
    assert set(summary.by_type) == {"a100"}
    assert summary.by_type["a100"].used_devices == 3


def test_a_view_stays_as_it_was_taken():
    fleet = small_fleet()
    view = fleet.view(Audience.MEMBER)
    put(fleet, node("n1", capacity={}))
    put(fleet, node("n4", labels=A100))
    assert names(view) == [("a100", ["n1", "n2"]), (GPU, ["n3"])]
    assert names(fleet.view(Audience.MEMBER)) == [("a100", ["n2", "n4"]), (GPU, ["n3"])]


@pytest.mark.parametrize(("form", "audience"), [(form, audience) for form in Form for audience in Audience])
def test_a_node_is_encoded_once(form, audience):
    fleet = small_fleet()
    [[_, piece]] = fleet.parts("n1")
    piece.encode(form, audience)
    made = piece.row() if form is Form.COLUMNAR else piece.json(audience)
    put(fleet, node("n2", labels=A100), [pod("b", on="n2")])
    [[_, piece]] = fleet.parts("n1")
    assert (piece.row() if form is Form.COLUMNAR else piece.json(audience)) is made


def test_what_does_not_change_anything_is_no_new_revision():
    fleet = small_fleet()
    before = fleet.revision(Audience.MEMBER)
    assert not put(fleet, node("n2", labels=A100, version="99"))
    assert fleet.revision(Audience.MEMBER) == before
    assert put(fleet, node("n2", labels=A100, ip="10.0.0.9"))
    assert fleet.revision(Audience.MEMBER) > before


@pytest.mark.parametrize(
    ("change", "who"),
    [
        ({"ip": "10.0.0.9"}, {Audience.MEMBER}),
        ({"unschedulable": True}, {Audience.MEMBER, Audience.PUBLIC}),
        ({"allocatable": {GPU: "3"}}, set(Audience)),
        ({"capacity": {GPU: "5"}}, set(Audience)),
        ({"capacity": {}}, set(Audience)),
    ],
)
def test_a_change_is_news_for_those_who_can_see_it(change, who):
    fleet = small_fleet()
    before = {audience: fleet.revision(audience) for audience in Audience}
    assert put(fleet, node("n2", labels=A100, **change)) == who
    assert {audience for audience in Audience if fleet.revision(audience) > before[audience]} == who


def test_a_node_that_lost_its_devices_is_gone_with_its_group():
    fleet = Fleet([])
    put(fleet, node("n1"))
    assert len(fleet) == 1
    fleet.put("n1", {})
    assert (len(fleet), fleet.kinds(), fleet.summary().total_devices) == (0, (), 0)


def test_a_node_of_two_groups_has_its_parts_in_their_order():
    fleet = Fleet(["b", "a"])
    both = node("n1", {GPU: "1", "amd.com/gpu": "2"})
    types = [GPUType(name="a", resource_name=GPU), GPUType(name="b", resource_name="amd.com/gpu")]
    fleet.put("n1", inventory(NodeFacts(node=both), types))
    assert [(kind.type, piece.node.total_devices) for kind, piece in fleet.parts("n1")] == [("b", 2), ("a", 1)]
    assert fleet.parts("n2") == []


def available(fleet):
    return [(a.type, a.free, a.largest, a.node) for a in fleet.availability(NOW).types]


def test_what_is_free_is_counted_where_pods_can_go():
    fleet = small_fleet()
    assert available(fleet) == [("a100", 7, 4, "n2"), (GPU, 4, 4, "n3")]
    put(fleet, node("n2", labels=A100, unschedulable=True))
    put(fleet, node("n3", ready="False"))
    assert available(fleet) == [("a100", 3, 3, "n1"), (GPU, 0, 0, None)]
    put(fleet, node("n0", {GPU: "3"}, labels=A100))
    assert available(fleet)[0] == ("a100", 6, 3, "n0")
    put(fleet, node("n1", capacity={}))
    assert available(fleet)[0] == ("a100", 3, 3, "n0")
