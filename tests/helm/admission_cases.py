"""What the admission policy has to refuse and to allow: data, shared by whatever judges it.

A refusal names the message that has to come, by its beginning. Pods are given as parts laid over an ordinary one; the
same parts are laid over the template of a Job.
"""

import copy
from typing import Any, Final

Object = dict[str, Any]

VALUES: Final[Object] = {
    "config": {
        "auth": {"mode": "dev", "dev": {"allowRemote": True}},
        "kubeconfig": {"allowCreate": True},
        "gpu": {
            "availableTypes": [
                {
                    "name": "A100",
                    "resourceName": "nvidia.com/gpu",
                    "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
                },
                {"name": "slice", "resourceName": "nvidia.com/mig-1g.10gb", "mode": "mig"},
                {"name": "NPU", "resourceName": "huawei.com/Ascend910"},
            ]
        },
    },
    "kubectlCreate": {
        "priorityClasses": ["batch"],
        "runtimeClasses": ["nvidia"],
        "exemptUsers": ["system:serviceaccount:volcano-system:volcano-controllers"],
    },
}
"""Of the chart that is rendered."""
HIDDEN: Final = [{"name": name, "value": "void"} for name in ("NVIDIA_VISIBLE_DEVICES", "ASCEND_VISIBLE_DEVICES")]
CONTAINER: Final[Object] = {"name": "main", "image": "debian:13", "env": HIDDEN}
POD: Final[Object] = {
    "metadata": {"name": "a", "labels": {"app": "a"}},
    "spec": {"restartPolicy": "Never", "containers": [CONTAINER]},
}
SECRET_KEY: Final = {"secretKeyRef": {"name": "genet-host-keys", "key": "id"}}

POD_REFUSED: Final[dict[str, tuple[str, Object]]] = {
    "priority class": ("priorityClassName", {"priorityClassName": "system-node-critical"}),
    "node": ("nodeName", {"nodeName": "node-1"}),
    "every taint": ("tolerations", {"tolerations": [{"operator": "Exists"}]}),
    "control plane's taint": (
        "tolerations",
        {"tolerations": [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}]},
    ),
    "offered key, wider effect": ("tolerations", {"tolerations": [{"key": "gpu", "operator": "Exists"}]}),
    "foreign beside offered": (
        "tolerations",
        {
            "tolerations": [
                {"key": "gpu", "operator": "Exists", "effect": "NoSchedule"},
                {"key": "infra", "operator": "Exists", "effect": "NoSchedule"},
            ]
        },
    ),
    "host path": ("hostPath", {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}),
    "nfs": ("nfs", {"volumes": [{"name": "v", "nfs": {"server": "10.0.0.1", "path": "/"}}]}),
    "secret": ("volumes", {"volumes": [{"name": "v", "secret": {"secretName": "pull"}}]}),
    "projected secret": (
        "volumes",
        {"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "pull"}}]}}]},
    ),
    "inline csi": ("volumes", {"volumes": [{"name": "v", "csi": {"driver": "secrets-store.csi.k8s.io"}}]}),
    "iscsi": (
        "volumes",
        {"volumes": [{"name": "v", "iscsi": {"targetPortal": "10.0.0.1", "iqn": "iqn.a:b", "lun": 0}}]},
    ),
    "claim of a template": (
        "volumes",
        {
            "volumes": [
                {"name": "v", "ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"]}}}}
            ]
        },
    ),
    "host network": ("hostNetwork", {"hostNetwork": True}),
    "host processes": ("hostNetwork", {"hostPID": True}),
    "host ipc": ("hostNetwork", {"hostIPC": True}),
    "host process pod": ("securityContext", {"securityContext": {"windowsOptions": {"hostProcess": True}}}),
    "claims": ("resourceClaims", {"resourceClaims": [{"name": "c", "resourceClaimName": "card"}]}),
    "runtime class": ("runtimeClassName", {"runtimeClassName": "privileged"}),
    "account": ("serviceAccountName", {"serviceAccountName": "admin"}),
    "account by its old name": ("serviceAccountName", {"serviceAccount": "admin"}),
    "endless grace": ("terminationGracePeriodSeconds", {"terminationGracePeriodSeconds": 301}),
    "pod-level gpus": ("resources", {"resources": {"limits": {"nvidia.com/gpu": "1"}}}),
}
"""Parts of a pod's spec."""

