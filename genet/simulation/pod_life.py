"""One pod from its binding to its end, as a kubelet takes it there.

What decides: an image with `missing` in its name cannot be pulled (ErrImagePull, then ImagePullBackOff); a Secret or
ConfigMap that a volume names and that is not there keeps the pod in ContainerCreating (FailedMount); how a container
runs and ends is up to its command (containers.py). After its end a container is started again at once the first time,
then after 10 s, 20 s, … at most 300 s (CrashLoopBackOff); ten good minutes forgive.

Trap: the status is always built on what the store holds, never on what was read before waiting.
"""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from genet.simulation.containers import Containers
from genet.simulation.devices import Devices
from genet.simulation.pod_status import pod_status, running, terminated, waiting
from genet.simulation.recorder import Recorder
from genet.simulation.shell import OutOfMemory
from genet.simulation.store import Store, timestamp

Obj = dict[str, Any]

_FIRST_BACK_OFF: Final = 10
_LONGEST_BACK_OFF: Final = 300
_FORGIVEN_AFTER: Final = 600
_MOUNT_RETRY_SECONDS: Final = 2


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things take, in seconds: long enough in the demo to see every step, and short in tests."""

    pull: float = 1.5
    start: float = 0.3
    stop: float = 0.6


@dataclass(frozen=True, slots=True)
class Runtime:
    """What all pods' lives share."""

    store: Store
    containers: Containers
    recorder: Recorder
    sleep: Callable[[float], Awaitable[None]]
    pace: Pace
    reported: Devices | None
    """Devices to report in `allocatedResourcesStatus`, as Kubernetes does behind a feature gate; None: not reported."""
    images: set[tuple[str, str]] = field(default_factory=set)
    """(node, image) pairs that need no pull."""


