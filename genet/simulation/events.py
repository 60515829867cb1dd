"""Events are served under two groups: stored as core/v1, they are renamed on their way from and to events.k8s.io/v1."""

from typing import Any

from genet.simulation.paths import EVENTS_GROUP

RENAMED = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
"""core/v1 -> events.k8s.io/v1; all other fields have one name"""
_BACK = {new: old for old, new in RENAMED.items()}


def to_group(event: dict[str, Any]) -> dict[str, Any]:
    return {RENAMED.get(key, key): value for key, value in event.items()} | {"apiVersion": f"{EVENTS_GROUP}/v1"}


def from_group(event: dict[str, Any]) -> dict[str, Any]:
    return {_BACK.get(key, key): value for key, value in event.items()} | {"apiVersion": "v1"}
