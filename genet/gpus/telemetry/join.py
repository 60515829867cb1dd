"""One card that several exporters speak of, put together. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from msgspec.structs import asdict

from genet.gpus.model import Reading

_LISTS: Final = ("pods", "names")


def joined(readings: Iterable[Reading]) -> tuple[Reading, ...]:
    """Every card and part once: what the first reading does not say is taken from the next."""
    found: dict[tuple[str, str, str | None], Reading] = {}
    for reading in readings:
        key = (reading.vendor, reading.uuid or str(reading.index), reading.instance)
        found[key] = _together(found[key], reading) if key in found else reading
    return tuple(found.values())


def _together(one: Reading, other: Reading) -> Reading:
    more = asdict(other)
    values = {name: more[name] if value is None else value for name, value in asdict(one).items()}
    for name in _LISTS:
        values[name] = tuple(dict.fromkeys((*getattr(one, name), *getattr(other, name))))
    return Reading(**values | {"idle_since": _idle(one, other)})


def _idle(one: Reading, other: Reading) -> datetime | None:
    """The later moment; and one exporter's word that it is at work is enough."""
    if any(reading.utilization is not None and reading.idle_since is None for reading in (one, other)):
        return None
    return max((reading.idle_since for reading in (one, other) if reading.idle_since is not None), default=None)
