"""What the clean-up deletes, and why. Pure; time is passed in."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from genet import lifecycle
from genet.kube.objects import Job, Namespace
from genet.kube.projection import ObjectMeta
from genet.settings import Lifecycle

Reason = Literal["unprotected", "expired", "protected", "unreadable", "terminating", "lingering", "saving"]

LONGEST_END: Final = timedelta(hours=1)
"""How long something that is being deleted may take about it: a pod runs on through its grace period, and whoever
deletes it says how long that is."""
SHORT_END_SECONDS: Final = 60

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
    ends_at = members[0].deletion_timestamp
    if ends_at is not None:
        is_lingering = ends_at > now + LONGEST_END
        return Verdict(is_due=is_lingering, reason="lingering" if is_lingering else "terminating")
    found = [lifecycle.protection(meta.annotations, meta.creation_timestamp or now, settings) for meta in members]
    ends = [(protection.until, protection.is_readable) for protection in found if protection.until is not None]
    if not ends:
        return Verdict(is_due=True, reason="unprotected")
    until, is_readable = max(ends)
    if until <= now:
        return Verdict(is_due=True, reason="expired", until=until)
    return Verdict(is_due=False, reason="protected" if is_readable else "unreadable", until=until)


def spared(verdict: Verdict, uids: Iterable[str], being_saved: Collection[str]) -> Verdict:
    """Another night for what is due while one of its pods is being saved; what lingers had its time."""
    if verdict.is_due and verdict.reason != "lingering" and any(uid in being_saved for uid in uids):
        return Verdict(is_due=False, reason="saving", until=verdict.until)
    return verdict


def is_visited(namespace: Namespace) -> bool:
    """Whether the clean-up enters a namespace at all."""
    return namespace.status.phase != "Terminating" and not lifecycle.is_exempt(namespace.metadata.annotations)


def is_finished(job: Job) -> bool:
    return any(condition.type in _FINISHED and condition.status == "True" for condition in job.status.conditions)
