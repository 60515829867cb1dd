"""All nodes' kubelets in one: takes every pod bound to a ready node, and lets go of it when it is deleted or done.

How a pod lives in between is told in pod_life.py. Deleting ends a pod after a moment, or after its grace period if it
ignores TERM; on a node that is not ready nothing happens any more, deletion included.

Trap: pods that a scenario placed as Running get no task of their own, so that 50,000 of them cost nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from datetime import datetime
from typing import Any

from genet.simulation.containers import Containers
from genet.simulation.devices import Claimed, Devices, NoDevices
from genet.simulation.errors import ApiError
from genet.simulation.pod_life import Pace, PodLife, Runtime
from genet.simulation.pod_status import ended_by_force, finished
from genet.simulation.recorder import Recorder
from genet.simulation.store import Store, key_of

Obj = dict[str, Any]


class Kubelet:
    def __init__(
        self,
        store: Store,
        containers: Containers,
        devices: Devices,
        sleep: Callable[[float], Awaitable[None]],
        pace: Pace,
        *,
        reporting: Collection[str],
    ) -> None:
        """`reporting`: nodes that tell in a pod's status which devices it has been given."""
        self._store = store
        self._devices = devices
        self._reporting = reporting
        self._runtime = Runtime(store, containers, Recorder(store, "kubelet"), sleep, pace, self._device_status)
        self._lives: dict[str, asyncio.Task[None]] = {}
        self._ends: dict[str, asyncio.Task[None]] = {}
        self._addresses = 0

    def start(self) -> None:
        """Takes over the pods that are there, then follows the store. Needs a running event loop."""
        for pod in self._store.list("pods"):
            self._pod_changed(pod)
            if pod["spec"].get("nodeName") in self._reporting:
                self._report(pod)
        self._store.subscribe(self._changed)

    async def stop(self) -> None:
        tasks = [*self._lives.values(), *self._ends.values()]
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result

    def evict(self, pod: Obj, message: str) -> None:
        """Ends a pod as a kubelet does that is short of something."""
        metadata = pod["metadata"]
        if life := self._lives.pop(metadata["uid"], None):
            life.cancel()
        self._devices.release(pod, self._store.clock().timestamp())
        self._runtime.recorder.warning("pods", pod, "Evicted", message, host=pod["spec"]["nodeName"])
        self._say_killing(pod)
        ended = {
            kind: [ended_by_force(status, self._store.clock()) for status in pod["status"].get(kind, ())]
            for kind in ("initContainerStatuses", "containerStatuses")
            if kind in pod["status"]
        }
        why = {"phase": "Failed", "reason": "Evicted", "message": message, **ended}
        self._store.update("pods", {**pod, "status": {**pod["status"], **why}}, subresource="status")

    def _changed(self, plural: str, kind: str, new: Obj, _: Obj | None) -> None:
        if plural != "pods":
            return
        if kind == "DELETED":
            self._gone(new)
        elif pod := self._store.find("pods", *key_of(new)):
            self._pod_changed(pod)  # as it is now: what a change tells may be out of date

    def _pod_changed(self, pod: Obj) -> None:
        uid, node = pod["metadata"]["uid"], self._ready_node(pod)
        if "nodeName" in pod["spec"] and not finished(pod) and not self._admit(pod):
            return
        if node is None or finished(pod) or uid in self._ends:
            return
        if "deletionTimestamp" in pod["metadata"]:
            self._ends[uid] = asyncio.ensure_future(self._end(pod))
        elif uid not in self._lives and not _settled(pod):
            self._addresses += 1
            pod_ip = f"10.244.{self._addresses // 250 % 250}.{self._addresses % 250 + 2}"
            life = PodLife(pod, self._runtime, host_ip=_address(node), pod_ip=pod_ip)
            self._lives[uid] = asyncio.ensure_future(self._live(life, pod))

    def _admit(self, pod: Obj) -> bool:
        """Gives the pod its devices (again and again the same ones); a pod that gets none fails."""
        status, host = pod.get("status", {}), pod["spec"]["nodeName"]
        since = datetime.fromisoformat(status["startTime"]) if "startTime" in status else self._store.clock()
        try:
            self._devices.admit(pod, since.timestamp(), self._claimed(pod))
        except NoDevices as error:
            why = {"phase": "Failed", "reason": "UnexpectedAdmissionError", "message": f"Pod was rejected: {error}"}
            self._runtime.recorder.warning("pods", pod, "UnexpectedAdmissionError", str(error), host=host)
            self._store.update("pods", {**pod, "status": {**status, **why}}, subresource="status")
            return False
        return True

    def _report(self, pod: Obj) -> None:
        """What pods that run already would have been told of when they started."""
        statuses = [status | self._device_status(pod, status["name"]) for status in pod["status"]["containerStatuses"]]
        status = {**pod["status"], "containerStatuses": statuses}
        self._store.update("pods", {**pod, "status": status}, subresource="status")

    def _device_status(self, pod: Obj, container: str) -> Obj:
        """`allocatedResourcesStatus` of a container, on nodes that tell."""
        if pod["spec"]["nodeName"] not in self._reporting:
            return {}
        resources: dict[str, list[Obj]] = {}
        for device in self._devices.of(pod, container):
            health = "Unhealthy" if device.gpu.xid else "Healthy"
            resources.setdefault(device.resource, []).append({"resourceID": device.id, "health": health})
        told = [{"name": name, "resources": found} for name, found in resources.items()]
        return {"allocatedResourcesStatus": told} if told else {}

    def _claimed(self, pod: Obj) -> list[Claimed]:
        """The devices that the pod's claims have been given; not those that one only looks at, as administrators do."""
        namespace = pod["metadata"]["namespace"]
        names = [item.get("resourceClaimName", "") for item in pod["spec"].get("resourceClaims") or ()]
        names += [item["resourceClaimName"] for item in pod.get("status", {}).get("resourceClaimStatuses", ())]
        if served := pod.get("status", {}).get("extendedResourceClaimStatus"):
            names.append(served["resourceClaimName"])
        found: list[Claimed] = []
        for name in names:
            claim = self._store.find("resourceclaims", namespace, name) or {}
            for result in claim.get("status", {}).get("allocation", {}).get("devices", {}).get("results", ()):
                where = result["driver"], result["pool"], result["device"]
                if not result.get("adminAccess"):
                    found.append(Claimed(name, *where, self._uuid(*where)))
        return found

    def _uuid(self, driver: str, pool: str, device: str) -> str:
        """Of a device that a ResourceSlice describes."""
        for spec in (item["spec"] for item in self._store.list("resourceslices")):
            if (spec["driver"], spec["pool"]["name"]) == (driver, pool):
                for item in spec.get("devices", ()):
                    if item["name"] == device:
                        return str(item.get("attributes", {}).get("uuid", {}).get("string", ""))
        return ""

    async def _live(self, life: PodLife, pod: Obj) -> None:
        await life.run()
        self._devices.release(pod, self._store.clock().timestamp())

    async def _end(self, pod: Obj) -> None:
        metadata = pod["metadata"]
        self._say_killing(pod)
        grace = float(metadata["deletionGracePeriodSeconds"])
        stubborn = self._runtime.containers.ignores_term(pod)
        await self._runtime.sleep(grace if stubborn else min(grace, self._runtime.pace.stop))
        with suppress(ApiError):  # forced away meanwhile
            self._store.delete("pods", *key_of(pod), preconditions={"uid": metadata["uid"]}, grace_period_seconds=0)

    def _say_killing(self, pod: Obj) -> None:
        for status in pod.get("status", {}).get("containerStatuses", ()):
            if "running" in status["state"]:
                path = f"spec.containers{{{status['name']}}}"
                text = f"Stopping container {status['name']}"
                self._runtime.recorder.normal(
                    "pods", pod, "Killing", text, host=pod["spec"]["nodeName"], field_path=path
                )

    def _gone(self, pod: Obj) -> None:
        uid = pod["metadata"]["uid"]
        if life := self._lives.pop(uid, None):
            life.cancel()
        self._ends.pop(uid, None)
        self._devices.release(pod, self._store.clock().timestamp())
        self._runtime.containers.forget(pod)

    def _ready_node(self, pod: Obj) -> Obj | None:
        node = self._store.find("nodes", "", pod["spec"].get("nodeName", ""))
        return node if node and is_ready(node) else None


def is_ready(node: Obj) -> bool:
    conditions = node.get("status", {}).get("conditions", ())
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def _settled(pod: Obj) -> bool:
    """Placed by a scenario, and running: nothing to be done."""
    statuses = pod.get("status", {}).get("containerStatuses") or ()
    return bool(statuses) and all("running" in item["state"] for item in statuses)


def _address(node: Obj) -> str:
    addresses = node["status"].get("addresses", ())
    return next((item["address"] for item in addresses if item["type"] == "InternalIP"), "")
