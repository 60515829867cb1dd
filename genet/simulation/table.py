"""The Table that `kubectl get` asks for in its Accept header: the columns of the real server, and how they are filled.

Kinds that people list have columns of their own; all others show their name and when they were made.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from aiohttp import web

from genet.simulation.dra_versions import shown
from genet.simulation.paths import Target
from genet.simulation.store import Object

Form = Callable[[Object], Object]
Cells = Callable[[Object, datetime], list[Any]]

NONE = "<none>"
UNKNOWN = "<unknown>"
ROLE = "node-role.kubernetes.io/"

_ACCESS_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
_AGES = (
    (120, 1, "s", 0, ""), (600, 60, "m", 1, "s"), (3 * 3600, 60, "m", 0, ""), (8 * 3600, 3600, "h", 60, "m"),
    (48 * 3600, 3600, "h", 0, ""), (8 * 86400, 86400, "d", 3600, "h"), (2 * 365 * 86400, 86400, "d", 0, ""),
)  # fmt: skip
"""Below so many seconds: the unit, and the unit of the rest where one is shown."""


def form(request: web.Request, target: Target, clock: Callable[[], datetime]) -> Form:
    """What the client asked to see of every object, in a watch too."""
    if not _asks_for_table(request):
        return lambda obj: shown(target.kind, obj)
    return lambda obj: _table(request, target, [obj], {"resourceVersion": _version(obj)}, clock())


def list_form(request: web.Request, target: Target, items: Sequence[Object], metadata: Object, now: datetime) -> Object:
    if _asks_for_table(request):
        return _table(request, target, items, metadata, now)
    bare = [
        {key: value for key, value in obj.items() if key not in ("kind", "apiVersion")}
        for obj in (shown(target.kind, item) for item in items)
    ]
    return {
        "kind": f"{target.kind.kind}List",
        "apiVersion": target.kind.api_version,
        "metadata": metadata,
        "items": bare,
    }


def human_duration(seconds: int) -> str:
    for limit, unit, letter, small, small_letter in _AGES:
        if seconds < limit:
            rest = seconds % unit // small if small else 0
            return f"{seconds // unit}{letter}" + (f"{rest}{small_letter}" if rest else "")
    years, rest = divmod(seconds, 365 * 86400)
    return f"{years}y" + (f"{rest // 86400}d" if rest // 86400 and years < 8 else "")  # noqa: PLR2004 - as kubectl


def _version(obj: Object) -> str:
    return str(obj["metadata"].get("resourceVersion", ""))


def _asks_for_table(request: web.Request) -> bool:
    """Tables are for reading; of the forms a client accepts, the first counts."""
    first = request.headers.get("Accept", "").partition(",")[0].replace(" ", "")
    return request.method == "GET" and "as=Table" in first.split(";")


def _table(request: web.Request, target: Target, items: Sequence[Object], metadata: Object, now: datetime) -> Object:
    names, cells = COLUMNS.get(target.kind.plural, ("Name,Created At", _generic))
    definitions = [
        {
            "name": name.removeprefix("+"),
            "type": "string",
            "format": "name" if name == "Name" else "",
            "description": "",
            "priority": int(name.startswith("+")),
        }
        for name in names.split(",")
    ]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": definitions,
        "rows": [{"cells": cells(obj, now), "object": _shown(request, obj)} for obj in items],
    }


def _shown(request: web.Request, obj: Object) -> Object:
    if request.query.get("includeObject") == "Object":
        return obj
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def _age(since: str | None, now: datetime) -> str:
    if not since:
        return UNKNOWN
    return human_duration(max(0, int((now - datetime.fromisoformat(since)).total_seconds())))


def _created(obj: Object, now: datetime) -> str:
    return _age(obj["metadata"].get("creationTimestamp"), now)


def _generic(obj: Object, _: datetime) -> list[Any]:
    return [obj["metadata"]["name"], obj["metadata"].get("creationTimestamp")]


def _pod(pod: Object, now: datetime) -> list[Any]:
    spec, status = pod["spec"], pod.get("status", {})
    states = status.get("containerStatuses", [])
    restarts = sum(state.get("restartCount", 0) for state in states)
    lasts = [state.get("lastState", {}).get("terminated", {}).get("finishedAt", "") for state in states]
    last = f" ({_age(max(lasts), now)} ago)" if restarts and any(lasts) else ""
    return [
        pod["metadata"]["name"],
        f"{sum(bool(state.get('ready')) for state in states)}/{len(spec.get('containers', []))}",
        _pod_status(pod),
        f"{restarts}{last}",
        _created(pod, now),
        status.get("podIP") or NONE,
        spec.get("nodeName") or NONE,
        NONE,
        NONE,
    ]


def _pod_status(pod: Object) -> str:
    if "deletionTimestamp" in pod["metadata"]:
        return "Terminating"
    status = pod.get("status", {})
    reason: str = status.get("reason") or status.get("phase", UNKNOWN)
    if initializing := _initializing(pod):
        return initializing
    running = False
    for container in reversed(status.get("containerStatuses", [])):
        state = container.get("state", {})
        running = running or ("running" in state and container.get("ready", False))
        ended = state.get("terminated", {})
        reason = state.get("waiting", {}).get("reason") or ended.get("reason") or reason
    return "Running" if reason == "Completed" and running else reason


def _initializing(pod: Object) -> str | None:
    """What kubectl shows of a pod whose init containers are not through."""
    first = pod.get("status", {}).get("initContainerStatuses", [])
    for number, container in enumerate(first):
        state = container.get("state", {})
        ended = state.get("terminated")
        if ended is None:
            reason = state.get("waiting", {}).get("reason")
            told = reason and reason != "PodInitializing"
            return f"Init:{reason}" if told else f"Init:{number}/{len(first)}"
        if ended["exitCode"]:
            return f"Init:{ended.get('reason') or 'Error'}"
    return None


def _node(node: Object, now: datetime) -> list[Any]:
    status = node.get("status", {})
    info, labels = status.get("nodeInfo", {}), node["metadata"].get("labels", {})
    ready = next((item["status"] for item in status.get("conditions", ()) if item["type"] == "Ready"), None)
    state = {"True": "Ready", None: "Unknown"}.get(ready, "NotReady")
    if node.get("spec", {}).get("unschedulable"):
        state += ",SchedulingDisabled"
    addresses = {item["type"]: item["address"] for item in status.get("addresses", [])}
    return [
        node["metadata"]["name"],
        state,
        ",".join(sorted(key.removeprefix(ROLE) for key in labels if key.startswith(ROLE))) or NONE,
        _created(node, now),
        info.get("kubeletVersion", ""),
        *(addresses.get(kind, NONE) for kind in ("InternalIP", "ExternalIP")),
        *(info.get(field, UNKNOWN) for field in ("osImage", "kernelVersion", "containerRuntimeVersion")),
    ]


def _event(event: Object, now: datetime) -> list[Any]:
    about, source = event.get("involvedObject", {}), event.get("source", {})
    last = event.get("lastTimestamp") or event.get("eventTime")
    return [
        _age(last, now),
        event.get("type", ""),
        event.get("reason", ""),
        f"{about.get('kind', '').lower()}/{about.get('name', '')}",
        about.get("fieldPath", ""),
        ", ".join(filter(None, (source.get("component"), source.get("host")))),
        event.get("message", "").strip(),
        _age(event.get("firstTimestamp") or event.get("eventTime"), now),
        event.get("count", 1),
        event["metadata"]["name"],
    ]


def _namespace(namespace: Object, now: datetime) -> list[Any]:
    return [namespace["metadata"]["name"], namespace.get("status", {}).get("phase", ""), _created(namespace, now)]


def _claim(claim: Object, now: datetime) -> list[Any]:
    spec, status = claim.get("spec", {}), claim.get("status", {})
    return [
        claim["metadata"]["name"],
        "Terminating" if "deletionTimestamp" in claim["metadata"] else status.get("phase", ""),
        spec.get("volumeName", ""),
        status.get("capacity", {}).get("storage", ""),
        ",".join(_ACCESS_MODES.get(mode, mode) for mode in status.get("accessModes", [])),
        spec.get("storageClassName", ""),
        "<unset>",
        _created(claim, now),
        spec.get("volumeMode", "<unset>"),
    ]


def _quota(quota: Object, now: datetime) -> list[Any]:
    status = quota.get("status", {})
    hard, used = status.get("hard", {}), status.get("used", {})
    parts = [f"{name}: {used.get(name, '0')}/{hard[name]}" for name in sorted(hard)]
    limits = [text for text in parts if text.startswith("limits")]
    requests = [text for text in parts if not text.startswith("limits")]
    return [quota["metadata"]["name"], ", ".join(requests), ", ".join(limits), _created(quota, now)]


COLUMNS: Mapping[str, tuple[str, Cells]] = {
    "pods": ("Name,Ready,Status,Restarts,Age,+IP,+Node,+Nominated Node,+Readiness Gates", _pod),
    "nodes": (
        "Name,Status,Roles,Age,Version,+Internal-IP,+External-IP,+OS-Image,+Kernel-Version,+Container-Runtime", _node,
    ),
    "events": ("Last Seen,Type,Reason,Object,+Subobject,+Source,Message,+First Seen,+Count,+Name", _event),
    "namespaces": ("Name,Status,Age", _namespace),
    "persistentvolumeclaims": (
        "Name,Status,Volume,Capacity,Access Modes,StorageClass,VolumeAttributesClass,Age,+VolumeMode", _claim,
    ),
    "resourcequotas": ("Name,Request,Limit,Age", _quota),
}  # fmt: skip
"""plural -> column names (a + marks those of `-o wide`) and the function that fills them"""
