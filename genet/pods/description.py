"""A pod described: what `GET …/describe` answers. Pure.

Values of variables are not in here, nor are arguments of commands: what a person pastes into a ticket must not hold
what was meant for the program alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from genet.kube import objects
from genet.kube.details import DetailedContainer, DetailedContainerStatus, DetailedPod, DetailedVolume
from genet.pods.diagnosis.reasons import Reason


class Condition(msgspec.Struct, frozen=True, rename="camel"):
    type: str
    status: str
    reason: str | None
    message: str | None
    last_transition_time: datetime | None


class State(msgspec.Struct, frozen=True, rename="camel"):
    """`state` is `waiting`, `running` or `terminated`."""

    state: str
    reason: str | None
    message: str | None
    exit_code: int | None
    signal: int | None
    started_at: datetime | None
    finished_at: datetime | None


class ContainerDescription(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    name: str
    init: bool
    image: str
    image_id: str | None = msgspec.field(name="imageID")
    ready: bool
    restarts: int
    state: State
    last_state: State | None
    """How it ended before."""
    requests: dict[str, str]
    limits: dict[str, str]
    env: tuple[str, ...]
    """Names of its variables."""


class Mount(msgspec.Struct, frozen=True, rename="camel"):
    container: str
    path: str
    read_only: bool


class VolumeDescription(msgspec.Struct, frozen=True, rename="camel"):
    """`kind` is `pvc`, `emptyDir`, `secret`, `configMap`, `projected`, `hostPath`, `nfs` or `other`."""

    name: str
    kind: str
    claim: str | None
    status: str | None
    """Of the claim: `Bound`, `Pending`, `Lost`, or `Missing`; null: it has none, or it could not be read."""
    size: str | None
    mounts: tuple[Mount, ...]


class PodDescription(msgspec.Struct, frozen=True):
    conditions: tuple[Condition, ...]
    containers: tuple[ContainerDescription, ...]
    volumes: tuple[VolumeDescription, ...]
    reasons: tuple[Reason, ...]
    """Why it does not run, the most important first; empty for a pod that runs and is well."""
    text: str
    """All of it and the events, to paste into a ticket."""


@dataclass(frozen=True)
class ClaimState:
    """A claim as it was found; `claim` None: there is none."""

    claim: objects.PersistentVolumeClaim | None


def conditions(pod: DetailedPod) -> tuple[Condition, ...]:
    return tuple(
        Condition(c.type, c.status, c.reason or None, c.message or None, c.last_transition_time)
        for c in pod.status.conditions
    )


def containers(pod: DetailedPod) -> tuple[ContainerDescription, ...]:
    """Init containers first, as they run."""
    return (
        *_containers(pod.spec.init_containers, pod.status.init_container_statuses, init=True),
        *_containers(pod.spec.containers, pod.status.container_statuses, init=False),
    )


def volumes(pod: DetailedPod, claims: Mapping[str, ClaimState]) -> tuple[VolumeDescription, ...]:
    """`claims` are those that could be read."""
    return tuple(_volume(pod, volume, claims) for volume in pod.spec.volumes)


def claim_name(pod: DetailedPod, volume: DetailedVolume) -> str | None:
    """The claim that a volume is of; that of an ephemeral volume is named after pod and volume."""
    if volume.persistent_volume_claim is not None:
        return volume.persistent_volume_claim.claim_name
    return f"{pod.metadata.name}-{volume.name}" if volume.ephemeral is not None else None


def _containers(
    specs: Iterable[DetailedContainer], statuses: Sequence[DetailedContainerStatus], *, init: bool
) -> Iterator[ContainerDescription]:
    by_name = {status.name: status for status in statuses}
    for spec in specs:
        status = by_name.get(spec.name) or DetailedContainerStatus(spec.name)
        yield ContainerDescription(
            name=spec.name,
            init=init,
            image=spec.image,
            image_id=status.image_id or None,
            ready=status.ready,
            restarts=status.restart_count,
            state=_state(status.state) or State("waiting", None, None, None, None, None, None),
            last_state=_state(status.last_state),
            requests=dict(spec.resources.requests),
            limits=dict(spec.resources.limits),
            env=tuple(variable.name for variable in spec.env),
        )


def _state(state: objects.ContainerState) -> State | None:
    if state.running is not None:
        return State("running", None, None, None, None, state.running.started_at, None)
    if (end := state.terminated) is not None:
        code, signal = end.exit_code, end.signal or None
        return State(
            "terminated", end.reason or None, end.message or None, code, signal, end.started_at, end.finished_at
        )
    if state.waiting is not None:
        return State("waiting", state.waiting.reason or None, state.waiting.message or None, None, None, None, None)
    return None


def _volume(pod: DetailedPod, volume: DetailedVolume, claims: Mapping[str, ClaimState]) -> VolumeDescription:
    name = claim_name(pod, volume)
    found = claims.get(name) if name is not None else None
    claim = found.claim if found is not None else None
    size = claim.status.capacity.get("storage") or claim.spec.resources.requests.get("storage") if claim else None
    if volume.empty_dir is not None:
        size = volume.empty_dir.size_limit or None
    status = None if found is None else claim.status.phase if claim is not None else "Missing"
    mounts = tuple(
        Mount(container.name, mount.mount_path, mount.read_only)
        for container in (*pod.spec.init_containers, *pod.spec.containers)
        for mount in container.volume_mounts
        if mount.name == volume.name
    )
    return VolumeDescription(volume.name, _kind(volume), name, status, size, mounts)


def _kind(volume: DetailedVolume) -> str:
    kinds = {
        "pvc": volume.persistent_volume_claim or volume.ephemeral,
        "emptyDir": volume.empty_dir,
        "secret": volume.secret,
        "configMap": volume.config_map,
        "hostPath": volume.host_path,
        "nfs": volume.nfs,
        "projected": volume.projected,
    }
    return next((kind for kind, source in kinds.items() if source is not None), "other")
