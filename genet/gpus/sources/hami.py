"""HAMi: cards from the node's register annotation, holders from the pods' annotations.

Traps:
- Allocatable is cards x split, not cards; each container's share of a card is one unit, also twice on one card.
- The register is JSON in newer versions, where zero values are left out: no `index` is 0, no `health` is false. Before,
  and for some vendors still, it is text, with or without index and mode, with empty segments, even leading ones.
- A register that cannot be read says nothing about how many cards are free.
- The scheduler puts a question into the handshake (`Requesting_<time>`) and the device plugin answers it. How old the
  question is does not have to be known: the scheduler forgives an old one while the node is allocatable, and without
  anything allocatable there is nothing to give out however young it is.
- In MIG mode older versions append the slice's place to the card: `GPU-...[1-0]`.
- Anybody can write such an annotation on a pod of their own. Where HAMi has no register of the maker's cards, it has
  given none away, and what the annotation says is not believed.
- `...-devices-to-allocate` is a wish that the device plugin strikes out piece by piece, `...-devices-allocated` what
  was given. A pod that was scheduled twice may still name cards of the other node.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Final

import msgspec

from genet import accelerators
from genet.gpus.model import Holding, NodeFacts, Seen, index_name
from genet.kube import requests
from genet.kube.objects import Node, Pod
from genet.kube.quantity import parse

_REGISTER: Final = re.compile(r"hami\.io/node-(?:register-([\w.-]+)|([\w.-]+)-register)")
_ALLOCATED: Final = re.compile(r"hami\.io/([\w.-]+)-devices-allocated")
_NODE: Final = "hami.io/vgpu-node"
_HANDSHAKES: Final = ("hami.io/node-handshake-{}", "hami.io/node-handshake")
"""By vendor; the one without a name is NVIDIA's."""
_UNANSWERED: Final = ("Requesting", "Deleted")
_COUNT: Final = "nvidia.com/gpu.count"
_VENDORS: Final = {
    "nvidia": "nvidia",
    "vgpu": "nvidia",
    "amd": "amd",
    "mlu": "cambricon",
    "cambricon-mlu": "cambricon",
    "mthreads-vgpu": "moore-threads",
}
"""By HAMi's own words, in lower case; Ascend's words are its models."""
_NUMBER: Final = re.compile(r"\d{1,9}", re.ASCII)
_MOST_WORDS: Final = 8
"""Vendors of which one pod has cards."""
_LONGEST: Final = 16 * 1024
"""Letters of an annotation about one pod's cards; what is longer is nobody's honest word, and takes long to read."""
_FEW: Final = re.compile(r"\d{1,3}", re.ASCII)
_OLD_FIELDS: Final = 7
_FIELDS: Final = 9

_UNHEALTHY = "HAMi reports the card as unhealthy"
_UNREADABLE = "HAMi's register of the node's cards cannot be read"
_SILENT = "HAMi's device plugin does not answer, and nothing of the node can be allocated"


_Number = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]


class _Card(msgspec.Struct, frozen=True):
    """One entry of the register, by its names in JSON."""

    id: str
    index: _Number | None = None
    count: _Number = 0
    devmem: _Number = 0
    type: str = ""
    health: bool = False


_JSON: Final = msgspec.json.Decoder(tuple[_Card, ...])


def devices(facts: NodeFacts) -> Iterator[Seen]:
    for word, text in _registers(facts.node):
        yield from _registered(facts.node, word, text)


def holdings(facts: NodeFacts) -> Iterator[Holding]:
    """One for each container and card: that many units of the resource the pod has asked for."""
    registered = {_vendor(word) for word, _ in _registers(facts.node)}
    for pod in facts.pods if registered else ():
        elsewhere = pod.metadata.annotations.get(_NODE, facts.node.metadata.name) != facts.node.metadata.name
        if not elsewhere and not requests.is_finished(pod):
            for vendor, text in islice(_allocated(pod), _MOST_WORDS):
                resource = _asked(pod, vendor) if vendor in registered else None
                if resource:
                    yield from _held(pod, resource, text)


def _allocated(pod: Pod) -> Iterator[tuple[str, str]]:
    """What was given to a pod, by vendor."""
    for key, text in pod.metadata.annotations.items():
        match = _ALLOCATED.fullmatch(key)
        if match and len(text) <= _LONGEST:
            yield _vendor(match[1]), text


def _registers(node: Node) -> Iterator[tuple[str, str]]:
    """What is written down of each maker's cards, by HAMi's word for the maker."""
    for key, text in node.metadata.annotations.items():
        match = _REGISTER.fullmatch(key)
        if match:
            yield match[1] or match[2], text


