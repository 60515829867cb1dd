"""What `kubectl get` shows of each kind: the columns of the real server, and how an object fills them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from genet.simulation.store import Object

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


def human_duration(seconds: int) -> str:
    for limit, unit, letter, small, small_letter in _AGES:
        if seconds < limit:
            rest = seconds % unit // small if small else 0
            return f"{seconds // unit}{letter}" + (f"{rest}{small_letter}" if rest else "")
    years, rest = divmod(seconds, 365 * 86400)
    return f"{years}y" + (f"{rest // 86400}d" if rest // 86400 and years < 8 else "")  # noqa: PLR2004 - as kubectl


def age(since: str | None, now: datetime) -> str:
    if not since:
        return UNKNOWN
    return human_duration(max(0, int((now - datetime.fromisoformat(since)).total_seconds())))


def created(obj: Object, now: datetime) -> str:
    return age(obj["metadata"].get("creationTimestamp"), now)


def generic(obj: Object, _: datetime) -> list[Any]:
    return [obj["metadata"]["name"], obj["metadata"].get("creationTimestamp")]


def _pod(pod: Object, now: datetime) -> list[Any]:
    spec, status = pod["spec"], pod.get("status", {})
    states = status.get("containerStatuses", [])
    ready = sum(1 for state in states if state.get("ready"))
    restarts = sum(state.get("restartCount", 0) for state in states)
    finished = [state["lastState"]["terminated"].get("finishedAt") for state in states
                if state.get("lastState", {}).get("terminated")]  # fmt: skip
    shown = f"{restarts} ({age(max(finished), now)} ago)" if restarts and all(finished) and finished else str(restarts)
    return [
        pod["metadata"]["name"], f"{ready}/{len(spec.get('containers', []))}", _pod_status(pod), shown,
        created(pod, now), status.get("podIP") or NONE, spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE, NONE,
    ]  # fmt: skip


def _pod_status(pod: Object) -> str:
    status = pod.get("status", {})
    reason: str = status.get("reason") or status.get("phase", UNKNOWN)
    running = False
    for state in reversed(status.get("containerStatuses", [])):
        now = state.get("state", {})
        waiting, terminated = now.get("waiting", {}), now.get("terminated")
        if waiting.get("reason"):
            reason = waiting["reason"]
        elif terminated is not None:
            signal = terminated.get("signal")
            code = f"Signal:{signal}" if signal else f"ExitCode:{terminated.get('exitCode', 0)}"
            reason = terminated.get("reason") or code
        elif state.get("ready") and "running" in now:
            running = True
    if reason == "Completed" and running:
        reason = "Running"
    return "Terminating" if "deletionTimestamp" in pod["metadata"] else reason


def _node(node: Object, now: datetime) -> list[Any]:
    status = node.get("status", {})
    info, conditions = status.get("nodeInfo", {}), {item["type"]: item for item in status.get("conditions", [])}
    state = {"True": "Ready"}.get(conditions.get("Ready", {}).get("status"), "NotReady")
    state = state if "Ready" in conditions else "Unknown"
    if node.get("spec", {}).get("unschedulable"):
        state += ",SchedulingDisabled"
    labels = node["metadata"].get("labels", {})
    roles = ",".join(sorted(key.removeprefix(ROLE) for key in labels if key.startswith(ROLE)))
    addresses = {item["type"]: item["address"] for item in status.get("addresses", [])}
    return [
        node["metadata"]["name"], state, roles or NONE, created(node, now), info.get("kubeletVersion", ""),
        addresses.get("InternalIP", NONE), addresses.get("ExternalIP", NONE), info.get("osImage", UNKNOWN),
        info.get("kernelVersion", UNKNOWN), info.get("containerRuntimeVersion", UNKNOWN),
    ]  # fmt: skip


def _event(event: Object, now: datetime) -> list[Any]:
    about, source = event.get("involvedObject", {}), event.get("source", {})
    first = event.get("firstTimestamp") or event.get("eventTime")
    last = event.get("lastTimestamp") or first
    origin = source.get("component") or event.get("reportingComponent", "")
    return [
        age(last, now), event.get("type", ""), event.get("reason", ""),
        f"{about.get('kind', '').lower()}/{about.get('name', '')}", about.get("fieldPath", ""),
        ", ".join(filter(None, (origin, source.get("host")))), event.get("message", "").strip(), age(first, now),
        event.get("count", 1), event["metadata"]["name"],
    ]  # fmt: skip


def _namespace(namespace: Object, now: datetime) -> list[Any]:
    return [namespace["metadata"]["name"], namespace.get("status", {}).get("phase", ""), created(namespace, now)]


def _claim(claim: Object, now: datetime) -> list[Any]:
    spec, status = claim.get("spec", {}), claim.get("status", {})
    phase = "Terminating" if "deletionTimestamp" in claim["metadata"] else status.get("phase", "")
    bound = bool(spec.get("volumeName"))
    return [
        claim["metadata"]["name"], phase, spec.get("volumeName", ""),
        status.get("capacity", {}).get("storage", "") if bound else "",
        _modes(status.get("accessModes", [])) if bound else "", spec.get("storageClassName", ""), "<unset>",
        created(claim, now), spec.get("volumeMode", "<unset>"),
    ]  # fmt: skip


def _volume(volume: Object, now: datetime) -> list[Any]:
    spec, status = volume.get("spec", {}), volume.get("status", {})
    claim = spec.get("claimRef", {})
    return [
        volume["metadata"]["name"], spec.get("capacity", {}).get("storage", ""), _modes(spec.get("accessModes", [])),
        spec.get("persistentVolumeReclaimPolicy", ""), status.get("phase", ""),
        f"{claim['namespace']}/{claim['name']}" if claim else "", spec.get("storageClassName", ""), "<unset>",
        status.get("reason", ""), created(volume, now), spec.get("volumeMode", "<unset>"),
    ]  # fmt: skip


def _modes(modes: list[str]) -> str:
    return ",".join(_ACCESS_MODES.get(mode, mode) for mode in modes)


def _service(service: Object, now: datetime) -> list[Any]:
    spec = service.get("spec", {})
    ports = [f"{port['port']}{_node_port(port)}/{port.get('protocol', 'TCP')}" for port in spec.get("ports", [])]
    selector = ",".join(f"{key}={value}" for key, value in sorted(spec.get("selector", {}).items()))
    return [
        service["metadata"]["name"], spec.get("type", "ClusterIP"), spec.get("clusterIP") or NONE, NONE,
        ",".join(ports) or NONE, created(service, now), selector or NONE,
    ]  # fmt: skip


def _node_port(port: Object) -> str:
    return f":{port['nodePort']}" if port.get("nodePort") else ""


def _job(job: Object, now: datetime) -> list[Any]:
    spec, status = job.get("spec", {}), job.get("status", {})
    true = {item["type"] for item in status.get("conditions", []) if item["status"] == "True"}
    state = next((name for name in ("Complete", "Failed") if name in true), "Running")
    wanted = spec.get("completions") or 1
    took = ""
    if status.get("startTime"):
        end = datetime.fromisoformat(status["completionTime"]) if status.get("completionTime") else now
        took = human_duration(int((end - datetime.fromisoformat(status["startTime"])).total_seconds()))
    containers = spec.get("template", {}).get("spec", {}).get("containers", [])
    selector = spec.get("selector", {}).get("matchLabels", {})
    return [
        job["metadata"]["name"], state, f"{status.get('succeeded', 0)}/{wanted}", took, created(job, now),
        ",".join(item["name"] for item in containers), ",".join(item.get("image", "") for item in containers),
        ",".join(f"{key}={value}" for key, value in sorted(selector.items())) or NONE,
    ]  # fmt: skip


def _quota(quota: Object, now: datetime) -> list[Any]:
    status = quota.get("status", {})
    hard, used = status.get("hard", {}), status.get("used", {})
    parts = [(name, f"{name}: {used.get(name, '0')}/{hard[name]}") for name in sorted(hard)]
    limits = [text for name, text in parts if name.startswith("limits")]
    requests = [text for name, text in parts if not name.startswith("limits")]
    return [quota["metadata"]["name"], ", ".join(requests), ", ".join(limits), created(quota, now)]


def _secret(secret: Object, now: datetime) -> list[Any]:
    return [secret["metadata"]["name"], secret.get("type", ""), len(secret.get("data", {})), created(secret, now)]


def _config_map(config: Object, now: datetime) -> list[Any]:
    count = len(config.get("data", {})) + len(config.get("binaryData", {}))
    return [config["metadata"]["name"], count, created(config, now)]


def _lease(lease: Object, now: datetime) -> list[Any]:
    return [lease["metadata"]["name"], lease.get("spec", {}).get("holderIdentity", ""), created(lease, now)]


def _request(request: Object, now: datetime) -> list[Any]:
    spec, status = request.get("spec", {}), request.get("status", {})
    state = ",".join(item["type"] for item in status.get("conditions", [])) or "Pending"
    duration = spec.get("expirationSeconds")
    return [
        request["metadata"]["name"], created(request, now), spec.get("signerName", ""), spec.get("username", ""),
        human_duration(duration) if duration else NONE, state + (",Issued" if status.get("certificate") else ""),
    ]  # fmt: skip


GENERIC: tuple[str, Cells] = ("Name,Created At", generic)
COLUMNS: Mapping[str, tuple[str, Cells]] = {
    "pods": ("Name,Ready,Status,Restarts,Age,+IP,+Node,+Nominated Node,+Readiness Gates", _pod),
    "nodes": ("Name,Status,Roles,Age,Version,+Internal-IP,+External-IP,+OS-Image,+Kernel-Version,+Container-Runtime",
              _node),
    "events": ("Last Seen,Type,Reason,Object,+Subobject,+Source,Message,+First Seen,+Count,+Name", _event),
    "namespaces": ("Name,Status,Age", _namespace),
    "persistentvolumeclaims": (
        "Name,Status,Volume,Capacity,Access Modes,StorageClass,VolumeAttributesClass,Age,+VolumeMode", _claim),
    "persistentvolumes": ("Name,Capacity,Access Modes,Reclaim Policy,Status,Claim,StorageClass,VolumeAttributesClass,"
                          "Reason,Age,+VolumeMode", _volume),
    "services": ("Name,Type,Cluster-IP,External-IP,Port(s),Age,+Selector", _service),
    "jobs": ("Name,Status,Completions,Duration,Age,+Containers,+Images,+Selector", _job),
    "resourcequotas": ("Name,Request,Limit,Age", _quota),
    "secrets": ("Name,Type,Data,Age", _secret),
    "configmaps": ("Name,Data,Age", _config_map),
    "leases": ("Name,Holder,Age", _lease),
    "certificatesigningrequests": ("Name,Age,SignerName,Requestor,RequestedDuration,Condition", _request),
}  # fmt: skip
"""plural -> column names (a + marks those of `-o wide`) and the function that fills them"""
