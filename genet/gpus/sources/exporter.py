"""What exporters measure: cards and their slices, and the pods that labels name.

Traps:
- Where Prometheus relabels (honorLabels off), `pod` may be the exporter itself, and samples outlive their pod. So a
  label names a holder only of what that pod asks for by the resource that counts the device.
- Under MIG there may be rows of the slices alone: the card is where they say it is.
- Some versions drop idle cards: what has no row is not free for that, and not gone.
"""

from collections.abc import Iterator

from genet.gpus.model import COUNTED, Holding, NodeFacts, Part, Reading, Seen, index_name, instance_name


def devices(facts: NodeFacts) -> Iterator[Seen]:
    cards: dict[tuple[str, str | int], list[Reading]] = {}
    for reading in facts.readings:
        cards.setdefault((reading.vendor, reading.uuid or reading.index), []).append(reading)
    for rows in cards.values():
        first = rows[0]
        index = index_name(first.vendor, first.index)
        whole = next((row for row in rows if row.instance is None), None)
        yield Seen(
            names=tuple(filter(None, (first.uuid, index, *(whole.names if whole else ())))),
            vendor=first.vendor,
            index=first.index,
            uuid=first.uuid or None,
            product=first.product,
            memory_total=whole.memory_total if whole else None,
            fault=whole.fault if whole else None,
            parts=tuple(_part(row, index) for row in rows if row.instance is not None),
            reading=whole,
        )


def holdings(facts: NodeFacts) -> Iterator[Holding]:
    for reading in facts.readings:
        for pod in reading.pods:
            yield Holding(device=_name(reading), pod=pod, resource=COUNTED)


def _part(row: Reading, index: str) -> Part:
    instance = row.instance or ""
    return Part(
        names=(_name(row), instance_name(index, instance), *row.names),
        id=instance,
        profile=row.profile,
        reading=row,
    )


def _name(reading: Reading) -> str:
    card = reading.uuid or index_name(reading.vendor, reading.index)
    return card if reading.instance is None else instance_name(card, reading.instance)
