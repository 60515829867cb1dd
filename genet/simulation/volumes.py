"""Volumes for claims: the persistentvolume controller, a provisioner, and what grows claims.

A claim of a class that is provisioned here gets a new volume, which goes with it. Volumes made beforehand are bound as
the real controller does it: to the claim that their claimRef names, or the smallest one that will do. Nothing is stored
anywhere. All happens at once, where the real controller looks again every 15 s.

Traps:
- A volume whose claim has gone is Released, and is nobody's until somebody takes the uid off its claimRef: a claim of
  the same name is another claim.
- A class that waits for its first consumer provisions only once the scheduler has written a node on the claim.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from genet.simulation.quantity import parse
from genet.simulation.recorder import Recorder
from genet.simulation.store import Key, Store, key_of

Obj = dict[str, Any]

PROVISIONER: Final = "genet.io/simulation"
SELECTED_NODE: Final = "volume.kubernetes.io/selected-node"
WAITS: Final = "WaitForFirstConsumer"

_NO_CLASS = "no persistent volumes available for this claim and no storage class is set"
_WAITING = "waiting for first consumer to be created before binding"
_NOT_OURS = (
    "Ignoring the PVC: didn't find a plugin capable of expanding the volume; waiting for an external controller to "
    "process this PVC."
)
_LOST = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"


class Volumes:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._recorder = Recorder(store, "persistentvolume-controller")
        self._pending: set[Key] = set()
        for claim in store.list("persistentvolumeclaims"):
            self._claim_changed(key_of(claim))
        store.subscribe(self._changed)

    def _changed(self, plural: str, kind: str, new: Obj, _: Obj | None) -> None:
        if plural == "persistentvolumeclaims":
            if kind == "DELETED":
                self._pending.discard(key_of(new))
                self._volume_changed(new["spec"].get("volumeName", ""))
                self._released(new)
            self._claim_changed(key_of(new))
        elif plural == "persistentvolumes":
            self._volume_changed(new["metadata"]["name"])
            if kind == "DELETED" and (reference := new["spec"].get("claimRef")):
                self._claim_changed((reference["namespace"], reference["name"]))
            self._retry()
        elif plural == "storageclasses" and kind != "DELETED":
            self._retry()

    def _retry(self) -> None:
        for key in sorted(self._pending):
            self._claim_changed(key)

    # --- volumes

    def _released(self, claim: Obj) -> None:
        """Volumes that name a claim which is gone, also where it did not name them."""
        for volume in self._store.list("persistentvolumes"):
            if volume["spec"].get("claimRef", {}).get("uid") == claim["metadata"]["uid"]:
                self._volume_changed(volume["metadata"]["name"])

    def _volume_changed(self, name: str) -> None:
        volume = self._store.find("persistentvolumes", "", name)
        if volume is None:
            return
        reference = volume["spec"].get("claimRef")
        claim = self._claim_of(reference) if reference else None
        if reference is None or not reference.get("uid"):
            self._phase(volume, "Available")
            if claim is not None:
                self._claim_changed(key_of(claim))
        elif claim is None or claim["metadata"]["uid"] != reference["uid"]:
            self._phase(volume, "Released")
            if volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete":
                self._store.delete("persistentvolumes", "", name)
        elif claim["spec"].get("volumeName") == name:
            self._phase(volume, "Bound")
        else:
            self._claim_changed(key_of(claim))

    def _phase(self, volume: Obj, phase: str) -> None:
        if (found := self._store.find("persistentvolumes", "", volume["metadata"]["name"])) is not None:
            self._store.update("persistentvolumes", {**found, "status": {"phase": phase}}, subresource="status")

    def _claim_of(self, reference: Obj) -> Obj | None:
        return self._store.find("persistentvolumeclaims", reference.get("namespace", ""), reference.get("name", ""))

    # --- claims

    def _claim_changed(self, key: Key) -> None:
        claim = self._store.find("persistentvolumeclaims", *key)  # what a change tells may be out of date
        if claim is None:
            return
        phase = claim.get("status", {}).get("phase")
        if phase == "Bound":
            self._pending.discard(key)
            self._follow(claim)
        elif phase != "Lost" and "deletionTimestamp" not in claim["metadata"]:
            self._pending.add(key)
            self._seek(claim)

    def _follow(self, claim: Obj) -> None:
        """A bound claim: its volume may be gone, or have to grow."""
        volume = self._store.find("persistentvolumes", "", claim["spec"].get("volumeName", ""))
        if volume is None:
            self._complain(claim, "ClaimLost", _LOST)
            self._store.update(
                "persistentvolumeclaims",
                {**claim, "status": {**claim["status"], "phase": "Lost"}},
                subresource="status",
            )
            return
        wanted = claim["spec"]["resources"]["requests"]["storage"]
        has = claim["status"].get("capacity", {}).get("storage", "0")
        if parse(wanted) <= parse(has):
            return
        if not self._expands(claim):
            self._recorder.normal("persistentvolumeclaims", claim, "ExternalExpanding", _NOT_OURS)
        else:
            spec = {**volume["spec"], "capacity": {"storage": wanted}}
            self._store.update("persistentvolumes", {**volume, "spec": spec})
            status = {**claim["status"], "capacity": {"storage": wanted}}
            self._store.update("persistentvolumeclaims", {**claim, "status": status}, subresource="status")

    def _expands(self, claim: Obj) -> bool:
        found = self._class(claim)
        return found is not None and bool(found.get("allowVolumeExpansion")) and found.get("provisioner") == PROVISIONER

    def _class(self, claim: Obj) -> Obj | None:
        return self._store.find("storageclasses", "", claim["spec"].get("storageClassName") or "")

    def _seek(self, claim: Obj) -> None:
        name = claim["spec"].get("volumeName")
        if not name:
            found = self._best(claim)
            if found is not None:
                self._bind(claim, found)
            else:
                self._by_class(claim)
            return
        volume = self._store.find("persistentvolumes", "", name)
        if volume is None:
            return  # it may come yet; the real one says nothing either
        if not _is_for(volume, claim):
            self._complain(claim, "FailedBinding", f'volume "{name}" already bound to a different claim.')
            return
        if "claimRef" not in volume["spec"] and (why := _misfit(volume, claim)):
            self._complain(claim, "VolumeMismatch", f'Cannot bind to requested volume "{name}": {why}')
            return
        self._bind(claim, volume)

    def _best(self, claim: Obj) -> Obj | None:
        """The one made for this claim, else the smallest that nobody has."""
        usable = [
            volume for volume in self._store.list("persistentvolumes")
            if _is_for(volume, claim) and not _misfit(volume, claim) and "deletionTimestamp" not in volume["metadata"]
        ]  # fmt: skip
        own = [volume for volume in usable if "claimRef" in volume["spec"]]
        return min(own or usable, key=lambda volume: parse(volume["spec"]["capacity"]["storage"]), default=None)

    def _by_class(self, claim: Obj) -> None:
        name = claim["spec"].get("storageClassName") or ""
        found = self._class(claim)
        if not name:
            self._recorder.normal("persistentvolumeclaims", claim, "FailedBinding", _NO_CLASS)
        elif found is None:
            self._complain(claim, "ProvisioningFailed", f'storageclass.storage.k8s.io "{name}" not found')
        elif found.get("volumeBindingMode") == WAITS and not claim["metadata"].get("annotations", {}).get(
            SELECTED_NODE
        ):
            self._recorder.normal("persistentvolumeclaims", claim, WAITS, _WAITING)
        elif found.get("provisioner") == PROVISIONER:
            self._provision(claim)
        else:
            text = (f"Waiting for a volume to be created either by the external provisioner '{found['provisioner']}' "
                    "or by the system administrator. If volume creation is delayed, please verify that the provisioner "
                    "is running and correctly registered.")  # fmt: skip
            self._recorder.normal("persistentvolumeclaims", claim, "ExternalProvisioning", text)

    def _provision(self, claim: Obj) -> None:
        metadata, spec = claim["metadata"], claim["spec"]
        name = f"pvc-{metadata['uid']}"
        volume = {
            "metadata": {"name": name},
            "spec": {
                "accessModes": spec["accessModes"],
                "capacity": {"storage": spec["resources"]["requests"]["storage"]},
                "claimRef": _reference(claim),
                "persistentVolumeReclaimPolicy": "Delete",
                "storageClassName": spec["storageClassName"],
                "volumeMode": "Filesystem",
                "hostPath": {"path": f"/var/lib/volumes/{metadata['uid']}", "type": ""},
            },
            "status": {"phase": "Pending"},
        }
        self._recorder.normal(
            "persistentvolumeclaims", claim, "ProvisioningSucceeded", f"Successfully provisioned volume {name}"
        )
        self._bind(claim, self._store.create("persistentvolumes", volume))

    def _bind(self, claim: Obj, volume: Obj) -> None:
        """Both sides: the volume first, as the real controller does."""
        name = volume["metadata"]["name"]
        volume = self._store.get("persistentvolumes", "", name)
        spec = {**volume["spec"], "claimRef": {**volume["spec"].get("claimRef", {}), **_reference(claim)}}
        volume = self._store.update("persistentvolumes", {**volume, "spec": spec})
        self._phase(volume, "Bound")
        key = key_of(claim)
        claim = self._store.get("persistentvolumeclaims", *key)
        self._store.update("persistentvolumeclaims", {**claim, "spec": {**claim["spec"], "volumeName": name}})
        claim = self._store.get("persistentvolumeclaims", *key)
        status = {"phase": "Bound", "accessModes": spec["accessModes"], "capacity": dict(spec["capacity"])}
        self._store.update("persistentvolumeclaims", {**claim, "status": status}, subresource="status")

    def _complain(self, claim: Obj, reason: str, message: str) -> None:
        self._recorder.warning("persistentvolumeclaims", claim, reason, message)


def volume_node_terms(store: Store, pod: Obj) -> Iterator[list[Obj]]:
    """The node selector terms of the volumes that a pod's claims are bound to."""
    for volume in _volumes_of(store.find, pod):
        required = (volume["spec"].get("nodeAffinity") or {}).get("required")
        if required:
            yield required["nodeSelectorTerms"]


