"""What a GPU type's mode does to a pod: what it asks for, what it is shown, where it may run. Pure.

    exclusive, mig   the device plugin's extended resource; the plugin says what the container sees
    dra              a claim, made of a ResourceClaimTemplate that is named after the pod; the driver says what it sees
    shared           nothing is asked for: the maker's variable shows exactly the chosen cards
    none             no device at all

Trap: where the maker's runtime is the nodes' default one, an image that carries `NVIDIA_VISIBLE_DEVICES=all` sees every
card of its node. So every pod that no plugin or driver looks after gets all makers' variables from Genet.
"""

from collections.abc import Mapping
from typing import Any, Final

from genet import naming
from genet.accelerators import NOTHING_VISIBLE, VENDORS, vendor_of
from genet.parts import Parts
from genet.pods.model import PodRequest
from genet.settings import GPUType, Settings

PLUGGED: Final = ("exclusive", "mig")
"""Modes whose devices a device plugin hands out."""
REQUEST: Final = "gpu"
"""The name of the claim in the pod, and of the request in the claim."""


def type_of(request: PodRequest, settings: Settings) -> GPUType | None:
    """The GPU type that the request names; None: it names none, or one that is not there."""
    return next((kind for kind in settings.gpu.available_types if kind.name == request.gpu_type), None)


def most(kind: GPUType) -> int:
    """The most devices that one pod may have."""
    return 0 if kind.mode == "none" else kind.max_per_pod


def node_selector(kind: GPUType | None, settings: Settings) -> dict[str, str]:
    """Labels of the nodes that a pod may run on."""
    own = dict(kind.node_selector) if kind is not None else {}
    if kind is not None and kind.mode == "shared":
        own[naming.GPU_MODE] = "shared"
    return dict(settings.pod.node_selector) | own


def resources(kind: GPUType | None, request: PodRequest) -> dict[str, str]:
    """Extended resources of the main container."""
    if kind is None or kind.mode not in PLUGGED or not request.gpu_count:
        return {}
    return {kind.resource_name: str(request.gpu_count)}


def parts(kind: GPUType | None, request: PodRequest, pod: str) -> Parts:
    """What the mode adds to the pod of that name."""
    if kind is None or not request.gpu_count or kind.mode == "none":
        return Parts(env=_shown({}))
    if kind.mode == "shared":
        cards = ",".join(map(str, sorted(request.gpu_devices)))
        vendor = vendor_of(kind.resource_name)
        shown = {vendor.visible_devices: cards} if vendor and vendor.visible_devices else {}
        return Parts(env=_shown(shown), annotations={naming.GPU_DEVICES: cards})
    if kind.mode == "dra":
        return Parts(
            claims=[{"name": REQUEST, "resourceClaimTemplateName": pod}],
            annotations={naming.GPU_COUNT: str(request.gpu_count)},
        )
    return Parts()


def claim_template(kind: GPUType, request: PodRequest, user: str, pod: str, version: str) -> dict[str, Any]:
    """The ResourceClaimTemplate of the pod of that name, in a version of `resource.k8s.io`."""
    labels = {naming.MANAGED: "true", naming.USER: user, naming.CREATED_BY: "genet"}
    wanted: dict[str, Any] = {
        "deviceClassName": kind.device_class,
        "allocationMode": "ExactCount",
        "count": request.gpu_count,
    }
    if kind.selectors:
        wanted["selectors"] = [{"cel": {"expression": expression}} for expression in kind.selectors]
    # the first version has one kind of request, later ones say which kind it is
    asked = wanted if version == "v1beta1" else {"exactly": wanted}
    return {
        "apiVersion": f"resource.k8s.io/{version}",
        "kind": "ResourceClaimTemplate",
        "metadata": {"name": pod, "namespace": naming.namespace(user), "labels": labels},
        "spec": {
            "metadata": {"labels": labels},
            "spec": {"devices": {"requests": [{"name": REQUEST, **asked}]}},
        },
    }


def _shown(shown: Mapping[str, str]) -> list[dict[str, str]]:
    """All makers' variables: what they show, or nothing."""
    names = {vendor.visible_devices for vendor in VENDORS if vendor.visible_devices is not None}
    return [{"name": name, "value": shown.get(name, NOTHING_VISIBLE)} for name in sorted(names)]