class PodLife:
    def __init__(self, pod: Obj, runtime: Runtime, *, host_ip: str, pod_ip: str) -> None:
        self._pod = pod
        self._runtime = runtime
        self._sleep, self._pace = runtime.sleep, runtime.pace
        old = pod.get("status", {})
        started = old.get("startTime") or timestamp(runtime.store.clock())
        self._known: Obj = {"hostIP": host_ip, "hostIPs": [{"ip": host_ip}], "startTime": started}
        self._pod_ip: str = old.get("podIP") or pod_ip
        self._spec: Obj = pod["spec"]
        first = "PodInitializing" if self._spec.get("initContainers") else "ContainerCreating"
        before = {item["name"]: item for item in old.get("containerStatuses", ())}
        self._statuses: dict[str, Obj] = {
            item["name"]: before.get(item["name"]) or waiting(item, first) for item in self._spec["containers"]
        }
        self._init_statuses: dict[str, Obj] = {
            item["name"]: waiting(item, "PodInitializing") for item in self._spec.get("initContainers") or ()
        }

    async def run(self) -> None:
        """Until all containers have ended for good; a pod that is restarted always runs until it is cancelled."""
        self._publish()
        await self._mount()
        await self._sleep(self._pace.start)
        self._known |= {"podIP": self._pod_ip, "podIPs": [{"ip": self._pod_ip}]}
        self._publish()
        for container in self._spec.get("initContainers") or ():
            await self._container(container, self._init_statuses, init=True)
            if self._init_statuses[container["name"]]["state"]["terminated"]["exitCode"]:
                return
        async with asyncio.TaskGroup() as group:
            for container in self._spec["containers"]:
                group.create_task(self._container(container, self._statuses, init=False))

    async def _container(self, container: Obj, statuses: dict[str, Obj], *, init: bool) -> None:
        """Runs one container until it has ended for good."""
        name = container["name"]
        policy = self._spec.get("restartPolicy", "Always")
        if init and policy == "Always":
            policy = "OnFailure"
        crashes = int(statuses[name]["restartCount"])
        while True:
            if crashes:
                await self._back_off(container, statuses, crashes)
                statuses[name] = {**statuses[name], "restartCount": statuses[name]["restartCount"] + 1}
            await self._pull(container, statuses)
            code, seconds = await self._once(container, statuses)
            if policy == "Never" or (policy == "OnFailure" and code == 0):
                return
            crashes = 1 if seconds > _FORGIVEN_AFTER else crashes + 1

    async def _once(self, container: Obj, statuses: dict[str, Obj]) -> tuple[int, float]:
        """From start to end; the exit code and for how many seconds it ran."""
        name = container["name"]
        self._say(container, "Created", f"Created container: {name}")
        await self._sleep(self._pace.start)
        self._say(container, "Started", f"Started container {name}")
        started = self._runtime.store.clock()
        number = statuses[name]["restartCount"]
        digest = random.Random(f"{self._pod['metadata']['uid']}/{name}/{number}").getrandbits(256)  # noqa: S311 - no secret
        statuses[name] = running(container, started, f"containerd://{digest:064x}", before=statuses[name])
        if self._runtime.reported:
            statuses[name]["allocatedResourcesStatus"] = device_status(self._runtime.reported, self._pod, name)
        self._publish()
        try:
            code, reason = await self._runtime.containers.run(self._pod, container), ""
        except OutOfMemory as kill:
            code, reason = kill.exit_code, "OOMKilled"
        ended = self._runtime.store.clock()
        reason = reason or ("Error" if code else "Completed")
        statuses[name] = terminated(ended, code, reason, before=statuses[name])
        self._publish()
        return code, (ended - started).total_seconds()

    async def _pull(self, container: Obj, statuses: dict[str, Obj]) -> None:
        image, key = container["image"], (self._spec["nodeName"], container["image"])
        floating = ":" not in image.rpartition("/")[2] or image.endswith(":latest")
        policy = container.get("imagePullPolicy") or ("Always" if floating else "IfNotPresent")
        if key in self._runtime.images and policy != "Always":
            self._say(container, "Pulled", f'Container image "{image}" already present on machine')
            return
        for delay in _delays():
            self._say(container, "Pulling", f'Pulling image "{image}"')
            seconds = 0.1 * self._pace.pull if key in self._runtime.images else _pull_seconds(image, self._pace)
            await self._sleep(seconds)
            if "missing" not in image:
                text = f'Successfully pulled image "{image}" in {seconds:.3g}s ({seconds:.3g}s including waiting).'
                self._say(container, "Pulled", text)
                self._runtime.images.add(key)
                return
            why = (
                f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": {image}: not found'
            )
            self._complain(container, "Failed", f'Failed to pull image "{image}": {why}')
            self._complain(container, "Failed", "Error: ErrImagePull")
            self._wait(container, statuses, "ErrImagePull", why)
            await self._sleep(self._pace.start)
            text = f'Back-off pulling image "{image}"'
            self._say(container, "BackOff", text)
            self._complain(container, "Failed", "Error: ImagePullBackOff")
            self._wait(container, statuses, "ImagePullBackOff", f"{text}: ErrImagePull: {why}")
            await self._sleep(delay)

    async def _back_off(self, container: Obj, statuses: dict[str, Obj], crashes: int) -> None:
        """Waits before the start that follows the `crashes`-th end."""
        delay = 0 if crashes < 2 else next(itertools.islice(_delays(), crashes - 2, None))  # noqa: PLR2004 - the second end
        if not delay:
            await self._sleep(self._pace.start)
            return
        metadata, name = self._pod["metadata"], container["name"]
        who = f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"
        self._complain(container, "BackOff", f"Back-off restarting failed container {name} in pod {who}")
        text = f"back-off {_go_duration(delay)} restarting failed container={name} pod={who}"
        self._wait(container, statuses, "CrashLoopBackOff", text)
        await self._sleep(delay)

    async def _mount(self) -> None:
        """Waits for what the volumes name."""
        namespace = self._pod["metadata"]["namespace"]
        for volume in self._spec.get("volumes") or ():
            for kind, source, plural, key in (
                ("secret", volume.get("secret"), "secrets", "secretName"),
                ("configmap", volume.get("configMap"), "configmaps", "name"),
            ):
                if not source or source.get("optional"):
                    continue
                while self._runtime.store.find(plural, namespace, source[key]) is None:
                    text = f'MountVolume.SetUp failed for volume "{volume["name"]}" : {kind} "{source[key]}" not found'
                    self._runtime.recorder.warning("pods", self._pod, "FailedMount", text, host=self._spec["nodeName"])
                    await self._sleep(_MOUNT_RETRY_SECONDS)

    def _wait(self, container: Obj, statuses: dict[str, Obj], reason: str, message: str) -> None:
        statuses[container["name"]] = waiting(container, reason, message, before=statuses[container["name"]])
        self._publish()

    def _publish(self) -> None:
        metadata = self._pod["metadata"]
        pod = self._runtime.store.find("pods", metadata["namespace"], metadata["name"])
        if pod is None or pod["metadata"]["uid"] != metadata["uid"]:
            return
        status = pod_status(
            pod,
            self._runtime.store.clock(),
            list(self._statuses.values()),
            list(self._init_statuses.values()),
            **self._known,
        )
        self._runtime.store.update("pods", {**pod, "status": status}, subresource="status")

    def _say(self, container: Obj, reason: str, message: str) -> None:
        self._runtime.recorder.normal("pods", self._pod, reason, message, **self._place(container))

    def _complain(self, container: Obj, reason: str, message: str) -> None:
        self._runtime.recorder.warning("pods", self._pod, reason, message, **self._place(container))

    def _place(self, container: Obj) -> dict[str, str]:
        kind = "initContainers" if container["name"] in self._init_statuses else "containers"
        return {"host": self._spec["nodeName"], "field_path": f"spec.{kind}{{{container['name']}}}"}


def device_status(devices: Devices, pod: Obj, container: str) -> list[Obj]:
    """`allocatedResourcesStatus` of a container: its devices by resource."""
    by_resource: dict[str, list[Obj]] = {}
    for device in devices.of(pod, container):
        by_resource.setdefault(device.resource, []).append({"resourceID": device.id, "health": "Healthy"})
    return [{"name": name, "resources": resources} for name, resources in by_resource.items()]


def _delays() -> Iterator[int]:
    delay = _FIRST_BACK_OFF
    while True:
        yield delay
        delay = min(2 * delay, _LONGEST_BACK_OFF)


def _pull_seconds(image: str, pace: Pace) -> float:
    """Some images are larger than others: between two thirds and four thirds of the pace."""
    return pace.pull * random.Random(image).uniform(0.67, 1.33)  # noqa: S311 - no secret


def _go_duration(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
