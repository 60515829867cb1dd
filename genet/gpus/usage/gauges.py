"""Genet's own numbers of who holds how many GPUs, on `/metrics`, so that Prometheus remembers what Genet does not.

Traps: a label that Prometheus gives every series itself (`namespace`, `pod`, `service`) would be renamed on the way, so
none is called like one. Every replica exports the same; whoever adds them up counts twice (`reports` divides
by the samples of `genet_gpus`, which is always there). A scrape runs in a thread of its own, so it reads what the loop
left for it; while nothing is known yet it is told nothing, rather than that nobody holds anything.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from genet.errors import Unavailable
from genet.gpus.unfailing import again_and_again
from genet.gpus.usage.holders import AskLedger, Held, Holder

NAMESPACE: Final = "holder_namespace"
USER: Final = "holder_user"
TYPE: Final = "gpu_type"
_FAMILIES: Final = (
    ("genet_gpu_devices", "Devices that pods hold: a card, a slice, a share is 1 each."),
    ("genet_gpu_utilization_sum", "Sum of the utilization (0 to 1) of those that are measured."),
    ("genet_gpu_utilization_count", "How many of those are measured."),
)


class Told(NamedTuple):
    gpus: int
    held: Mapping[Holder, Held]


class Gauges(Collector):
    """Register it where `/metrics` is served; `run` keeps it fresh."""

    def __init__(self, ledger: AskLedger, *, refresh_seconds: float = 15.0) -> None:
        self._ledger = ledger
        self._refresh_seconds = refresh_seconds
        self._told: Told | None = None

    async def run(self) -> None:
        await again_and_again(self._refresh_if_known, self._refresh_seconds)

    async def _refresh_if_known(self) -> None:
        with suppress(Unavailable):
            await self.refresh()

    async def refresh(self) -> None:
        """Raises Unavailable before the first lists."""
        ledger = await self._ledger()
        self._told = Told(ledger.devices, ledger.held())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        told = self._told
        if told is None:
            return
        yield GaugeMetricFamily("genet_gpus", "GPUs of the cluster.", value=told.gpus)
        devices, utilization, measured = (
            GaugeMetricFamily(name, text, labels=(NAMESPACE, USER, TYPE)) for name, text in _FAMILIES
        )
        for holder, held in told.held.items():
            labels = (holder.namespace, holder.user, holder.type)
            devices.add_metric(labels, held.devices)
            utilization.add_metric(labels, held.percent / 100)
            measured.add_metric(labels, held.measured)
        yield from (devices, utilization, measured)
