"""A merged card as one slot of the overview. Pure.

A card in parts has no measurements of its own where its exporter speaks of the parts only: memory is their sum,
utilization their mean by computing power (what an engine's time is a share of), power and temperature are the card's
on every row. It is idle when all parts that somebody holds are.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final, get_args

from genet import naming
from genet.accelerators import compute_slices
from genet.gpus.merge.devices import Card, Unit
from genet.gpus.model import Attribution, PodKey, Reading
from genet.gpus.overview import PodRef, Slice, Slot, Status
from genet.kube.objects import Pod

_WORST_FIRST: Final[tuple[Status, ...]] = ("unhealthy", "used", "external", "unknown", "free")
_BEST_FIRST: Final[tuple[Attribution, ...]] = get_args(Attribution)
_UNSEEN: Final = Reading(uuid="", index=0)


def slot(card: Card, refs: Mapping[PodKey, PodRef]) -> Slot:
    """The card, after all its units have been judged; `refs` has everybody who holds one."""
    whole = _as_one(card) if card.parts else card
    pods = tuple([refs[key] for key in whole.pods])
    seen = whole.reading or _UNSEEN
    return Slot(
        index=card.index,
        uuid=card.uuid,
        status=whole.status,
        attribution=whole.attribution,
        reason=whole.reason,
        utilization=seen.utilization,
        memory_used=seen.memory_used,
        memory_total=card.memory_total if seen.memory_total is None else seen.memory_total,
        power=seen.power,
        temperature=seen.temperature,
        pod=pods[0] if len(pods) == 1 else None,
        pods=pods,
        slices=tuple(_slice(part, refs) for part in card.parts) if card.parts else (),
        replicas=whole.replicas,
        idle_since=_idle_since(card, pods) if pods else None,
    )


def pod_ref(pod: Pod) -> PodRef:
    namespace = pod.metadata.namespace
    return PodRef(
        name=pod.metadata.name,
        namespace=namespace,
        user=naming.holder(namespace, pod.metadata.labels),
        started_at=pod.status.start_time,
    )


def _as_one(card: Card) -> Unit:
    """A card in parts, as if it were one unit."""
    units = card.counted if card.is_split else [card, *card.parts]
    decisive = min(units, key=lambda unit: _WORST_FIRST.index(unit.status))
    held = [unit.attribution for unit in units if unit.attribution is not None]
    return Unit(
        status=decisive.status,
        reason=decisive.reason,
        attribution=min(held, key=_BEST_FIRST.index) if held else None,
        pods=list(dict.fromkeys(key for unit in units for key in unit.pods)),
        reading=card.reading or _together(card.parts),
        replicas=max((unit.replicas for unit in units if unit.replicas), default=None),
    )


def _slice(part: Unit, refs: Mapping[PodKey, PodRef]) -> Slice:
    return Slice(id=part.id, profile=part.profile, status=part.status, pods=tuple(refs[key] for key in part.pods))


def _together(parts: Iterable[Unit]) -> Reading:
    rows = [part.reading for part in parts if part.reading is not None]
    return Reading(
        uuid="",
        index=0,
        utilization=_mean(rows),
        memory_used=_over(rows, "memory_used", sum),
        memory_total=_over(rows, "memory_total", sum),
        power=_over(rows, "power", max),
        temperature=_over(rows, "temperature", max),
    )


def _mean(rows: Iterable[Reading]) -> int | None:
    measured = [(row.utilization, compute_slices(row.profile)) for row in rows if row.utilization is not None]
    whole = sum(weight for _, weight in measured)
    return round(sum(percent * weight for percent, weight in measured) / whole) if whole else None


def _over(rows: Iterable[Reading], field: str, combine: Callable[[list[int]], int]) -> int | None:
    known = [value for row in rows if (value := getattr(row, field)) is not None]
    return combine(known) if known else None


def _idle_since(card: Card, pods: Iterable[PodRef]) -> datetime | None:
    """Not before the youngest holder's start: what was before is not its idleness."""
    rows = [card.reading] if card.reading else [part.reading for part in card.parts if part.pods]
    moments = [row.idle_since if row else None for row in rows]
    moments += [pod.started_at for pod in pods]
    known = [moment for moment in moments if moment is not None]
    return max(known) if rows and len(known) == len(moments) else None
