"""One pod read in full, for whoever explains it. The caches keep less of each pod, because they keep 50,000.

What may hold secrets (the values of variables, files in ConfigMaps) is not declared here, so it is not even decoded.
"""

import msgspec

from genet.kube.objects import Container, ContainerStatus, PersistentVolumeClaimSource, Pod, PodSpec, PodStatus, Volume
from genet.kube.projection import ObjectMeta, Projection, Resource


class DetailedMeta(ObjectMeta):
    finalizers: tuple[str, ...] = ()
    deletion_grace_period_seconds: int | None = None


class Toleration(Projection):
    """An absent key tolerates every key, an absent effect every effect."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""


class NodeSelectorRequirement(Projection):
    key: str
    operator: str
    values: tuple[str, ...] = ()


class NodeSelectorTerm(Projection):
    match_expressions: tuple[NodeSelectorRequirement, ...] = ()
    match_fields: tuple[NodeSelectorRequirement, ...] = ()


class NodeSelector(Projection):
    node_selector_terms: tuple[NodeSelectorTerm, ...] = ()


class NodeAffinity(Projection):
    required: NodeSelector | None = msgspec.field(name="requiredDuringSchedulingIgnoredDuringExecution", default=None)


class Affinity(Projection):
    """Between pods and nodes; of affinity between pods only the scheduler's own words are read."""

    node_affinity: NodeAffinity | None = None


class SchedulingGate(Projection):
    name: str


class SecretSource(Projection):
    secret_name: str = ""


class NamedSource(Projection):
    name: str = ""


class EmptyDirSource(Projection):
    size_limit: str = ""
    medium: str = ""


class PathSource(Projection):
    path: str = ""


class NFSSource(Projection):
    server: str = ""
    path: str = ""


class EphemeralSource(Projection):
    """Its claim is called `{pod}-{volume}`."""


class DetailedVolume(Volume):
    persistent_volume_claim: PersistentVolumeClaimSource | None = None
    ephemeral: EphemeralSource | None = None
    secret: SecretSource | None = None
    config_map: NamedSource | None = None
    empty_dir: EmptyDirSource | None = None
    host_path: PathSource | None = None
    nfs: NFSSource | None = None
    projected: Projection | None = None
    downward_api: Projection | None = msgspec.field(name="downwardAPI", default=None)


class VolumeMount(Projection):
    name: str
    mount_path: str
    read_only: bool = False


class DetailedContainer(Container):
    working_dir: str = ""
    volume_mounts: tuple[VolumeMount, ...] = ()


class DetailedSpec(PodSpec):
    containers: tuple[DetailedContainer, ...] = ()
    init_containers: tuple[DetailedContainer, ...] = ()
    volumes: tuple[DetailedVolume, ...] = ()
    node_selector: dict[str, str] = msgspec.field(default_factory=dict)
    affinity: Affinity | None = None
    tolerations: tuple[Toleration, ...] = ()
    scheduling_gates: tuple[SchedulingGate, ...] = ()
    scheduler_name: str = ""
    priority_class_name: str = ""
    restart_policy: str = ""
    termination_grace_period_seconds: int | None = None
    active_deadline_seconds: int | None = None
    overhead: dict[str, str] = msgspec.field(default_factory=dict)


class DetailedContainerStatus(ContainerStatus):
    image: str = ""
    image_id: str = msgspec.field(name="imageID", default="")


class DetailedStatus(PodStatus):
    container_statuses: tuple[DetailedContainerStatus, ...] = ()
    init_container_statuses: tuple[DetailedContainerStatus, ...] = ()
    qos_class: str = msgspec.field(name="qosClass", default="")
    nominated_node_name: str = ""


class DetailedPod(Pod):
    metadata: DetailedMeta
    spec: DetailedSpec = DetailedSpec()
    status: DetailedStatus = DetailedStatus()


POD_DETAILS = Resource("v1", "Pod", "pods", DetailedPod)
