"""Genet's own sharing: cards that several pods use by agreement, on nodes that advertise none of them.

The API server counts nothing here. How many cards there are is GPU feature discovery's label and what exporters see;
who works on which is the annotation that Genet writes on its pods.

Trap: whoever may create pods in their namespace with kubectl can write that annotation too. So it counts on nodes set
apart for sharing only, in users' namespaces only, and it names one more pod on a card without taking it from another.
That the pod really sees the card is not proven by it, as sharing is cooperation anyway.
"""

import re
from collections.abc import Iterator
from typing import Final

from genet import accelerators, naming
from genet.gpus.model import Holding, NodeFacts, Seen, index_name
from genet.kube import requests
from genet.kube.objects import Node
from genet.kube.quantity import parse

_MODE: Final = "shared"
_RESOURCE: Final = "nvidia.com/gpu"
_COUNT: Final = "nvidia.com/gpu.count"
_FEW: Final = re.compile(r"\d{1,3}", re.ASCII)
_USERS: Final = naming.namespace("")


def devices(facts: NodeFacts) -> Iterator[Seen]:
    resource = _resource(facts.node)
    vendor = accelerators.vendor_of(resource or "")
    if vendor is None:
        return
    labels = facts.node.metadata.labels
    label = labels.get(_COUNT, "") if vendor is accelerators.NVIDIA else ""
    counted = range(int(label)) if _FEW.fullmatch(label) else ()
    seen = {reading.index for reading in facts.readings if reading.vendor == vendor.name}
    for index in sorted(seen.union(counted)):
        yield Seen(
            names=(index_name(vendor.name, index),),
            vendor=vendor.name,
            index=index,
            resource=resource,
            product=accelerators.model(labels.get(vendor.product_label or "", "")) or None,
            memory_total=accelerators.memory_mib(resource or "", labels),
        )


def holdings(facts: NodeFacts) -> Iterator[Holding]:
    vendor = accelerators.vendor_of(_resource(facts.node) or "")
    if vendor is None:
        return
    for pod in facts.pods:
        of = pod.metadata
        if requests.is_finished(pod) or naming.GPU_TYPE not in of.labels or not of.namespace.startswith(_USERS):
            continue
        texts = {text.strip() for text in of.annotations.get(naming.GPU_DEVICES, "").split(",")}
        for index in sorted({int(text) for text in texts if _FEW.fullmatch(text)}):
            yield Holding(device=index_name(vendor.name, index), pod=(of.namespace, of.name))


def _resource(node: Node) -> str | None:
    """What the node's cards would be counted by; None: they are not shared in this way."""
    counted = [name for name in node.status.capacity if accelerators.vendor_of(name)]
    if node.metadata.labels.get(naming.GPU_MODE) != _MODE or any(parse(node.status.capacity[name]) for name in counted):
        return None
    return counted[0] if len(counted) == 1 else _RESOURCE
