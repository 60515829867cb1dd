"""A claim that asks for more than it has: what keeps it from that, in one sentence. Pure.

The API server only notes that more is asked for; whoever provisions the class makes it so, and says in events what is
in the way. Some file systems grow only while a pod mounts them.
"""

from collections.abc import Iterable

from genet.kube.objects import Event, PersistentVolumeClaim
from genet.kube.quantity import parse
from genet.storage.binding import last_seen

_NEEDS_A_POD = "FileSystemResizePending"
_FAILED = ("VolumeResizeFailed", "FileSystemResizeFailed")
_LEFT_TO_OTHERS = "ExternalExpanding"


def is_growing(claim: PersistentVolumeClaim) -> bool:
    has = claim.status.capacity.get("storage")
    wanted = claim.spec.resources.requests.get("storage")
    return claim.status.phase == "Bound" and has is not None and wanted is not None and parse(wanted) > parse(has)


def hindrance(claim: PersistentVolumeClaim, events: Iterable[Event]) -> str | None:
    """`events` are the claim's, in any order; None: nothing that anybody told of."""
    size = claim.spec.resources.requests.get("storage", "?")
    if any(item.type == _NEEDS_A_POD and item.status == "True" for item in claim.status.conditions):
        return f"It has {size} as soon as a pod mounts it."
    for event in sorted(events, key=last_seen, reverse=True):
        if event.reason in _FAILED:
            return f"It could not be made {size} yet, which is tried again: {event.message}"
        if event.reason == _LEFT_TO_OTHERS:
            return (
                f"It waits for whoever provisions the storage class {claim.spec.storage_class_name} to make it {size}; "
                "if that takes long, ask an administrator."
            )
    return None
