"""Which group of the overview a card belongs to. Pure.

Trap: the node's label names one model for all cards, so where two are seen each card's own counts; one model in another
spelling than the label's is none.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from genet import accelerators, naming
from genet.gpus.merge.devices import Card
from genet.kube.objects import Node
from genet.settings import GPUType

_VENDORS: Final = {vendor.name: vendor for vendor in accelerators.VENDORS}


class Kind(msgspec.Struct, frozen=True, order=True):
    """What a group of the overview stands for."""

    type: str
    label: str
    resource_name: str


class Kinds:
    """The kinds of one node's cards."""

    def __init__(self, node: Node, types: Sequence[GPUType], cards: Iterable[Card]) -> None:
        self._labels = node.metadata.labels
        self._capacity = node.status.capacity
        self._types = types
        self._known: dict[tuple[str, str | None], Kind] = {}
        self._models: dict[str, set[str]] = {}
        for card in cards:
            if card.product is not None:
                self._models.setdefault(card.vendor, set()).add(card.product)

    def model(self, card: Card) -> str | None:
        """Of the card; None: nobody says."""
        seen = self._models.get(card.vendor, ())
        if len(seen) > 1:
            return card.product or self._labelled(card.vendor)
        return self._labelled(card.vendor) or next(iter(seen), None)

    def memory_total(self, card: Card) -> int | None:
        """Of a card in one piece, in MiB, as the node's labels have it; None: they do not say it of this model."""
        if card.resource is None or card.parts or self._labelled(card.vendor) not in (None, self.model(card)):
            return None
        return accelerators.memory_mib(card.resource, self._labels)

    def resource(self, card: Card) -> str:
        """Whose group shows the card.

        A card in parts has one place even where several resources count its parts: with the first that is offered, as
        people look for it there, else with the one that has most parts.
        """
        if card.resource is not None:
            return card.resource
        parts = Counter(part.resource for part in card.parts if part.resource is not None)
        if parts:
            offered = next((kind.resource_name for kind in self._types if kind.resource_name in parts), None)
            return offered or min(parts, key=lambda name: (-parts[name], name))
        vendor = _VENDORS.get(card.vendor)
        if vendor is not None and vendor.cards is None:
            return next((name for name in sorted(self._capacity) if vendor.resources.fullmatch(name)), vendor.name)
        return vendor.cards or vendor.name if vendor else card.vendor

    def kind(self, resource: str, vendor: str, model: str | None) -> Kind:
        """What devices of this model are, counted by this resource."""
        found = self._known.get((resource, model))
        if found is None:
            found = self._known[resource, model] = self._kind(resource, self._as_labelled(vendor, model), model)
        return found

    def _kind(self, resource: str, labels: Mapping[str, str], model: str | None) -> Kind:
        for offered in self._types:
            if offered.resource_name == resource and _selector(offered).items() <= labels.items():
                return Kind(offered.name, offered.label or offered.name, resource)
        return Kind(f"{resource}/{model}" if model else resource, model or resource, resource)

    def _labelled(self, vendor: str) -> str | None:
        maker = _VENDORS.get(vendor)
        product = self._labels.get(maker.product_label or "") if maker else None
        return accelerators.model(product) if product else None

    def _as_labelled(self, vendor: str, model: str | None) -> Mapping[str, str]:
        """The node's labels as they would be if all its cards were of this model."""
        maker = _VENDORS.get(vendor)
        if maker is None or maker.product_label is None or model is None or self._labelled(vendor) == model:
            return self._labels
        return self._labels | {maker.product_label: model}


def _selector(offered: GPUType) -> Mapping[str, str]:
    """Cards that pods share are those of nodes that are marked for it: on others none of that type can be had."""
    if offered.mode == "shared":
        return {**offered.node_selector, naming.GPU_MODE: "shared"}
    return offered.node_selector
