"""The fields that the real server fills in when they are left out, as far as clients see or rely on them.

`fill` changes the object it is given: admission hands it a copy of its own.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from genet.simulation.store import Object

PVC_PROTECTION = "kubernetes.io/pvc-protection"
PV_PROTECTION = "kubernetes.io/pv-protection"
ADMIN = {"username": "kubernetes-admin", "groups": ["system:masters", "system:authenticated"]}
COMPUTE = ("cpu", "memory")


def fill(plural: str, obj: Object) -> None:
    defaults = _DEFAULTS.get(plural)
    if defaults is not None:
        defaults(obj)


def _set(target: dict[str, Any], **values: Any) -> None:
    for key, value in values.items():
        target.setdefault(key, value)


def _pod(pod: Object) -> None:
    spec = pod["spec"]
    pod_spec(spec)
    _set(spec, serviceAccountName=spec.get("serviceAccount", "default"), preemptionPolicy="PreemptLowerPriority",
         enableServiceLinks=True)  # fmt: skip
    spec["serviceAccount"] = spec["serviceAccountName"]
    tolerations = spec.setdefault("tolerations", [])
    for condition in ("not-ready", "unreachable"):
        key = f"node.kubernetes.io/{condition}"
        if not any(item.get("key", key) == key and item.get("effect", "NoExecute") == "NoExecute"
                   for item in tolerations):  # fmt: skip
            tolerations.append({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300})
    pod["status"] = {"phase": "Pending"}


def pod_spec(spec: dict[str, Any]) -> None:
    """What every pod spec gets, in a Job's template too."""
    _set(spec, restartPolicy="Always", dnsPolicy="ClusterFirst", terminationGracePeriodSeconds=30,
         schedulerName="default-scheduler", securityContext={})  # fmt: skip
    for container in (*(spec.get("initContainers") or ()), *spec.get("containers", ())):
        tag = container.get("image", "").rpartition("/")[2].partition(":")[2]
        _set(container, terminationMessagePath="/dev/termination-log", terminationMessagePolicy="File", resources={},
             imagePullPolicy="Always" if tag in ("", "latest") else "IfNotPresent")  # fmt: skip
        resources = container["resources"]
        if resources.get("limits"):
            resources["requests"] = {**resources["limits"], **resources.get("requests", {})}


def qos_class(spec: dict[str, Any]) -> str:
    resources = [container["resources"] for container in spec["containers"]]
    asked = [{key: value for key, value in part.get("requests", {}).items() if key in COMPUTE} for part in resources]
    limits = [{key: value for key, value in part.get("limits", {}).items() if key in COMPUTE} for part in resources]
    if not any(asked) and not any(limits):
        return "BestEffort"
    return "Guaranteed" if asked == limits and all(len(limit) == len(COMPUTE) for limit in limits) else "Burstable"


def _namespace(namespace: Object) -> None:
    name = namespace["metadata"].get("name", "")
    namespace["metadata"]["labels"] = {**namespace["metadata"].get("labels", {}), "kubernetes.io/metadata.name": name}
    namespace["spec"] = {"finalizers": ["kubernetes"]}
    namespace["status"] = {"phase": "Active"}


def _claim(claim: Object) -> None:
    _set(claim["spec"], volumeMode="Filesystem")
    _protect(claim, PVC_PROTECTION)
    claim["status"] = {"phase": "Pending"}


def _volume(volume: Object) -> None:
    _set(volume["spec"], volumeMode="Filesystem", persistentVolumeReclaimPolicy="Retain")
    _protect(volume, PV_PROTECTION)
    volume["status"] = {"phase": "Pending"}


def _protect(obj: Object, finalizer: str) -> None:
    finalizers = obj["metadata"].setdefault("finalizers", [])
    if finalizer not in finalizers:
        finalizers.append(finalizer)


def _quota(quota: Object) -> None:
    quota["status"] = {}


def _limit_range(limit_range: Object) -> None:
    for item in limit_range.get("spec", {}).get("limits", ()):
        if item.get("type") == "Container":
            item["default"] = {**item.get("max", {}), **item.get("default", {})}
            item["defaultRequest"] = {**item.get("min", {}), **item["default"], **item.get("defaultRequest", {})}


def _secret(secret: Object) -> None:
    _set(secret, type="Opaque")
    plain = secret.pop("stringData", {})
    if plain:
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}
        secret["data"] = {**secret.get("data", {}), **encoded}


def _job(job: Object) -> None:
    spec, uid = job["spec"], job["metadata"]["uid"]
    labels = {f"{prefix}{name}": value for prefix in ("", "batch.kubernetes.io/")
              for name, value in (("controller-uid", uid), ("job-name", job["metadata"].get("name", "")))}  # fmt: skip
    metadata = spec.setdefault("template", {}).setdefault("metadata", {})
    metadata["labels"] = {**metadata.get("labels", {}), **labels}
    _set(spec, selector={"matchLabels": {"batch.kubernetes.io/controller-uid": uid}})
    _set(spec, parallelism=1, completions=1, backoffLimit=6, completionMode="NonIndexed", suspend=False)
    pod_spec(spec["template"].setdefault("spec", {}))
    job["status"] = {}


def _signing_request(request: Object) -> None:
    request["spec"] |= ADMIN
    request["status"] = {}


_DEFAULTS: Mapping[str, Callable[[Object], None]] = {
    "pods": _pod,
    "namespaces": _namespace,
    "persistentvolumeclaims": _claim,
    "persistentvolumes": _volume,
    "resourcequotas": _quota,
    "limitranges": _limit_range,
    "secrets": _secret,
    "jobs": _job,
    "certificatesigningrequests": _signing_request,
}
