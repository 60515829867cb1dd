"""Volumes for claims: a claim of a class gets a new volume at once, any claim takes the one that was made for it.

Nothing is stored anywhere. Traps: a volume whose claimRef names a claim is taken even where the classes could make one
(that is how hostPath and NFS volumes are handed out); a volume that outlives its claim is Released, not Available.
"""

from typing import Any

from genet.simulation.recorder import Recorder
from genet.simulation.store import Store

Obj = dict[str, Any]


class Volumes:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._recorder = Recorder(store, "persistentvolume-controller")
        for claim in store.list("persistentvolumeclaims"):
            self._bind(claim["metadata"]["namespace"], claim["metadata"]["name"])
        store.subscribe(self._changed)

    def _changed(self, plural: str, kind: str, new: Obj, _: Obj | None) -> None:
        if plural == "persistentvolumes" and kind == "ADDED":
            reference = new["spec"].get("claimRef")
            if reference:
                self._bind(reference["namespace"], reference["name"])
            elif not new.get("status", {}).get("phase"):
                self._phase(new, "Available")
        elif plural == "persistentvolumeclaims" and kind == "DELETED":
            self._let_go(new)
        elif plural == "persistentvolumeclaims":
            self._bind(new["metadata"]["namespace"], new["metadata"]["name"])

    def _bind(self, namespace: str, name: str) -> None:
        claim = self._store.find("persistentvolumeclaims", namespace, name)  # what a change tells may be out of date
        if claim is None or claim.get("status", {}).get("phase") == "Bound" or "deletionTimestamp" in claim["metadata"]:
            return
        volume = self._made_for(claim) or self._provision(claim)
        if volume is None:
            if claim.get("status", {}).get("phase") != "Pending":
                self._store.update(
                    "persistentvolumeclaims", {**claim, "status": {"phase": "Pending"}}, subresource="status"
                )
            return
        spec = {**claim["spec"], "volumeName": volume["metadata"]["name"]}
        claim = self._store.update("persistentvolumeclaims", {**claim, "spec": spec})
        status = {
            "phase": "Bound",
            "accessModes": volume["spec"]["accessModes"],
            "capacity": {"storage": volume["spec"]["capacity"]["storage"]},
        }
        self._store.update("persistentvolumeclaims", {**claim, "status": status}, subresource="status")
        self._phase(volume, "Bound")

    def _made_for(self, claim: Obj) -> Obj | None:
        metadata, wanted = claim["metadata"], claim["spec"].get("volumeName")
        for volume in self._store.list("persistentvolumes"):
            reference = volume["spec"].get("claimRef") or {}
            mine = (reference.get("namespace"), reference.get("name")) == (metadata["namespace"], metadata["name"])
            if mine and reference.get("uid", metadata["uid"]) == metadata["uid"]:
                return self._store.update("persistentvolumes", _claimed(volume, claim))
            if not reference and volume["metadata"]["name"] == wanted:
                return self._store.update("persistentvolumes", _claimed(volume, claim))
        return None

    def _provision(self, claim: Obj) -> Obj | None:
        name = claim["spec"].get("storageClassName")
        storage_class = self._store.find("storageclasses", "", name) if name else None
        if storage_class is None or claim["spec"].get("volumeName"):
            return None
        uid = claim["metadata"]["uid"]
        volume = {
            "metadata": {"name": f"pvc-{uid}"},
            "spec": {
                "accessModes": claim["spec"]["accessModes"],
                "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
                "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy", "Delete"),
                "storageClassName": name,
                "volumeMode": "Filesystem",
                "hostPath": {"path": f"/var/lib/volumes/{uid}", "type": ""},
            },
        }
        self._recorder.normal(
            "persistentvolumeclaims", claim, "ProvisioningSucceeded", f"Successfully provisioned volume pvc-{uid}"
        )
        return self._store.create("persistentvolumes", _claimed(volume, claim))

    def _let_go(self, claim: Obj) -> None:
        volume = self._store.find("persistentvolumes", "", claim["spec"].get("volumeName", ""))
        if volume is None or volume["spec"].get("claimRef", {}).get("uid") != claim["metadata"]["uid"]:
            return
        if volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete":
            self._store.delete("persistentvolumes", "", volume["metadata"]["name"])
        else:
            self._phase(volume, "Released")

    def _phase(self, volume: Obj, phase: str) -> None:
        self._store.update("persistentvolumes", {**volume, "status": {"phase": phase}}, subresource="status")


def _claimed(volume: Obj, claim: Obj) -> Obj:
    reference = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": claim["metadata"]["namespace"],
        "name": claim["metadata"]["name"],
        "uid": claim["metadata"]["uid"],
    }
    return {**volume, "spec": {**volume["spec"], "claimRef": reference}}