def _volumes_of(find: Callable[[str, str, str], Obj | None], pod: Obj) -> Iterator[Obj]:
    for item in pod["spec"].get("volumes") or ():
        source = item.get("persistentVolumeClaim")
        claim = source and find("persistentvolumeclaims", pod["metadata"]["namespace"], source["claimName"])
        volume = claim and find("persistentvolumes", "", claim["spec"].get("volumeName", ""))
        if volume:
            yield volume


def _reference(claim: Obj) -> Obj:
    metadata = claim["metadata"]
    return {"kind": "PersistentVolumeClaim", "apiVersion": "v1"} | {
        field: metadata[field] for field in ("namespace", "name", "uid")
    }


def _is_for(volume: Obj, claim: Obj) -> bool:
    """Whether nobody has it, or its claimRef means this claim: without a uid any of that name."""
    reference, metadata = volume["spec"].get("claimRef"), claim["metadata"]
    if reference is None:
        return True
    same = (reference.get("namespace"), reference.get("name")) == (metadata["namespace"], metadata["name"])
    return same and reference.get("uid") in (None, "", metadata["uid"])


def _misfit(volume: Obj, claim: Obj) -> str | None:
    """Why a volume will not do for a claim, in the real controller's words."""
    has, wants = volume["spec"], claim["spec"]
    if parse(has["capacity"]["storage"]) < parse(wants["resources"]["requests"]["storage"]):
        return "requested PV is too small"
    if has.get("storageClassName", "") != (wants.get("storageClassName") or ""):
        return "storageClassName does not match"
    if not set(wants["accessModes"]) <= set(has["accessModes"]):
        return "incompatible accessMode"
    return None
