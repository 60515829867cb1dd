"""What all pods of the cluster take of their nodes, who holds devices and who waits for some: one pass over the cache.

Fifty thousand pods are gone through in slices of a few milliseconds, and what was found serves everybody who asks
within two seconds: people reload a page that does not tell them what they want to hear.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from genet.kube.amounts import requested
from genet.kube.cache import Cache
from genet.kube.objects import Pod
from genet.kube.requests import is_finished

_SLICE_SECONDS: Final = 0.005
_LOOKS_AT_THE_CLOCK: Final = 32
"""Pods between two looks."""
_GOOD_FOR_SECONDS: Final = 2.0


@dataclass(frozen=True)
class Taken:
    by_node: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    holding: list[tuple[Pod, dict[str, int]]] = field(default_factory=list)
    """Pods that are on a node and hold devices, and how many of each resource."""
    waiting: list[tuple[Pod, dict[str, int]]] = field(default_factory=list)
    """Pods that have no node yet and ask for devices, and how many of each resource."""


class TakenRoom:
    """Call it for what is taken now."""

    def __init__(
        self, pods: Cache[Pod], is_device: Callable[[str], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._pods = pods
        self._is_device = is_device
        self._clock = clock
        self._turn = asyncio.Lock()
        self._found = Taken()
        self._found_at: float | None = None

    async def __call__(self) -> Taken:
        async with self._turn:
            if self._found_at is None or self._clock() - self._found_at > _GOOD_FOR_SECONDS:
                self._found = await self._look()
                self._found_at = self._clock()
            return self._found

    async def _look(self) -> Taken:
        sums: defaultdict[str, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        holding: list[tuple[Pod, dict[str, int]]] = []
        waiting: list[tuple[Pod, dict[str, int]]] = []
        began = self._clock()
        for count, pod in enumerate(self._pods.all()):
            if count % _LOOKS_AT_THE_CLOCK == 0 and self._clock() - began > _SLICE_SECONDS:
                await asyncio.sleep(0)
                began = self._clock()
            if is_finished(pod):
                continue
            asked = requested(pod)
            devices = {name: int(number) for name, number in asked.items() if self._is_device(name)}
            if pod.spec.node_name:
                on_node = sums[pod.spec.node_name]
                for name, number in asked.items():
                    on_node[name] += number
            if devices and pod.spec.node_name:
                holding.append((pod, devices))
            elif devices and pod.metadata.deletion_timestamp is None:
                waiting.append((pod, devices))
        return Taken({node: dict(amounts) for node, amounts in sums.items()}, holding, waiting)
