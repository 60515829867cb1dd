"""Events, as the components of Kubernetes record them: one object per message, counted up when it is said again."""

from collections import OrderedDict
from typing import Any, Final

from genet.simulation.resources import KINDS
from genet.simulation.store import Store, timestamp

Obj = dict[str, Any]

_REMEMBERED: Final = 4096


class Recorder:
    """One component's voice."""

    def __init__(self, store: Store, component: str) -> None:
        self._store = store
        self._component = component
        self._names: OrderedDict[tuple[str, str, str], str] = OrderedDict()

    def normal(self, plural: str, obj: Obj, reason: str, message: str, **where: str) -> None:
        self._record("Normal", plural, obj, reason, message, **where)

    def warning(self, plural: str, obj: Obj, reason: str, message: str, **where: str) -> None:
        self._record("Warning", plural, obj, reason, message, **where)

    def _record(
        self, type_: str, plural: str, obj: Obj, reason: str, message: str, *, host: str = "", field_path: str = ""
    ) -> None:
        """`host`: the node it was said on; `field_path`: the part of the object that is meant."""
        metadata, now = obj["metadata"], timestamp(self._store.clock())
        namespace = metadata.get("namespace", "default")
        space = self._store.find("namespaces", "", namespace)
        if space is None or "deletionTimestamp" in space["metadata"]:
            return
        key = (metadata["uid"], reason, message)
        known = self._store.find("events", namespace, self._names.get(key, ""))
        if known:
            self._store.update("events", {**known, "count": known["count"] + 1, "lastTimestamp": now})
            return
        kind, reference = KINDS[plural], ("namespace", "name", "uid", "resourceVersion")
        involved = {"apiVersion": kind.api_version, "kind": kind.kind}
        involved |= {field: metadata[field] for field in reference if field in metadata}
        source = {"component": self._component}
        event = {
            "metadata": {"generateName": f"{metadata['name']}.", "namespace": namespace},
            "involvedObject": involved | ({"fieldPath": field_path} if field_path else {}),
            "type": type_,
            "reason": reason,
            "message": message,
            "source": source | ({"host": host} if host else {}),
            "reportingComponent": self._component,
            "reportingInstance": host,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "eventTime": None,
            "count": 1,
        }
        self._names[key] = self._store.create("events", event)["metadata"]["name"]
        if len(self._names) > _REMEMBERED:
            self._names.popitem(last=False)
