"""Numbers alone: pods hold k devices more than any other source can place, so the k lowest of the rest are used.

Which ones they really are is not known, and whose they are is not said.
"""

from collections.abc import Collection

from genet.gpus.model import Pool


def fill(pool: Pool, placed: int, known: Collection[int]) -> frozenset[int]:
    """Indexes taken for used by count.

    Args:
        pool: the devices and what is asked of them.
        placed: units that other sources have given a device.
        known: the indexes of those devices.
    """
    missing = sum(units for _, units in pool.demand.values()) - placed
    rest = sorted(index for index in pool.devices if index not in known)
    return frozenset(rest[: max(0, missing)])
