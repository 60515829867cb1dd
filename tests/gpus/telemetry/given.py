"""Series as an exporter's text has them, given to the room that reads them."""

import asyncio
from collections.abc import Iterable
from typing import Any

import msgspec

from genet.gpus.model import Reading
from genet.gpus.telemetry import amd, dcgm, hami, npu
from genet.gpus.telemetry.amd import Amd
from genet.gpus.telemetry.dcgm import Dcgm
from genet.gpus.telemetry.devices import Host
from genet.gpus.telemetry.hami import Hami
from genet.gpus.telemetry.join import joined
from genet.gpus.telemetry.locate import places
from genet.gpus.telemetry.npu import Npu
from genet.kube.objects import Node, Pod
from genet.prometheus import Sample

NOW = 1_800_000_000.0


def taken(exporter: Any, samples: Iterable[Sample[dict[str, str]]]) -> Any:
    exporter.take(Sample(msgspec.convert(sample.labels, exporter.labels), sample.value, 0.0) for sample in samples)
    return exporter


def readings(exporter, samples):
    """All of them, whatever their host."""
    return [reading for _, found in taken(exporter, samples).readings(NOW) for reading in found]


def hosts(exporter, samples):
    return [host.clues for host, _ in taken(exporter, samples).readings(NOW)]


def labelled(metric, value, **labels):
    return Sample(labels={"__name__": metric, **labels}, value=float(value), timestamp=0.0)


def by_node(samples: Iterable[Sample[dict[str, str]]], nodes: Iterable[Node], pods: Iterable[Pod]):
    """The readings of each node, of whatever exporters there are."""
    samples = tuple(samples)
    found: dict[Host, list[Reading]] = {}
    for make, metrics in ((Dcgm, dcgm.METRICS), (Hami, hami.METRICS), (Amd, amd.METRICS), (Npu, npu.METRICS)):
        own = [sample for sample in samples if sample.labels["__name__"] in metrics]
        found |= dict(taken(make(), own).readings(NOW))
    placed: dict[str, list[Reading]] = {}
    for host, name in sorted(asyncio.run(places(found, nodes, pods)).items()):
        placed.setdefault(name, []).extend(found[host])
    return {name: joined(seen) for name, seen in placed.items()}
