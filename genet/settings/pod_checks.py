"""What types alone cannot say of what pods get: GPU types that contradict themselves, and what nobody can use. Pure.

A key that a mode does not look at stops the start: who wrote it believes that it does something.
"""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from genet import references
from genet.accelerators import vendor_of

if TYPE_CHECKING:  # the whole configuration knows its parts, and not they it
    from genet.settings import GPUType, Settings

Complaint = tuple[str, str]
"""The key, and what is wrong with it."""

ENV_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
VISIBLE_DEVICES: Final = re.compile(r".*_VISIBLE_DEVICES", re.IGNORECASE)
_RESOURCE: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?/[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?")
_CLASS: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_KEY: Final = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE: Final = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
_PROXY_SCHEMES: Final = ("http", "https", "socks5", "socks5h")
_SHARED_NODES: Final = "genet.io/gpu-mode"
"""As in `genet.naming`, which is a room beside this one."""


def pod_complaints(settings: "Settings") -> Iterator[Complaint]:
    """What is wrong with the settings of GPU types and of pods."""
    for number, kind in enumerate(settings.gpu.available_types):
        for name, complaint in _gpu_type(kind, settings):
            yield f"gpu.availableTypes[{number}].{name}", complaint
    for number, preset in enumerate(settings.gpu.preset_images):
        if references.read(preset.image) is None:
            yield f"gpu.presetImages[{number}].image", "expected an image such as registry.example.org/team/torch:2.9"
    for name, complaint in _pod(settings):
        yield f"pod.{name}", complaint
    for name, complaint in _proxy(settings):
        yield f"proxy.{name}", complaint


def _gpu_type(kind: "GPUType", settings: "Settings") -> Iterator[Complaint]:
    yield from _resource(kind)
    yield from _dra(kind)
    if kind.mode == "shared":
        yield from _shared(kind)
    yield from _selector(kind.node_selector)
    for label, value in kind.node_selector.items():
        if settings.pod.node_selector.get(label, value) != value:
            yield "nodeSelector", f"no node has what this and pod.nodeSelector say of {label}"


def _resource(kind: "GPUType") -> Iterator[Complaint]:
    if kind.mode == "none":
        if kind.resource_name:
            yield "resourceName", "mode none has no devices; leave it out"
    elif not kind.resource_name:
        yield "resourceName", f"required for mode {kind.mode}"
    elif kind.mode == "dra":
        if not _CLASS.fullmatch(kind.resource_name):
            yield "resourceName", "expected the name of a driver such as gpu.nvidia.com for mode dra"
    elif not _RESOURCE.fullmatch(kind.resource_name) or kind.resource_name.split("/")[0].endswith("kubernetes.io"):
        yield "resourceName", "expected the name of an extended resource such as nvidia.com/gpu"


def _dra(kind: "GPUType") -> Iterator[Complaint]:
    if kind.mode == "dra":
        if kind.device_class is None:
            yield "deviceClass", "required for mode dra"
        elif not _CLASS.fullmatch(kind.device_class):
            yield "deviceClass", "expected the name of a DeviceClass such as gpu.nvidia.com"
        return
    for name, is_said in (("deviceClass", kind.device_class is not None), ("selectors", bool(kind.selectors))):
        if is_said:
            yield name, f"means something for mode dra alone, and the mode is {kind.mode}"


def _shared(kind: "GPUType") -> Iterator[Complaint]:
    vendor = vendor_of(kind.resource_name)
    if kind.resource_name and (vendor is None or vendor.visible_devices is None):
        yield "resourceName", "mode shared needs a maker whose container runtime can be told which cards to show"
    if kind.node_selector.get(_SHARED_NODES, "shared") != "shared":
        yield "nodeSelector", f"mode shared runs on nodes labelled {_SHARED_NODES}=shared alone"


def _pod(settings: "Settings") -> Iterator[Complaint]:
    pod = settings.pod
    yield from _selector(pod.node_selector)
    for number, text in enumerate(pod.allowed_images):
        if references.pattern(text) is None:
            yield (
                f"allowedImages[{number}]",
                "expected a repository such as registry.example.org/team/torch, or /* at its end, or a tag",
            )
    for name in pod.env:
        if not ENV_NAME.fullmatch(name):
            yield f"env.{name}", "expected letters, digits, _, . and -, not starting with a digit"
        elif VISIBLE_DEVICES.fullmatch(name):
            yield f"env.{name}", "variables that choose devices are set by Genet alone"
    if pod.mount_service_account_token and pod.service_account is None:
        yield "mountServiceAccountToken", "needs pod.serviceAccount: say whose rights everybody's pods are to have"


def _selector(labels: Mapping[str, str]) -> Iterator[Complaint]:
    for label, value in labels.items():
        if not _LABEL_KEY.fullmatch(label) or not _LABEL_VALUE.fullmatch(value):
            yield "nodeSelector", f"{label}={value} can be no label of a node"


def _proxy(settings: "Settings") -> Iterator[Complaint]:
    for name, url in (("httpProxy", settings.proxy.http_proxy), ("httpsProxy", settings.proxy.https_proxy)):
        if url is not None and not _is_proxy(url):
            yield name, "expected an address such as http://proxy.example.org:3128"
    if settings.proxy.no_proxy is not None and re.search(r"[\x00-\x1f]", settings.proxy.no_proxy):
        yield "noProxy", "expected names and networks with commas between them"


def _is_proxy(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_reachable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return is_reachable and parts.scheme in _PROXY_SCHEMES and not re.search(r"[\s\x00-\x1f]", url)
