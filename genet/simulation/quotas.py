"""ResourceQuota: what objects use, the refusal of what would pass the limit, and `status.used` kept true.

Usage is counted anew from the store each time, so it cannot drift; the real server's lags a moment behind deletions.
Ended pods use nothing but `count/pods`. Scopes are not simulated: every quota counts everything in its namespace.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from genet.simulation import services
from genet.simulation.errors import forbidden
from genet.simulation.quantity import parse
from genet.simulation.resources import KINDS, Kind
from genet.simulation.store import Object, Store

COUNTED = frozenset({"pods", "services", "secrets", "configmaps", "persistentvolumeclaims", "resourcequotas"})
BARE = frozenset({"cpu", "memory", "ephemeral-storage"})
"""resources that a quota may name without `requests.`"""
DEVICES = ".deviceclass.resource.k8s.io/devices"
"""Behind the name of a DeviceClass: what claims ask of it."""
Usage = dict[str, float]


class Quotas:
    def __init__(self, store: Store) -> None:
        self._store = store
        store.subscribe(self._follow)

    def admit(self, kind: Kind, obj: Object, old: Object | None = None) -> None:
        """ApiError 403 when a quota of the namespace has no room for the object, or for what it has grown by."""
        namespace = obj["metadata"].get("namespace", "")
        name = obj["metadata"].get("name", "")
        for quota in self._store.list("resourcequotas", namespace) if namespace else ():
            hard = quota["spec"].get("hard", {})
            before = usage(kind, old) if old is not None else {}
            asked = {key: amount - before.get(key, 0) for key, amount in usage(kind, obj).items() if key in hard}
            used = self._used(namespace, asked)
            over = sorted(key for key in asked if asked[key] > 0 and used[key] + asked[key] > parse(hard[key]))
            if over:
                raise forbidden(kind, name, f"exceeded quota: {quota['metadata']['name']}, "
                                f"requested: {_listed(asked, over)}, used: {_listed(used, over)}, "
                                f"limited: {','.join(f'{key}={hard[key]}' for key in over)}")  # fmt: skip

    def _follow(self, plural: str, _: str, new: Object, __: Object | None) -> None:
        namespace = new["metadata"].get("namespace", "")
        for quota in self._store.list("resourcequotas", namespace) if namespace else ():
            hard = quota["spec"].get("hard", {})
            if plural == "resourcequotas" or any(key in hard for key in usage(KINDS[plural], new, ended=True)):
                used = {key: text(amount, key) for key, amount in self._used(namespace, hard).items()}
                self._store.update("resourcequotas", {**quota, "status": {"hard": hard, "used": used}},
                                   subresource="status")  # fmt: skip

    def _used(self, namespace: str, keys: Iterable[str]) -> Usage:
        used = dict.fromkeys(keys, 0.0)
        for plural in {_counted_plural(key) for key in used}:
            for obj in self._store.list(plural, namespace):
                for key, amount in usage(KINDS[plural], obj).items():
                    if key in used:
                        used[key] += amount
        return used


def usage(kind: Kind, obj: Object, *, ended: bool = False) -> Usage:
    """What the object counts for, by the names a quota has for it. `ended` counts an ended pod as if it ran."""
    found: Usage = {f"count/{kind.resource}": 1}
    if kind.plural == "pods" and not ended and obj.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        return found
    if kind.plural in COUNTED:
        found[kind.plural] = 1
    if kind.plural == "services":
        found |= services.usage(obj)
    if kind.plural == "persistentvolumeclaims":
        found |= _prefixed("requests", _parsed(obj["spec"].get("resources", {}).get("requests", {})))
    if kind.plural == "resourceclaims":
        found |= _claimed(obj)
    if kind.plural == "pods":
        requests = pod_total(obj["spec"], "requests")
        found |= _prefixed("requests", requests) | _prefixed("limits", pod_total(obj["spec"], "limits"))
        found |= {name: amount for name, amount in requests.items() if name in BARE}
    return found


def text(amount: float, name: str) -> str:
    """A quantity as the API server writes it: the largest unit that keeps it whole."""
    if "memory" in name or "storage" in name:
        for power, suffix in ((40, "Ti"), (30, "Gi"), (20, "Mi"), (10, "Ki")):
            if amount and amount % 2**power == 0:
                return f"{int(amount) >> power}{suffix}"
    return str(int(amount)) if amount == int(amount) else f"{round(amount * 1000)}m"


def pod_total(spec: Mapping[str, Any], part: str) -> Usage:
    """Of the containers together, or of an init container if it wants more: those run one after the other, before."""
    total: Usage = {}
    for container in spec.get("containers", ()):
        for name, amount in _parsed(container.get("resources", {}).get(part, {})).items():
            total[name] = total.get(name, 0) + amount
    for container in spec.get("initContainers") or ():
        for name, amount in _parsed(container.get("resources", {}).get(part, {})).items():
            total[name] = max(total.get(name, 0), amount)
    return total


def _parsed(amounts: Mapping[str, Any]) -> Usage:
    return {name: parse(amount) for name, amount in amounts.items()}


def _prefixed(prefix: str, amounts: Usage) -> Usage:
    return {f"{prefix}.{name}": amount for name, amount in amounts.items()}


def _claimed(claim: Object) -> Usage:
    """Devices that a ResourceClaim asks for, by their class."""
    found: Usage = {}
    for request in claim["spec"]["devices"]["requests"]:
        name = request["exactly"]["deviceClassName"] + DEVICES
        found[name] = found.get(name, 0) + request["exactly"].get("count", 1)
    return found


def _counted_plural(key: str) -> str:
    """Which kind of object uses that resource."""
    if key.endswith(DEVICES):
        return "resourceclaims"
    plural = key.removeprefix("count/").partition(".")[0]
    if plural in KINDS:
        return plural
    return "persistentvolumeclaims" if key == "requests.storage" else "pods"


def _listed(amounts: Usage, keys: Iterable[str]) -> str:
    return ",".join(f"{key}={text(amounts[key], key)}" for key in keys)
