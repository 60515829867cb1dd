"""The claims and volumes of one person, as plain manifests. Pure.

Traps:
- A claim without `volumeName` takes any volume of the cluster that fits; a volume without `claimRef` any claim.
- `storageClassName` left out means the default class; the empty one means none at all.
- A hostPath volume cannot be made read-only by itself: `readOnly` holds in the pods that mount it so.
"""

from collections.abc import Mapping
from typing import Any

from genet import naming
from genet.auth.user import User
from genet.settings import Volume
from genet.settings.storage import USER_IDENTIFIER

RETAIN = "Retain"


def claim(user: str, volume: Volume, held: Mapping[str, str] | None = None) -> dict[str, Any]:
    """`held` are the marks of who is about to use it."""
    spec: dict[str, Any] = {
        "accessModes": _access_modes(volume),
        "resources": {"requests": {"storage": volume.requested}},
    }
    if volume.has_own_volume:
        spec |= {"storageClassName": "", "volumeName": naming.persistent_volume(user, volume.name)}
    elif volume.storage_class is not None:
        spec["storageClassName"] = volume.storage_class
    metadata = {
        "name": naming.pvc(user, volume.name),
        "labels": {
            naming.MANAGED: "true",
            naming.USER: user,
            naming.RECLAIM_POLICY: volume.reclaim_policy or RETAIN,
        },
        "annotations": dict(held or {}),
    }
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def persistent_volume(user: User, volume: Volume) -> dict[str, Any]:
    """For the claim of this person alone, and only while it is the same account."""
    spec: dict[str, Any] = {
        "accessModes": _access_modes(volume),
        "capacity": {"storage": volume.requested},
        "persistentVolumeReclaimPolicy": RETAIN,
        "storageClassName": "",
        "volumeMode": "Filesystem",
        "claimRef": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": naming.namespace(user.identifier),
            "name": naming.pvc(user.identifier, volume.name),
        },
        **_source(user.identifier, volume),
    }
    if volume.node_selector:
        expressions = [
            {"key": key, "operator": "In", "values": [value]} for key, value in sorted(volume.node_selector.items())
        ]
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": expressions}]}}
    metadata = {
        "name": naming.persistent_volume(user.identifier, volume.name),
        "labels": {naming.MANAGED: "true", naming.USER: user.identifier},
        "annotations": {naming.OWNER: user.owner},
    }
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec}


def path(user: str, volume: Volume) -> str:
    """Where the person's files are on the node or the server."""
    return (volume.path or "").replace(USER_IDENTIFIER, user)


def claim_name(user: str, volume: Volume) -> str | None:
    """The claim by which a pod of this person mounts the volume; None: it has none."""
    if volume.type == "existing":
        return (volume.claim_name or "").replace(USER_IDENTIFIER, user)
    return naming.pvc(user, volume.name) if volume.has_claim else None


def _access_modes(volume: Volume) -> list[str]:
    if volume.has_own_volume:
        return ["ReadOnlyMany" if volume.read_only else "ReadWriteMany"]
    return [volume.access_mode or "ReadWriteOnce"]


def _source(user: str, volume: Volume) -> dict[str, Any]:
    where = path(user, volume)
    if volume.type == "hostpath":
        # made by the kubelet where it is missing, except where it is only read: an empty one would look like the data
        return {"hostPath": {"path": where, "type": "Directory" if volume.read_only else "DirectoryOrCreate"}}
    source: dict[str, Any] = {"server": volume.server, "path": where}
    if volume.read_only:
        source["readOnly"] = True
    return {"nfs": source} | ({"mountOptions": list(volume.mount_options)} if volume.mount_options else {})
