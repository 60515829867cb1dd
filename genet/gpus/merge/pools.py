"""What the API server counts on a node, and which devices it counts by what. Pure.

The unit of an extended resource is not always a card: time-slicing and MPS advertise cards x replicas, HAMi cards x
split, MIG slices, under names of their own (`mixed`) or under the cards' name (`single`). So devices are put under a
resource by what it counts, and what it counts beyond those that are described is added as devices without a name.

Traps:
- More devices may be described than counted: a card in MIG mode without slices, a card that was replaced a minute ago,
  a device plugin that started anew. Nobody knows which ones are meant, so those that nobody holds are unknown.
- GPU feature discovery's labels lag behind the device plugin; `gpu.replicas` is 1 where cards are not shared, 0 where
  sharing is off.
- One card may be offered by DRA and by a device plugin. It is counted once.
"""

import re
from collections.abc import Callable, Mapping
from itertools import islice
from math import inf
from typing import Final, NamedTuple

import msgspec

from genet import accelerators, naming
from genet.gpus.merge.devices import Card, Names, Unit, arrange, unused
from genet.gpus.model import index_name
from genet.kube.objects import Node
from genet.kube.quantity import parse

_STRATEGY: Final = "nvidia.com/mig.strategy"
_SINGLE: Final = "single"
_SHARED: Final = "shared"
_NUMBER: Final = re.compile(r"\d{1,9}", re.ASCII)
_MOST: Final = 1024
"""Devices of one resource that are added without being described; a node that counts more counts no devices."""


