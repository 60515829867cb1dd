"""The GPU types people can choose, and the images offered with them."""

from typing import Annotated, Literal

import msgspec

from genet.settings.section import Section


class Toleration(Section, frozen=True):
    key: str | None = None
    operator: Literal["Equal", "Exists"] = "Equal"
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None


Expression = Annotated[str, msgspec.Meta(min_length=1, max_length=10240)]


class GPUType(Section, frozen=True):
    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$")]
    """What requests and labels say; a valid label value."""
    resource_name: str = ""
    """Extended resource, such as `nvidia.com/gpu` or `nvidia.com/mig-1g.10gb`; mode `shared`: the one that would count
    the cards if a device plugin offered them; mode `dra`: the driver, such as `gpu.nvidia.com`; mode `none`: empty."""
    label: str | None = None
    """What people read; null: the name."""
    mode: Literal["exclusive", "mig", "shared", "dra", "none"] = "exclusive"
    """`exclusive`: whole cards from the device plugin; `mig`: slices with a resource name of their own; `shared`:
    several pods on cards they choose, on nodes labelled `genet.io/gpu-mode=shared` (by agreement: nothing keeps one pod
    off another's memory); `dra`: devices of a DeviceClass; `none`: no GPU, only nodes and tolerations."""
    device_class: str | None = None
    """Mode `dra`: the DeviceClass that devices are claimed of."""
    selectors: Annotated[
        tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=10240)], ...], msgspec.Meta(max_length=32)
    ] = ()
    """Mode `dra`: CEL expressions that a device must satisfy too, such as
    `device.attributes["gpu.nvidia.com"].productName == "NVIDIA H100 80GB HBM3"`."""
    node_selector: dict[str, str] = msgspec.field(default_factory=dict)
    """Labels that tell this type's nodes from others with the same resource."""
    tolerations: tuple[Toleration, ...] = ()
    """Given to the pods of this type; people cannot add their own."""
    max_per_pod: Annotated[int, msgspec.Meta(ge=1)] = 8
    """The most devices one pod may ask for; of no account in mode `none`."""


class PresetImage(Section, frozen=True):
    name: str
    image: str
    description: str = ""
    icon: str = ""
    command: tuple[str, ...] | None = None
    """Replaces pod.command for this image."""
    ssh: bool = False
    """Whether the image brings an SSH server."""


class GPU(Section, frozen=True):
    available_types: tuple[GPUType, ...] = ()
    preset_images: tuple[PresetImage, ...] = ()
    ascend_device_info: bool = False
    """Read the health of Ascend devices from the ConfigMaps `mindx-dl-deviceinfo-*` in kube-system. Rights know no
    prefixes of names, so Genet then needs to read all ConfigMaps there; it keeps none of the others."""
