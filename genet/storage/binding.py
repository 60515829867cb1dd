"""Why a claim has no volume: from the claim, its volume and its events to a code with its numbers and names. Pure.

Traps:
- Events are repeated, end after an hour and are written by whoever provisions: what the objects themselves say comes
  first, and of the events the newest that is known.
- A class that waits for its first pod is no fault: the pod then waits for a node, and says why itself.
"""

import re
from collections.abc import Sequence
from typing import Literal

from genet.kube.objects import Event, PersistentVolume, PersistentVolumeClaim

Code = Literal[
    "claim_missing",
    "claim_terminating",
    "claim_lost",
    "volume_missing",
    "volume_taken",
    "volume_released",
    "volume_failed",
    "volume_mismatch",
    "storage_class_missing",
    "no_storage_class",
    "waiting_for_first_consumer",
    "waiting_for_provisioner",
    "provisioning_failed",
    "binding",
]
Why = tuple[Code, dict[str, str]]

_CLASS_MISSING = re.compile(r'storageclass\S* "([^"]*)" not found', re.IGNORECASE)
_PROVISIONER = re.compile(r"""provisioner ['"]([^'"]*)['"]""")


def why_unbound(
    claim: PersistentVolumeClaim | None,
    volume: PersistentVolume | None,
    storage_class_known: bool | None,
    events: Sequence[Event],
) -> Why | None:
    """What keeps a claim from its volume.

    Args:
        claim: as it is; None: there is none of the name that the pod has.
        volume: the one that the claim names, or (where Genet made it) would be bound to; None: there is none, or it was
            not looked at.
        storage_class_known: whether the claim's class exists; None: nobody looked.
        events: of the claim, in any order.

    Returns:
        A code and what it is about (`claim`, `volume`, `storageClass`, `provisioner`, `message`); None: it is bound.
    """
    if claim is None:
        return "claim_missing", {}
    about = {"claim": claim.metadata.name}
    if claim.metadata.deletion_timestamp is not None:
        return "claim_terminating", about
    if claim.status.phase == "Bound":
        return None
    if claim.status.phase == "Lost":
        return "claim_lost", about | {"volume": claim.spec.volume_name}
    return _of_volume(claim, volume, about) or _of_class(claim, storage_class_known, events, about)


def _of_volume(claim: PersistentVolumeClaim, volume: PersistentVolume | None, about: dict[str, str]) -> Why | None:
    if volume is None:
        return ("volume_missing", about | {"volume": claim.spec.volume_name}) if claim.spec.volume_name else None
    about = about | {"volume": volume.metadata.name}
    holder = volume.spec.claim_ref
    if holder is not None and (holder.namespace, holder.name) != (claim.metadata.namespace, claim.metadata.name):
        return "volume_taken", about
    if volume.status.phase == "Failed":
        return "volume_failed", about | {"message": volume.status.message}
    if holder is not None and holder.uid and holder.uid != claim.metadata.uid:
        return "volume_released", about
    return None


def _of_class(
    claim: PersistentVolumeClaim, storage_class_known: bool | None, events: Sequence[Event], about: dict[str, str]
) -> Why:
    wanted = claim.spec.storage_class_name
    if wanted and storage_class_known is False:
        return "storage_class_missing", about | {"storageClass": wanted}
    for event in sorted(events, key=last_seen, reverse=True):
        why = _of_event(event, wanted or "", about)
        if why is not None:
            return why
    if not wanted and not claim.spec.volume_name:
        return "no_storage_class", about
    return "binding", about


def _of_event(event: Event, wanted: str, about: dict[str, str]) -> Why | None:
    of_class = about | {"storageClass": wanted}
    match event.reason:
        case "ProvisioningFailed" if (missing := _CLASS_MISSING.search(event.message)) is not None:
            why: Why | None = ("storage_class_missing", about | {"storageClass": missing[1]})
        case "ProvisioningFailed":
            why = "provisioning_failed", of_class | {"message": event.message}
        case "FailedBinding" if "no storage class is set" in event.message:
            why = "no_storage_class", about
        case "VolumeMismatch":
            why = "volume_mismatch", about | {"message": event.message}
        case "WaitForFirstConsumer" | "WaitForPodScheduled":
            why = "waiting_for_first_consumer", of_class
        case "ExternalProvisioning" | "Provisioning":
            named = _PROVISIONER.search(event.message)
            why = "waiting_for_provisioner", of_class | {"provisioner": named[1] if named else ""}
        case _:
            why = None
    return why


def last_seen(event: Event) -> float:
    """When it was said last, in Unix seconds."""
    seen = event.last_timestamp or event.event_time
    if event.series is not None:
        seen = event.series.last_observed_time or seen
    return seen.timestamp() if seen is not None else 0.0
