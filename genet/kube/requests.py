"""How many devices a pod asks the cluster for, and until when.

Two ways to ask leave no trace in a container's resources: cards shared by agreement, and claims (DRA). Of pods that
Genet made, its annotations say how many devices those are; elsewhere an annotation is a word of whoever made the pod.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from genet import naming
from genet.kube.amounts import asked, at_once
from genet.kube.objects import Container, Pod

FINISHED = frozenset({"Succeeded", "Failed"})
"""Phases in which a pod holds nothing any more."""
SHARED: Final = "genet.io/shared"
"""Stands among resources for cards that pods share by agreement; nothing is requested by that name."""
CLAIMED: Final = "genet.io/claimed"
"""Stands among resources for devices that are claimed (DRA)."""

_FEW: Final = re.compile(r"[0-9]{1,4}", re.ASCII)


def is_finished(pod: Pod) -> bool:
    return pod.status.phase in FINISHED


def devices(pod: Pod, is_device: Callable[[str], bool]) -> dict[str, int]:
    """Devices asked for, by extended resource, `SHARED` or `CLAIMED`; of which none is asked, those are absent.

    The one place that says how many devices a pod asks for.
    """
    counts = extended(pod, is_device) | {SHARED: len(chosen_cards(pod)), CLAIMED: _claimed(pod)}
    return {name: count for name, count in counts.items() if count}


def extended(pod: Pod, is_device: Callable[[str], bool]) -> dict[str, int]:
    """Those of them that a device plugin has to give."""

    def asks(container: Container) -> Mapping[str, Decimal]:
        return {name: number for name, number in asked(container).items() if is_device(name)}

    return {name: int(number) for name, number in sorted(at_once(pod, asks).items()) if number >= 1}


def chosen_cards(pod: Pod) -> tuple[int, ...]:
    """Indexes of the cards that the pod shares, where Genet chose them for it."""
    if not _is_genets(pod):
        return ()
    texts = pod.metadata.annotations.get(naming.GPU_DEVICES, "").split(",")
    return tuple(sorted({int(text) for text in texts if _FEW.fullmatch(text)}))


def _claimed(pod: Pod) -> int:
    claims = len(pod.spec.resource_claims)
    text = pod.metadata.annotations.get(naming.GPU_COUNT, "")
    return max(claims, int(text)) if claims and _is_genets(pod) and _FEW.fullmatch(text) else claims


def _is_genets(pod: Pod) -> bool:
    return pod.metadata.labels.get(naming.CREATED_BY) == "genet"
