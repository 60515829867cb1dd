"""How hard containers work their devices, as functions of time: the same second gives the same value, always.

A busy container works in waves of its own, some hours long (seeded by its name), an idle one holds a little memory, and
one that worked and then sleeps did both in turn. Before it began and after it is gone it adds nothing.
"""

import functools
import math
import zlib
from collections.abc import Iterable
from typing import Final, NamedTuple

from genet.simulation.devices import Gpu, Use

_IDLE_SHARE: Final = 0.04
"""Of the memory, what an idle container keeps."""
_WARM_UP_SECONDS: Final = 60
_FOREIGN_LOAD, _FOREIGN_MEMORY = 0.55, 0.3
"""What somebody outside Kubernetes takes of a card."""


class Wave(NamedTuple):
    """The shape of a container's work on one device."""

    base: float
    height: float
    turn: float
    """Radians per second."""
    phase: float
    memory: float
    """Share of the device's memory."""


def load(gpu: Gpu, uses: Iterable[Use], at: float) -> float:
    """Share of the time in which the device works, 0 to 1."""
    total = _FOREIGN_LOAD if gpu.foreign else 0.0
    for use in uses:
        if use.since <= at < use.until:
            total += activity(use, at)
    return min(1.0, total)


def memory(gpu: Gpu, uses: Iterable[Use], at: float) -> float:
    """Share of the device's memory that is in use, below what is always kept free."""
    total = _FOREIGN_MEMORY if gpu.foreign else 0.0
    for use in uses:
        if use.since <= at < use.until:
            total += held(use, at)
    return min(0.98, total)


def activity(use: Use, at: float) -> float:
    """One container's part of the device's time: waves of its own, after a minute of warming up."""
    if at >= use.idle_from:
        return 0.0
    base, height, turn, phase, _ = _wave(use)
    wave = base + height * math.sin(turn * at + phase) + 0.05 * math.sin(0.1337 * at + phase)
    return min(1.0, max(0.0, wave)) * _warmth(use, at)


def held(use: Use, at: float) -> float:
    """One container's share of the device's memory."""
    share = _wave(use).memory if at < use.idle_from else _IDLE_SHARE
    return share * _warmth(use, at) / (use.device.gpu.replicas if use.device.replica is not None else 1)


def _warmth(use: Use, at: float) -> float:
    return min(1.0, (at - use.since) / _WARM_UP_SECONDS)


@functools.lru_cache(maxsize=200_000)
def _wave(use: Use) -> Wave:
    """Devices of one pod work on the same thing, a little apart."""
    dice = zlib.crc32(f"{use.namespace}/{use.pod}".encode())
    apart = zlib.crc32(use.device.id.encode()) & 255
    return Wave(
        base=0.5 + 0.35 * (dice & 255) / 255,
        height=0.08 + 0.22 * (dice >> 8 & 255) / 255,
        turn=2 * math.pi / (3600 + 10800 * (dice >> 16 & 255) / 255),
        phase=0.6 * apart / 255,
        memory=0.35 + 0.6 * (dice >> 24) / 255,
    )
