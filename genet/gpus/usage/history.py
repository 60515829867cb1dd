"""How busy the cards of one node were over the last day, asked of Prometheus when somebody looks.

One range query per metric; `A|B` are the cards' names, `300s` is the step:

    max by (UUID) (avg_over_time(DCGM_FI_DEV_GPU_UTIL{UUID=~"A|B"}[300s]) <= 100)
    100 * max by (UUID, GPU_I_ID, GPU_I_PROFILE) (avg_over_time(DCGM_FI_PROF_GR_ENGINE_ACTIVE{UUID=~"A|B"}[300s]) <= 1)
    max by (device_uuid) (avg_over_time(hami_host_gpu_utilization_ratio{device_uuid=~"A|B"}[300s]) <= 100)
    max by (serial_number) (avg_over_time({__name__=~"(amd_)?gpu_gfx_activity",serial_number=~"A|B"}[300s]) <= 100)
    max by (vdie_id) (avg_over_time(npu_chip_info_utilization{vdie_id=~"A|B"}[300s]) <= 100)

Traps: the value of an instant every five minutes would show the luck of that instant, so each value is the mean of its
step. Rows of a card are repeated per holder: the largest is the card's, never the sum. Those of its slices are weighed
by what they compute with, as in the overview. Exporters' blanks are huge numbers, and one of them makes the whole mean
huge: the bounds drop it.
"""

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from genet import accelerators
from genet.errors import Unavailable
from genet.gpus.overview import Slot, SourceState, Wire
from genet.gpus.usage.recent import Recent
from genet.prometheus import Prometheus, Series

STEP: Final = timedelta(minutes=5)
SPAN: Final = timedelta(hours=24)
WITHIN_SECONDS: Final = 3.0
"""How long somebody who looks at a node waits for its history."""

_KEPT_SECONDS: Final = 60.0
_MOST_NODES: Final = 200
_OFF: Final = SourceState(state="off", message=None, checked_at=None)
_QUESTIONS: Final = (
    (
        "UUID",
        "max by (UUID) (avg_over_time(DCGM_FI_DEV_GPU_UTIL{{{cards}}}[{step}s]) <= 100)",
    ),
    (
        "UUID",
        "100 * max by (UUID, GPU_I_ID, GPU_I_PROFILE)"
        " (avg_over_time(DCGM_FI_PROF_GR_ENGINE_ACTIVE{{{cards}}}[{step}s]) <= 1)",
    ),
    (
        "device_uuid",
        "max by (device_uuid) (avg_over_time(hami_host_gpu_utilization_ratio{{{cards}}}[{step}s]) <= 100)",
    ),
    (
        "serial_number",
        'max by (serial_number) (avg_over_time({{__name__=~"(amd_)?gpu_gfx_activity",{cards}}}[{step}s]) <= 100)',
    ),
    (
        "vdie_id",
        "max by (vdie_id) (avg_over_time(npu_chip_info_utilization{{{cards}}}[{step}s]) <= 100)",
    ),
)
"""Which label names the card, and the question; the more trusted first."""


class CardHistory(Wire):
    uuid: str | None
    utilization: tuple[int | None, ...]
    """Percent, the mean of the step that ends at `from` + n times `step`; null: nothing was measured."""


class History(Wire):
    """`series` has one entry for each of the node's slots, in their order; empty where nothing could be asked."""

    step: int
    """Seconds."""
    from_: datetime = msgspec.field(name="from")
    series: tuple[CardHistory, ...]


class Asked(msgspec.Struct, frozen=True):
    """What Prometheus said of some cards."""

    since: datetime
    by_card: Mapping[str, tuple[int | None, ...]]