class Pool(msgspec.Struct, kw_only=True):
    """The devices of one node that one resource counts."""

    resource: str
    vendor: str = ""
    """As in `genet.accelerators`; empty: a resource that is configured, of a maker Genet does not know."""
    capacity: int | None = None
    """Units; None: nothing counts them in the API server (DRA, Genet's own sharing)."""
    allocatable: int = 0
    replicas: int | None = None
    """Units that one device makes; None: not known."""
    is_shared: bool = False
    """By agreement: any number of pods may hold a device."""
    units: list[Unit] = []
    """The devices, the lowest first."""

    @property
    def is_surplus(self) -> bool:
        """Whether more devices are described than counted."""
        return self.capacity is not None and self._described > self.capacity

    @property
    def missing(self) -> int:
        """How many devices are counted and not described."""
        return self.devices(max(0, (self.capacity or 0) - self._described))

    @property
    def _described(self) -> int:
        return sum(unit.replicas or 1 for unit in self.units)

    def take(self, unit: Unit) -> None:
        unit.resource = self.resource
        unit.replicas = unit.replicas or self.replicas
        self.units.append(unit)

    def devices(self, units: int) -> int:
        """How many devices make as many units."""
        per = max((unit.replicas or 1 for unit in self.units), default=self.replicas or 1)
        return -(-units // per)

    def sharers(self, unit: Unit) -> float:
        """How many pods may hold one of its devices."""
        return inf if self.is_shared else unit.replicas or 1


def pools(node: Node, cards: list[Card], names: Names, is_device: Callable[[str], bool]) -> dict[str, Pool]:
    """The node's pools by resource.

    Every unit of `cards` is put under its resource; devices that are counted and not described are added to `cards`,
    and whole ones to `names`.
    """
    found = {name: _pool(node, name) for name in sorted(node.status.capacity) if is_device(name)}
    counted = [pool for pool in found.values() if pool.capacity]
    offers: dict[str, _Offer] = {}
    for card in cards:
        if card.vendor not in offers:
            offers[card.vendor] = _offer(card.vendor, counted, node.metadata.labels)
        _place(card, offers[card.vendor])
        for unit in card.counted:
            if unit.resource is not None:
                _pool_of(unit.resource, found, card.vendor).take(unit)
    for pool in counted:
        _complete(pool, found, cards, names)
    if node.metadata.labels.get(naming.GPU_MODE) == _SHARED:
        for pool in found.values():
            if not pool.capacity:
                pool.capacity, pool.is_shared = None, True
    return found


def _pool(node: Node, resource: str) -> Pool:
    vendor = accelerators.vendor_of(resource)
    capacity = _quantity(node.status.capacity, resource)
    return Pool(
        resource=resource,
        vendor=vendor.name if vendor else "",
        capacity=capacity,
        allocatable=_quantity(node.status.allocatable, resource),
        replicas=_replicas(node.metadata.labels, resource, capacity) if vendor is accelerators.NVIDIA else None,
    )


def _replicas(labels: Mapping[str, str], resource: str, capacity: int) -> int | None:
    """GPU feature discovery's labels; of cards, or of the slices that are counted by the same name."""
    name = resource.removesuffix(".shared")
    devices, replicas = labels.get(f"{name}.count", ""), labels.get(f"{name}.replicas", "")
    if _NUMBER.fullmatch(devices) and int(devices) and capacity % int(devices) == 0:
        return max(1, capacity // int(devices))  # sooner right than `replicas` after sharing was switched on or off
    return max(1, int(replicas)) if _NUMBER.fullmatch(replicas) else None


class _Offer(NamedTuple):
    """What a node advertises of one maker's devices."""

    whole: str | None
    """Resource that counts cards, or slices where it counts no cards."""
    parts: Mapping[str, str]
    """Resources that count parts of cards, by profile."""
    slices_only: bool
    """Whether `whole` counts slices, as the product says."""
    slices: bool
    """Whether it counts those of the cards that are in slices."""


def _offer(vendor: str, advertised: list[Pool], labels: Mapping[str, str]) -> _Offer:
    own = [pool.resource for pool in advertised if pool.vendor == vendor]
    parts = {profile: resource for resource in own if (profile := accelerators.profile(resource)) is not None}
    whole = next((resource for resource in own if resource not in parts.values()), None)
    product = labels.get(accelerators.NVIDIA.product_label or "", "")
    slices_only = vendor == accelerators.NVIDIA.name and accelerators.mig_profile_of(product) is not None
    slices = slices_only or (not parts and labels.get(_STRATEGY, _SINGLE) == _SINGLE)
    return _Offer(whole, parts, slices_only, slices)


def _place(card: Card, offer: _Offer) -> None:
    """Say by which resources the card or its parts are counted."""
    for part in card.parts:
        if part.resource is None and part.profile is not None:
            part.resource = offer.parts.get(part.profile)
    if card.resource is not None:
        if any(part.resource is not None for part in card.parts):
            card.resource = None  # its parts are offered, and so it is not
    elif not card.parts:
        card.resource = None if offer.slices_only else offer.whole
    elif offer.slices:
        for part in card.parts:
            part.resource = part.resource or offer.whole
    elif not offer.parts:
        card.resource = offer.whole


def _pool_of(resource: str, found: dict[str, Pool], vendor: str) -> Pool:
    pool = found.get(resource)
    if pool is None:
        is_driver = accelerators.vendor_of(resource) is None
        pool = found[resource] = Pool(resource=resource, vendor=vendor, capacity=None if is_driver else 0)
    return pool


def _complete(pool: Pool, found: Mapping[str, Pool], cards: list[Card], names: Names) -> None:
    """Add what is counted and not described."""
    missing = pool.missing
    if not missing:
        return
    is_whole = accelerators.profile(pool.resource) is None
    for offered in found.values():
        if missing and is_whole and offered.capacity is None and offered.vendor == pool.vendor:
            taken, offered.units = offered.units[:missing], offered.units[missing:]
            missing -= len(taken)
            for unit in taken:
                pool.take(unit)
    if missing and not is_whole:
        _forget_carriers(pool.vendor, cards, names)
    per = pool.replicas or max((unit.replicas or 1 for unit in pool.units), default=None)
    for index in islice(unused(cards, pool.vendor), min(missing, _MOST)):
        card = Card(vendor=pool.vendor, index=index, resource=pool.resource, replicas=per, is_blind=True)
        cards.append(card)
        if is_whole:
            names.setdefault(index_name(pool.vendor, index), card)
    arrange(cards)
    pool.units = [unit for card in cards for unit in card.counted if unit.resource == pool.resource]


def _forget_carriers(vendor: str, cards: list[Card], names: Names) -> None:
    """Whole cards that nothing counts, where slices are counted that nobody describes: they are those slices' cards."""
    carriers = [card for card in cards if card.vendor == vendor and card.resource is None and not card.parts]
    cards[:] = [card for card in cards if not any(card is carrier for carrier in carriers)]
    for name in [name for name, unit in names.items() if any(unit is carrier for carrier in carriers)]:
        del names[name]


def _quantity(quantities: Mapping[str, str], resource: str) -> int:
    text = quantities.get(resource, "0")
    return int(text) if _NUMBER.fullmatch(text) else int(parse(text))
