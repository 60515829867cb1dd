"""The GPUs in the nodes and who holds them, now and before: what a device plugin and the kubelet know together.

A node's status counts devices; this room knows them one by one, so that the exporters' pod labels, a container's
`nvidia-smi -L` and the history in Prometheus agree with each other. A pod keeps its devices until it is gone. Which
free devices it gets is seeded by its name and is on purpose not the lowest indexes: whoever only counts must not be
right by luck. Traps: devices named in a pod's annotations are taken first (HAMi's and Ascend's schedulers choose cards
that way, their device plugins only obey), and sharers named by NVIDIA_VISIBLE_DEVICES use cards without holding them.
"""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from math import inf
from typing import Any, Final

from genet.simulation.quantity import parse

Obj = dict[str, Any]

NVIDIA: Final = "nvidia.com/gpu"
_NOT_CHOSEN: Final = "huawei.com/kltDev"
"""Names devices that the kubelet would have taken, and the plugin did not."""
_REMEMBERED: Final = 50
"""Uses of one card that are known, for queries about the past."""
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Partition:
    """One MIG instance of a GPU: its GPU_I_ID, profile (`1g.10gb`), own UUID, MiB, and what it is asked by."""

    instance: int
    profile: str
    uuid: str
    memory: int
    resource: str


@dataclass(frozen=True, slots=True)
class Gpu:
    """One physical card: its UUID or serial number, MiB, and what it or its replicas are asked by."""

    node: str
    index: int
    uuid: str
    model: str
    memory: int
    resource: str | None = NVIDIA
    """None: no device plugin hands it out (a node for sharing, or one where DRA does)."""
    partitions: tuple[Partition, ...] = ()
    replicas: int = 1
    xid: int = 0
    """The last Xid error, another maker's fault; a card with one is unhealthy and not allocatable."""
    foreign: bool = False
    """Something outside Kubernetes works on it."""
    labelled: bool = True
    """DCGM's exporter can tell which pod holds it (not so under HAMi and MPS)."""
    vendor: str = "nvidia"
    hami: str = ""
    """HAMi speaks of it, in its `new` names or its `legacy` ones."""

    @property
    def pci(self) -> str:
        return f"0000:{0x18 + 0x11 * self.index:02x}:00.0"

    @property
    def id(self) -> str:
        """What its device plugin calls it."""
        match self.vendor:
            case "amd":
                return self.pci
            case "ascend":
                return f"Ascend910-{self.index}"
        return self.uuid


@dataclass(frozen=True, slots=True)
class Device:
    """What one allocation hands out: a card, one of its replicas, or one of its partitions."""

    gpu: Gpu
    partition: Partition | None = None
    replica: int | None = None

    @property
    def id(self) -> str:
        if self.partition:
            return self.partition.uuid
        return self.gpu.id if self.replica is None else f"{self.gpu.uuid}::{self.replica}"

    @property
    def resource(self) -> str:
        return self.partition.resource if self.partition else self.gpu.resource or ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A device that a pod has by a ResourceClaim: a card, or the partition of one that has this UUID."""

    name: str
    driver: str
    pool: str
    device: str
    uuid: str


@dataclass(slots=True, eq=False)
class Use:
    """A container's time with a device, in unix seconds; sharers hold nothing."""

    device: Device
    namespace: str
    pod: str
    container: str
    since: float
    idle_from: float
    """When it stops working on the device, and only sits on it."""
    held: bool = True
    claim: Claimed | None = None
    until: float = inf


class NoDevices(Exception):
    """The kubelet found fewer devices than the scheduler counted."""

    def __init__(self, resource: str, asked: int, available: int) -> None:
        super().__init__(
            f"Allocate failed due to requested number of devices unavailable for {resource}. "
            f"Requested: {asked}, Available: {available}, which is unexpected"
        )


@dataclass(slots=True)
class _Plugin:
    """The devices of one resource on one node."""

    resource: str
    devices: list[Device] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)

    def choose(self, count: int, named: set[str], seed: str) -> list[Device]:
        """`count` free devices: named ones first, then those on the card with the fewest holders, else by the seed."""
        free = [device for device in self.devices if not device.gpu.xid and device.id not in self.taken]
        if len(free) < count:
            raise NoDevices(self.resource, count, len(free))
        random.Random(seed).shuffle(free)  # noqa: S311 - a repeatable choice, not a secret
        load = Counter(device.gpu.uuid for device in self.devices if device.id in self.taken)
        free.sort(key=lambda device: (device.gpu.id not in named, load[device.gpu.uuid]))
        return free[:count]


