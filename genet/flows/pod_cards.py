"""The cards that a pod works on, as the overview knows them, and who else works there."""

from collections.abc import Iterator
from datetime import datetime

from genet.gpus.overview import PodRef, Slot, Wire
from genet.gpus.usage.holders import AskLedger
from genet.kube.objects import Pod


class SharingPod(Wire):
    """Another pod on the same card; all null for who may not see the overview, which names them."""

    user: str | None
    """userIdentifier."""
    name: str | None
    started_at: datetime | None


class SharedDevice(Wire):
    index: int
    uuid: str | None
    pods: tuple[SharingPod, ...]
    """The others, the longest there first."""


class SharedDevices(Wire):
    devices: tuple[SharedDevice, ...]
    """Those that are known to be the pod's; empty also where only their number is."""


class SharedGPUs:
    def __init__(self, ledger: AskLedger) -> None:
        self._ledger = ledger

    async def __call__(self, pod: Pod, *, sees_names: bool) -> SharedDevices:
        """Raises Unavailable before the cluster has been listed."""
        found = []
        for slot in await cards_of(pod, self._ledger):
            others = sorted({*holders(slot)} - {*own(slot, pod)}, key=_age)
            pods = tuple(SharingPod(ref.user, ref.name, ref.started_at) for ref in others)
            if not sees_names:
                pods = (SharingPod(None, None, None),) * len(pods)
            found.append(SharedDevice(slot.index, slot.uuid, pods))
        return SharedDevices(tuple(found))


async def cards_of(pod: Pod, ledger: AskLedger) -> list[Slot]:
    if not pod.spec.node_name:
        return []
    nodes = (await ledger()).nodes(pod.spec.node_name)
    return [slot for node in nodes for slot in node.slots if any(own(slot, pod))]


def holders(slot: Slot) -> Iterator[PodRef]:
    """Of the card and of its slices."""
    yield from slot.pods
    for part in slot.slices:
        yield from part.pods


def own(slot: Slot, pod: Pod) -> Iterator[PodRef]:
    key = (pod.metadata.namespace, pod.metadata.name)
    return (ref for ref in holders(slot) if (ref.namespace, ref.name) == key)


def _age(ref: PodRef) -> tuple[float, str, str]:
    return (ref.started_at.timestamp() if ref.started_at else float("inf"), ref.namespace, ref.name)
