"""A request becomes a pod manifest: built as data, never as text. Pure.

Nothing of the request reaches a label, an annotation or a key: values go into places where Kubernetes takes any text.

People are root in their pods and stay it: `sshd` needs it, and so does whoever installs a package. What is taken away
is what no such program needs (docs/decisions/20261122-rights-in-pods.md).
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from genet import lifecycle, naming
from genet.parts import Parts
from genet.pods import modes, ssh
from genet.pods.model import PodRequest
from genet.settings import EgressProxy, GPUType, Settings, Toleration

CONTAINER: Final = "main"
_NOT_NEEDED: Final = ("NET_RAW",)
"""Capabilities: whoever may send raw packets can speak in another pod's name on many cluster networks."""


def build(
    request: PodRequest, settings: Settings, parts: Parts, *, user: str, name: str, now: datetime
) -> dict[str, Any]:
    """The manifest of a checked request, with what other rooms add; `name` is the part after the prefix."""
    kind = modes.type_of(request, settings)
    pod = naming.pod(user, name)
    parts += modes.parts(kind, request, pod) + ssh.parts(settings, pod)
    labels = {naming.MANAGED: "true", naming.USER: user, naming.CREATED_BY: "genet", naming.POD: pod}
    if kind is not None:
        labels[naming.GPU_TYPE] = kind.name
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod,
            "namespace": naming.namespace(user),
            "labels": labels,
            "annotations": {**_protection(settings, now), **parts.annotations},
        },
        "spec": {
            "restartPolicy": "Always",
            # a shell in the pod must not be a way to the API server
            "automountServiceAccountToken": settings.pod.mount_service_account_token,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 30,
            "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [_container(request, settings, kind, parts)],
            "volumes": [*parts.volumes, *_shared_memory(request)],
            **({"resourceClaims": list(parts.claims)} if parts.claims else {}),
            **_placement(request, settings, kind),
            **_configured(settings),
        },
    }


def _protection(settings: Settings, now: datetime) -> dict[str, str | None]:
    hours = settings.lifecycle.default_protect_hours
    return lifecycle.marks(now + timedelta(hours=hours), now) if hours else {}


def _container(request: PodRequest, settings: Settings, kind: GPUType | None, parts: Parts) -> dict[str, Any]:
    defaults = settings.pod.defaults
    resources = {"cpu": request.cpu or defaults.cpu, "memory": request.memory or defaults.memory}
    resources |= modes.resources(kind, request)
    mounts = list(parts.mounts)
    if request.shm_size is not None:
        mounts.append({"name": "dshm", "mountPath": "/dev/shm"})  # noqa: S108 # shared memory is what it is for
    container = {
        "name": CONTAINER,
        "image": request.image,
        "command": list(request.command or _preset_command(request, settings) or settings.pod.command),
        "env": _environment(request, settings, parts),
        "resources": {"limits": resources, "requests": dict(resources), **_claims(parts)},
        "securityContext": {"capabilities": {"drop": list(_NOT_NEEDED)}},
        "volumeMounts": mounts,
    }
    if request.working_dir is not None:
        container["workingDir"] = request.working_dir
    return container


def _preset_command(request: PodRequest, settings: Settings) -> tuple[str, ...] | None:
    return next((preset.command for preset in settings.gpu.preset_images if preset.image == request.image), None)


def _environment(request: PodRequest, settings: Settings, parts: Parts) -> list[dict[str, Any]]:
    """The proxy's variables < the configured ones < the request's < Genet's own."""
    chosen = {**settings.pod.env, **{variable.name: variable.value for variable in request.env}}
    # who sets one spelling means both
    named = {name.upper() for name in chosen}
    proxy = {name: value for name, value in _proxy(settings.proxy).items() if name.upper() not in named}
    own = list(parts.env)
    taken = {variable["name"] for variable in own}
    rest = [{"name": name, "value": value} for name, value in (proxy | chosen).items() if name not in taken]
    return [*rest, *map(dict, own)]


def _proxy(proxy: EgressProxy) -> dict[str, str]:
    said = {"HTTP_PROXY": proxy.http_proxy, "HTTPS_PROXY": proxy.https_proxy, "NO_PROXY": proxy.no_proxy}
    return {spelled: value for name, value in said.items() if value is not None for spelled in (name, name.lower())}


def _claims(parts: Parts) -> dict[str, Any]:
    return {"claims": [{"name": claim["name"]} for claim in parts.claims]} if parts.claims else {}


def _shared_memory(request: PodRequest) -> list[dict[str, Any]]:
    if request.shm_size is None:
        return []
    return [{"name": "dshm", "emptyDir": {"medium": "Memory", "sizeLimit": request.shm_size}}]


def _placement(request: PodRequest, settings: Settings, kind: GPUType | None) -> dict[str, Any]:
    placement: dict[str, Any] = {}
    selector = modes.node_selector(kind, settings)
    if selector:
        placement["nodeSelector"] = selector
    tolerations = [*settings.pod.tolerations, *(kind.tolerations if kind is not None else ())]
    if tolerations:
        placement["tolerations"] = list(_tolerations(tolerations))
    if request.node_name is not None:
        # spec.nodeName would go around the scheduler, and so around every limit it enforces
        expression = {"key": "metadata.name", "operator": "In", "values": [request.node_name]}
        terms = [{"matchFields": [expression]}]
        placement["affinity"] = {
            "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
        }
    return placement


def _tolerations(tolerations: Iterable[Toleration]) -> Iterable[dict[str, str]]:
    for toleration in tolerations:
        yield {key: value for key in ("key", "operator", "value", "effect") if (value := getattr(toleration, key))}


def _configured(settings: Settings) -> dict[str, Any]:
    """What only the configuration can choose."""
    pod = settings.pod
    chosen: dict[str, Any] = {
        "schedulerName": pod.scheduler_name,
        "priorityClassName": pod.priority_class_name,
        "runtimeClassName": pod.runtime_class_name,
        "serviceAccountName": pod.service_account,
        "imagePullSecrets": [{"name": naming.pull_secret(secret.name)} for secret in pod.pull_secrets],
    }
    return {key: value for key, value in chosen.items() if value}
