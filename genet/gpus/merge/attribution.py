"""Who holds which device: the sources' words, weighed. Pure.

The API server is the truth for how much a pod holds: no pod gets more of a resource than it asks for, none one device
twice, and none anything after it has finished. Which device it is, the most trusted source says; those below may only
add pods where several can hold one.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from genet.gpus.merge.demand import Demand
from genet.gpus.merge.devices import Card, Names, Unit
from genet.gpus.merge.pools import Pool
from genet.gpus.model import COUNTED, Attribution, Holding, NodeFacts, PodKey
from genet.gpus.sources import PRECEDENCE, counts

_UUIDS: Final = ("GPU-", "MIG-")


def attribute(facts: NodeFacts, cards: Iterable[Card], names: Names, pools: Mapping[str, Pool], demand: Demand) -> None:
    """Write down at every unit who holds it, and how that is known."""
    weighing = _Weighing(pools, names, demand)
    for attribution, source in PRECEDENCE:
        weighing.begin(attribution)
        for holding in source(facts):
            weighing.weigh(holding)
    for card in cards:
        if card.parts:
            _join_parts(card)
    for pool in pools.values():
        if pool.capacity:
            left = sum(weighing.left[pool.resource][key] for key in demand.of_plugin(pool.resource))
            counts.fill(pool.units, left + sum(_too_much(unit, pool) for unit in pool.units))


def _too_much(unit: Unit, pool: Pool) -> int:
    """Units that are said to be in a device beyond what goes into it: they are in others, whoever says so."""
    parts = unit.parts if isinstance(unit, Card) else ()
    paid = unit.paid + sum(part.paid for part in parts)
    return 0 if pool.is_shared else max(0, paid - (unit.replicas or 1))


def _join_parts(card: Card) -> None:
    """A claim's part is the one whose row names the claim's pod, as no other name joins the two."""
    for held in [part for part in card.parts if part.pods and part.reading is None]:
        for part in card.parts:
            row = part.reading
            if row and not part.pods and part.profile == held.profile and not set(row.pods).isdisjoint(held.pods):
                held.reading, held.id = row, part.id
                card.parts = [each for each in card.parts if each is not part]
                break


class _Weighing:
    def __init__(self, pools: Mapping[str, Pool], names: Names, demand: Demand) -> None:
        self.left = {resource: dict(by_pod) for resource, by_pod in demand.asked.items()}
        """Units by resource and pod that no device has been found for yet."""
        self._pools = pools
        self._names = names
        self._pods = demand.pods
        self._replaced: set[PodKey] = set()
        self._spent: dict[tuple[int, PodKey], int] = {}
        """Units of a pod that went into a device, so that two sources that say the same do not take two."""

    def begin(self, attribution: Attribution) -> None:
        """Take the next source's words."""
        self._attribution = attribution
        self._said: dict[tuple[int, PodKey], int] = {}

    def weigh(self, holding: Holding) -> None:
        payer = holding.instead_of or holding.pod
        if holding.pod not in self._pods or (payer in self._replaced and holding.instead_of is None):
            return
        unit = self._names.get(holding.device) or self._unnamed(holding, payer)
        if unit is None or not self._is_open(unit):
            return
        if holding.resource is not None and not self._is_asked_for(unit, holding, payer):
            return
        if holding.instead_of:
            self._replaced.add(payer)
        if holding.pod not in unit.pods:
            unit.pods.append(holding.pod)
            unit.attribution = unit.attribution or self._attribution
            unit.taken += 1

    def _is_open(self, unit: Unit) -> bool:
        """Whether the source may still say who holds it."""
        if unit.attribution in (None, self._attribution):
            return True
        pool = self._pools.get(unit.resource or "")
        return pool is not None and unit.taken < pool.sharers(unit)

    def _is_asked_for(self, unit: Unit, holding: Holding, payer: PodKey) -> bool:
        """Whether the pod has asked for such a device; if so, what it asked for is spent on it."""
        pool = self._pools.get(unit.resource or "")
        if pool is None:
            return False
        resource = pool.resource if holding.resource == COUNTED else holding.resource
        if pool.capacity is not None and pool.resource != resource:
            return False
        if pool.capacity is None and holding.resource == COUNTED:
            return bool(self._pods[payer].spec.resource_claims)
        key = (id(unit), payer)
        said = self._said[key] = 1 if holding.instead_of else self._said.get(key, 0) + 1
        return said <= self._spent.get(key, 0) or self._spend(unit, resource or "", payer, said)

    def _spend(self, unit: Unit, resource: str, payer: PodKey, said: int) -> bool:
        left = self.left.get(resource, {})
        if left.get(payer, 0) <= 0:
            return False
        left[payer] -= 1
        self._spent[id(unit), payer] = said
        unit.paid += 1
        return True

    def _unnamed(self, holding: Holding, payer: PodKey) -> Unit | None:
        """A device of which nothing but the number was known gets the name that nobody else has."""
        pool = self._pools.get(holding.resource or "")
        if pool is None or self.left.get(pool.resource, {}).get(payer, 0) <= 0:
            return None
        unit = next((unit for unit in pool.units if unit.is_blind and unit.attribution is None), None)
        if unit is not None:
            unit.is_blind = False
            unit.uuid = holding.device if holding.device.startswith(_UUIDS) else None
            self._names[holding.device] = unit
        return unit
