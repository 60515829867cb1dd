"""What the pods of one node ask of it. Pure.

Trap: a request for an extended resource may be served by a claim (DRA), which is counted then in its stead: the device
plugin gives nothing for it.
"""

from collections.abc import Callable, Iterable

from genet.gpus.model import PodKey
from genet.kube import requests
from genet.kube.objects import Pod


class Demand:
    """Of bound, unfinished pods."""

    def __init__(self, pods: Iterable[Pod], is_device: Callable[[str], bool]) -> None:
        self.pods = {(pod.metadata.namespace, pod.metadata.name): pod for pod in pods if not requests.is_finished(pod)}
        self.asked: dict[str, dict[PodKey, int]] = {}
        """Units by resource and pod."""
        self._claimed: dict[str, set[PodKey]] = {}
        for key, pod in self.pods.items():
            for resource, units in requests.extended(pod, is_device).items():
                self.asked.setdefault(resource, {})[key] = units
            served = pod.status.extended_resource_claim_status
            for mapping in served.request_mappings if served else ():
                self._claimed.setdefault(mapping.resource_name, set()).add(key)

    def of_plugin(self, resource: str) -> dict[PodKey, int]:
        """What a device plugin has to give."""
        claimed = self._claimed.get(resource, ())
        return {key: units for key, units in self.asked.get(resource, {}).items() if key not in claimed}
