"""What a room adds to a pod: pieces of its manifest, as plain data.

Volumes come from storage, keys from the SSH room, claims from the GPU types. None of these knows of the others, nor of
how a pod is built: they hand over parts, and `flows` puts them together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Piece = Mapping[str, Any]
"""An item of a list in a manifest, as Kubernetes takes it."""


@dataclass(frozen=True)
class Parts:
    volumes: Sequence[Piece] = ()
    """`spec.volumes`."""
    mounts: Sequence[Piece] = ()
    """`volumeMounts` of the main container."""
    env: Sequence[Piece] = ()
    """`env` of the main container, behind what the person asked for: Genet has the last word."""
    claims: Sequence[Piece] = ()
    """`spec.resourceClaims`; the main container uses all of them."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Keys under `genet.io/` alone."""

    def __add__(self, other: "Parts") -> "Parts":
        return Parts(
            volumes=(*self.volumes, *other.volumes),
            mounts=(*self.mounts, *other.mounts),
            env=(*self.env, *other.env),
            claims=(*self.claims, *other.claims),
            annotations={**self.annotations, **other.annotations},
        )
