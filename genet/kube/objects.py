"""Read projections of Kubernetes objects: only the fields Genet reads, spelled as Kubernetes spells them.

A projection is never written back: fields it does not declare would vanish. Writes are manifests and patches.

Trap: Go writes an unset time as null.
"""

from datetime import datetime
from sys import intern

from msgspec import field as named
from msgspec.structs import force_setattr

from genet.kube.projection import Condition, KubeObject, Projection, Resource, intern_values

# --- pods -------------------------------------------------------------------------------------------------------------


class EnvVar(Projection):
    """`value` is empty where the value comes from elsewhere (`valueFrom`)."""

    name: str
    value: str = ""

    def __post_init__(self) -> None:
        force_setattr(self, "name", intern(self.name))
        force_setattr(self, "value", intern(self.value))


class ContainerPort(Projection):
    container_port: int
    name: str = ""
    protocol: str = "TCP"


class ResourceRequirements(Projection):
    requests: dict[str, str] = {}
    limits: dict[str, str] = {}

    def __post_init__(self) -> None:
        intern_values(self.requests)
        intern_values(self.limits)


class Container(Projection):
    name: str
    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[EnvVar, ...] = ()
    ports: tuple[ContainerPort, ...] = ()
    resources: ResourceRequirements = ResourceRequirements()
    restart_policy: str = ""
    """`Always` on an init container makes it a sidecar."""

    def __post_init__(self) -> None:
        force_setattr(self, "image", intern(self.image))


class PersistentVolumeClaimSource(Projection):
    claim_name: str


class Volume(Projection):
    name: str
    persistent_volume_claim: PersistentVolumeClaimSource | None = None


class PodResourceClaim(Projection):
    name: str
    resource_claim_name: str = ""
    resource_claim_template_name: str = ""


class PodSpec(Projection):
    node_name: str = ""
    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    volumes: tuple[Volume, ...] = ()
    resource_claims: tuple[PodResourceClaim, ...] = ()
    restart_policy: str = "Always"

    def __post_init__(self) -> None:
        force_setattr(self, "node_name", intern(self.node_name))
        force_setattr(self, "restart_policy", intern(self.restart_policy))


class ContainerStateWaiting(Projection):
    reason: str = ""
    message: str = ""


class ContainerStateRunning(Projection):
    started_at: datetime | None = None


class ContainerStateTerminated(Projection):
    exit_code: int
    signal: int = 0
    reason: str = ""
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None


class ContainerState(Projection):
    waiting: ContainerStateWaiting | None = None
    running: ContainerStateRunning | None = None
    terminated: ContainerStateTerminated | None = None


class ResourceHealth(Projection):
    resource_id: str = named(name="resourceID")
    health: str = ""
    message: str = ""


class ResourceStatus(Projection):
    name: str
    resources: tuple[ResourceHealth, ...] = ()


class ContainerStatus(Projection):
    name: str
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    state: ContainerState = ContainerState()
    last_state: ContainerState = ContainerState()
    allocated_resources_status: tuple[ResourceStatus, ...] = ()


class PodResourceClaimStatus(Projection):
    name: str
    resource_claim_name: str = ""


class ExtendedResourceRequest(Projection):
    """Which request of the claim stands for which extended resource of a container."""

    resource_name: str
    request_name: str


class ExtendedResourceClaimStatus(Projection):
    """The claim by which DRA serves what the pod asks for as extended resources."""

    resource_claim_name: str
    request_mappings: tuple[ExtendedResourceRequest, ...] = ()


