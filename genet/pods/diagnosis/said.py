"""What the events of a pod say, newest first. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from genet.kube.objects import Event


def newest(events: Sequence[Event] | None, *reasons: str, container: str | None = None) -> Iterator[Event]:
    """Events with one of these reasons, newest first; those of one container only, where they say of which they are."""
    found = [event for event in events or () if event.reason in reasons and _is_of(event, container)]
    yield from sorted(found, key=_moment, reverse=True)


def last_seen(event: Event) -> datetime | None:
    seen = event.last_timestamp or event.event_time or event.first_timestamp
    if event.series is not None:
        seen = event.series.last_observed_time or seen
    return seen


def is_past(event: Event, moment: datetime | None) -> bool:
    """Whether the event was last seen before that moment."""
    seen = last_seen(event)
    return moment is not None and seen is not None and seen < moment


def _is_of(event: Event, container: str | None) -> bool:
    path = event.involved_object.field_path
    return container is None or not path or path.endswith(f"{{{container}}}")


def _moment(event: Event) -> float:
    seen = last_seen(event)
    return seen.timestamp() if seen is not None else 0.0
