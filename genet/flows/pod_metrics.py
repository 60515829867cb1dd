"""What one pod uses just now: processor and memory, and its cards.

Each source is asked once, all at the same time, and none is waited for longer than `WITHIN_SECONDS`; what is not known
by then is null, and `sources` says why. Prometheus is asked one question at a time, and its answers are good for some
seconds for everybody; while it hangs, nobody waits behind others for longer than that.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from math import isfinite
from typing import Final

import msgspec

from genet.errors import Forbidden, GenetError, NotFound, Unavailable
from genet.flows.pod_cards import cards_of, holders
from genet.gpus.overview import Moment, Slot, SourceState, Wire
from genet.gpus.usage import own
from genet.gpus.usage.holders import AskLedger
from genet.gpus.usage.own import OwnUse
from genet.gpus.usage.recent import Recent
from genet.kube.client import KubeClient
from genet.kube.metrics_api import POD_METRICS
from genet.kube.objects import Pod
from genet.pods import metrics
from genet.pods.metrics import CPUUse, MemoryUse
from genet.prometheus import Prometheus

WITHIN_SECONDS: Final = 2.0
_KEPT_SECONDS: Final = 5.0
_MOST_PODS: Final = 1000
_NOT_SERVED: Final = "the cluster serves no metrics.k8s.io, or has not measured this pod yet"
_NOT_ALLOWED: Final = "Genet may not read metrics.k8s.io in this namespace"
_SLOW: Final = "no answer in time"
_OFF: Final = SourceState(state="off", message=None, checked_at=None)

Use = tuple[CPUUse | None, MemoryUse | None]


class PodGPU(Wire):
    index: int
    uuid: str | None
    utilization: int | None
    """Percent, of this pod; null also where a shared card's is not known by pod."""
    memory_used: int | None
    """MiB, of this pod."""
    memory_total: int | None
    """MiB, of the card."""


class PodMetricsSources(Wire):
    metrics_api: SourceState
    """`metrics.k8s.io`, asked first for processor and memory."""
    prometheus: SourceState
    """Asked for what that does not say, and for each pod's part of shared cards."""
    gpus: SourceState
    """The overview's exporters."""


class PodUse(Wire):
    cpu: CPUUse | None
    memory: MemoryUse | None
    gpus: tuple[PodGPU, ...]
    """Cards known to be this pod's; empty also where only their number is."""
    sources: PodMetricsSources


class Told(msgspec.Struct, frozen=True):
    """What Prometheus says of one pod."""

    cores: float | None
    bytes_used: float | None
    by_card: dict[str, OwnUse]


class ShowPodUse:
    """`prometheus` is this flow's own: one client asks one question at a time."""

    def __init__(
        self,
        kube: KubeClient,
        prometheus: Prometheus | None,
        ledger: AskLedger,
        moment: Callable[[], Moment],
        clock: Callable[[], datetime],
    ) -> None:
        self._kube = kube
        self._prometheus = prometheus
        self._ledger = ledger
        self._moment = moment
        self._clock = clock
        self._recent = Recent(self._ask, seconds=_KEPT_SECONDS, most=_MOST_PODS)
        self._turn = asyncio.Lock()

    async def __call__(self, pod: Pod) -> PodUse:
        """Raises Unavailable before the cluster has been listed."""
        cards = await cards_of(pod, self._ledger)
        shared = tuple(sorted(slot.uuid for slot in cards if slot.uuid and not _is_alone(slot)))
        (use, api), (told, prometheus) = await asyncio.gather(self._measured(pod), self._told(pod, shared))
        if told is not None and use == (None, None):
            use = metrics.cpu(told.cores, pod), metrics.memory_use(told.bytes_used, pod)
        by_card = told.by_card if told is not None else {}
        sources = PodMetricsSources(api, prometheus, self._moment().sources.prometheus)
        return PodUse(*use, tuple(_gpu(slot, by_card) for slot in cards), sources)

    async def close(self) -> None:
        await self._recent.close()

    async def _measured(self, pod: Pod) -> tuple[Use, SourceState]:
        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                found = await self._kube.get(POD_METRICS, pod.metadata.name, pod.metadata.namespace)
        except NotFound:
            return (None, None), self._state("off", _NOT_SERVED)
        except Forbidden:
            return (None, None), self._state("unavailable", _NOT_ALLOWED)
        except TimeoutError:
            return (None, None), self._state("unavailable", _SLOW)
        except GenetError as error:
            return (None, None), self._state("unavailable", error.detail)
        return metrics.measured(found, pod), self._state("ok", None)

    async def _told(self, pod: Pod, shared: tuple[str, ...]) -> tuple[Told | None, SourceState]:
        if self._prometheus is None:
            return None, _OFF
        key = (pod.metadata.namespace, pod.metadata.name, shared)
        try:
            told = await self._recent.get(key, within=WITHIN_SECONDS)
        except Unavailable as error:
            return None, self._state("unavailable", error.detail)
        nothing = told.cores is None and told.bytes_used is None
        return told, self._state("ok", "Prometheus has no series of this pod's containers" if nothing else None)

    async def _ask(self, key: tuple[str, str, tuple[str, ...]]) -> Told:
        assert self._prometheus is not None  # noqa: S101 # `_told` asks nothing without one
        namespace, name, shared = key
        async with self._turn:
            cores = _single(await self._prometheus.query(metrics.question_cpu(namespace, name)))
            used = _single(await self._prometheus.query(metrics.question_memory(namespace, name)))
            samples: list[own.Sampled] = []
            for question in own.questions(shared) if shared else ():
                samples += await self._prometheus.query(question)
        return Told(cores, used, own.own_use(samples, (namespace, name)))

    def _state(self, state: str, message: str | None) -> SourceState:
        now = self._clock().replace(microsecond=0)
        return SourceState(state=state, message=message, checked_at=now)  # type: ignore[arg-type] # one of State's


def _is_alone(slot: Slot) -> bool:
    """Whether what is measured of the card is this pod's use: it has the whole card, and nobody else any of it."""
    return not slot.slices and len(set(holders(slot))) == 1 and (slot.replicas or 1) == 1


def _gpu(slot: Slot, by_card: dict[str, OwnUse]) -> PodGPU:
    use = OwnUse(slot.utilization, slot.memory_used) if _is_alone(slot) else by_card.get(slot.uuid or "", OwnUse())
    return PodGPU(slot.index, slot.uuid, use.utilization, use.memory_used, slot.memory_total)


def _single(samples: Sequence[own.Sampled]) -> float | None:
    value = samples[0].value if samples else None
    return value if value is not None and isfinite(value) and value >= 0 else None
