"""The Job that saves a container as an image: containerd is asked for what it has changed, and the image is pushed.

It works on the pod's node beside it, with containerd's socket, and with that it may do anything on the node: so it runs
where people have no rights, no shell ever sees a word of theirs, and what it is called with is `Order`, checked before.
Traps:
- A required node affinity and not `spec.nodeName`: that goes past the scheduler, and past what the node has room for.
- The pod may be on a node with any taint, and this has to go there as well.
- On nodes with SELinux a confined process is not let at the socket.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec

from genet import naming
from genet.images.source import Source
from genet.kube.objects import Job
from genet.kube.quantity import parse
from genet.settings import Commit

COMMIT: Final = "commit"
PUSH: Final = "push"
UNPAUSE: Final = "unpause"
_CPU: Final = "10m"
_MEMORY: Final = "64Mi"
_SCRATCH: Final = "/tmp"  # noqa: S108 # the Job's own, and nobody else is in there
_CREDENTIALS: Final = "/etc/genet/registry"
_LABEL_LENGTH: Final = 63
_RESCUE_SECONDS: Final = 120
"""Its image is on the node already, as the killed Job ran there."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is saved, and as what."""

    user: str
    pod: str
    pod_uid: str
    source: Source
    target: str
    """The whole name, from `genet.images.target`."""


def manifest(name: str, order: Order, settings: Commit) -> dict[str, Any]:
    labels = {naming.MANAGED: "true", naming.USER: order.user, naming.POD_UID: order.pod_uid}
    if len(order.pod) <= _LABEL_LENGTH:  # the name of a pod that Genet did not make may be longer
        labels[naming.POD] = order.pod
    pause = "true" if settings.pause else "false"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": labels, "annotations": {naming.IMAGE: order.target}},
        "spec": {
            "backoffLimit": 0,  # what has failed once is tried again when somebody asks for it
            "activeDeadlineSeconds": settings.timeout_minutes * 60,
            "ttlSecondsAfterFinished": int(timedelta(hours=settings.keep_hours).total_seconds()),
            "template": {
                "metadata": {
                    "labels": {naming.POD_UID: order.pod_uid},
                    "annotations": {naming.CONTAINER: order.source.container_id},
                },
                "spec": _pod(
                    order.source.node,
                    settings,
                    initContainers=[
                        _container(COMMIT, settings, [f"--pause={pause}", order.source.container_id, order.target])
                    ],
                    containers=[_container(PUSH, settings, [order.target])],
                ),
            },
        },
    }


def rescue(name: str, source: Source, settings: Commit, owner: Job | None) -> dict[str, Any]:
    """Lets a container go on that a killed Job may have left paused; fails, and does nothing else, if it is not.

    Tried once, and for a short while: later it might come in the middle of the next save. It asks no registry, so it is
    given no credentials but those that its image is pulled with. `owner` is the killed Job, if it is there.
    """
    metadata: dict[str, Any] = {"name": name, "labels": {naming.MANAGED: "true"}}
    if owner is not None:
        reference = {"apiVersion": "batch/v1", "kind": "Job", "name": owner.metadata.name, "uid": owner.metadata.uid}
        metadata["ownerReferences"] = [reference]
    unpause = _container(UNPAUSE, settings, [source.container_id], asks_registry=False)
    spec = _pod(source.node, settings, asks_registry=False, containers=[unpause])
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": _RESCUE_SECONDS,
            "ttlSecondsAfterFinished": int(timedelta(hours=settings.keep_hours).total_seconds()),
            "template": {"spec": spec},
        },
    }


def _pod(
    node: str, settings: Commit, *, asks_registry: bool = True, **containers: list[dict[str, Any]]
) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "affinity": {"nodeAffinity": _only_on(node)},
        "tolerations": [{"operator": "Exists"}],
        **containers,
        "volumes": [
            {"name": "containerd", "hostPath": {"path": settings.socket, "type": "Socket"}},
            {"name": "scratch", "emptyDir": {"sizeLimit": "1Gi"}},
        ],
    }
    if settings.push_secret is not None:
        spec["imagePullSecrets"] = [{"name": settings.push_secret}]
    if settings.push_secret is not None and asks_registry:
        credentials = {
            "secretName": settings.push_secret,
            "items": [{"key": ".dockerconfigjson", "path": "config.json"}],
            "defaultMode": 0o400,
        }
        spec["volumes"].append({"name": "registry", "secret": credentials})
    return spec


def _container(verb: str, settings: Commit, words: list[str], *, asks_registry: bool = True) -> dict[str, Any]:
    known = ["--address", settings.socket, "--namespace", settings.containerd_namespace]
    known += ["--data-root", f"{_SCRATCH}/nerdctl"]
    if settings.insecure_registry:
        known.append("--insecure-registry")
    env = {"HOME": _SCRATCH}
    mounts: list[dict[str, Any]] = [
        {"name": "containerd", "mountPath": settings.socket},
        {"name": "scratch", "mountPath": _SCRATCH},
    ]
    if settings.push_secret is not None and asks_registry:
        # also while it reads: of a base that is not all there it fetches what is missing
        env["DOCKER_CONFIG"] = _CREDENTIALS
        mounts.append({"name": "registry", "mountPath": _CREDENTIALS, "readOnly": True})
    return {
        "name": verb,
        "image": settings.image,
        "command": ["nerdctl"],
        "args": [*known, verb, *words],
        "env": [{"name": key, "value": value} for key, value in env.items()],
        "resources": _resources(settings),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
        "securityContext": {
            "runAsUser": 0,  # whose the socket is
            "runAsGroup": 0,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
            "seLinuxOptions": {"level": "s0", "type": "spc_t"},
        },
    }


def _only_on(node: str) -> Mapping[str, Any]:
    field = {"key": "metadata.name", "operator": "In", "values": [node]}
    return {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": [field]}]}}


def _resources(settings: Commit) -> Mapping[str, Any]:
    return {
        "requests": {"cpu": min(_CPU, settings.cpu, key=parse), "memory": min(_MEMORY, settings.memory, key=parse)},
        "limits": {"cpu": settings.cpu, "memory": settings.memory},
    }
