"""What pods keep when they go: the volumes mounted into every pod that Genet makes. `docs/storage.md` explains them.

Keys that say nothing for a kind stop the start (`genet.settings.storage_checks`): what is ignored looks like a promise.
"""

from typing import Annotated, Literal

import msgspec

from genet.settings.section import Quantity, Section

USER_IDENTIFIER = "{userIdentifier}"
"""Stands for the person's userIdentifier in paths and names of claims."""
DEFAULT_SIZE = "10Gi"


class Volume(Section, frozen=True):
    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$")]
    mount_path: Annotated[str, msgspec.Meta(pattern=r"^/.+")]
    type: Literal["pvc", "hostpath", "nfs", "existing", "emptyDir"] = "pvc"
    """`pvc`: one claim per person and volume, shared by the person's pods; `hostpath`: a directory of the node, and
    `nfs`: an export, both through a PersistentVolume that Genet makes for the person alone; `existing`: a claim that is
    in the person's namespace already; `emptyDir`: room that goes with the pod."""
    read_only: bool = False
    size: Quantity | None = None
    """Bytes; null: 10Gi. Of `pvc` what is asked for; of `hostpath` and `nfs` a number that counts in the quota and
    bounds nothing."""
    max_size: Quantity | None = None
    """`pvc`: how far people may grow theirs (bytes), where its class allows it; null: not at all."""
    storage_class: str | None = None
    """`pvc`: null: the cluster's default class."""
    access_mode: Literal["ReadWriteOnce", "ReadWriteMany"] | None = None
    """`pvc`: null: ReadWriteOnce, with which all pods of a person have to be on one node."""
    reclaim_policy: Literal["Retain", "Delete"] | None = None
    """`pvc`: null: Retain, the claim stays when its pods go; `Delete`: it goes, with all that is in it, with the last
    pod that uses it."""
    path: str | None = None
    """`hostpath`, `nfs`: absolute; `{userIdentifier}` stands for the person's."""
    shared: bool = False
    """`hostpath`, `nfs`: everybody works in one directory, and reads and changes what others wrote there."""
    node_selector: dict[str, str] = msgspec.field(default_factory=dict)
    """`hostpath`: labels of the nodes that have the directory; pods go to these alone. Empty: every node has it."""
    server: str | None = None
    """`nfs`: name or address."""
    mount_options: tuple[str, ...] = ()
    """`nfs`: such as `nfsvers=4.1`."""
    claim_name: str | None = None
    """`existing`: name of the claim; `{userIdentifier}` stands for the person's."""
    size_limit: Quantity | None = None
    """`emptyDir`: bytes beyond which the pod is evicted; null: none."""

    @property
    def has_claim(self) -> bool:
        """Whether Genet makes a claim for it."""
        return self.type in ("pvc", "hostpath", "nfs")

    @property
    def has_own_volume(self) -> bool:
        """Whether Genet makes the PersistentVolume as well."""
        return self.type in ("hostpath", "nfs")

    @property
    def requested(self) -> str:
        """What its claim asks for at first (bytes)."""
        return self.size or DEFAULT_SIZE

    @property
    def most(self) -> str:
        """What its claim may ask for at most (bytes)."""
        return self.max_size or self.requested

    @property
    def goes_with_pods(self) -> bool:
        return self.reclaim_policy == "Delete"


class Storage(Section, frozen=True):
    volumes: tuple[Volume, ...] = ()
    """Mounted into every pod that Genet makes."""
