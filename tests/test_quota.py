"""The sums, and what a refusal says. That they hold against many at once is tested with the flow that creates pods."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genet.accelerators import counts_devices
from genet.quota import Reservation, Use, _sums, use
from tests.pods.builders import pod

IS_DEVICE = counts_devices([])
THEN = datetime(2026, 3, 1, tzinfo=UTC)


def asking(name, gpus=0, phase="Running"):
    resources = {"limits": {"nvidia.com/gpu": str(gpus)}} if gpus else {}
    return pod(metadata={"name": name}, spec={"containers": [{"name": "c", "resources": resources}]}, phase=phase)


def reserved(name, gpus=0):
    return Reservation(name, gpus, THEN, "mark")


@pytest.mark.parametrize(
    ("pods", "reservations", "expected"),
    [
        ([], [], Use(0, 0)),
        ([asking("a"), asking("b", 2)], [], Use(2, 2)),
        ([asking("a", 1, "Succeeded"), asking("b", 1, "Failed"), asking("c", 1, "Pending")], [], Use(1, 1)),
        ([asking("a", 2)], [reserved("a", 2)], Use(1, 2)),
        ([asking("a", 2)], [reserved("b", 3)], Use(2, 5)),
        ([asking("a", 2, "Failed")], [reserved("a", 2)], Use(1, 2)),
        ([], [reserved("a", 1), reserved("a", 3), reserved("a", 2)], Use(1, 3)),
    ],
)
def test_use(pods, reservations, expected):
    assert use(pods, IS_DEVICE, reservations) == expected


NAMES = st.sampled_from("abcdef")


@given(st.dictionaries(NAMES, st.integers(0, 3)), st.lists(st.tuples(NAMES, st.integers(0, 3))))
def test_a_reservation_never_counts_beside_its_pod(pods, reservations):
    seen = use([asking(*item) for item in pods.items()], IS_DEVICE, [reserved(*item) for item in reservations])
    assert seen.pods == len({*pods, *(name for name, _ in reservations)})
    assert seen.gpus >= use([asking(*item) for item in pods.items()], IS_DEVICE).gpus


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (
            'pods "a" is forbidden: exceeded quota: genet, requested: pods=1, used: pods=5, limited: pods=5',
            {"resource": "pods", "used": 5, "asked": 1, "limit": 5},
        ),
        (
            'pods "a" is forbidden: exceeded quota: genet, requested: pods=1,requests.nvidia.com/gpu=2, '
            "used: pods=1,requests.nvidia.com/gpu=8, limited: pods=1,requests.nvidia.com/gpu=8",
            {"resource": "pods", "used": 1, "asked": 1, "limit": 1},
        ),
        (
            'pods "a" is forbidden: exceeded quota: genet, requested: requests.nvidia.com/gpu=2, '
            "used: requests.nvidia.com/gpu=8, limited: requests.nvidia.com/gpu=8",
            {"resource": "gpus", "used": 8, "asked": 2, "limit": 8},
        ),
        ("exceeded quota: x, requested: requests.storage=10Gi, used: requests.storage=1Gi, limited: 10Gi", None),
        ("exceeded quota", None),
    ],
)
def test_the_second_walls_numbers_are_read_from_its_words(refusal, expected):
    assert _sums(refusal, IS_DEVICE) == expected