class Devices:
    """All cards of the cluster, by node, with who uses them."""

    def __init__(self, gpus: Iterable[Gpu]) -> None:
        self.by_node: dict[str, list[Gpu]] = defaultdict(list)
        self.uses: dict[str, tuple[Use, ...]] = {}
        """By the GPU's UUID, in order of time. Threads read it, so it is never changed in place."""
        self._plugins: dict[tuple[str, str], _Plugin] = {}
        self._pods: dict[str, list[Use]] = {}
        for gpu in gpus:
            self.by_node[gpu.node].append(gpu)
            for device in _devices(gpu):
                self._plugin(device).devices.append(device)

    def remember(  # noqa: PLR0917 - who, where and when
        self, node: str, index: int, namespace: str, pod: str, since: float, until: float
    ) -> None:
        """Takes note of somebody who worked on a card once, before whoever is on it now."""
        gpu = next(gpu for gpu in self.by_node[node] if gpu.index == index)
        self._remember(Use(Device(gpu), namespace, pod, "main", since, until, until=until))

    def admit(self, pod: Obj, since: float, claimed: Collection[Claimed] = ()) -> None:
        """Gives a pod on a node its devices, once; raises NoDevices. A resource without known cards is only counted."""
        uid = pod["metadata"]["uid"]
        if uid in self._pods:
            return
        uses = self._pods[uid] = list[Use]()
        annotations = pod["metadata"].get("annotations") or {}
        chosen = [value for key, value in annotations.items() if key != _NOT_CHOSEN]
        named = set(re.split(r"[,;: ]+", ",".join(chosen)))
        try:
            for container in pod["spec"]["containers"]:
                for use in self._allocate(pod, container, named, claimed, since):
                    uses.append(use)
                    self._remember(use)
        except NoDevices:
            self.release(pod, since)
            raise

    def release(self, pod: Obj, at: float) -> None:
        for use in self._pods.pop(pod["metadata"]["uid"], ()):
            use.until = at
            if use.held:
                self._plugin(use.device).taken.remove(use.device.id)

    def of(self, pod: Obj, container: str) -> list[Device]:
        return [use.device for use in self._pods.get(pod["metadata"]["uid"], ()) if use.container == container]

    def _remember(self, use: Use) -> None:
        uuid = use.device.gpu.uuid
        self.uses[uuid] = (*self.uses.get(uuid, ())[-_REMEMBERED:], use)

    def _allocate(
        self, pod: Obj, container: Obj, named: set[str], claimed: Collection[Claimed], since: float
    ) -> Iterator[Use]:
        metadata, node = pod["metadata"], pod["spec"]["nodeName"]
        where = (metadata["namespace"], metadata["name"], container["name"])
        idle_from = since + work_seconds(container)
        for resource, amount in ((container.get("resources") or {}).get("limits") or {}).items():
            if plugin := self._plugins.get((node, resource)):
                for device in plugin.choose(int(parse(amount)), named, "/".join((*where, resource))):
                    plugin.taken.add(device.id)
                    yield Use(device, *where, since, idle_from)
        for gpu in self.by_node.get(node, ()):
            if gpu.resource is None and str(gpu.index) in _visible(container):
                yield Use(Device(gpu), *where, since, idle_from, held=False)
            for device in _claimable(gpu):
                if claim := next((claim for claim in claimed if claim.uuid == device.id), None):
                    yield Use(device, *where, since, idle_from, held=False, claim=claim)

    def _plugin(self, device: Device) -> _Plugin:
        return self._plugins.setdefault((device.gpu.node, device.resource), _Plugin(device.resource))


def work_seconds(container: Obj) -> float:
    """How long a container works on its GPUs, in waves, before it leaves them alone.

    One that sleeps never does, `timeout 5h python train.py; sleep infinity` does for five hours, any other for ever.
    """
    words = [*(container.get("command") or ()), *(container.get("args") or ())]
    program, *rest = " ".join(words).removeprefix("sh -c ").removeprefix("/bin/").split(" ")
    if program == "timeout":
        return float(rest[0][:-1]) * _SECONDS[rest[0][-1]]
    return 0 if program == "sleep" else inf


def _visible(container: Obj) -> list[str]:
    env = {item["name"]: item.get("value", "") for item in container.get("env") or ()}
    visible: str = env.get("NVIDIA_VISIBLE_DEVICES", "")
    return visible.split(",")


def _claimable(gpu: Gpu) -> Iterator[Device]:
    if gpu.resource is None:
        yield Device(gpu)
        yield from (Device(gpu, partition) for partition in gpu.partitions)


def _devices(gpu: Gpu) -> Iterator[Device]:
    if gpu.resource is None:
        return
    if gpu.partitions:
        yield from (Device(gpu, partition) for partition in gpu.partitions)
    elif gpu.replicas > 1:
        yield from (Device(gpu, replica=number) for number in range(gpu.replicas))
    else:
        yield Device(gpu)