def _registered(node: Node, word: str, text: str) -> Iterator[Seen]:
    vendor = _vendor(word)
    resource = _resource(node, vendor)
    cards, doubt = _parse(text)
    if not doubt and not _answers(node, word, resource):
        doubt = _SILENT
    if doubt and not cards:
        yield from _uncounted(node, vendor, resource, doubt)
    indexes = _indexes(cards)
    for card in cards:
        index = indexes.get(card.id)
        yield Seen(
            names=(card.id,) if index is None else (card.id, index_name(vendor, index)),
            vendor=vendor,
            index=index,
            uuid=card.id,
            resource=resource,
            product=_product(card.type, vendor),
            memory_total=card.devmem or None,
            fault=None if card.health else _UNHEALTHY,
            doubt=doubt,
            shares=card.count or None,
        )


def _uncounted(node: Node, vendor: str, resource: str | None, doubt: str) -> Iterator[Seen]:
    """Cards of which only their number is known, from GPU feature discovery; without it, one that has all shares."""
    label = node.metadata.labels.get(_COUNT, "") if vendor == accelerators.NVIDIA.name else ""
    units = _units(node.status.capacity, resource)
    count = int(label) if _FEW.fullmatch(label) else min(1, units)
    for index in range(count):
        yield Seen(
            names=(index_name(vendor, index),),
            vendor=vendor,
            index=index,
            resource=resource,
            doubt=doubt,
            shares=units // count or None,
        )


def _parse(text: str) -> tuple[tuple[_Card, ...], str | None]:
    """What could be read of the register, and the doubt about it if that is not all."""
    try:
        return _JSON.decode(text), None
    except (msgspec.MsgspecError, UnicodeError):
        pass
    segments = [segment for segment in text.strip().split(":") if segment.strip()]
    cards = tuple(card for card in map(_card, segments) if card)
    return cards, None if 0 < len(cards) == len(segments) else _UNREADABLE


def _card(segment: str) -> _Card | None:
    fields = [field.strip() for field in segment.split(",")]
    if len(fields) not in (_OLD_FIELDS, _FIELDS) or not fields[0]:
        return None
    uuid, count, memory, _, model, _, health, *rest = fields
    if not all(_NUMBER.fullmatch(number) for number in (count, memory, *rest[:1])):
        return None
    index = int(rest[0]) if rest else None
    return _Card(uuid, index, int(count), int(memory), model, health.lower() in ("true", "t", "1"))


def _indexes(cards: tuple[_Card, ...]) -> dict[str, int]:
    """By card. One entry without an index is the card 0; several are of a version that wrote none."""
    known = {card.id: card.index or 0 for card in cards}
    return known if len(set(known.values())) == len(cards) else {}


def _answers(node: Node, word: str, resource: str | None) -> bool:
    keys = [key.format(word) for key in _HANDSHAKES[: 2 if _vendor(word) == "nvidia" else 1]]
    handshake = next((node.metadata.annotations[key] for key in keys if key in node.metadata.annotations), "")
    return not handshake.startswith(_UNANSWERED) or _units(node.status.allocatable, resource) > 0


def _units(quantities: dict[str, str], resource: str | None) -> int:
    return int(parse(quantities.get(resource or "", "0")))


def _resource(node: Node, vendor: str) -> str | None:
    """The resource by which HAMi counts the vendor's cards; None: there is none, or more than one."""
    return _only([name for name in node.status.capacity if _counts(name, vendor)])


def _asked(pod: Pod, vendor: str) -> str | None:
    """Without asking for it nobody is given a card, whatever the annotation says."""
    return _only(list(requests.extended(pod, lambda name: _counts(name, vendor))))


def _only(names: list[str]) -> str | None:
    return names[0] if len(names) == 1 else None


def _counts(resource: str, vendor: str) -> bool:
    known = accelerators.vendor_of(resource)
    return known is not None and known.name == vendor and not accelerators.profile(resource)


def _held(pod: Pod, resource: str, text: str) -> Iterator[Holding]:
    for container in text.split(";"):
        for entry in container.split(":"):
            uuid = entry.partition(",")[0].partition("[")[0].strip()
            if uuid:
                key = (pod.metadata.namespace, pod.metadata.name)
                yield Holding(device=uuid, pod=key, resource=resource)


def _vendor(word: str) -> str:
    word = word.lower()
    return "ascend" if word.startswith("ascend") else _VENDORS.get(word, word)


def _product(model: str, vendor: str) -> str | None:
    """Spelled like the node label; HAMi puts the maker before the model, once more where that begins with it."""
    if vendor == accelerators.NVIDIA.name:
        model = model.removeprefix("NVIDIA-").replace(" ", "-")
    return model or None
