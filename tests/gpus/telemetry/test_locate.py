import pytest
from msgspec.structs import replace

from genet.gpus.telemetry.devices import Host
from genet.gpus.telemetry.locate import places
from genet.kube import objects
from tests.gpus.builders import node, pod


async def place(*clues, nodes=(), pods=()):
    host = Host("dcgm", clues)
    return (await places([host], nodes, pods)).get(host)


@pytest.fixture
def nodes():
    n1 = node("n1")
    sixth = objects.NodeAddress(type="InternalIP", address="fd00::1")
    return [node("n2", ip="10.0.0.2"), replace(n1, status=replace(n1.status, addresses=(*n1.status.addresses, sixth)))]


@pytest.mark.parametrize(
    "clues",
    [
        ("n1",),
        ("localhost", "n1"),
        ("localhost", "10.0.0.1"),
        ("localhost", "fd00::1"),
        ("dcgm-exporter-x", "10.9.9.9"),
        ("localhost", "10.1.0.15"),
    ],
)
async def test_a_node_is_found_by_whatever_names_it(nodes, clues):
    pods = [pod("dcgm-exporter-x", 0), pod("other", 0, on="n2")]
    assert await place(*clues, nodes=nodes, pods=pods) == "n1"


async def test_the_first_clue_that_is_one_decides(nodes):
    assert await place("localhost", "n1", "10.0.0.2", nodes=nodes) == "n1"


@pytest.mark.parametrize("clues", [(), ("localhost",), ("gone",)])
async def test_nothing_that_names_a_node_finds_none(nodes, clues):
    assert await place(*clues, nodes=nodes, pods=[pod("unbound", on="")]) is None


async def test_the_address_of_a_pod_that_has_finished_is_no_clue(nodes):
    assert await place("10.1.0.3", nodes=nodes, pods=[pod("old", on="n2", phase="Succeeded")]) is None


async def test_a_pod_that_borrows_the_exporter_s_name_does_not_move_its_cards(nodes):
    exporter = pod("dcgm-exporter-x", 0, namespace="gpu-operator")
    borrower = pod("dcgm-exporter-x", 0, on="n2")
    borrower = replace(borrower, status=replace(borrower.status, pod_ip="10.1.0.99"))
    for pods in ([exporter, borrower], [borrower, exporter]):
        assert await place("dcgm-exporter-x", "10.1.0.15", nodes=nodes, pods=pods) == "n1"
        assert await place("dcgm-exporter-x", nodes=nodes, pods=pods) is None
