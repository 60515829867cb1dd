"""HAMi's two exporters, which speak of cards that pods share: the scheduler's and the monitor's on each node. Pure.

Traps:

- The scheduler's exporter is one pod that speaks of all nodes, so its target says nothing of where a card is; its
  label `node` does, and becomes `exported_node` where labels are not honoured.
- The monitor's series about containers name the card's UUID alone: they join what else is said of that UUID.
- `..._ratio` is percent. Memory is in bytes, and the scheduler's limit may be scaled beyond the card's own.
- The old names are kept behind a flag; where it is set, both are there.
- It also lists other makers' devices, under identifiers of its own making; those are left to their exporters.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from genet.gpus.model import Reading
from genet.gpus.telemetry.devices import Device, Holders, Host, Rows, Where, is_number
from genet.prometheus import Sample

_UTIL, _USED, _TOTAL, _HELD, _ELAPSED = range(5)
_NUMBER: Final = {
    "hami_host_gpu_utilization_ratio": _UTIL,
    "HostCoreUtilization": _UTIL,
    "hami_host_gpu_memory_used_bytes": _USED,
    "HostGPUMemoryUsage": _USED,
    "hami_gpu_memory_limit_bytes": _TOTAL,
    "GPUDeviceMemoryLimit": _TOTAL,
    "hami_vgpu_memory_allocated_bytes": _HELD,
    "vGPUMemoryAllocated": _HELD,
    "vGPUPodsDeviceAllocated": _HELD,
    "hami_container_last_kernel_elapsed_seconds": _ELAPSED,
    "Device_last_kernel_of_container": _ELAPSED,
}
METRICS: Final = tuple(_NUMBER)
_OF_SCHEDULER: Final = (_TOTAL, _HELD)
_MIB: Final = 1 << 20
_AT_WORK_SECONDS: Final = 60
_LONGEST_SECONDS: Final = 10 * 365 * 24 * 60 * 60


class Labels(Where, gc=False):
    """Those of HAMi's labels that are read, new names and old."""

    device_uuid: str = ""
    deviceuuid: str = ""
    device_index: str = ""
    deviceidx: str = ""
    device_type: str = ""
    devicetype: str = ""
    exported_node: str = ""
    nodeid: str = ""
    nodename: str = ""
    podname: str = ""
    podnamespace: str = ""


class Hami:
    """One round of HAMi's series."""

    name: Final = "hami"
    labels: Final = Labels
    queries: Final = {"HAMi's metrics": f'{{__name__=~"{"|".join(METRICS)}"}}'}
    busy: Final[tuple[str, ...]] = ()
    """Nothing to look up in the past: the time since the last kernel is told."""

    def __init__(self) -> None:
        self.rows = Rows[Labels](self.name, _ELAPSED + 1)
        self._known: dict[str, Labels] = {}
        """Labels of a series that says more of the card than its UUID."""
        self._elapsed: dict[str, float] = {}
        """Of the container that worked last: the shortest time, where all other values are the largest."""

    @staticmethod
    def identity(labels: Labels) -> tuple[str, str]:
        return labels.device_uuid or labels.deviceuuid, ""

    def take(self, samples: Iterable[Sample[Labels]]) -> None:
        nowhere = self.rows.host()  # where a card is may be said by one of its series alone
        for sample in samples:
            labels = sample.labels
            uuid, _ = self.identity(labels)
            metric = _NUMBER.get(labels.name)
            if metric is None or not uuid.startswith("GPU-"):
                continue
            if is_number(labels.device_index or labels.deviceidx) and _node(labels, metric):
                self._known.setdefault(uuid, labels)
            if metric == _ELAPSED and 0 <= sample.value <= _LONGEST_SECONDS:
                self._elapsed[uuid] = min(sample.value, self._elapsed.get(uuid, sample.value))
            holders = _holders(labels) if metric in (_HELD, _ELAPSED) else (None, None)
            self.rows.add(nowhere, (uuid,), labels, metric=metric, value=sample.value, holders=holders)

    def readings(self, now: float) -> Iterator[tuple[Host, list[Reading]]]:
        by_host: dict[Host, list[Reading]] = {}
        for _, devices in self.rows.drain():
            for device in devices:
                uuid, _ = self.identity(device.labels)
                labels = self._known.get(uuid)
                if labels is None:
                    self.rows.nameless += 1
                else:
                    host = self.rows.host(*_clues(labels))
                    by_host.setdefault(host, []).append(_reading(uuid, labels, device, self._idle(uuid, now)))
        yield from sorted(by_host.items())

    def _idle(self, uuid: str, now: float) -> datetime | None:
        elapsed = self._elapsed.get(uuid)
        if elapsed is None or elapsed < _AT_WORK_SECONDS:
            return None
        return datetime.fromtimestamp(now - elapsed, UTC)


def _reading(uuid: str, labels: Labels, device: Device[Labels], idle_since: datetime | None) -> Reading:
    return Reading(
        uuid=uuid,
        index=int(labels.device_index or labels.deviceidx),
        product=(labels.device_type or labels.devicetype).removeprefix("NVIDIA-").replace(" ", "-") or None,
        pods=device.pods,
        utilization=device.percent(_UTIL),
        memory_used=device.whole(_USED, _MIB),
        memory_total=device.whole(_TOTAL, _MIB),
        idle_since=idle_since,
    )


def _clues(labels: Labels) -> Iterator[str]:
    yield labels.exported_node or labels.nodeid or labels.nodename
    yield labels.node
    if _NUMBER[labels.name] not in _OF_SCHEDULER:
        yield labels.kubernetes_node
        yield labels.target


def _node(labels: Labels, metric: int) -> str:
    """What a series says of its node; empty: nothing."""
    own = labels.exported_node or labels.nodeid or labels.nodename or labels.node
    return own or ("" if metric in _OF_SCHEDULER else labels.instance)


def _holders(labels: Labels) -> Holders:
    if labels.podname:
        pod = (labels.podnamespace or labels.exported_namespace or labels.namespace, labels.podname)
        return pod, pod
    return labels.holders
