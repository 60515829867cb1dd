"""Read projections of `resource.k8s.io`, dynamic resource allocation, in the shape of v1 whatever version is served.

Traps:
- v1beta1 nests what describes a device under `basic`; v1beta2 and v1 do not. Readers never see the difference.
- Slices and claims of a cluster with many devices are long-lived and many: `gc=False`, as all projections.
"""

from typing import Final

import msgspec
from msgspec import field as named
from msgspec.structs import force_setattr

from genet.kube.projection import KubeObject, Projection, Resource

GROUP: Final = "resource.k8s.io"
VERSIONS: Final = ("v1", "v1beta2", "v1beta1")
"""The best first; all are read alike."""


class Attribute(Projection):
    """One of them is set, or a truth value."""

    string: str | None = None
    int_: int | None = named(name="int", default=None)
    version: str | None = None


class Capacity(Projection):
    value: str = "0"
    """Quantity."""


class CounterConsumption(Projection):
    counter_set: str
    counters: dict[str, Capacity] = named(default_factory=dict)


class DeviceTaint(Projection):
    key: str
    effect: str
    value: str = ""


class _Basic(Projection):
    """What v1beta1 nests."""

    attributes: dict[str, Attribute] = named(default_factory=dict)
    capacity: dict[str, Capacity] = named(default_factory=dict)
    consumes_counters: tuple[CounterConsumption, ...] = ()
    node_name: str = ""
    taints: tuple[DeviceTaint, ...] = ()


class Device(_Basic):
    """One device of a slice. Attribute names without a domain are the driver's own."""

    name: str = ""
    basic: _Basic | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        if isinstance(self.basic, _Basic):
            for field in _Basic.__struct_fields__:
                force_setattr(self, field, getattr(self.basic, field))
            force_setattr(self, "basic", msgspec.UNSET)


class ResourcePool(Projection):
    name: str
    generation: int = 0
    resource_slice_count: int = 1


class ResourceSliceSpec(Projection):
    driver: str
    pool: ResourcePool
    node_name: str = ""
    devices: tuple[Device, ...] = ()


class ResourceSlice(KubeObject):
    spec: ResourceSliceSpec


class AllocationResult(Projection):
    request: str
    driver: str
    pool: str
    device: str
    admin_access: bool | None = None


class DeviceAllocation(Projection):
    results: tuple[AllocationResult, ...] = ()


class Allocation(Projection):
    devices: DeviceAllocation = DeviceAllocation()


class ConsumerReference(Projection):
    resource: str
    name: str
    uid: str = ""
    api_group: str = ""


class ResourceClaimStatus(Projection):
    allocation: Allocation | None = None
    reserved_for: tuple[ConsumerReference, ...] = ()


class ResourceClaim(KubeObject):
    status: ResourceClaimStatus = ResourceClaimStatus()


class DeviceRequest(Projection):
    """One of a template's requests, in the shape of v1beta1, which does not say which kind of request it is."""

    device_class_name: str = ""
    count: int = 0
    selectors: tuple[dict[str, dict[str, str]], ...] = ()
    exactly: "DeviceRequest | msgspec.UnsetType" = msgspec.UNSET

    def __post_init__(self) -> None:
        if isinstance(self.exactly, DeviceRequest):
            for field in ("device_class_name", "count", "selectors"):
                force_setattr(self, field, getattr(self.exactly, field))
            force_setattr(self, "exactly", msgspec.UNSET)


class DeviceClaim(Projection):
    requests: tuple[DeviceRequest, ...] = ()


class ResourceClaimSpec(Projection):
    devices: DeviceClaim = DeviceClaim()


class ResourceClaimTemplateSpec(Projection):
    spec: ResourceClaimSpec = ResourceClaimSpec()


class ResourceClaimTemplate(KubeObject):
    spec: ResourceClaimTemplateSpec = ResourceClaimTemplateSpec()


def slices(version: str) -> Resource[ResourceSlice]:
    """Where ResourceSlices are served in this version of the group."""
    return Resource(f"{GROUP}/{version}", "ResourceSlice", "resourceslices", ResourceSlice, namespaced=False)


def claims(version: str) -> Resource[ResourceClaim]:
    """Where ResourceClaims are served in this version of the group."""
    return Resource(f"{GROUP}/{version}", "ResourceClaim", "resourceclaims", ResourceClaim)


def templates(version: str) -> Resource[ResourceClaimTemplate]:
    """Where ResourceClaimTemplates are served in this version of the group."""
    return Resource(f"{GROUP}/{version}", "ResourceClaimTemplate", "resourceclaimtemplates", ResourceClaimTemplate)
