"""Volumes for claims: a claim of a class gets a new volume at once, and takes it along when it goes.

Nothing is stored anywhere. Volumes that somebody made beforehand are never bound: a claim without a class waits.
"""

from typing import Any

from genet.simulation.recorder import Recorder
from genet.simulation.store import Store, key_of

Obj = dict[str, Any]


class Volumes:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._recorder = Recorder(store, "persistentvolume-controller")
        store.subscribe(self._changed)

    def _changed(self, plural: str, kind: str, new: Obj, _: Obj | None) -> None:
        if plural != "persistentvolumeclaims":
            return
        if kind == "DELETED" and self._store.find("persistentvolumes", "", new["spec"].get("volumeName", "")):
            self._store.delete("persistentvolumes", "", new["spec"]["volumeName"])
        claim = self._store.find(plural, *key_of(new))  # what a change tells may be out of date
        if claim and "volumeName" not in claim["spec"] and "deletionTimestamp" not in claim["metadata"]:
            self._bind(claim)

    def _bind(self, claim: Obj) -> None:
        storage_class = self._store.find("storageclasses", "", claim["spec"].get("storageClassName", ""))
        if storage_class is None:
            return
        metadata, spec = claim["metadata"], claim["spec"]
        name, capacity = f"pvc-{metadata['uid']}", {"storage": spec["resources"]["requests"]["storage"]}
        volume = {
            "metadata": {"name": name},
            "spec": {
                "accessModes": spec["accessModes"],
                "capacity": capacity,
                "claimRef": {"kind": "PersistentVolumeClaim", "apiVersion": "v1"}
                | {field: metadata[field] for field in ("namespace", "name", "uid")},
                "persistentVolumeReclaimPolicy": "Delete",
                "storageClassName": spec["storageClassName"],
                "volumeMode": "Filesystem",
                "hostPath": {"path": f"/var/lib/volumes/{metadata['uid']}", "type": ""},
            },
            "status": {"phase": "Bound"},
        }
        self._store.create("persistentvolumes", volume)
        text = f"Successfully provisioned volume {name}"
        self._recorder.normal("persistentvolumeclaims", claim, "ProvisioningSucceeded", text)
        claim = self._store.update("persistentvolumeclaims", {**claim, "spec": {**spec, "volumeName": name}})
        status = {"phase": "Bound", "accessModes": spec["accessModes"], "capacity": capacity}
        self._store.update("persistentvolumeclaims", {**claim, "status": status}, subresource="status")
