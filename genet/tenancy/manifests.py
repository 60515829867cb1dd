"""What a person's namespace holds before the first pod: plain manifests. Pure.

Traps:
- Quota `pods` counts pods that are not finished; `count/pods` would count the finished ones too.
- An egress rule with only an IP block says nothing about other users' pods: their ingress rule does.
- The metadata addresses of clouds hand out the node's own credentials to whoever asks.
- What is not counted can be made without end: a cluster has so many addresses for Services, and no more.
"""

from math import ceil
from typing import Any

from genet import naming
from genet.kube.quantity import parse
from genet.settings import Settings

QUOTA = "genet"
TENANT_ROLE = "genet-tenant"
USER_ROLE = "genet-user"
ENFORCE = "pod-security.kubernetes.io/enforce"
LEVELS = ("baseline", "restricted")
"""Pod Security levels that will do, the usual one first."""
_RBAC = "rbac.authorization.k8s.io"
_METADATA_ADDRESSES = (
    "169.254.169.254/32",  # nearly everybody
    "fd00:ec2::254/128",
    "169.254.170.2/32",  # AWS: roles of tasks and pods
    "169.254.170.23/32",
    "fd00:ec2::23/128",
    "100.100.100.200/32",  # Alibaba
)


def namespace(user: str, owner: str, email: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": naming.namespace(user),
            "labels": {
                naming.MANAGED: "true",
                naming.USER: user,
                ENFORCE: LEVELS[0],
            },
            "annotations": {naming.OWNER: owner, naming.EMAIL: email},
        },
    }


def tenant_role_binding(service_account: str) -> dict[str, Any]:
    """Lets Genet itself (`namespace/name`) work in the namespace."""
    namespace_, _, name = service_account.partition("/")
    return _role_binding(TENANT_ROLE, {"kind": "ServiceAccount", "namespace": namespace_, "name": name})


def user_role_binding(user: str, prefix: str) -> dict[str, Any]:
    """Lets the person work in the namespace with kubectl; `prefix` is what the API server puts before user names."""
    return _role_binding(USER_ROLE, {"kind": "User", "apiGroup": _RBAC, "name": f"{prefix}{user}"})


def resource_quota(
    settings: Settings, pod_limit: int, gpu_limit: int, *, counts_claims: bool = False
) -> dict[str, Any]:
    """The second wall behind Genet's own sums; kubectl meets it too.

    Of cards that are shared by agreement the cluster knows nothing, and nobody gets one as an extended resource.
    """
    types = settings.gpu.available_types
    plugged = {kind.resource_name for kind in types if kind.mode in ("exclusive", "mig")}
    shared = {kind.resource_name for kind in types if kind.mode == "shared"}
    resources = {name: gpu_limit if name in plugged else 0 for name in sorted(plugged | shared)}
    classes = sorted({kind.device_class for kind in types if kind.device_class is not None}) if counts_claims else ()
    hard = {
        "pods": str(pod_limit),
        **{f"requests.{name}": str(limit) for name, limit in resources.items()},
        **{f"{name}.deviceclass.resource.k8s.io/devices": str(gpu_limit) for name in classes},
        "services": str(pod_limit),
        "services.nodeports": str(pod_limit),
        "services.loadbalancers": "0",
        "count/jobs.batch": str(pod_limit),
        # a claim of its own for each pod as well: pods made with kubectl may bring some, as far as the storage goes
        "persistentvolumeclaims": str(len(settings.storage.volumes) + pod_limit),
        "requests.storage": str(
            ceil(sum(parse(volume.most) for volume in settings.storage.volumes if volume.has_claim))
        ),
    }
    return _named("ResourceQuota", QUOTA) | {"spec": {"hard": hard}}


def limit_range(settings: Settings) -> dict[str, Any]:
    defaults, most = settings.pod.defaults, settings.pod.max
    container = {
        "type": "Container",
        "default": {"cpu": defaults.cpu, "memory": defaults.memory},
        "defaultRequest": {"cpu": defaults.cpu, "memory": defaults.memory},
        "max": {"cpu": most.cpu, "memory": most.memory},
    }
    return _named("LimitRange", QUOTA) | {"spec": {"limits": [container]}}


def network_policy(user: str) -> dict[str, Any]:
    """Nothing comes in from other users; everything goes out but to the metadata address."""
    own = {"namespaceSelector": {"matchLabels": {naming.USER: user}}}
    foreign = {"namespaceSelector": {"matchExpressions": [{"key": naming.USER, "operator": "DoesNotExist"}]}}
    out = [
        {"ipBlock": {"cidr": "0.0.0.0/0", "except": [a for a in _METADATA_ADDRESSES if ":" not in a]}},
        {"ipBlock": {"cidr": "::/0", "except": [a for a in _METADATA_ADDRESSES if ":" in a]}},
    ]
    return _named("NetworkPolicy", "genet-default", api_version="networking.k8s.io/v1") | {
        "spec": {
            "podSelector": {},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [own, foreign]}],
            "egress": [{"to": out}],
        }
    }


def ssh_policy(settings: Settings) -> dict[str, Any]:
    """Into the pods that Genet made, port 22 is open to all, as connections to a node's port come from anywhere.

    No addresses are named: behind another node's port a connection has that node's address, which some networks never
    take for one of a block. Only the keys decide who gets in. Where SSH is off, the rule lets nobody in.
    """
    ingress = [{"ports": [{"protocol": "TCP", "port": 22}]}] if settings.ssh.enabled else []
    return _named("NetworkPolicy", "genet-ssh", api_version="networking.k8s.io/v1") | {
        "spec": {
            "podSelector": {"matchLabels": {naming.CREATED_BY: "genet"}},
            "policyTypes": ["Ingress"],
            "ingress": ingress,
        }
    }


def _role_binding(role: str, subject: dict[str, str]) -> dict[str, Any]:
    return _named("RoleBinding", role, api_version=f"{_RBAC}/v1") | {
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [subject],
    }


def _named(kind: str, name: str, *, api_version: str = "v1") -> dict[str, Any]:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name, "labels": {naming.MANAGED: "true"}},
    }
