"""How the configured volumes come into a pod. Pure."""

from genet import naming
from genet.parts import Parts
from genet.settings import Storage


def parts(storage: Storage, user: str) -> Parts:
    """The volumes of a pod of this user."""
    return Parts(
        volumes=[
            {"name": volume.name, "persistentVolumeClaim": {"claimName": naming.pvc(user, volume.name)}}
            for volume in storage.volumes
        ],
        mounts=[
            {"name": volume.name, "mountPath": volume.mount_path, "readOnly": volume.read_only}
            for volume in storage.volumes
        ],
    )
