"""Whether a request can become a pod: every rule that needs no call to the cluster. Pure.

All bad fields are found at once, each with what was expected. Traps:
- `$` in a Python pattern also matches before a trailing newline, so names are matched whole.
- Whoever may set `NVIDIA_VISIBLE_DEVICES` gives himself every card of the node: such variables are Genet's alone.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from genet import naming, references
from genet.errors import FieldError
from genet.kube.objects import Node
from genet.kube.quantity import parse
from genet.pods import modes, room
from genet.pods.model import PodRequest
from genet.pods.room import Place
from genet.settings import GPUType, Settings

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_DEVICE_VARIABLE = re.compile(r".*_VISIBLE_DEVICES|NVIDIA_.*", re.IGNORECASE)
_NUL = "\0"
_MOST_TEXT = 512 * 1024
"""Bytes of command and variables together: a restart keeps the whole pod in one Secret, and those hold 1 MiB."""
_LEAST_CPU = "1m"
_LEAST_MEMORY = "1Mi"
"""No runtime starts anything in less; `16` without its unit is 16 bytes."""
_NAMED = 3
"""Entries of the allow-list that a refusal names."""


def check(
    request: PodRequest,
    settings: Settings,
    nodes: Mapping[str, Node],
    places: Sequence[Place] = (),
    *,
    saved: references.Pattern | None = None,
    unread: Collection[str] = (),
) -> list[FieldError]:
    """What is wrong with the request, in the order of its fields.

    Args:
        request: what is asked for.
        settings: the configuration.
        nodes: of the cluster, by name; the one that the request names, if it is there.
        places: where devices of the request's GPU type are.
        saved: the images that the one who asks may have saved from pods.
        unread: fields that hold placeholders: no other field is judged by them.
    """
    most = settings.pod.max
    memory = list(_quantity("memory", request.memory, most.memory, minimum=_LEAST_MEMORY))
    # shared memory is part of the pod's memory, where that is known
    is_known = not memory and "memory" not in unread
    shared = request.memory or settings.pod.defaults.memory if is_known else most.memory
    kind = modes.type_of(request, settings)
    found = [
        *_image(request, settings, saved),
        *_gpus(request, settings, kind, unread),
        *_quantity("cpu", request.cpu, most.cpu, minimum=_LEAST_CPU),
        *memory,
        *_node(request, settings, kind, nodes),
    ]
    found += _places(request, kind, places, {error.field for error in found})
    return [
        *found,
        *_name(request),
        *_process(request),
        *_quantity("shmSize", request.shm_size, shared, minimum=_LEAST_MEMORY),
    ]


def _image(request: PodRequest, settings: Settings, saved: references.Pattern | None) -> Iterator[FieldError]:
    image = references.read(request.image)
    if image is None:
        yield FieldError("image", "expected an image reference such as registry.example/team/image:tag")
        return
    listed = settings.pod.allowed_images
    if not listed:
        return
    allowed = [entry for entry in map(references.pattern, listed) if entry is not None]
    if saved is not None:
        allowed.append(saved)
    presets = (references.read(preset.image) for preset in settings.gpu.preset_images)
    if not references.is_allowed(image, allowed, presets):
        named = ", ".join(listed[:_NAMED]) + (", …" if len(listed) > _NAMED else "")
        yield FieldError("image", f"not an image that may run here; the offered ones may, and: {named}")


def _gpus(
    request: PodRequest, settings: Settings, kind: GPUType | None, unread: Collection[str]
) -> Iterator[FieldError]:
    is_no_type = request.gpu_type is not None and kind is None
    if is_no_type:
        names = ", ".join(known.name for known in settings.gpu.available_types)
        yield FieldError("gpuType", f"no such GPU type; there are: {names or 'none'}")
    if request.gpu_type is None and request.gpu_count > 0:
        yield FieldError("gpuType", "required where gpuCount is more than 0")
    if kind is not None and request.gpu_count > modes.most(kind):
        yield FieldError("gpuCount", f"at most {modes.most(kind)} of {kind.name} in one pod")
    if is_no_type or "gpuType" in unread:
        return
    if kind is not None and kind.mode == "shared":
        yield from _cards(request, unread)
    elif request.gpu_devices:
        yield FieldError("gpuDevices", "cards can only be chosen where the GPU type is shared")


def _cards(request: PodRequest, unread: Collection[str]) -> Iterator[FieldError]:
    if len(request.gpu_devices) != request.gpu_count and "gpuCount" not in unread:
        yield FieldError("gpuDevices", f"expected the indexes of {request.gpu_count} cards, as gpuCount says")
    for position, card in enumerate(request.gpu_devices):
        if card in request.gpu_devices[:position]:
            yield FieldError(f"gpuDevices[{position}]", f"card {card} stands twice")
    if request.gpu_count and request.node_name is None:
        yield FieldError("nodeName", "required where the GPU type is shared: cards are chosen on a node")


def _quantity(field: str, text: str | None, maximum: str, *, minimum: str) -> Iterator[FieldError]:
    if text is None:
        return
    try:
        value = parse(text)
    except ValueError:
        yield FieldError(field, "expected a quantity such as 500m, 4 or 16Gi")
        return
    if not parse(minimum) <= value <= parse(maximum):
        yield FieldError(field, f"expected at least {minimum} and at most {maximum}")


def _node(
    request: PodRequest, settings: Settings, kind: GPUType | None, nodes: Mapping[str, Node]
) -> Iterator[FieldError]:
    if request.node_name is None:
        return
    node = nodes.get(request.node_name)
    if node is None:
        yield FieldError("nodeName", "no such node")
        return
    if kind is not None and kind.mode == "shared":
        if node.metadata.labels.get(naming.GPU_MODE) != "shared":
            yield FieldError("nodeName", f"not a node whose cards are shared ({naming.GPU_MODE}=shared)")
            return
        if _advertises(node, kind.resource_name):
            yield FieldError("nodeName", f"its cards are handed out as {kind.resource_name}, so they are not shared")
            return
    if not modes.node_selector(kind, settings).items() <= node.metadata.labels.items():
        what = f"of the type {kind.name}" if kind is not None else "for pods"
        yield FieldError("nodeName", f"not a node {what}")


def _advertises(node: Node, resource: str) -> bool:
    return any(parse(amounts.get(resource, "0")) for amounts in (node.status.capacity, node.status.allocatable))


def _places(request: PodRequest, kind: GPUType | None, places: Sequence[Place], bad: set[str]) -> Iterator[FieldError]:
    """What the places say, where the fields that they are about are good by themselves."""
    if kind is None or not request.gpu_count or bad & {"gpuType", "gpuCount", "nodeName"}:
        return
    if kind.mode != "shared":
        error = room.beyond(request, kind, places)
        if error is not None:
            yield error
        return
    here = next((place for place in places if place.node == request.node_name), None)
    if here is None or not here.cards:
        yield FieldError("nodeName", f"nobody says which cards {request.node_name} has")
        return
    for position, card in enumerate(request.gpu_devices):
        if card not in here.cards:
            known = ", ".join(map(str, sorted(here.cards)))
            yield FieldError(f"gpuDevices[{position}]", f"{here.node} has no card {card}; it has {known}")


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
    yield from _size(request)
    if request.working_dir is not None and not re.fullmatch(r"/[^\0\n]{0,4095}", request.working_dir):
        yield FieldError("workingDir", "expected an absolute path")


def _size(request: PodRequest) -> Iterator[FieldError]:
    texts = [*request.command, *(f"{variable.name}{variable.value}" for variable in request.env)]
    if sum(len(text.encode(errors="replace")) for text in texts) > _MOST_TEXT:
        message = f"expected at most {_MOST_TEXT // 1024} KiB of command and env together"
        yield FieldError("env" if request.env else "command", message)
