"""What the sources speak of: everything known of one node, the devices seen in it, and who is said to hold them.

Sources call devices by different names: a UUID, an index, a PCI address, a DRA device. `Seen.names` brings the names
of one device together, so that no source has to know another's. The spellings are made by the functions below.
"""

from datetime import datetime
from typing import Final, Literal

import msgspec

from genet.kube.objects import ConfigMap, Node, Pod
from genet.kube.resource_api import ResourceClaim, ResourceSlice

Attribution = Literal["claim", "resourceStatus", "annotation", "exporter", "count"]
"""How it is known who holds a device, the most trusted first."""

PodKey = tuple[str, str]
"""Namespace and name."""

_QUOTE: Final = ": \N{LEFT DOUBLE QUOTATION MARK}"
_LONGEST_QUOTE: Final = 200

COUNTED: Final = ""
"""In place of a resource's name: whichever counts the device."""


class Reading(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One card, or one MIG slice of it, as its exporter saw it. What was not measured is None."""

    uuid: str
    """Of the card, also for a slice."""
    index: int
    """The card's number on its node."""
    instance: str | None = None
    """MIG GPU instance; None: the whole card."""
    profile: str | None = None
    """MIG profile such as `1g.5gb`."""
    product: str | None = None
    """Model, spelled like GPU feature discovery's label."""
    pods: tuple[PodKey, ...] = ()
    """Pods named by the labels. May be gone, or the exporter itself: to be checked against the API server."""
    utilization: int | None = None
    """Percent."""
    memory_used: int | None = None
    """MiB."""
    memory_total: int | None = None
    """MiB."""
    power: float | None = None
    """Watt."""
    temperature: int | None = None
    """Degrees Celsius."""
    vendor: str = "nvidia"
    """As in `genet.accelerators`."""
    names: tuple[str, ...] = ()
    """Further names of this card or slice, such as its PCI address or its MIG UUID."""
    fault: str | None = None
    """What the exporter says is wrong with the card, for people to read; None: nothing, or it does not say."""
    idle_since: datetime | None = None
    """Since when it has done nothing; None: it is at work, or that is not known."""


class NodeFacts(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Everything known of one node. What the merge makes of it is a function of this alone."""

    node: Node
    pods: tuple[Pod, ...] = ()
    """All pods bound to it, also finished ones."""
    readings: tuple[Reading, ...] = ()
    """What exporters say of its devices; empty: nothing is known of their use."""
    slices: tuple[ResourceSlice, ...] = ()
    """DRA's devices of this node."""
    claims: tuple[ResourceClaim, ...] = ()
    """Claims that have been given devices of these slices, or are reserved for pods of this node."""
    claims_known: bool = True
    """False: claims could not be read yet, so a device of a slice may be held without anybody here knowing."""
    device_info: ConfigMap | None = None
    """Ascend's word on the health of this node's devices."""


class Part(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A part of a card that can be held by itself: a MIG instance, a compute partition, a DRA partition."""

    names: tuple[str, ...]
    id: str
    """What people read, unique within the card."""
    profile: str | None = None
    resource: str | None = None
    """The extended resource that counts it; None: not known, or none does (DRA)."""
    reading: Reading | None = None
    """What was measured of it."""


class Seen(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One card of the node, as far as one source describes it. What it does not say is None or empty."""

    names: tuple[str, ...]
    vendor: str
    index: int | None = None
    uuid: str | None = None
    resource: str | None = None
    """The extended resource that counts it, or the DRA driver's name; None: not said."""
    product: str | None = None
    """Model, spelled like the vendor's node label."""
    memory_total: int | None = None
    """MiB."""
    fault: str | None = None
    """Why it is unhealthy, for people to read; None: it is healthy, or nothing is said."""
    doubt: str | None = None
    """Why nobody can tell its state just now, for people to read."""
    shares: int | None = None
    """How many pods may hold it at once."""
    parts: tuple[Part, ...] = ()
    reading: Reading | None = None
    """What was measured of the card as a whole."""


class Holding(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One source's word that a pod holds a device or a part of one."""

    device: str
    """One of its names."""
    pod: PodKey
    resource: str | None = None
    """The extended resource by which the pod asked for it, whose count bounds what it can hold. Each holding takes one
    unit of it, also the second that one source has for the same pod and device. None: it asked by other means (a claim,
    an annotation). `COUNTED`: the source does not know, so it is the one that counts the device."""
    instead_of: PodKey | None = None
    """The pod that asked for the device, only to keep it for `pod`: the units are this pod's, it takes one of them
    for each device, and it is shown nowhere as a holder."""


def quoting(reason: str, words: str) -> str:
    """A reason with somebody else's words for it, which may be long and may name anything."""
    return f"{reason}{_QUOTE}{' '.join(words.split())[:_LONGEST_QUOTE]}\N{RIGHT DOUBLE QUOTATION MARK}"


def unquoted(reason: str) -> str:
    """Genet's own words of it."""
    return reason.partition(_QUOTE)[0]


def index_name(vendor: str, index: int) -> str:
    """A card by its number on the node."""
    return f"{vendor}#{index}"


def instance_name(uuid: str, instance: str) -> str:
    """A MIG instance by its card and its GPU instance ID; another vendor's partition likewise."""
    return f"{uuid}/{instance}"


def pci_name(address: str) -> str:
    """A card by its PCI address: `00000000:18:00.0`, `0000:18:00.0` and `18:00.0` are the same.

    The domain counts: the cards of a GB200 board differ in nothing else.
    """
    domain, bus, slot = ("", "", *address.lower().split(":"))[-3:]
    return f"pci:{domain.lstrip('0')}:{bus}:{slot}"


def dra_name(driver: str, pool: str, device: str) -> str:
    """A device of a ResourceSlice."""
    return f"{driver}/{pool}/{device}"
