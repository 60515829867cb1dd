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

    def normal(self, plural: str, obj: Obj, reason: str, message: str, **fields: Any) -> None:
        self._record("Normal", plural, obj, reason, message, **fields)

    def warning(self, plural: str, obj: Obj, reason: str, message: str, **fields: Any) -> None:
        self._record("Warning", plural, obj, reason, message, **fields)

    def _record(self, kind: str, plural: str, obj: Obj, reason: str, message: str, **fields: Any) -> None:
        """`fields`: `host`, the node it was said on; `field_path`, the part of the object that is meant."""
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
        involved = {
            "apiVersion": KINDS[plural].api_version,
            "kind": KINDS[plural].kind,
            "namespace": metadata.get("namespace", ""),
            "name": metadata["name"],
            "uid": metadata["uid"],
            "resourceVersion": metadata.get("resourceVersion", ""),
            "fieldPath": fields.get("field_path", ""),
        }
        source = {"component": self._component, "host": fields.get("host", "")}
        event = {
            "metadata": {"generateName": f"{metadata['name']}.", "namespace": namespace},
            "involvedObject": {name: text for name, text in involved.items() if text},
            "type": kind,
            "reason": reason,
            "message": message,
            "source": {name: text for name, text in source.items() if text},
            "reportingComponent": self._component,
            "reportingInstance": source["host"],
            "firstTimestamp": now,
            "lastTimestamp": now,
            "eventTime": None,
            "count": 1,
        }
        self._names[key] = self._store.create("events", event)["metadata"]["name"]
        if len(self._names) > _REMEMBERED:
            self._names.popitem(last=False)
