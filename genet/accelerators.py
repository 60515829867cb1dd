"""The vendor table: how each maker's devices are called in Kubernetes, and what shows them to a container. Pure.

Trap: not every resource under a vendor's domain is a device. `nvidia.com/gpumem` is MiB, `huawei.com/npu-core` a
share, `gpu.intel.com/i915_monitoring` a permission. So the table says which names are devices, never which are not.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final

import msgspec


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """What Genet has to know of one maker of accelerators."""

    name: str
    resources: re.Pattern[str]
    """Matches the whole name of an extended resource whose unit is a card, a slice or a share of one."""
    cards: str | None = None
    """The resource that counts whole cards; None: it depends on the model."""
    partitions: re.Pattern[str] | None = None
    """Matches the whole name of a resource that counts parts of cards, and in its first group their profile."""
    visible_devices: str | None = None
    """Variable by which the maker's container runtime is told what to show; None: it has no such runtime."""
    product_label: str | None = None
    """Node label with the model of the node's cards."""
    resident_mib: int = 100
    """What driver and firmware keep at most of a card's memory while nobody works on it (MiB)."""


NOTHING_VISIBLE: Final = "void"
"""Value of a visible-devices variable that shows no device. Unset or empty would do where the runtime is not the
default one; where it is, images that carry `NVIDIA_VISIBLE_DEVICES=all` would see every card of the node."""

NVIDIA: Final = Vendor(
    name="nvidia",
    resources=re.compile(r"nvidia\.com/(gpu(\.shared)?|mig-\d+g\.\d+gb(\.me|\.shared)*)"),
    cards="nvidia.com/gpu",
    partitions=re.compile(r"nvidia\.com/mig-(\d+g\.\d+gb(?:\.me)?)(?:\.shared)?"),
    visible_devices="NVIDIA_VISIBLE_DEVICES",
    product_label="nvidia.com/gpu.product",
)
ASCEND: Final = Vendor(
    name="ascend",
    resources=re.compile(r"huawei\.com/(npu|Ascend[0-9A-Za-z]+(-\d+c(\.\d+cpu)*)?)"),
    partitions=re.compile(r"huawei\.com/Ascend[0-9A-Za-z]+-(\d+c(?:\.\d+cpu)*)"),
    visible_devices="ASCEND_VISIBLE_DEVICES",
    resident_mib=4096,
)
VENDORS: Final = (
    NVIDIA,
    Vendor(
        name="amd",
        resources=re.compile(r"amd\.com/(gpu|[sdqc]px_nps\d)"),
        cards="amd.com/gpu",
        partitions=re.compile(r"amd\.com/([dqc]px_nps\d)"),
        visible_devices="AMD_VISIBLE_DEVICES",
        product_label="amd.com/gpu.product-name",
        resident_mib=1024,
    ),
    ASCEND,
    Vendor(name="intel", resources=re.compile(r"gpu\.intel\.com/(i915|xe)")),
    Vendor(
        name="habana",
        resources=re.compile(r"habana\.ai/gaudi"),
        visible_devices="HABANA_VISIBLE_DEVICES",
    ),
    Vendor(
        name="cambricon",
        resources=re.compile(r"cambricon\.com/mlu(\d+)?"),
        visible_devices="CAMBRICON_VISIBLE_DEVICES",
    ),
    Vendor(
        name="moore-threads",
        resources=re.compile(r"mthreads\.com/gpu"),
        visible_devices="MTHREADS_VISIBLE_DEVICES",
    ),
)

_MEMORY = re.compile(r"\d{1,9}", re.ASCII)
_VRAM = re.compile(r"(?:amd\.com/gpu\.vram=|beta\.amd\.com/gpu\.vram\.)(\d{1,6})G(?:=.*)?", re.ASCII)
"""A label of AMD's, its older form with the value inside the key."""
_COMPUTE = re.compile(r"(\d{1,2})g\.", re.ASCII)
_MIG_SUFFIX = re.compile(r"-MIG-(\d+g\.\d+gb(?:\.me)?)$")


@lru_cache(maxsize=1024)
def vendor_of(resource: str) -> Vendor | None:
    """Who makes the devices that this extended resource counts; None: it counts no devices Genet knows."""
    return next((vendor for vendor in VENDORS if vendor.resources.fullmatch(resource)), None)


@lru_cache(maxsize=1024)
def profile(resource: str) -> str | None:
    """`nvidia.com/mig-1g.5gb` -> `1g.5gb`; None: the resource does not count parts of cards by their profile."""
    vendor = vendor_of(resource)
    match = vendor.partitions.fullmatch(resource) if vendor and vendor.partitions else None
    return match[1] if match else None


@lru_cache(maxsize=1024)
def model(product: str) -> str:
    """The card's model alone: GPU feature discovery appends `-MIG-1g.5gb` and, to shared cards, `-SHARED`."""
    return _MIG_SUFFIX.sub("", product.removesuffix("-SHARED"))


def mig_profile_of(product: str) -> str | None:
    """The profile in a product that GPU feature discovery named for its slices (MIG strategy `single`)."""
    match = _MIG_SUFFIX.search(product.removesuffix("-SHARED"))
    return match[1] if match else None


def memory_mib(resource: str, labels: Mapping[str, str]) -> int | None:
    """Of each device that this resource counts, by its node's labels; None: they do not say.

    They speak of one model, whatever else is in the node; AMD's older ones name every size that there is in it.
    """
    vendor = vendor_of(resource)
    if vendor is NVIDIA:
        text = labels.get(f"{resource.removesuffix('.shared')}.memory", "")
        return int(text) if _MEMORY.fullmatch(text) else None
    if vendor is None or vendor.name != "amd" or resource != vendor.cards:
        return None
    found = {match[1] for label in labels.items() if (match := _VRAM.fullmatch("=".join(label)))}
    return int(found.pop()) * 1024 if len(found) == 1 else None


def compute_slices(profile: str | None) -> int:
    """How much of its card a MIG slice computes with (`3g.40gb`: 3), for weighing; of other makers' parts all alike."""
    match = _COMPUTE.match(profile or "")
    return int(match[1]) if match else 1


def counts_devices(configured: Iterable[str]) -> Callable[[str], bool]:
    """Tells extended resources that count devices: the `configured` ones, and those of a known vendor."""
    names = frozenset(configured)
    return lambda resource: resource in names or vendor_of(resource) is not None
