"""What the sources speak of: a device as an exporter saw it, and the devices one node advertises under one name."""

from typing import Literal

import msgspec

from genet.kube.objects import Pod

Attribution = Literal["claim", "resourceStatus", "annotation", "exporter", "count"]
"""How it is known who holds a device, the most trusted first."""

PodKey = tuple[str, str]
"""Namespace and name."""


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


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """What one node advertises under one resource name, and which pods ask for it."""

    resource: str
    devices: dict[int, Reading | None]
    """By index; None: nothing was measured."""
    demand: dict[PodKey, tuple[Pod, int]]
    """Bound, unfinished pods and how many units each asks for."""
    unhealthy: int = 0
    """Devices that the device plugin has given up; which ones is not said."""
    replicas: int | None = None
    """How many pods may share one device; None: not known."""
    advertised: bool = True
    """False: exporters see the devices, but no resource of the node counts them."""
