"""The kubelet's word on which devices a container was given: `allocatedResourcesStatus` of the pod (KEP-4680).

Names are the device plugin's IDs, which every plugin makes in its own way: `GPU-<uuid>` or `MIG-<uuid>`, with `::<n>`
where they are shared; GKE's `nvidia<i>[/gi<g>][/vgpu<n>]`; AMD's PCI addresses; Ascend's `<type>-<i>`. DRA's devices
are `<driver>/<pool>/<device>` under `claim:<claim>/<request>`.

Trap: a monitor's claim (`adminAccess`) is told like any other. So what claims say is believed where they can be read.
"""

import re
from collections.abc import Iterator
from typing import Final

from genet import accelerators
from genet.gpus.model import Holding, NodeFacts, index_name, instance_name, pci_name, quoting
from genet.kube import requests
from genet.kube.objects import Pod, ResourceHealth

_CLAIM: Final = "claim:"
_REPLICA: Final = "::"
_UNHEALTHY: Final = "Unhealthy"
_GKE: Final = re.compile(r"nvidia(\d{1,4})(?:/gi(\d{1,4}))?(?:/vgpu\d{1,4})?", re.ASCII)
_PCI: Final = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]", re.ASCII | re.IGNORECASE)
_ASCEND: Final = re.compile(r"Ascend[0-9A-Za-z]+-(\d{1,4})", re.ASCII)

_REPORTED = "the kubelet reports the device as unhealthy"


def holdings(facts: NodeFacts) -> Iterator[Holding]:
    for pod, resource, status in _statuses(facts):
        if resource is not None or not facts.claims_known:
            key = (pod.metadata.namespace, pod.metadata.name)
            yield Holding(device=_name(status.resource_id), pod=key, resource=resource)


def faults(facts: NodeFacts) -> Iterator[tuple[str, str]]:
    for _, _, status in _statuses(facts):
        if status.health == _UNHEALTHY:
            reason = quoting(_REPORTED, status.message) if status.message else _REPORTED
            yield _name(status.resource_id), reason


def _statuses(facts: NodeFacts) -> Iterator[tuple[Pod, str | None, ResourceHealth]]:
    """With the resource that counts the device; None: a claim's."""
    for pod in facts.pods:
        if requests.is_finished(pod):
            continue
        for container in (*pod.status.container_statuses, *pod.status.init_container_statuses):
            for allocated in container.allocated_resources_status:
                is_claim = allocated.name.startswith(_CLAIM)
                if is_claim or accelerators.vendor_of(allocated.name):
                    for status in allocated.resources:
                        yield pod, None if is_claim else allocated.name, status


def _name(device: str) -> str:
    device = device.partition(_REPLICA)[0]
    if gke := _GKE.fullmatch(device):
        card = index_name(accelerators.NVIDIA.name, int(gke[1]))
        return instance_name(card, gke[2]) if gke[2] else card
    if ascend := _ASCEND.fullmatch(device):
        return index_name(accelerators.ASCEND.name, int(ascend[1]))
    return pci_name(device) if _PCI.fullmatch(device) else device
