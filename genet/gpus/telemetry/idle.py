"""Since when each device has done nothing: kept up with every round, and looked up in the past once. Pure.

"Nothing" is a utilization at or below a limit. A device that is at work, or whose utilization nobody knows, is not
idle: unknown counts as busy. Moments are whole minutes, so that replicas agree although they ask at different seconds.

What a process cannot know by itself is what was before it started. That is asked of Prometheus once, by expressions
of the form (the embedded cluster's Prometheus has to understand them too):

    max_over_time(timestamp(DCGM_FI_DEV_GPU_UTIL > 5)[24h:5m])
    max_over_time(timestamp(DCGM_FI_PROF_GR_ENGINE_ACTIVE > 0.05)[24h:5m])
    max_over_time(timestamp({__name__=~"gpu_gfx_activity|amd_gpu_gfx_activity",serial_number!=""} > 5)[24h:5m])
    max_over_time(timestamp(npu_chip_info_utilization > 5)[24h:5m])

Each gives the last step, of one every five minutes, at which a device was at work; devices that never were are not in
the answer. A short burst between two steps is missed, so this says when a device was idle at the latest, not more.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

WINDOW_SECONDS: Final = 24 * 60 * 60
_MINUTE: Final = 60
_SHAKE_SECONDS: Final = 120
"""By how much an exporter's own word on when it began may differ from round to round."""

Key = tuple[str, str, str]
"""Exporter, device, part of it."""


def expressions(comparisons: Iterable[str], percent: int) -> tuple[str, ...]:
    """PromQL for the last moment at work.

    Args:
        comparisons: an exporter's, with `{percent}` or `{share}` for the limit.
        percent: the limit.
    """
    found = (text.format(percent=percent, share=percent / 100) for text in comparisons)
    return tuple(f"max_over_time(timestamp({comparison})[24h:5m])" for comparison in found)


class Idle:
    """Remembers the devices that are idle now, and for a while those of which nothing is heard any more."""

    def __init__(self, percent: int) -> None:
        self.percent = percent
        self._since: dict[str, int] = {}
        self._heard: dict[str, float] = {}
        """When each of them was spoken of last."""

    def since(self, key: Key, utilization: int | None, told: datetime | None, now: float) -> datetime | None:
        """Since when a device is idle; None: it is at work, or that is not known.

        Args:
            key: the device, as one exporter knows it.
            utilization: percent.
            told: what the exporter itself says of that moment.
            now: unix seconds.
        """
        name = "/".join(key)
        if utilization is not None and utilization > self.percent:
            self._since.pop(name, None)
            self._heard.pop(name, None)
            return None
        if told is None and utilization is None:
            if name in self._since:
                self._heard[name] = now
            return None
        self._heard[name] = now
        if told is not None:
            moment = _minute(told.timestamp())
            before = self._since.get(name, moment)
            self._since[name] = before if abs(before - moment) <= _SHAKE_SECONDS else moment
        return datetime.fromtimestamp(self._since.setdefault(name, _minute(now)), UTC)

    def forget(self, now: float) -> None:
        """Those of which nothing was heard for as long as the past is looked at: they will not come back."""
        for name in [name for name, heard in self._heard.items() if now - heard > WINDOW_SECONDS]:
            del self._since[name], self._heard[name]

    def look_back(self, exporter: str, at_work: Mapping[tuple[str, str], float], begin: float) -> None:
        """Take in what was before this process.

        Args:
            exporter: whose devices.
            at_work: by device and part: when it was last seen at work, in unix seconds.
            begin: how far back that looked; what was never at work is idle since then.
        """
        prefix = f"{exporter}/"
        last = {"/".join((exporter, *identity)): moment for identity, moment in at_work.items()}
        for name, since in self._since.items():
            if name.startswith(prefix):
                self._since[name] = min(since, _minute(last.get(name, begin)))


def _minute(moment: float) -> int:
    return int(moment // _MINUTE * _MINUTE)
