"""What is refused because it would wait for ever, and what is told to who waits."""

import pytest

from genet.pods.model import PodRequest
from genet.pods.room import Place, beyond, waits
from genet.settings import GPUType

A100 = GPUType(name="A100", resource_name="nvidia.com/gpu")


def places(*rows):
    return [Place(node, free, total, frozenset()) for node, free, total in rows]


def asking(count, node=None):
    return PodRequest(image="a", gpu_type="A100", gpu_count=count, node_name=node)


TWO = places(("a", 0, 4), ("b", 2, 8))


@pytest.mark.parametrize(
    ("request_", "where", "field"),
    [
        (asking(8), TWO, None),
        (asking(9), TWO, "gpuCount"),
        (asking(4, "a"), TWO, None),
        (asking(5, "a"), TWO, "nodeName"),
        (asking(1, "c"), TWO, "nodeName"),
        (asking(1), [], None),
        (asking(9), places(("a", 0, None)), None),
        (asking(0), TWO, None),
    ],
)
def test_only_what_no_node_could_ever_give_is_refused(request_, where, field):
    error = beyond(request_, A100, where)
    assert (error.field if error else None) == field


@pytest.mark.parametrize(
    ("request_", "where", "expected"),
    [
        (asking(2), TWO, None),
        (asking(3), TWO, "It waits for 3 of A100 on one node; free now: 2 on b."),
        (asking(1, "a"), TWO, "It waits for 1 of A100 on a; free now: 2 on b."),
        (asking(2, "b"), TWO, None),
        (asking(1), places(("a", 0, 4)), "It waits for 1 of A100 on one node; none are free now."),
        (asking(1), [], "It waits for 1 of A100 on one node; none are free now."),
        (asking(0), TWO, None),
    ],
)
def test_who_has_to_wait_is_told_what_is_free_where(request_, where, expected):
    assert waits(request_, A100, where) == expected


def test_the_nodes_with_most_free_are_named_first_and_not_all_of_them():
    many = places(*((f"n{free}", free, 8) for free in range(1, 6)), ("m5", 5, 8))
    assert waits(asking(6), A100, many) == "It waits for 6 of A100 on one node; free now: 5 on m5, 5 on n5, 4 on n4."