class Histories:
    """Of all nodes, as they are looked at."""

    def __init__(self, prometheus: Prometheus | None, clock: Callable[[], datetime]) -> None:
        """`prometheus` is this room's own: one client asks one question at a time."""
        self._prometheus = prometheus
        self._clock = clock
        self._recent = Recent(self._ask, seconds=_KEPT_SECONDS, most=_MOST_NODES)
        self._turn = asyncio.Lock()

    async def of(self, slots: Sequence[Slot]) -> tuple[History, SourceState]:
        """The history of a node's slots, and what can be said of where it comes from; never fails, never waits long.

        Where there are no `series`, the second part says why.
        """
        since = first_step(self._clock())
        nothing = History(int(STEP.total_seconds()), since, ())
        if self._prometheus is None:
            return nothing, _OFF
        cards = tuple(sorted({slot.uuid for slot in slots if slot.uuid}))
        now = self._clock().replace(microsecond=0)
        try:
            asked = await self._recent.get(cards, within=WITHIN_SECONDS) if cards else Asked(since, {})
        except Unavailable as error:
            return nothing, SourceState(state="unavailable", message=error.detail, checked_at=now)
        return history(slots, asked), SourceState(state="ok", message=_remark(cards, asked), checked_at=now)

    async def close(self) -> None:
        await self._recent.close()

    async def _ask(self, cards: tuple[str, ...]) -> Asked:
        assert self._prometheus is not None  # noqa: S101 # `of` asks nothing without one
        since = first_step(self._clock())
        found: dict[str, tuple[int | None, ...]] = {}
        async with self._turn:
            for label, question in questions(cards):
                series = await self._prometheus.query_range(question, since, since + SPAN - STEP, STEP)
                for card, values in by_card(series, label).items():
                    found[card] = _filled(found[card], values) if card in found else values
        return Asked(since, found)


def first_step(now: datetime) -> datetime:
    """Steps are whole ones of the clock, so that everybody who looks within one sees the same."""
    step = int(STEP.total_seconds())
    last = int(now.timestamp()) // step * step
    return datetime.fromtimestamp(last, UTC) - SPAN + STEP


def questions(cards: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The label that names the card, and the range query."""
    names = "|".join(map(_literal, cards))
    for label, question in _QUESTIONS:
        yield label, question.format(cards=f'{label}=~"{names}"', step=int(STEP.total_seconds()))


def by_card(found: Iterable[Series], label: str) -> dict[str, tuple[int | None, ...]]:
    """Of each card one value per step; a card in slices has theirs, weighed."""
    rows: dict[str, list[Series]] = {}
    for series in found:
        if label in series.labels:
            rows.setdefault(series.labels[label], []).append(series)
    return {card: tuple(_weighed(own)) for card, own in rows.items()}


def history(slots: Iterable[Slot], asked: Asked) -> History:
    blank = (None,) * (SPAN // STEP)
    return History(
        step=int(STEP.total_seconds()),
        from_=asked.since,
        series=tuple(CardHistory(slot.uuid, asked.by_card.get(slot.uuid or "", blank)) for slot in slots),
    )


def without_names(seen: History) -> History:
    """As people see it who are not logged in."""
    return History(seen.step, seen.from_, tuple(CardHistory(None, card.utilization) for card in seen.series))


def _weighed(rows: Sequence[Series]) -> Iterator[int | None]:
    weights = [accelerators.compute_slices(row.labels.get("GPU_I_PROFILE")) for row in rows]
    for values in zip(*(row.values for row in rows), strict=True):
        measured = [(value, weight) for value, weight in zip(values, weights, strict=True) if value is not None]
        whole = sum(weight for _, weight in measured)
        yield round(sum(value * weight for value, weight in measured) / whole) if whole else None


def _filled(values: Iterable[int | None], others: Iterable[int | None]) -> tuple[int | None, ...]:
    return tuple(other if value is None else value for value, other in zip(values, others, strict=True))


def _literal(name: str) -> str:
    """A name inside a regular expression inside a quoted string, which cannot go over the end of a line."""
    return re.escape(name).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "n")


def _remark(cards: Sequence[str], asked: Asked) -> str | None:
    if not cards:
        return "no exporter names the cards of this node"
    return None if asked.by_card else "Prometheus has no utilization of these cards"
