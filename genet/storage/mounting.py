"""How the configured volumes come into a pod. Pure."""

from typing import Any

from genet.parts import Parts
from genet.settings import Storage, Volume
from genet.storage.manifests import claim_name


def parts(storage: Storage, user: str) -> Parts:
    """The volumes of a pod of this user: claims and emptyDir alone, for Pod Security lets nothing else in."""
    return Parts(
        volumes=[{"name": volume.name, **_source(volume, user)} for volume in storage.volumes],
        mounts=[
            {"name": volume.name, "mountPath": volume.mount_path, "readOnly": volume.read_only}
            for volume in storage.volumes
        ],
    )


def _source(volume: Volume, user: str) -> dict[str, Any]:
    claim = claim_name(user, volume)
    if claim is None:
        return {"emptyDir": {} if volume.size_limit is None else {"sizeLimit": volume.size_limit}}
    return {"persistentVolumeClaim": {"claimName": claim, **({"readOnly": True} if volume.read_only else {})}}
