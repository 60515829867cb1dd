import pytest

from genet.gpus.model import Holding, NodeFacts
from genet.gpus.sources import kai
from tests.gpus.builders import GPU, node, only, pod

GROUP = "runai-gpu-group"
CARD = "run.ai/reserve_for_gpu_index"


def reservation(card="GPU-1", *, group="g", namespace="kai-resource-reservation", phase="Running"):
    made = pod(f"gpu-reservation-{group}", 1, namespace=namespace, labels={GROUP: group}, phase=phase)
    made.metadata.annotations.update({CARD: card} if card is not None else {})
    return made


def member(name, *groups, phase="Running", **labels):
    labels |= {GROUP: groups[0]} if len(groups) == 1 else {f"{GROUP}/{group}": group for group in groups}
    made = pod(name, 0, labels=labels, phase=phase)
    made.metadata.annotations["gpu-fraction"] = "0.5"
    return made


def holdings(*pods):
    return list(kai.holdings(NodeFacts(node=node(), pods=pods)))


def held(*pods):
    return [(holding.device, holding.pod[1]) for holding in holdings(*pods)]


@pytest.mark.parametrize("namespace", ["kai-resource-reservation", "runai-reservation"])
def test_the_members_hold_the_card_instead_of_the_reservation(namespace):
    reserved = (namespace, "gpu-reservation-g")
    assert holdings(reservation(namespace=namespace), member("a", "g"), member("b", "g")) == [
        Holding(device="GPU-1", pod=("user-ann-a", "a"), resource=GPU, instead_of=reserved),
        Holding(device="GPU-1", pod=("user-ann-a", "b"), resource=GPU, instead_of=reserved),
    ]


def test_the_annotation_may_hold_an_index():
    assert held(reservation("3"), member("a", "g")) == [("nvidia#3", "a")]


def test_reserved_cards_are_known_without_exporters():
    pods = [reservation("GPU-1"), reservation("3", group="h"), member("a", "g"), member("b", "g", "h")]
    found = only(node(), pods)
    assert [(slot.uuid, [pod.name for pod in slot.pods]) for slot in found.slots] == [
        ("GPU-1", ["a", "b"]),
        (None, []),
        (None, []),
        (None, ["b"]),
    ]


def test_a_reservation_without_members_holds_its_card_itself():
    assert holdings(reservation()) == [
        Holding(device="GPU-1", pod=("kai-resource-reservation", "gpu-reservation-g"), resource=GPU)
    ]


@pytest.mark.parametrize("card", [None, "", "-1"])
def test_a_reservation_that_knows_no_card_yet_says_nothing(card):
    assert holdings(reservation(card), member("a", "g")) == []


def test_a_pod_may_work_on_several_cards():
    first, second = reservation("GPU-0", group="g"), reservation("GPU-1", group="h")
    assert held(first, second, member("a", "g", "h"), member("b", "h")) == [
        ("GPU-0", "a"),
        ("GPU-1", "a"),
        ("GPU-1", "b"),
    ]


def test_finished_pods_hold_nothing():
    assert held(reservation(), member("a", "g", phase="Succeeded"), member("b", "g")) == [("GPU-1", "b")]
    assert holdings(reservation(phase="Failed"), member("a", "g")) == []


def test_a_label_alone_is_no_reservation():
    forged = pod("forged", 1, labels={GROUP: "g"})
    forged.metadata.annotations[CARD] = "GPU-2"
    assert holdings(forged) == []
    assert held(reservation(), forged) == [("GPU-1", "forged")]


def test_labels_of_another_meaning_name_no_group():
    assert held(reservation(), member("a", "other", **{f"{GROUP}/g": "other"})) == [("GPU-1", "gpu-reservation-g")]
