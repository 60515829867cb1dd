"""What state a device is in, and why where that is not plain: unhealthy, used, external, unknown or free. Pure.

Free comes from the API server: it counts the device and nobody has asked for it. What exporters measure can only
raise doubts about that, and what they do not measure says nothing.

Traps:
- A device plugin that gives a device up says how many, in allocatable, and not which.
- After a pod is deleted its last sample goes on for a while. The kubelet gives a pod's devices back before the pod is
  gone, so a card is free then; but a sample that shows memory of a pod that is gone may also be true, of processes
  that survived a forced deletion. Such a card is unknown until the exporter's next word, seconds later.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from genet.accelerators import VENDORS
from genet.gpus.merge.demand import Demand
from genet.gpus.merge.devices import Card, Names, Unit
from genet.gpus.merge.pools import Pool
from genet.gpus.model import NodeFacts, Reading
from genet.gpus.overview import Status
from genet.gpus.sources import FAULTS
from genet.kube.objects import Node

_RESIDENT_MIB: Final = {vendor.name: vendor.resident_mib for vendor in VENDORS}
_TAINTS: Final = {"amd-gpu-unhealthy": "amd"}
"""Taints that operators put on a node because of a card, by the maker of the card."""

_TAINTED = "the node is tainted with {}, which does not say which card is at fault"
_GIVEN_UP = "the device plugin reports {} of {} devices as unhealthy, not which"
_NOT_COUNTED = "no resource of this node counts the card, so who holds it is not known"
_SURPLUS = "more devices are seen than the node counts, so which of them pods can get is not known"
_SEVERAL = "{} pods are said to hold the device, which is given to one at a time"
_GONE = "memory is in use, and the exporter names a pod that is gone or has finished"
_ELSEWHERE = "memory is in use, and the exporter names a pod that holds other devices than this"
_OUTSIDE = "memory is in use, but no pod holds the card"
_LOST = "the node does not report any more"


class Doubts:
    """What makes a device of this node other than it seems."""

    def __init__(self, node: Node, demand: Demand) -> None:
        self._demand = demand
        self._is_lost = ready(node) == "Unknown"

    def status(self, unit: Unit, pool: Pool | None) -> tuple[Status, str | None]:
        """The first that holds."""
        if unit.fault is not None:
            return "unhealthy", unit.fault
        if unit.attribution is not None:
            is_overbooked = pool is not None and unit.paid > pool.sharers(unit)
            return "used", _SEVERAL.format(len(unit.pods)) if is_overbooked else None
        if pool is None or pool.capacity == 0:
            return "unknown", _NOT_COUNTED  # also with memory in use: a pod that nobody counts may hold it
        doubt = unit.doubt or (_SURPLUS if pool.is_surplus else None)
        if doubt is not None:
            return "unknown", doubt
        if unit.reading is not None and (unit.reading.memory_used or 0) >= _RESIDENT_MIB[unit.reading.vendor]:
            return self._in_use(unit.reading)
        return ("unknown", _LOST) if self._is_lost else ("free", None)

    def _in_use(self, reading: Reading) -> tuple[Status, str]:
        if any(pod not in self._demand.pods for pod in reading.pods):
            return "unknown", _GONE
        if any(pod in by_pod for pod in reading.pods for by_pod in self._demand.asked.values()):
            return "unknown", _ELSEWHERE
        return "external", _OUTSIDE


def blame(facts: NodeFacts, cards: Iterable[Card], names: Names, pools: Mapping[str, Pool]) -> None:
    """Write down at the units what is wrong with them; where only a number is known, at the likeliest."""
    for source in FAULTS:
        for name, reason in source(facts):
            unit = names.get(name)
            if unit is not None:
                unit.fault = unit.fault or reason
    for card in cards:
        if card.is_split:
            for part in card.parts:
                part.fault = part.fault or card.fault
                part.doubt = part.doubt or card.doubt
    tainted = _tainted(facts.node)
    for pool in pools.values():
        if pool.capacity and (pool.allocatable < pool.capacity or tainted):
            _guess(pool, tainted.get(pool.vendor))


def ready(node: Node) -> str:
    """Status of the Ready condition; `Unknown` is the control plane's word for a kubelet that fell silent."""
    return next((condition.status for condition in node.status.conditions if condition.type == "Ready"), "")


def _guess(pool: Pool, taint: str | None) -> None:
    """Unhealthy devices of which only the number is known: unused ones first, then unmeasured, then the highest."""
    given_up = pool.devices((pool.capacity or 0) - pool.allocatable)
    sound = [unit for unit in pool.units if unit.fault is None]
    faulty = len(pool.units) - len(sound)
    reason = _GIVEN_UP.format(given_up, len(pool.units))
    if taint is not None and given_up <= 0:
        given_up, reason = 1, _TAINTED.format(taint)
    likeliest = sorted(
        enumerate(sound), key=lambda one: (one[1].attribution is not None, one[1].reading is not None, -one[0])
    )
    for _, unit in likeliest[: max(0, given_up - faulty)]:
        unit.fault = reason


def _tainted(node: Node) -> dict[str, str]:
    return {_TAINTS[taint.key]: taint.key for taint in node.spec.taints if taint.key in _TAINTS}
