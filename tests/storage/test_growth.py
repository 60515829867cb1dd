"""A claim that asks for more than it has: what is said of it, in the words of real controllers."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from genet.kube.objects import Event, PersistentVolumeClaim
from genet.storage.growth import hindrance, is_growing

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
EXTERNAL = (
    "ExternalExpanding",
    "Ignoring the PVC: didn't find a plugin capable of expanding the volume; waiting for an external controller to "
    "process this PVC.",
)
FAILED = ("VolumeResizeFailed", "rpc error: code = ResourceExhausted desc = pool full")
PENDING = {
    "type": "FileSystemResizePending",
    "status": "True",
    "message": "Waiting for user to (re-)start a pod to finish file system resize of volume on node.",
}


def claim(wanted="2Mi", has="1Mi", phase="Bound", conditions=()):
    document = {
        "metadata": {"name": "c"},
        "spec": {"storageClassName": "slow", "resources": {"requests": {"storage": wanted}}},
        "status": {"phase": phase, "capacity": {"storage": has} if has else {}, "conditions": list(conditions)},
    }
    return msgspec.convert(document, PersistentVolumeClaim)


def event(reason, message="", *, minutes_ago=0):
    at = NOW - timedelta(minutes=minutes_ago)
    document = {"metadata": {"name": "e"}, "reason": reason, "message": message, "lastTimestamp": at.isoformat()}
    return msgspec.convert(document, Event)


@pytest.mark.parametrize(
    ("of_claim", "expected"),
    [
        (claim(), True),
        (claim(wanted="1Mi"), False),
        (claim(wanted="1048576"), False),
        (claim(wanted="1Mi", has="1Gi"), False),
        (claim(has=""), False),
        (claim(phase="Pending"), False),
    ],
)
def test_it_grows_while_it_is_bound_and_asks_for_more_than_it_has(of_claim, expected):
    assert is_growing(of_claim) is expected


def test_what_keeps_it_from_growing_is_said():
    waits = hindrance(claim(), [event(*EXTERNAL)])
    assert waits is not None
    assert "waits for whoever provisions the storage class slow to make it 2Mi" in waits
    failed = hindrance(claim(), [event(*EXTERNAL, minutes_ago=3), event(*FAILED)])
    assert failed == f"It could not be made 2Mi yet, which is tried again: {FAILED[1]}"
    assert hindrance(claim(conditions=[PENDING]), [event(*FAILED)]) == "It has 2Mi as soon as a pod mounts it."


def test_what_is_under_way_needs_no_words():
    assert hindrance(claim(), []) is None
    assert hindrance(claim(), [event("Resizing", "External resizer is resizing volume pvc-1")]) is None
    over = {**PENDING, "status": "False"}
    assert hindrance(claim(conditions=[over]), []) is None
