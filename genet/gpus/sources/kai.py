"""KAI Scheduler and Run:ai: fractions of a card, which no resource counts.

For each shared card a reservation pod asks for one whole GPU and writes down which it was given; the pods that work on
it ask for nothing and have the reservation's group in a label. People see them, and the reservation where they are not
there yet.

Traps:
- The annotation `run.ai/reserve_for_gpu_index` has held a UUID for long; an index where it is a number, and `-1` as
  long as nothing is known.
- Nothing here describes cards: where no exporter names them, the merge gives one that nobody has the reserved name.
- A pod that works on several cards has a label for each group, whose name ends in the group.
- Anybody can label a pod of their own. That makes them one more member; it takes nothing from the others, and who the
  reservation is and which card it has are said in namespaces that are the scheduler's.
"""

import re
from collections.abc import Iterator
from typing import Final

from genet import accelerators
from genet.gpus.model import Holding, NodeFacts, PodKey, index_name
from genet.kube import requests
from genet.kube.objects import Pod

_NAMESPACES: Final = frozenset({"runai-reservation", "kai-resource-reservation"})
_GROUP: Final = "runai-gpu-group"
_CARD: Final = "run.ai/reserve_for_gpu_index"
_NUMBER: Final = re.compile(r"\d{1,4}", re.ASCII)
_UNKNOWN: Final = frozenset({"", "-1"})
_RESOURCE: Final = "nvidia.com/gpu"


def holdings(facts: NodeFacts) -> Iterator[Holding]:
    members: dict[str, list[PodKey]] = {}
    for pod in facts.pods:
        if pod.metadata.namespace not in _NAMESPACES and not requests.is_finished(pod):
            for group in _groups(pod):
                members.setdefault(group, []).append(_key(pod))
    for card, pod in _reservations(facts):
        group = pod.metadata.labels.get(_GROUP, "")
        for member in members.get(group, ()):
            yield Holding(device=_name(card), pod=member, resource=_RESOURCE, instead_of=_key(pod))
        if group not in members:
            yield Holding(device=_name(card), pod=_key(pod), resource=_RESOURCE)


def _reservations(facts: NodeFacts) -> Iterator[tuple[str, Pod]]:
    """Reservation pods that know their card, and that card."""
    for pod in facts.pods:
        card = pod.metadata.annotations.get(_CARD, "")
        if pod.metadata.namespace in _NAMESPACES and card not in _UNKNOWN and not requests.is_finished(pod):
            yield card, pod


def _name(card: str) -> str:
    return index_name(accelerators.NVIDIA.name, int(card)) if _NUMBER.fullmatch(card) else card


def _groups(pod: Pod) -> set[str]:
    labels = pod.metadata.labels
    several = {value for key, value in labels.items() if key == f"{_GROUP}/{value}"}
    return several | ({labels[_GROUP]} if labels.get(_GROUP) else set())


def _key(pod: Pod) -> PodKey:
    return pod.metadata.namespace, pod.metadata.name
