"""Pods on the wire: what a request may say and what an answer says (`docs/api.md`).

Every key of an answer is always present; what is not known is null.
"""

from datetime import datetime
from typing import Annotated

import msgspec

DeviceIndex = Annotated[int, msgspec.Meta(ge=0)]
Text = Annotated[str, msgspec.Meta(max_length=32 * 1024)]
Quantity = Annotated[str, msgspec.Meta(max_length=32)]


class EnvVar(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=253)]
    value: Text


class PodRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What a person asks for. `cpu` and `memory` are Kubernetes quantities; null means the configured default.

    Lists, not tuples: of a tuple with a bound on its length Litestar says that its items may be anything.
    """

    image: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    gpu_type: str | None = None
    gpu_count: Annotated[int, msgspec.Meta(ge=0)] = 0
    cpu: Quantity | None = None
    memory: Quantity | None = None
    node_name: str | None = None
    gpu_devices: Annotated[list[DeviceIndex], msgspec.Meta(max_length=64)] = []
    name: str | None = None
    command: Annotated[list[Text], msgspec.Meta(max_length=256)] = []
    env: Annotated[list[EnvVar], msgspec.Meta(max_length=256)] = []
    working_dir: str | None = None
    shm_size: Quantity | None = None


class ExtendRequest(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Either `hours` from now, or `until` exactly; `{"until": null}` clears the protection."""

    hours: float | msgspec.UnsetType = msgspec.UNSET
    until: datetime | msgspec.UnsetType | None = msgspec.UNSET


class Port(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    container_port: int
    node_port: int | None
    url: str | None


class Connection(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Lines to copy; null where that way in is not there (yet)."""

    ssh: str | None
    ports: tuple[Port, ...]
    vscode: str | None
    """A link that opens the pod in VS Code."""
    jetbrains: str | None
    """A link that opens the pod in JetBrains Gateway."""
    ssh_config: str | None
    """A block for `~/.ssh/config`."""
    kubectl_exec: str | None
    port_forward: str | None
    """With kubectl; the ports are an example."""
    host_key_fingerprints: tuple[str, ...]
    """As `ssh-keygen -l` prints them."""


class Pod(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`id` is the Kubernetes name, `name` its part after the prefix, `status` kubectl's STATUS column."""

    id: str
    name: str
    namespace: str
    managed: bool
    user_identifier: str
    status: str
    message: str | None
    image: str
    gpu_count: int
    gpu_type: str | None
    gpu_devices: tuple[int, ...]
    cpu: str | None
    memory: str | None
    node_name: str | None
    node_ip: str | None = msgspec.field(name="nodeIP")
    ssh_port: int | None
    created_at: datetime
    started_at: datetime | None
    protected_until: datetime | None
    deletes_at: datetime | None
    restarts: int
    connection: Connection


class QuotaUse(msgspec.Struct, frozen=True, rename="camel"):
    pod_used: int
    pod_limit: int
    gpu_used: int
    gpu_limit: int


class PodList(msgspec.Struct, frozen=True):
    pods: tuple[Pod, ...]
    quota: QuotaUse


class PodEvent(msgspec.Struct, frozen=True, rename="camel"):
    type: str
    reason: str
    message: str
    count: int
    first_seen: datetime | None
    last_seen: datetime | None
    source: str


class PodEvents(msgspec.Struct, frozen=True):
    """Newest first."""

    events: tuple[PodEvent, ...]


class PodLogs(msgspec.Struct, frozen=True):
    """`truncated` says that there is more: lines before the first one, or after the last one of a huge answer."""

    logs: str
    container: str
    truncated: bool
