"""A configured volume and the claim behind it become what a person sees of it. Pure."""

from collections.abc import Iterable, Mapping
from typing import Literal

from genet import naming
from genet.kube.objects import PersistentVolume, PersistentVolumeClaim, Pod
from genet.settings import Volume as Configured
from genet.storage import manifests, model
from genet.storage.binding import Why
from genet.storage.reclaim import claims_of

_SENTENCES: Mapping[str, str] = {
    "claim_missing": "There is no claim of this name; ask an administrator.",
    "claim_terminating": "It is being removed as soon as no pod uses it.",
    "claim_lost": "The PersistentVolume {volume} behind it is gone, and what was in it; ask an administrator.",
    "volume_missing": "The PersistentVolume {volume} is not there; it is made with your next pod.",
    "volume_taken": "The PersistentVolume {volume} belongs to another claim; ask an administrator.",
    "volume_released": "The PersistentVolume {volume} was bound to an older claim; it is yours again with your next "
    "pod.",
    "volume_failed": "The PersistentVolume {volume} has failed: {message}",
    "volume_mismatch": "The volume does not fit: {message}",
    "storage_class_missing": "The cluster has no storage class {storageClass}; ask an administrator.",
    "no_storage_class": "No storage class is configured and the cluster has no default one; ask an administrator.",
    "waiting_for_first_consumer": "It is made on the node of the first pod that uses it.",
    "waiting_for_provisioner": "It waits for the provisioner {provisioner} of the storage class {storageClass}.",
    "provisioning_failed": "The storage class {storageClass} could not make it: {message}",
    "binding": "It is being bound, which can take some seconds.",
}


def sentence(why: Why) -> str:
    code, params = why
    return _SENTENCES[code].format_map(params)


def view(
    user: str,
    volume: Configured,
    claim: PersistentVolumeClaim | None,
    pods: Iterable[Pod],
    *,
    why: Why | None = None,
    own: PersistentVolume | None = None,
    growable: bool = False,
    growth: str | None = None,
) -> model.Volume:
    """`why` says what keeps its claim from a volume, `own` is the PersistentVolume that Genet made for it.

    `growth` is what keeps it from what it asks for.
    """
    name = manifests.claim_name(user, volume)
    message = sentence(why) if why is not None else _moved(user, volume, own) or growth
    return model.Volume(
        name=volume.name,
        type=volume.type,
        mount_path=volume.mount_path,
        read_only=volume.read_only,
        size=volume.size_limit if volume.type == "emptyDir" else volume.requested if volume.has_claim else None,
        requested=claim.spec.resources.requests.get("storage") if claim is not None else None,
        capacity=claim.status.capacity.get("storage") if claim is not None else None,
        max_size=volume.max_size,
        growable=growable,
        status=_status(name, claim),
        reason=model.VolumeReason(*why) if why is not None else None,
        message=message,
        reclaim_policy=_policy(volume, claim),
        used_by=tuple(sorted(pod.metadata.name for pod in pods if name is not None and name in claims_of(pod))),
    )


def _status(name: str | None, claim: PersistentVolumeClaim | None) -> model.VolumeStatus:
    if name is None:
        return "PerPod"
    if claim is None:
        return "NotMade"
    if claim.metadata.deletion_timestamp is not None:
        return "Terminating"
    return "Bound" if claim.status.phase == "Bound" else "Lost" if claim.status.phase == "Lost" else "Pending"


def _policy(volume: Configured, claim: PersistentVolumeClaim | None) -> Literal["Retain", "Delete"] | None:
    """As it is kept: a claim that was made to stay stays, whatever the configuration says by now."""
    if volume.type != "pvc":
        return None
    made_to_go = claim is None or claim.metadata.labels.get(naming.RECLAIM_POLICY) == "Delete"
    return "Delete" if volume.goes_with_pods and made_to_go else "Retain"


def _moved(user: str, volume: Configured, own: PersistentVolume | None) -> str | None:
    """Where a volume is cannot be changed: one that was made under another configuration stays where it was."""
    if own is None:
        return None
    found = (own.spec.nfs.server, own.spec.nfs.path) if own.spec.nfs is not None else (
        None, own.spec.host_path.path if own.spec.host_path is not None else None)  # fmt: skip
    if found == (volume.server, manifests.path(user, volume)):
        return None
    return f"It is where it was made, at {found[1]}, and not where the configuration has it by now."
