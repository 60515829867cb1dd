"""What befalls nodes: one that is not heard of any more, comes back, or runs short and puts a pod out.

In the words of the node controller and of a kubelet. The controller takes pods off a lost node after five minutes, by
deletion; that is left to whoever tells the story, as time here is often not the clock's.
"""

from typing import Any, Final

from genet.simulation.kubelet import Kubelet
from genet.simulation.pod_status import condition, with_condition
from genet.simulation.store import Store

Obj = dict[str, Any]

_UNREACHABLE: Final = "node.kubernetes.io/unreachable"
_SILENT: Final = {"reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}
_READY: Final = {"reason": "KubeletReady", "message": "kubelet is posting ready status"}


class Accidents:
    def __init__(self, store: Store, kubelet: Kubelet) -> None:
        self._store = store
        self._kubelet = kubelet

    def lose(self, name: str) -> None:
        """The node stops answering: its conditions are unknown, it is tainted, its pods are not ready."""
        node = self._store.get("nodes", "", name)
        taints = [{"key": _UNREACHABLE, "effect": effect} for effect in ("NoSchedule", "NoExecute")]
        node = self._store.update("nodes", {**node, "spec": {**node["spec"], "taints": [*_others(node), *taints]}})
        conditions = [item for item in node["status"]["conditions"] if item["type"] != "Ready"]
        told = [{**item, "status": "Unknown", **_SILENT} for item in conditions]
        ready = condition("Ready", "Unknown", self._store.clock(), **_SILENT)
        self._store.update(
            "nodes", {**node, "status": {**node["status"], "conditions": [*told, ready]}}, subresource="status"
        )
        self._set_ready(name, "False")

    def restore(self, name: str) -> None:
        """It is heard of again, with all its pods as they were."""
        node = self._store.get("nodes", "", name)
        node = self._store.update("nodes", {**node, "spec": {**node["spec"], "taints": _others(node)}})
        now = self._store.clock()
        conditions = [
            condition(item["type"], "True" if item["type"] == "Ready" else "False", now, **_READY)
            for item in node["status"]["conditions"]
        ]
        self._store.update(
            "nodes", {**node, "status": {**node["status"], "conditions": conditions}}, subresource="status"
        )
        self._set_ready(name, "True")

    def evict(
        self, namespace: str, name: str, *, available: str = "52840Ki", used: str = "5Gi", asked: str = "1Gi"
    ) -> None:
        """Puts a pod out because its node is short of memory."""
        pod = self._store.get("pods", namespace, name)
        container = pod["spec"]["containers"][0]["name"]
        text = (
            f"The node was low on resource: memory. Threshold quantity: 100Mi, available: {available}. Container "
            f"{container} was using {used}, request is {asked}, has larger consumption of memory. "
        )
        self._kubelet.evict(pod, text)

    def _set_ready(self, node: str, status: str) -> None:
        for pod in self._store.list("pods"):
            if pod["spec"].get("nodeName") != node or "conditions" not in pod.get("status", {}):
                continue
            conditions = with_condition(pod["status"]["conditions"], condition("Ready", status, self._store.clock()))
            self._store.update(
                "pods", {**pod, "status": {**pod["status"], "conditions": conditions}}, subresource="status"
            )


def _others(node: Obj) -> list[Obj]:
    return [taint for taint in node["spec"].get("taints") or () if taint["key"] != _UNREACHABLE]
