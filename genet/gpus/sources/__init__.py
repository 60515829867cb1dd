"""Who holds which device, one file per source, and their precedence.

A source takes a Pool and names, per device index, the pods it believes hold it. It may only name pods that ask for
the resource: the inventory gives no pod more devices than it asked for, whoever says so.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from genet.gpus.model import Attribution, PodKey, Pool
from genet.gpus.sources import exporter

Source = Callable[[Pool], Mapping[int, Sequence[PodKey]]]

PRECEDENCE: Final[tuple[tuple[Attribution, Source], ...]] = (("exporter", exporter.holders),)
"""The most trusted first. Below all of them stands the count (`sources.counts`), which names nobody."""
