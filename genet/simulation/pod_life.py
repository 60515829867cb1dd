"""One pod from its binding to its end, as a kubelet takes it there.

What decides: images that cannot be pulled (ErrImagePull, then ImagePullBackOff) and programs that are not there
(StartError) by their names (failures.py); a Secret or ConfigMap that is not there and that a volume names keeps the pod
in ContainerCreating (FailedMount), that a variable names the container in CreateContainerConfigError; how a container
runs and ends is up to its command (containers.py). After its end a container is started again at once the first time,
then after 10 s, 20 s, … at most 300 s (CrashLoopBackOff); ten good minutes forgive. Init containers run before the
others, each when the one before it has ended well; one that fails in a pod that is not restarted ends the pod.

Trap: the status is always built on what the store holds, never on what was read before waiting.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from genet.simulation.containers import Containers
from genet.simulation.failures import invalid_name, pull_failure, start_failure, unmet_mount, unmet_variables
from genet.simulation.pod_status import (
    START_ERROR,
    all_containers,
    has_succeeded,
    not_begun,
    pod_status,
    running,
    terminated,
    waiting,
)
from genet.simulation.recorder import Recorder
from genet.simulation.shell import OutOfMemory
from genet.simulation.store import Store, timestamp

Obj = dict[str, Any]

_FIRST_BACK_OFF: Final = 10
_LONGEST_BACK_OFF: Final = 300
_FORGIVEN_AFTER: Final = 600
_MOUNT_RETRY_SECONDS: Final = 2
_LAST_LINES: Final = 80
_LAST_BYTES: Final = 2048


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
    device_status: Callable[[Obj, str], Obj]
    """What the kubelet adds to the status of a pod's container that starts."""
    images: set[tuple[str, str]] = field(default_factory=set)
    """(node, image) pairs that need no pull."""


