"""What is said of a node's devices, one file per source, none knowing another; and whom to believe first.

A source has functions of NodeFacts: `devices` (cards that it knows to exist), `holdings` (who holds what) and `faults`
(devices that it calls unhealthy). It may err or be lied to: the merge gives no pod more devices than it asked for,
whoever says so, and calls a disagreement unknown.
"""

from collections.abc import Callable, Iterable
from typing import Final

from genet.gpus.model import Attribution, Holding, NodeFacts, Seen
from genet.gpus.sources import ascend, dra, exporter, hami, kai, resource_status, shared

DEVICES: Final[tuple[Callable[[NodeFacts], Iterable[Seen]], ...]] = (
    exporter.devices,  # first, as its numbers and spellings are those that people know from the node itself
    dra.devices,
    hami.devices,
    ascend.devices,
    shared.devices,
)

PRECEDENCE: Final[tuple[tuple[Attribution, Callable[[NodeFacts], Iterable[Holding]]], ...]] = (
    ("claim", dra.holdings),
    ("resourceStatus", resource_status.holdings),
    ("annotation", hami.holdings),
    ("annotation", ascend.holdings),
    ("annotation", kai.holdings),
    ("annotation", shared.holdings),
    ("exporter", exporter.holdings),
)
"""The most trusted first. Below all of them stands the count (`sources.counts`), which names nobody."""

FAULTS: Final[tuple[Callable[[NodeFacts], Iterable[tuple[str, str]]], ...]] = (resource_status.faults,)
"""Devices by one of their names, with what is wrong with them; others say it of the cards they describe."""
