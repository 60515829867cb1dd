"""The devices of one node while it is merged: what the sources describe, brought together by shared names. Pure.

Traps:
- An index is the weakest of names. Sources may count differently, and for a while after a card was replaced two cards
  have the same one: UUIDs that differ are believed over indexes that agree, where all sources speak of the same UUIDs.
- Two descriptions may turn out to be one card only by a third.
"""

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Final

import msgspec

from genet.accelerators import NVIDIA
from genet.gpus.model import Attribution, Part, PodKey, Reading, Seen, index_name
from genet.gpus.overview import Status


class Unit(msgspec.Struct, kw_only=True):
    """What one holding speaks of: a card, or a part of one."""

    id: str = ""
    """Of a part; unique within its card."""
    uuid: str | None = None
    profile: str | None = None
    resource: str | None = None
    """That counts it, or the DRA driver's name; None: nothing counts it."""
    replicas: int | None = None
    """How many pods may hold it at once; None: not known."""
    fault: str | None = None
    doubt: str | None = None
    reading: Reading | None = None
    is_blind: bool = False
    """Known by number alone: no source has described it yet."""
    pods: list[PodKey] = []
    attribution: Attribution | None = None
    """None: nobody holds it."""
    taken: int = 0
    """By how many pods."""
    paid: int = 0
    """Units of resources that they have spent on it."""
    status: Status = "free"
    reason: str | None = None


class Card(Unit, kw_only=True):
    """One slot of the overview."""

    vendor: str
    index: int = -1
    """-1: not known yet."""
    product: str | None = None
    memory_total: int | None = None
    parts: list[Unit] = []

    @property
    def is_split(self) -> bool:
        """Whether its parts are counted, and it is not itself."""
        return self.resource is None and bool(self.parts)

    @property
    def counted(self) -> list[Unit]:
        """What a resource counts of it."""
        return self.parts if self.is_split else [self]


Names = dict[str, Unit]

_CARD: Final = ("uuid", "resource", "product", "memory_total", "fault", "doubt", "reading")
_PART: Final = ("profile", "resource", "reading")


def unite(seen: Iterable[Seen]) -> tuple[list[Card], Names]:
    """All cards that are described, by index, and everything that has a name.

    Where descriptions of a card contradict each other the first of them wins.
    """
    cards: list[Card] = []
    names: Names = {}
    for one in seen:
        card = _known(one, names, cards)
        if card is None:
            card = Card(
                vendor=one.vendor,
                index=-1 if one.index is None else one.index,
                uuid=one.uuid,
                resource=one.resource,
                product=one.product,
                memory_total=one.memory_total,
                fault=one.fault,
                doubt=one.doubt,
                replicas=one.shares,
                reading=one.reading,
            )
            cards.append(card)
        else:
            _learn(card, one, _CARD)
            card.replicas = card.replicas or one.shares
            if card.index < 0 and one.index is not None:
                card.index = one.index
        for name in one.names:
            names.setdefault(name, card)
        for part in one.parts:
            _add_part(card, part, names)
    _number(cards)
    arrange(cards)
    for card in cards:
        if len(card.parts) > 1:
            card.parts.sort(key=lambda part: (len(part.id), part.id))  # 2 before 10
    return cards, names


def arrange(cards: list[Card]) -> None:
    """In the order in which people see them."""
    cards.sort(key=lambda card: (card.index, card.vendor, card.uuid or ""))


def unused(cards: Iterable[Card], vendor: str) -> Iterator[int]:
    """Numbers that no card of this maker has, the lowest first."""
    used = {card.index for card in cards if card.vendor == vendor}
    return (index for index in count() if index not in used)


def _known(one: Seen, names: Names, cards: list[Card]) -> Card | None:
    weak = "" if one.index is None else index_name(one.vendor, one.index)
    found: list[Card] = []
    by_index: Card | None = None
    for name in one.names:
        card = names.get(name)
        if isinstance(card, Card):
            if name == weak:
                by_index = card
            elif not any(card is other for other in found):
                found.append(card)
    if found:
        for other in found[1:]:
            _absorb(found[0], other, names, cards)
        return found[0]
    is_other = one.vendor == NVIDIA.name and by_index and by_index.uuid and one.uuid and by_index.uuid != one.uuid
    return None if is_other else by_index


def _absorb(card: Card, other: Card, names: Names, cards: list[Card]) -> None:
    """Two cards were one."""
    _learn(card, other, _CARD)
    card.replicas = card.replicas or other.replicas
    card.index = other.index if card.index < 0 else card.index
    card.parts += other.parts
    cards[:] = [each for each in cards if each is not other]
    for name, unit in names.items():
        if unit is other:
            names[name] = card


def _add_part(card: Card, part: Part, names: Names) -> None:
    unit = next((names[name] for name in part.names if name in names), None)
    if unit is None:
        unit = Unit(id=part.id, profile=part.profile, resource=part.resource, reading=part.reading)
        if part.reading is not None:
            unit.fault = part.reading.fault
        card.parts.append(unit)
    else:
        _learn(unit, part, _PART)
    for name in part.names:
        names.setdefault(name, unit)


def _learn(unit: Unit, other: Seen | Part | Unit, fields: tuple[str, ...]) -> None:
    for field in fields:
        if getattr(unit, field) is None:
            setattr(unit, field, getattr(other, field))


def _number(cards: list[Card]) -> None:
    """Cards of which no source knows the number get the lowest that are left."""
    nameless = [card for card in cards if card.index < 0]
    for card in sorted(nameless, key=lambda card: (card.vendor, card.uuid or "", card.product or "")):
        card.index = next(unused(cards, card.vendor))