CONTAINER_REFUSED: Final[dict[str, tuple[str, Object]]] = {
    "privileged": ("securityContext", {"securityContext": {"privileged": True}}),
    "proc unmasked": ("securityContext", {"securityContext": {"procMount": "Unmasked"}}),
    "host process": ("securityContext", {"securityContext": {"windowsOptions": {"hostProcess": True}}}),
    "capability": ("capabilities", {"securityContext": {"capabilities": {"add": ["CHOWN", "SYS_ADMIN"]}}}),
    "all capabilities": ("capabilities", {"securityContext": {"capabilities": {"add": ["ALL"]}}}),
    "host port": ("hostPort", {"ports": [{"containerPort": 22, "hostPort": 2222}]}),
    "all cards": ("env: variables", {"env": [*HIDDEN, {"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}]}),
    "one card": ("env: variables", {"env": [*HIDDEN, {"name": "CUDA_VISIBLE_DEVICES", "value": "0"}]}),
    "driver's own": ("env: variables", {"env": [*HIDDEN, {"name": "NVIDIA_DRIVER_CAPABILITIES", "value": "all"}]}),
    "driver's own as void": ("env: variables", {"env": [*HIDDEN, {"name": "NVIDIA_REQUIRE_CUDA", "value": "void"}]}),
    "small letters": ("env: variables", {"env": [*HIDDEN, {"name": "nvidia_visible_devices", "value": "all"}]}),
    "cards from a field": (
        "env: variables",
        {
            "env": [
                HIDDEN[1],
                {"name": "NVIDIA_VISIBLE_DEVICES", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
            ]
        },
    ),
    "environment from elsewhere": ("envFrom", {"envFrom": [{"configMapRef": {"name": "cards"}}]}),
    "environment from a secret": ("envFrom", {"envFrom": [{"prefix": "NVIDIA_", "secretRef": {"name": "pull"}}]}),
    "secret in the environment": ("env: Secrets", {"env": [*HIDDEN, {"name": "KEY", "valueFrom": SECRET_KEY}]}),
    "cards not hidden": ("env: a container", {"env": []}),
    "cards not hidden of one maker": ("env: a container", {"env": HIDDEN[:1]}),
    "no card asked for": (
        "env: a container",
        {"env": HIDDEN[1:], "resources": {"limits": {"nvidia.com/gpu": "0"}}},
    ),
    "gpus not offered": ("resources", {"resources": {"limits": {"amd.com/gpu": "1"}}}),
    "slices not offered": ("resources", {"resources": {"limits": {"nvidia.com/mig-7g.80gb": "1"}}}),
    "huge pages": ("resources", {"resources": {"limits": {"hugepages-2Mi": "2Gi", "memory": "1Gi"}}}),
    "claimed device": ("resourceClaims", {"resources": {"claims": [{"name": "c"}]}}),
    "cards by a mount": (
        "volumeMounts",
        {"volumeMounts": [{"name": "v", "mountPath": "/var/run/nvidia-container-devices/all"}]},
    ),
    "liveness of another host": (
        "probes",
        {"livenessProbe": {"httpGet": {"host": "169.254.169.254", "port": 80, "path": "/"}}},
    ),
    "readiness of another host": ("probes", {"readinessProbe": {"tcpSocket": {"host": "127.0.0.1", "port": 2379}}}),
    "start of another host": ("probes", {"startupProbe": {"httpGet": {"host": "127.0.0.1", "port": 10250}}}),
    "end at another host": (
        "probes",
        {"lifecycle": {"preStop": {"httpGet": {"host": "127.0.0.1", "port": 10250}}}},
    ),
    "begin at another host": (
        "probes",
        {"lifecycle": {"postStart": {"tcpSocket": {"host": "127.0.0.1", "port": 10250}}}},
    ),
}
"""Parts of a container, in each of its places."""

METADATA_REFUSED: Final[dict[str, Object]] = {
    "label": {"labels": {"genet.io/created-by": "genet"}},
    "annotation": {"annotations": {"genet.io/protected-until": "2099-01-01T00:00:00Z"}},
    "devices": {"annotations": {"cdi.k8s.io/gpu": "nvidia.com/gpu=all"}},
    "networks": {"annotations": {"k8s.v1.cni.cncf.io/networks": "kube-system/storage"}},
}
"""Of an object, and of a template."""

OBJECT_REFUSED: Final[dict[str, tuple[str, str, Object]]] = {
    "owner": (
        "ownerReferences",
        "Pod",
        {"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u"}]}},
    ),
    "finalizer": ("finalizers", "Pod", {"metadata": {"finalizers": ["example.org/held"]}}),
    "finalizer of a job's pods": (
        "finalizers",
        "Job",
        {"spec": {"template": {"metadata": {"finalizers": ["example.org/held"]}}}},
    ),
    "node port": ("type", "Service", {"spec": {"type": "NodePort"}}),
    "load balancer": ("type", "Service", {"spec": {"type": "LoadBalancer"}}),
    "external name": ("type", "Service", {"spec": {"type": "ExternalName", "externalName": "metadata.internal"}}),
    "external ip": ("externalIPs", "Service", {"spec": {"externalIPs": ["10.0.0.53"]}}),
    "marked service": ("labels and", "Service", {"metadata": {"labels": {"genet.io/user": "bob-bob"}}}),
    "marked claim": ("labels and", "PersistentVolumeClaim", {"metadata": {"labels": {"genet.io/managed": "true"}}}),
    "somebody's volume": ("claims", "PersistentVolumeClaim", {"spec": {"volumeName": "pv-bob"}}),
    "any volume of a label": (
        "claims",
        "PersistentVolumeClaim",
        {"spec": {"selector": {"matchLabels": {"owner": "bob"}}}},
    ),
}
"""(message, kind, parts of the object)."""

POD_ALLOWED: Final[dict[str, Object]] = {
    "plain": {},
    "priority class that is offered": {"priorityClassName": "batch"},
    "toleration of an offered type": {"tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}]},
    "placement": {"nodeSelector": {"nvidia.com/gpu.product": "H100"}, "affinity": {"podAffinity": {}}},
    "volumes": {
        "volumes": [
            {"name": "claim", "persistentVolumeClaim": {"claimName": "alice-alice-workspace"}},
            {"name": "shm", "emptyDir": {"medium": "Memory"}},
            {"name": "root-ca", "configMap": {"name": "kube-root-ca.crt"}},
            {"name": "me", "downwardAPI": {"items": []}},
        ]
    },
    "runtime class that is offered": {"runtimeClassName": "nvidia"},
    "grace": {"terminationGracePeriodSeconds": 300},
    "own account": {"serviceAccountName": "default"},
    "namespaces of its own": {"hostNetwork": False, "hostPID": False, "shareProcessNamespace": True},
}
CONTAINER_ALLOWED: Final[dict[str, Object]] = {
    "a card": {"env": HIDDEN[1:], "resources": {"limits": {"nvidia.com/gpu": "1", "cpu": "4", "memory": "8Gi"}}},
    "a slice": {"env": HIDDEN[1:], "resources": {"limits": {"nvidia.com/mig-1g.10gb": "2"}}},
    "environment": {
        "env": [
            *HIDDEN,
            {"name": "VISIBLE_DEVICES_SHOWN", "value": "0"},
            {"name": "MY_NVIDIA_CARD", "value": "0"},
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        ]
    },
    "rights that containers have": {
        "securityContext": {"privileged": False, "capabilities": {"add": ["CHOWN"], "drop": ["ALL"]}}
    },
    "ports and probes": {
        "ports": [{"containerPort": 8888}],
        "readinessProbe": {"httpGet": {"port": 8888, "path": "/"}},
        "lifecycle": {"preStop": {"exec": {"command": ["sync"]}}},
    },
}
OBJECT_ALLOWED: Final[dict[str, tuple[str, Object]]] = {
    "own labels": ("Pod", {"metadata": {"labels": {"app": "a", "genet.io.example.org/managed": "true"}}}),
    "service": ("Service", {}),
    "headless service": ("Service", {"spec": {"clusterIP": "None"}}),
    "claim": ("PersistentVolumeClaim", {}),
    "claim as admission hands it on": (
        "PersistentVolumeClaim",
        {"metadata": {"finalizers": ["kubernetes.io/pvc-protection"]}},
    ),
}
AS_ADMISSION_SEES_IT: Final[Object] = {
    "tolerations": [
        {"key": f"node.kubernetes.io/{what}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
        for what in ("not-ready", "unreachable")
    ]
    + [
        {"key": "node.kubernetes.io/memory-pressure", "operator": "Exists", "effect": "NoSchedule"},
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
    ],
    "serviceAccount": "default",
    "serviceAccountName": "default",
    "priority": 0,
    "preemptionPolicy": "PreemptLowerPriority",
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "terminationGracePeriodSeconds": 30,
    "volumes": [
        {
            "name": "kube-api-access-x7k2p",
            "projected": {
                "defaultMode": 420,
                "sources": [
                    {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                    {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                    {"downwardAPI": {"items": [{"path": "ns", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
                ],
            },
        }
    ],
}
"""What an API server's own defaults and mutating admission write into the spec of any pod."""


def pod(spec: Object | None = None, container: Object | None = None, *, place: str = "containers") -> Object:
    """An ordinary pod with these parts laid over it; `place`: in which list the container with the parts stands."""
    made = copy.deepcopy(POD)
    made["spec"] |= spec or {}
    if container is not None:
        changed = copy.deepcopy(CONTAINER) | container
        if place == "containers":
            made["spec"]["containers"] = [changed]
        else:
            made["spec"][place] = [changed | {"name": "other"}]
    return made


def job(of: Object) -> Object:
    template = copy.deepcopy(of)
    del template["metadata"]["name"]
    return {"metadata": {"name": "j"}, "spec": {"template": template}}


def of_kind(kind: str, parts: Object) -> Object:
    """An ordinary object of that kind, with these parts laid over it."""
    ordinary: dict[str, Object] = {
        "Pod": POD,
        "Job": job(POD),
        "Service": {"metadata": {"name": "s"}, "spec": {"selector": {"app": "a"}, "ports": [{"port": 80}]}},
        "PersistentVolumeClaim": {
            "metadata": {"name": "c"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        },
    }
    return laid_over(ordinary[kind], parts)


def laid_over(below: Object, above: Object) -> Object:
    made = copy.deepcopy(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(made.get(key), dict)
        made[key] = laid_over(made[key], value) if both else copy.deepcopy(value)
    return made


def refused() -> dict[str, tuple[str, str, Object]]:
    """Name -> (beginning of the message, kind, object)."""
    cases: dict[str, tuple[str, str, Object]] = {}
    for name, (message, spec) in POD_REFUSED.items():
        cases[f"pod: {name}"] = (message, "Pod", pod(spec))
        cases[f"job: {name}"] = (message, "Job", job(pod(spec)))
    for name, (message, container) in CONTAINER_REFUSED.items():
        cases[f"pod: {name}"] = (message, "Pod", pod(container=container))
        cases[f"init: {name}"] = (message, "Job", job(pod(container=container, place="initContainers")))
        cases[f"job: {name}"] = (message, "Job", job(pod(container=container)))
    for name, metadata in METADATA_REFUSED.items():
        cases[f"pod's {name}"] = ("labels and", "Pod", laid_over(POD, {"metadata": metadata}))
        cases[f"template's {name}"] = ("template", "Job", job(laid_over(POD, {"metadata": metadata})))
    for name, (message, kind, parts) in OBJECT_REFUSED.items():
        cases[name] = (message, kind, of_kind(kind, parts))
    return cases


def allowed() -> dict[str, tuple[str, Object]]:
    """Name -> (kind, object)."""
    pods = {name: pod(spec) for name, spec in POD_ALLOWED.items()}
    pods |= {name: pod(container=container) for name, container in CONTAINER_ALLOWED.items()}
    cases = {f"pod: {name}": ("Pod", made) for name, made in pods.items()}
    cases |= {f"job: {name}": ("Job", job(made)) for name, made in pods.items()}
    cases["as admission sees it"] = ("Pod", pod(AS_ADMISSION_SEES_IT))
    return cases | {name: (kind, of_kind(kind, parts)) for name, (kind, parts) in OBJECT_ALLOWED.items()}
