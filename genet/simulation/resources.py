"""The table of the kinds that the embedded API server serves; discovery, routes and storage are read from it.

Objects are stored under their plural alone, so no two rows may share one.
"""

from dataclasses import dataclass

STATUS = ("status",)


@dataclass(frozen=True)
class Kind:
    """One kind of object. `subresources` are those with a GET, PUT and PATCH of their own part of the object."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    returns_deleted: bool = False
    """DELETE answers with the object itself, not with a Status"""

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """The plural as error messages have it: `jobs.batch`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified(self) -> str:
        """The kind as validation messages have it: `Job.batch`."""
        return f"{self.kind}.{self.group}" if self.group else self.kind


_ADMISSION = "admissionregistration.k8s.io"
_RBAC = "rbac.authorization.k8s.io"

KINDS: dict[str, Kind] = {
    kind.plural: kind
    for kind in (
        Kind("", "v1", "pods", "Pod", True, ("po",), STATUS, returns_deleted=True),
        Kind("", "v1", "nodes", "Node", False, ("no",), STATUS),
        Kind("", "v1", "namespaces", "Namespace", False, ("ns",), STATUS),
        Kind("", "v1", "events", "Event", True, ("ev",)),
        Kind("", "v1", "services", "Service", True, ("svc",), STATUS, returns_deleted=True),
        Kind("", "v1", "configmaps", "ConfigMap", True, ("cm",)),
        Kind("", "v1", "secrets", "Secret"),
        Kind("", "v1", "serviceaccounts", "ServiceAccount", True, ("sa",), returns_deleted=True),
        Kind("", "v1", "persistentvolumes", "PersistentVolume", False, ("pv",), STATUS, returns_deleted=True),
        Kind("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", True, ("pvc",), STATUS, returns_deleted=True),
        Kind("", "v1", "resourcequotas", "ResourceQuota", True, ("quota",), STATUS, returns_deleted=True),
        Kind("", "v1", "limitranges", "LimitRange", True, ("limits",)),
        Kind(_ADMISSION, "v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy", False, (), STATUS),
        Kind(_ADMISSION, "v1", "validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", False),
        Kind("batch", "v1", "jobs", "Job", subresources=STATUS),
        Kind("batch", "v1", "cronjobs", "CronJob", True, ("cj",), STATUS),
        Kind(
            "certificates.k8s.io",
            "v1",
            "certificatesigningrequests",
            "CertificateSigningRequest",
            False,
            ("csr",),
            ("status", "approval"),
        ),
        Kind("coordination.k8s.io", "v1", "leases", "Lease"),
        Kind("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", True, ("netpol",)),
        Kind(_RBAC, "v1", "roles", "Role"),
        Kind(_RBAC, "v1", "rolebindings", "RoleBinding"),
        Kind(_RBAC, "v1", "clusterroles", "ClusterRole", False),
        Kind(_RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", False),
        Kind("resource.k8s.io", "v1", "resourceslices", "ResourceSlice", False),
        Kind("resource.k8s.io", "v1", "resourceclaims", "ResourceClaim", subresources=STATUS),
        Kind("resource.k8s.io", "v1", "resourceclaimtemplates", "ResourceClaimTemplate"),
        Kind("resource.k8s.io", "v1", "deviceclasses", "DeviceClass", False),
        Kind("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", False, ("pc",)),
        Kind("storage.k8s.io", "v1", "storageclasses", "StorageClass", False, ("sc",)),
    )
}
