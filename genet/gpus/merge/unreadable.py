"""A node that the merge stumbles over: how many devices it counts is still told, and that nothing else is known. Pure.

No object should make the merge fail; but who writes objects is not Genet, and one node's must never cost the sight of
all others. So what is asked here of the node is as little as possible.
"""

from collections.abc import Sequence
from typing import Final

from genet import accelerators
from genet.gpus.merge.inventory import Kind, NodeDevices
from genet.gpus.merge.kinds import Kinds
from genet.gpus.overview import Node, Slot
from genet.kube import objects
from genet.settings import GPUType

_MOST: Final = 1024
_REASON: Final = "Genet cannot make sense of what is said of this node; its log says more"


def unreadable(node: objects.Node, types: Sequence[GPUType]) -> dict[Kind, NodeDevices]:
    """The node's devices by what counts them, all of unknown state; none of them can be promised to anybody."""
    is_device = accelerators.counts_devices(kind.resource_name for kind in types)
    kinds = Kinds(node, types, ())
    shown = {}
    for resource, amount in sorted(node.status.capacity.items()):
        if is_device(resource) and amount.isascii() and amount.isdecimal() and amount != "0":
            vendor = accelerators.vendor_of(resource)
            slots = tuple(map(_slot, range(min(int(amount[:9]), _MOST))))
            shown[kinds.kind(resource, vendor.name if vendor else "", None)] = NodeDevices(_node(node, slots), 0)
    return shown


def _slot(index: int) -> Slot:
    return Slot(
        index=index,
        uuid=None,
        status="unknown",
        attribution=None,
        reason=_REASON,
        utilization=None,
        memory_used=None,
        memory_total=None,
        power=None,
        temperature=None,
        pod=None,
        pods=(),
        slices=(),
        replicas=None,
        idle_since=None,
    )


def _node(node: objects.Node, slots: tuple[Slot, ...]) -> Node:
    return Node(
        node_name=node.metadata.name,
        node_ip=None,
        device_type=None,
        total_devices=len(slots),
        used_devices=0,
        slots=slots,
        time_sharing_enabled=False,
        ready=any(told.type == "Ready" and told.status == "True" for told in node.status.conditions),
        schedulable=not node.spec.unschedulable,
    )
