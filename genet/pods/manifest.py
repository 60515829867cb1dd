"""A request becomes a pod manifest: built as data, never as text. Pure.

Nothing of the request reaches a label, an annotation or a key: values go into places where Kubernetes takes any text.
"""

from datetime import datetime, timedelta
from typing import Any

from genet import lifecycle, naming
from genet.accelerators import NOTHING_VISIBLE, VENDORS
from genet.parts import Parts
from genet.pods.checks import chosen_type
from genet.pods.model import PodRequest
from genet.settings import GPUType, Settings

_CONTAINER = "main"


def build(
    request: PodRequest, settings: Settings, parts: Parts, *, user: str, name: str, now: datetime
) -> dict[str, Any]:
    """The manifest of a checked request, with what other rooms add; `name` is the part after the prefix."""
    kind = chosen_type(request, settings)
    labels = {naming.MANAGED: "true", naming.USER: user, naming.CREATED_BY: "genet"}
    if kind is not None:
        labels[naming.GPU_TYPE] = kind.name
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": naming.pod(user, name),
            "namespace": naming.namespace(user),
            "labels": labels,
            "annotations": {**_protection(settings, now), **parts.annotations},
        },
        "spec": {
            "restartPolicy": "Always",
            # a shell in the pod must not be a way to the API server
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 30,
            "containers": [_container(request, settings, kind, parts)],
            "volumes": [*parts.volumes, *_shared_memory(request)],
            **({"resourceClaims": list(parts.claims)} if parts.claims else {}),
            **_placement(request, kind),
        },
    }


def _protection(settings: Settings, now: datetime) -> dict[str, str | None]:
    hours = settings.lifecycle.default_protect_hours
    return lifecycle.marks(now + timedelta(hours=hours), now) if hours else {}


def _container(request: PodRequest, settings: Settings, kind: GPUType | None, parts: Parts) -> dict[str, Any]:
    defaults = settings.pod.defaults
    resources = {"cpu": request.cpu or defaults.cpu, "memory": request.memory or defaults.memory}
    if kind is not None and request.gpu_count:
        resources[kind.resource_name] = str(request.gpu_count)
    mounts = list(parts.mounts)
    if request.shm_size is not None:
        mounts.append({"name": "dshm", "mountPath": "/dev/shm"})  # noqa: S108 # shared memory is what it is for
    container = {
        "name": _CONTAINER,
        "image": request.image,
        "command": list(request.command or _preset_command(request, settings) or settings.pod.command),
        "env": [{"name": v.name, "value": v.value} for v in request.env] + _hidden_devices(request) + list(parts.env),
        "resources": {"limits": resources, "requests": dict(resources), **_claims(parts)},
        "volumeMounts": mounts,
    }
    if request.working_dir is not None:
        container["workingDir"] = request.working_dir
    return container


def _preset_command(request: PodRequest, settings: Settings) -> tuple[str, ...] | None:
    return next((preset.command for preset in settings.gpu.preset_images if preset.image == request.image), None)


def _hidden_devices(request: PodRequest) -> list[dict[str, str]]:
    """Where the vendor's runtime is the default one, a pod that asks for no GPU would still see every card."""
    if request.gpu_count:
        return []
    variables = {vendor.visible_devices for vendor in VENDORS if vendor.visible_devices is not None}
    return [{"name": variable, "value": NOTHING_VISIBLE} for variable in sorted(variables)]


def _claims(parts: Parts) -> dict[str, Any]:
    return {"claims": [{"name": claim["name"]} for claim in parts.claims]} if parts.claims else {}


def _shared_memory(request: PodRequest) -> list[dict[str, Any]]:
    if request.shm_size is None:
        return []
    return [{"name": "dshm", "emptyDir": {"medium": "Memory", "sizeLimit": request.shm_size}}]


def _placement(request: PodRequest, kind: GPUType | None) -> dict[str, Any]:
    placement: dict[str, Any] = {}
    if kind is not None and kind.node_selector:
        placement["nodeSelector"] = dict(kind.node_selector)
    if kind is not None and kind.tolerations:
        placement["tolerations"] = [
            {key: value for key in ("key", "operator", "value", "effect") if (value := getattr(toleration, key))}
            for toleration in kind.tolerations
        ]
    if request.node_name is not None:
        # spec.nodeName would go around the scheduler, and so around every limit it enforces
        expression = {"key": "metadata.name", "operator": "In", "values": [request.node_name]}
        terms = [{"matchFields": [expression]}]
        placement["affinity"] = {
            "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
        }
    return placement