class PodStatus(Projection):
    phase: str = ""
    reason: str = ""
    message: str = ""
    start_time: datetime | None = None
    pod_ip: str = named(name="podIP", default="")
    host_ip: str = named(name="hostIP", default="")
    conditions: tuple[Condition, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()
    init_container_statuses: tuple[ContainerStatus, ...] = ()
    resource_claim_statuses: tuple[PodResourceClaimStatus, ...] = ()
    extended_resource_claim_status: ExtendedResourceClaimStatus | None = None


class Pod(KubeObject):
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


# --- nodes ------------------------------------------------------------------------------------------------------------


class Taint(Projection):
    key: str
    effect: str
    value: str = ""


class NodeSpec(Projection):
    unschedulable: bool = False
    taints: tuple[Taint, ...] = ()


class NodeAddress(Projection):
    type: str
    address: str


class NodeStatus(Projection):
    capacity: dict[str, str] = {}
    allocatable: dict[str, str] = {}
    conditions: tuple[Condition, ...] = ()
    addresses: tuple[NodeAddress, ...] = ()


class Node(KubeObject):
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


# --- what a namespace holds -------------------------------------------------------------------------------------------


class NamespaceStatus(Projection):
    phase: str = ""


class Namespace(KubeObject):
    status: NamespaceStatus = NamespaceStatus()


class PersistentVolumeClaimSpec(Projection):
    access_modes: tuple[str, ...] = ()
    resources: ResourceRequirements = ResourceRequirements()
    storage_class_name: str | None = None
    volume_name: str = ""


class PersistentVolumeClaimStatus(Projection):
    phase: str = ""
    capacity: dict[str, str] = {}
    conditions: tuple[Condition, ...] = ()


class PersistentVolumeClaim(KubeObject):
    spec: PersistentVolumeClaimSpec = PersistentVolumeClaimSpec()
    status: PersistentVolumeClaimStatus = PersistentVolumeClaimStatus()


class ObjectReference(Projection):
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    field_path: str = ""


class HostPathSource(Projection):
    path: str


class NFSSource(Projection):
    server: str
    path: str


class PersistentVolumeSpec(Projection):
    claim_ref: ObjectReference | None = None
    capacity: dict[str, str] = {}
    storage_class_name: str = ""
    host_path: HostPathSource | None = None
    nfs: NFSSource | None = None


class PersistentVolumeStatus(Projection):
    phase: str = ""
    message: str = ""


class PersistentVolume(KubeObject):
    spec: PersistentVolumeSpec = PersistentVolumeSpec()
    status: PersistentVolumeStatus = PersistentVolumeStatus()


class EventSource(Projection):
    component: str = ""
    host: str = ""


class EventSeries(Projection):
    count: int = 0
    last_observed_time: datetime | None = None


class Event(KubeObject):
    """core/v1. Old reporters fill `count` and the two timestamps, new ones `eventTime` and `series`."""

    involved_object: ObjectReference = ObjectReference()
    type: str = ""
    reason: str = ""
    message: str = ""
    count: int = 0
    first_timestamp: datetime | None = None
    last_timestamp: datetime | None = None
    event_time: datetime | None = None
    series: EventSeries | None = None
    source: EventSource = EventSource()
    reporting_component: str = ""


class ResourceQuotaSpec(Projection):
    hard: dict[str, str] = {}


class ResourceQuotaStatus(Projection):
    hard: dict[str, str] = {}
    used: dict[str, str] = {}


class ResourceQuota(KubeObject):
    spec: ResourceQuotaSpec = ResourceQuotaSpec()
    status: ResourceQuotaStatus = ResourceQuotaStatus()


class Secret(KubeObject):
    """`data` is decoded from base64."""

    type: str = ""
    data: dict[str, bytes] = {}


class ConfigMap(KubeObject):
    data: dict[str, str] = {}


class RoleRef(Projection):
    kind: str
    name: str
    api_group: str = ""


class Subject(Projection):
    kind: str
    name: str
    namespace: str = ""
    api_group: str = ""


class RoleBinding(KubeObject):
    role_ref: RoleRef
    subjects: tuple[Subject, ...] = ()


class ServicePort(Projection):
    port: int
    name: str = ""
    protocol: str = "TCP"
    node_port: int | None = None


class ServiceSpec(Projection):
    type: str = ""
    selector: dict[str, str] = {}
    ports: tuple[ServicePort, ...] = ()


class Service(KubeObject):
    spec: ServiceSpec = ServiceSpec()


class JobStatus(Projection):
    active: int = 0
    succeeded: int = 0
    failed: int = 0
    start_time: datetime | None = None
    completion_time: datetime | None = None
    conditions: tuple[Condition, ...] = ()


class Job(KubeObject):
    status: JobStatus = JobStatus()


class LeaseSpec(Projection):
    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: datetime | None = None
    renew_time: datetime | None = None
    lease_transitions: int | None = None


class Lease(KubeObject):
    spec: LeaseSpec = LeaseSpec()


class CertificateSigningRequestSpec(Projection):
    """`request` is decoded from base64: PEM."""

    request: bytes = b""
    signer_name: str = ""
    usages: tuple[str, ...] = ()
    expiration_seconds: int | None = None


class CertificateSigningRequestStatus(Projection):
    conditions: tuple[Condition, ...] = ()
    certificate: bytes = b""
    """PEM, with the chain; empty until it is signed."""


class CertificateSigningRequest(KubeObject):
    spec: CertificateSigningRequestSpec
    status: CertificateSigningRequestStatus = CertificateSigningRequestStatus()


# --- where they are served --------------------------------------------------------------------------------------------

PODS = Resource("v1", "Pod", "pods", Pod)
NODES = Resource("v1", "Node", "nodes", Node, namespaced=False)
NAMESPACES = Resource("v1", "Namespace", "namespaces", Namespace, namespaced=False)
PVCS = Resource("v1", "PersistentVolumeClaim", "persistentvolumeclaims", PersistentVolumeClaim)
PERSISTENT_VOLUMES = Resource("v1", "PersistentVolume", "persistentvolumes", PersistentVolume, namespaced=False)
EVENTS = Resource("v1", "Event", "events", Event)
RESOURCE_QUOTAS = Resource("v1", "ResourceQuota", "resourcequotas", ResourceQuota)
LIMIT_RANGES = Resource("v1", "LimitRange", "limitranges", KubeObject)
NETWORK_POLICIES = Resource("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", KubeObject)
ROLE_BINDINGS = Resource("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings", RoleBinding)
CONFIG_MAPS = Resource("v1", "ConfigMap", "configmaps", ConfigMap)
SECRETS = Resource("v1", "Secret", "secrets", Secret)
SERVICES = Resource("v1", "Service", "services", Service)
JOBS = Resource("batch/v1", "Job", "jobs", Job)
LEASES = Resource("coordination.k8s.io/v1", "Lease", "leases", Lease)
SIGNING_REQUESTS = Resource(
    "certificates.k8s.io/v1",
    "CertificateSigningRequest",
    "certificatesigningrequests",
    CertificateSigningRequest,
    namespaced=False,
)
