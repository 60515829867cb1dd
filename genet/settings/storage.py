"""What pods keep when they go: the volumes mounted into every pod that Genet makes."""

from typing import Annotated, Literal

import msgspec

from genet.settings.section import Quantity, Section


class Volume(Section, frozen=True):
    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$")]
    mount_path: Annotated[str, msgspec.Meta(pattern=r"^/.+")]
    type: Literal["pvc"] = "pvc"
    """`pvc`: one claim per user and volume, shared by the user's pods, kept when they go."""
    size: Quantity = "10Gi"
    """Bytes."""
    storage_class: str | None = None
    """null: the cluster's default class."""
    access_mode: Literal["ReadWriteOnce", "ReadWriteMany"] = "ReadWriteOnce"
    read_only: bool = False


class Storage(Section, frozen=True):
    volumes: tuple[Volume, ...] = ()
    """Mounted into every pod that Genet makes."""
