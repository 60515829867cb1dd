"""What the clean-up deletes, and why. Pure; time is passed in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from genet import lifecycle
from genet.kube.objects import Job, Namespace, ObjectMeta
from genet.settings import Lifecycle

Reason = Literal["unprotected", "expired", "protected", "unreadable", "terminating"]

_FINISHED = frozenset({"Complete", "Failed"})


class Verdict(msgspec.Struct, frozen=True):
    is_due: bool
    reason: Reason
    until: datetime | None = None
    """Effective end of the protection, if there was any."""


def judge(members: Sequence[ObjectMeta], now: datetime, settings: Lifecycle) -> Verdict:
    """Judge an object together with what goes with it: it lives as long as its best protected member.

    Args:
        members: the object that would be deleted first, then a controller's pods.
        now: the time of the judgement.
        settings: bounds of protection.
    """
    if members[0].deletion_timestamp is not None:
        return Verdict(is_due=False, reason="terminating")
    found = [lifecycle.protection(meta.annotations, meta.creation_timestamp or now, settings) for meta in members]
    ends = [(protection.until, protection.is_readable) for protection in found if protection.until is not None]
    if not ends:
        return Verdict(is_due=True, reason="unprotected")
    until, is_readable = max(ends)
    if until <= now:
        return Verdict(is_due=True, reason="expired", until=until)
    return Verdict(is_due=False, reason="protected" if is_readable else "unreadable", until=until)


def is_visited(namespace: Namespace) -> bool:
    """Whether the clean-up enters a namespace at all."""
    return namespace.status.phase != "Terminating" and not lifecycle.is_exempt(namespace.metadata.annotations)


def is_finished(job: Job) -> bool:
    return any(condition.type in _FINISHED and condition.status == "True" for condition in job.status.conditions)