class PodLife:
    def __init__(self, pod: Obj, runtime: Runtime, *, host_ip: str, pod_ip: str) -> None:
        self._pod = pod
        self._spec: Obj = pod["spec"]
        self._runtime = runtime
        self._sleep, self._pace = runtime.sleep, runtime.pace
        old = pod.get("status", {})
        started = old.get("startTime") or timestamp(runtime.store.clock())
        self._known: Obj = {"hostIP": host_ip, "hostIPs": [{"ip": host_ip}], "startTime": started}
        self._pod_ip: str = old.get("podIP") or pod_ip
        self._first = [item["name"] for item in self._spec.get("initContainers") or ()]
        reason = "PodInitializing" if self._first else "ContainerCreating"
        known = [*old.get("initContainerStatuses", ()), *old.get("containerStatuses", ())]
        before = {item["name"]: item for item in known}
        self._statuses: dict[str, Obj] = {
            item["name"]: before.get(item["name"]) or waiting(item, reason) for item in all_containers(self._spec)
        }

    async def run(self) -> None:
        """Until all containers have ended for good; a pod that is restarted always runs until it is cancelled."""
        self._publish()
        await self._mount()
        await self._sleep(self._pace.start)
        self._known |= {"podIP": self._pod_ip, "podIPs": [{"ip": self._pod_ip}]}
        self._publish()
        for container in self._spec.get("initContainers") or ():
            if not has_succeeded(self._statuses[container["name"]]) and await self._container(container):
                return
        async with asyncio.TaskGroup() as group:
            for container in self._spec["containers"]:
                group.create_task(self._container(container))

    async def _container(self, container: Obj) -> int:
        """Runs one container until it has ended for good; its last exit code."""
        name, policy = container["name"], self._spec.get("restartPolicy", "Always")
        if name in self._first and policy == "Always":
            policy = "OnFailure"
        crashes = int(self._statuses[name]["restartCount"])
        while True:
            if crashes:
                await self._back_off(container, crashes)
                status = self._statuses[name]
                self._statuses[name] = {**status, "restartCount": status["restartCount"] + 1}
            await self._pull(container)
            await self._configure(container)
            code, seconds = await self._once(container)
            if policy == "Never" or (policy == "OnFailure" and code == 0):
                return code
            crashes = 1 if seconds > _FORGIVEN_AFTER else crashes + 1

    async def _once(self, container: Obj) -> tuple[int, float]:
        """From start to end; the exit code and for how many seconds it ran."""
        name, clock = container["name"], self._runtime.store.clock
        self._say(container, "Created", f"Created container: {name}")
        await self._sleep(self._pace.start)
        if failure := start_failure([*(container.get("command") or ()), *(container.get("args") or ())]):
            return self._not_begun(container, failure)
        self._say(container, "Started", f"Started container {name}")
        started = clock()
        number = self._statuses[name]["restartCount"]
        digest = random.Random(f"{self._pod['metadata']['uid']}/{name}/{number}").getrandbits(256)  # noqa: S311 - no secret
        status = running(container, started, f"containerd://{digest:064x}", before=self._statuses[name])
        self._statuses[name] = (
            status | self._runtime.device_status(self._pod, name) | self._readiness(name, is_done=False)
        )
        self._publish()
        try:
            code = await self._runtime.containers.run(self._pod, container)
            reason = "Error" if code else "Completed"
        except OutOfMemory as kill:
            code, reason = kill.exit_code, "OOMKilled"
        ended = clock()
        status = terminated(ended, code, reason, before=self._statuses[name], message=self._last_words(container, code))
        self._statuses[name] = status | self._readiness(name, is_done=code == 0)
        self._publish()
        return code, (ended - started).total_seconds()

    def _last_words(self, container: Obj, code: int) -> str:
        """The end of its log, where it has failed and asked for that."""
        if not code or container.get("terminationMessagePolicy") != "FallbackToLogsOnError":
            return ""
        lines = self._runtime.containers.logs(self._pod, container["name"], previous=False)[-_LAST_LINES:]
        text = "".join(f"{line}\n" for _, line in lines)
        return text.encode()[-_LAST_BYTES:].decode(errors="ignore")

    def _readiness(self, name: str, *, is_done: bool) -> Obj:
        """An init container is ready once it is done."""
        return {"ready": is_done} if name in self._first else {}

    def _not_begun(self, container: Obj, failure: str) -> tuple[int, float]:
        """A container whose program cannot be started: it ends before it began."""
        self._complain(container, "Failed", f"Error: {failure}")
        self._statuses[container["name"]] = not_begun(
            container, self._runtime.store.clock(), failure, before=self._statuses[container["name"]]
        )
        self._publish()
        return START_ERROR, 0.0

    async def _configure(self, container: Obj) -> None:
        """Waits for what the variables are taken from."""
        namespace = self._pod["metadata"]["namespace"]
        while unmet := next(unmet_variables(container, namespace, self._exists), None):
            self._complain(container, "Failed", f"Error: {unmet}")
            self._wait(container, "CreateContainerConfigError", unmet)
            await self._sleep(_MOUNT_RETRY_SECONDS)

    def _exists(self, plural: str, name: str) -> Obj | None:
        return self._runtime.store.find(plural, self._pod["metadata"]["namespace"], name)

    async def _pull(self, container: Obj) -> None:
        image, key = container["image"], (self._spec["nodeName"], container["image"])
        while invalid := invalid_name(image):
            self._complain(container, "InspectFailed", invalid)
            self._complain(container, "Failed", "Error: InvalidImageName")
            self._wait(container, "InvalidImageName", invalid)
            await self._sleep(_MOUNT_RETRY_SECONDS)
        if key in self._runtime.images and container.get("imagePullPolicy") != "Always":
            self._say(container, "Pulled", f'Container image "{image}" already present on machine')
            return
        attempt = 0
        while True:
            self._say(container, "Pulling", f'Pulling image "{image}"')
            # some images are larger than others, and one that is there only has to be checked
            size = 0.1 if key in self._runtime.images else random.Random(image).uniform(0.67, 1.33)  # noqa: S311 - no secret
            seconds = self._pace.pull * size
            await self._sleep(seconds)
            why = pull_failure(image)
            if why is None:
                text = f'Successfully pulled image "{image}" in {seconds:.3g}s ({seconds:.3g}s including waiting).'
                self._say(container, "Pulled", text)
                self._runtime.images.add(key)
                return
            self._complain(container, "Failed", f'Failed to pull image "{image}": {why}')
            self._complain(container, "Failed", "Error: ErrImagePull")
            self._wait(container, "ErrImagePull", why)
            await self._sleep(self._pace.start)
            text = f'Back-off pulling image "{image}"'
            self._say(container, "BackOff", text)
            self._complain(container, "Failed", "Error: ImagePullBackOff")
            self._wait(container, "ImagePullBackOff", f"{text}: ErrImagePull: {why}")
            await self._sleep(_delay(attempt))
            attempt += 1

    async def _back_off(self, container: Obj, crashes: int) -> None:
        """Waits before the start that follows the `crashes`-th end."""
        if crashes == 1:
            await self._sleep(self._pace.start)
            return
        delay = _delay(crashes - 2)
        metadata, name = self._pod["metadata"], container["name"]
        who = f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"
        self._complain(container, "BackOff", f"Back-off restarting failed container {name} in pod {who}")
        minutes, seconds = divmod(delay, 60)
        wait = f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
        text = f"back-off {wait} restarting failed container={name} pod={who}"
        self._wait(container, "CrashLoopBackOff", text)
        await self._sleep(delay)

    async def _mount(self) -> None:
        """Waits for the Secrets and ConfigMaps that the volumes name."""
        for volume in self._spec.get("volumes") or ():
            while unmet := unmet_mount(volume, self._exists):
                host = self._spec["nodeName"]
                self._runtime.recorder.warning("pods", self._pod, "FailedMount", unmet, host=host)
                await self._sleep(_MOUNT_RETRY_SECONDS)

    def _wait(self, container: Obj, reason: str, message: str) -> None:
        name = container["name"]
        self._statuses[name] = waiting(container, reason, message, before=self._statuses[name])
        self._publish()

    def _publish(self) -> None:
        metadata, store = self._pod["metadata"], self._runtime.store
        pod = store.find("pods", metadata["namespace"], metadata["name"])
        if pod is None or pod["metadata"]["uid"] != metadata["uid"]:
            return
        first = [self._statuses[name] for name in self._first]
        others = [status for name, status in self._statuses.items() if name not in self._first]
        status = pod_status(pod, store.clock(), others, first, **self._known)
        store.update("pods", {**pod, "status": status}, subresource="status")

    def _say(self, container: Obj, reason: str, message: str) -> None:
        self._runtime.recorder.normal("pods", self._pod, reason, message, **self._place(container))

    def _complain(self, container: Obj, reason: str, message: str) -> None:
        self._runtime.recorder.warning("pods", self._pod, reason, message, **self._place(container))

    def _place(self, container: Obj) -> dict[str, str]:
        kind = "initContainers" if container["name"] in self._first else "containers"
        return {"host": self._spec["nodeName"], "field_path": f"spec.{kind}{{{container['name']}}}"}


def _delay(attempt: int) -> int:
    return min(_FIRST_BACK_OFF << min(attempt, 10), _LONGEST_BACK_OFF)
