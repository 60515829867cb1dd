"""Volumes on the wire (`docs/api.md`). Every key of an answer is always present; what is not known is null."""

from typing import Annotated, Literal

import msgspec

VolumeStatus = Literal["Bound", "Pending", "Lost", "Terminating", "NotMade", "PerPod"]
"""`NotMade`: it comes with the first pod; `PerPod`: each pod has its own, which goes with it."""


class VolumeResize(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    size: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    """A Kubernetes quantity in bytes, such as `20Gi`."""


class VolumeReason(msgspec.Struct, frozen=True):
    """Why it is not bound: a code to rely on, and what it is about."""

    code: str
    params: dict[str, str]


class Volume(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`size` is what the configuration says, `requested` what the claim asks for, `capacity` what it has."""

    name: str
    type: str
    mount_path: str
    read_only: bool
    size: str | None
    requested: str | None
    capacity: str | None
    max_size: str | None
    growable: bool
    status: VolumeStatus
    reason: VolumeReason | None
    message: str | None
    reclaim_policy: Literal["Retain", "Delete"] | None
    used_by: tuple[str, ...]


class VolumeList(msgspec.Struct, frozen=True):
    volumes: tuple[Volume, ...]
