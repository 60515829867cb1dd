"""The status of a pod, as a kubelet puts it together from its containers' states. Pure.

Traps: `phase` says less than people think (a crash-looping pod is Running); a condition's lastTransitionTime moves only
when its status does; a container that waits for its next start keeps the end of the last one in `lastState`.
"""

import functools
import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from genet.simulation.store import timestamp

Obj = dict[str, Any]

START_ERROR = 128
_stamp = functools.lru_cache(maxsize=1024)(timestamp)
"""Many conditions of many pods share one moment."""


def finished(pod: Obj) -> bool:
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def all_containers(spec: Obj) -> list[Obj]:
    """In the order in which they start."""
    return [*(spec.get("initContainers") or ()), *spec["containers"]]


def condition(kind: str, status: str, at: datetime, **why: str) -> Obj:
    return {"type": kind, "status": status, "lastProbeTime": None, "lastTransitionTime": _stamp(at), **why}


def with_condition(conditions: Iterable[Obj], new: Obj) -> list[Obj]:
    """The conditions with one replaced or added, in place."""
    result = list(conditions)
    for index, old in enumerate(result):
        if old["type"] == new["type"]:
            since = old["lastTransitionTime"] if old["status"] == new["status"] else new["lastTransitionTime"]
            result[index] = {**new, "lastTransitionTime": since}
            return result
    return [*result, new]


def waiting(container: Obj, reason: str, message: str = "", *, before: Obj | None = None) -> Obj:
    """The status of a container that waits; `before` is its status until now."""
    state = {"waiting": {"reason": reason, **({"message": message} if message else {})}}
    return _container(container, state, before, ready=False)


def running(container: Obj, at: datetime, container_id: str, *, before: Obj | None = None) -> Obj:
    status = _container(container, {"running": {"startedAt": _stamp(at)}}, before, ready=True)
    digest = hashlib.sha256(container["image"].encode()).hexdigest()
    return {**status, "containerID": container_id, "imageID": f"{container['image']}@sha256:{digest}", "started": True}


def terminated(at: datetime, exit_code: int, reason: str, *, before: Obj, message: str = "") -> Obj:
    ended = {
        "exitCode": exit_code,
        "reason": reason,
        **({"message": message} if message else {}),
        "startedAt": before["state"]["running"]["startedAt"],
        "finishedAt": _stamp(at),
        "containerID": before["containerID"],
    }
    return {**before, "ready": False, "started": False, "state": {"terminated": ended}}


def not_begun(container: Obj, at: datetime, message: str, *, before: Obj) -> Obj:
    """The status of a container whose program could not be started."""
    ended = {
        "exitCode": START_ERROR,
        "reason": "StartError",
        "message": f"{message}: unknown",
        "startedAt": "1970-01-01T00:00:00Z",
        "finishedAt": _stamp(at),
    }
    return _container(container, {"terminated": ended}, before, ready=False)


def ended_by_force(status: Obj, at: datetime) -> Obj:
    """The status of a container after its pod was put out; one that did not run stays as it is."""
    if "running" not in status["state"]:
        return status
    return terminated(at, 137, "Error", before=status)


def pod_status(pod: Obj, at: datetime, statuses: Sequence[Obj], first: Sequence[Obj] = (), /, **known: Any) -> Obj:
    """The whole status. `first` is of the init containers, `known` are fields as they stand in it: hostIP and so on."""
    old = pod.get("status", {})
    unready = [item["name"] for item in statuses if not item["ready"]]
    incomplete = [item["name"] for item in first if not has_succeeded(item)]
    phase = _phase(pod["spec"].get("restartPolicy", "Always"), statuses, first)
    why: dict[str, str] = {}
    not_initialized: dict[str, str] = {}
    if incomplete:
        names = " ".join(incomplete)
        message = f"containers with incomplete status: [{names}]"
        not_initialized = {"reason": "ContainersNotInitialized", "message": message}
    if phase == "Succeeded":
        why = {"reason": "PodCompleted"}
    elif unready:
        why = {"reason": "ContainersNotReady", "message": f"containers with unready status: [{' '.join(unready)}]"}
    ready = "False" if unready else "True"
    conditions = old.get("conditions", [])
    for new in (
        condition("PodReadyToStartContainers", "True" if known.get("podIP") else "False", at),
        condition("Initialized", "False" if incomplete else "True", at, **not_initialized),
        condition("Ready", ready, at, **why),
        condition("ContainersReady", ready, at, **why),
    ):
        conditions = with_condition(conditions, new)
    containers = {"containerStatuses": list(statuses), **({"initContainerStatuses": list(first)} if first else {})}
    return {**old, "phase": phase, "conditions": conditions, **known, **containers}


def has_succeeded(status: Obj) -> bool:
    """Whether a container has ended well."""
    return "terminated" in status["state"] and not status["state"]["terminated"]["exitCode"]


def _container(container: Obj, state: Obj, before: Obj | None, *, ready: bool) -> Obj:
    status = {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "restartCount": 0,
        "lastState": {},
        **(before or {}),
        "state": state,
        "ready": ready,
        "started": False,
    }
    if before and "terminated" in before["state"]:
        status["lastState"] = before["state"]
    return status


def _phase(restart_policy: str, statuses: Sequence[Obj], first: Sequence[Obj]) -> str:
    if not all(map(has_succeeded, first)):
        has_failed = any("terminated" in item["state"] and not has_succeeded(item) for item in first)
        return "Failed" if has_failed and restart_policy == "Never" else "Pending"
    if any("waiting" in item["state"] and not item["lastState"] for item in statuses):
        return "Pending"
    if not all("terminated" in item["state"] for item in statuses) or restart_policy == "Always":
        return "Running"
    failed = any(item["state"]["terminated"]["exitCode"] for item in statuses)
    if failed and restart_policy == "OnFailure":
        return "Running"
    return "Failed" if failed else "Succeeded"
