"""Whether a request can become a pod: every rule that needs no call to the cluster. Pure.

All bad fields are found at once, each with what was expected. Traps:
- `$` in a Python pattern also matches before a trailing newline, so names are matched whole.
- Whoever may set `NVIDIA_VISIBLE_DEVICES` gives himself every card of the node: such variables are Genet's alone.
"""

import re
from collections.abc import Collection, Iterator
from decimal import Decimal

from genet import naming
from genet.errors import FieldError
from genet.kube.quantity import parse
from genet.pods.model import PodRequest
from genet.settings import GPUType, Settings

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_DEVICE_VARIABLE = re.compile(r".*_VISIBLE_DEVICES|NVIDIA_.*", re.IGNORECASE)
# One reference as container runtimes take it: registry host, path, tag, digest; no spaces, no scheme.
_IMAGE = re.compile(
    r"(?:[A-Za-z0-9.-]+(?::[0-9]{1,5})?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)
_NUL = "\0"


def check(request: PodRequest, settings: Settings, nodes: Collection[str]) -> list[FieldError]:
    """What is wrong with the request, in the order of its fields; `nodes` are the cluster's node names."""
    most = settings.pod.max
    memory = list(_quantity("memory", request.memory, most.memory, minimum=Decimal(1)))
    # shared memory is part of the pod's memory, where that is known
    shared = most.memory if memory else request.memory or settings.pod.defaults.memory
    return [
        *_image(request),
        *_gpus(request, settings),
        *_quantity("cpu", request.cpu, most.cpu, minimum=Decimal("0.001")),
        *memory,
        *_node(request, nodes),
        *_name(request),
        *_process(request),
        *_quantity("shmSize", request.shm_size, shared, minimum=Decimal(1)),
    ]


def _image(request: PodRequest) -> Iterator[FieldError]:
    if not _IMAGE.fullmatch(request.image):
        yield FieldError("image", "expected an image reference such as registry.example/team/image:tag")


def _gpus(request: PodRequest, settings: Settings) -> Iterator[FieldError]:
    types = {kind.name: kind for kind in settings.gpu.available_types}
    kind = types.get(request.gpu_type) if request.gpu_type is not None else None
    if request.gpu_type is not None and kind is None:
        yield FieldError("gpuType", f"no such GPU type; there are: {', '.join(types) or 'none'}")
    if request.gpu_type is None and request.gpu_count > 0:
        yield FieldError("gpuType", "required where gpuCount is more than 0")
    if kind is not None and request.gpu_count > kind.max_per_pod:
        yield FieldError("gpuCount", f"at most {kind.max_per_pod} of {kind.name} in one pod")
    if request.gpu_devices:
        yield FieldError("gpuDevices", "cards can only be chosen where the GPU type is shared")


def _quantity(field: str, text: str | None, maximum: str, *, minimum: Decimal) -> Iterator[FieldError]:
    if text is None:
        return
    try:
        value = parse(text)
    except ValueError:
        yield FieldError(field, "expected a quantity such as 500m, 4 or 16Gi")
        return
    if not minimum <= value <= parse(maximum):
        yield FieldError(field, f"expected more than 0 and at most {maximum}")


def _node(request: PodRequest, nodes: Collection[str]) -> Iterator[FieldError]:
    if request.node_name is not None and request.node_name not in nodes:
        yield FieldError("nodeName", "no such node")


def _name(request: PodRequest) -> Iterator[FieldError]:
    if request.name is not None and not re.fullmatch(naming.POD_NAME_PATTERN.strip("^$"), request.name):
        yield FieldError("name", "expected at most 28 of a-z, 0-9 and -, with a letter or digit at both ends")


def _process(request: PodRequest) -> Iterator[FieldError]:
    for index, word in enumerate(request.command):
        if _NUL in word:
            yield FieldError(f"command[{index}]", "holds a NUL character")
    seen: set[str] = set()
    for index, variable in enumerate(request.env):
        if not _ENV_NAME.fullmatch(variable.name):
            yield FieldError(f"env[{index}].name", "expected letters, digits, _, . and -, not starting with a digit")
        elif _DEVICE_VARIABLE.fullmatch(variable.name):
            yield FieldError(f"env[{index}].name", "variables that choose devices are set by Genet alone")
        elif variable.name in seen:
            yield FieldError(f"env[{index}].name", f"{variable.name} stands twice")
        if _NUL in variable.value:
            yield FieldError(f"env[{index}].value", "holds a NUL character")
        seen.add(variable.name)
    if request.working_dir is not None and not re.fullmatch(r"/[^\0\n]{0,4095}", request.working_dir):
        yield FieldError("workingDir", "expected an absolute path")


def chosen_type(request: PodRequest, settings: Settings) -> GPUType | None:
    return next((kind for kind in settings.gpu.available_types if kind.name == request.gpu_type), None)
