"""How long a pod lives: protection as it stands in annotations, and the next nightly clean-up. Pure; time is passed in.

Below `pods`, which shows these times, and `cleanup`, which acts on them: a promise shown and kept by one rule.

What users of kubectl write into `protected-until` holds no longer than what Genet itself would have allowed, counted
from its last change by Genet (`protected-at`), else from the pod's creation. What cannot be read protects, but no
longer than that either.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

from genet import naming
from genet.settings import Lifecycle

_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Protection(msgspec.Struct, frozen=True):
    """What the annotations of an object mean."""

    until: datetime | None
    """Effective end, bounded by maxProtectHours; None: not protected."""
    is_readable: bool = True
    """False: `protected-until` holds something that is no time."""


def protection(annotations: Mapping[str, str], created_at: datetime, settings: Lifecycle) -> Protection:
    text = annotations.get(naming.PROTECTED_UNTIL)
    if text is None:
        return Protection(None)
    longest = timedelta(hours=settings.max_protect_hours)
    until = read_time(text)
    if until is None:
        return Protection(created_at + longest, is_readable=False)
    changed_at = read_time(annotations.get(naming.PROTECTED_AT, "")) or created_at
    return Protection(min(until, changed_at + longest))


def marks(until: datetime | None, now: datetime) -> dict[str, str | None]:
    """Annotations that protect a pod until then, as a merge patch has them; `until` None takes protection away."""
    if until is None:
        return {naming.PROTECTED_UNTIL: None, naming.PROTECTED_AT: None}
    return {naming.PROTECTED_UNTIL: write_time(until), naming.PROTECTED_AT: write_time(now)}


def deletes_at(now: datetime, until: datetime | None, settings: Lifecycle, *, is_exempt: bool) -> datetime | None:
    """When the clean-up will take a pod with this effective end of protection; None: never."""
    if is_exempt or not settings.enabled:
        return None
    return next_run(max(now, until or now), settings)


def next_run(at: datetime, settings: Lifecycle) -> datetime:
    """The first clean-up at or after a moment, in UTC.

    A time of day that daylight saving skips counts as much later as the clock jumps; one that comes twice counts at
    its first coming.
    """
    zone = ZoneInfo(settings.timezone)
    of_day = time.fromisoformat(settings.auto_delete_time)
    today = at.astimezone(zone).date()
    days = (today + timedelta(days=offset) for offset in (-1, 0, 1, 2))
    runs = (datetime.combine(day, of_day, zone).astimezone(UTC) for day in days)
    return next(run for run in runs if run >= at)


def is_exempt(namespace_annotations: Mapping[str, str]) -> bool:
    return namespace_annotations.get(naming.EXEMPT) == "true"


def read_time(text: str) -> datetime | None:
    """An RFC 3339 time with its zone, in UTC; None: it is none."""
    try:
        return msgspec.convert(text, _Moment).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        return None


def write_time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
