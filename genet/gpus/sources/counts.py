"""Numbers alone: pods hold k devices more than any other source can place, so the k lowest of the rest are used.

Which ones they really are is not known, and whose they are is not said. Of shared devices each unit takes one: device
plugins spread units over devices before they put two on one.
"""

from collections.abc import Iterable

from genet.gpus.merge.devices import Unit


def fill(units: Iterable[Unit], missing: int) -> None:
    """Mark as used by count.

    Args:
        units: all that the resource counts, the lowest first; of those that nobody holds, the faulty come last.
        missing: how many units other sources could not place.
    """
    rest = sorted((unit for unit in units if unit.attribution is None), key=lambda unit: unit.fault is not None)
    for unit in rest[: max(0, missing)]:
        unit.attribution = "count"
        unit.taken = 1
