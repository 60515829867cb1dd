"""Pods to nodes: what is free on each node, which pods wait, and when it is worth trying one again.

The rules are in scheduling_rules.py; this room keeps their inputs up to date from the store's changes. Traps: a
Terminating pod still holds its resources, a finished one does not; a pod that fits nowhere is tried again only when
something changed that could help, so that its FailedScheduling event is not repeated for nothing.
"""

import asyncio
from typing import Any

from genet.simulation.dynamic_claims import DynamicClaims
from genet.simulation.pod_status import condition, finished, with_condition
from genet.simulation.recorder import Recorder
from genet.simulation.scheduling_rules import NodeState, allocatable, explain_all, place, requests
from genet.simulation.store import Key, Store, key_of
from genet.simulation.volumes import SELECTED_NODE, WAITS, volume_node_terms

Obj = dict[str, Any]

_VOLUMES = ("persistentvolumeclaims", "persistentvolumes", "storageclasses")
_HELPFUL = (*_VOLUMES, "resourceclaims", "resourceslices", "deviceclasses")
"""Changes of these can help pods that wait."""


class Scheduler:
    def __init__(self, store: Store, claims: DynamicClaims) -> None:
        self._store = store
        self._claims = claims
        self._recorder = Recorder(store, "default-scheduler")
        self._nodes: dict[str, NodeState] = {}
        self._bound: dict[str, tuple[str, dict[str, float]]] = {}
        """By pod UID: the node, and what the pod takes of it."""
        self._ready: set[Key] = set()
        self._waiting: set[Key] = set()
        """Pods that fitted nowhere when last tried."""
        self._wake = asyncio.Event()
        for node in store.list("nodes"):
            self._node_changed("ADDED", node)
        for pod in store.list("pods"):
            self._pod_changed("ADDED", pod)
        store.subscribe(self._changed)

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            pods = [pod for pod in (self._store.find("pods", *key) for key in self._ready) if pod]
            self._ready.clear()
            for key in [key_of(pod) for pod in sorted(pods, key=_turn)]:
                pod = self._store.find("pods", *key)
                if pod and _mine(pod):
                    self._schedule(pod)
                await asyncio.sleep(0)

    def _changed(self, plural: str, kind: str, new: Obj, old: Obj | None) -> None:
        if plural == "pods":
            self._pod_changed(kind, new)
        elif plural == "nodes":
            if kind == "MODIFIED" and old and _offer(old) == _offer(new):
                self._nodes[new["metadata"]["name"]].node = new
                return
            self._node_changed(kind, new)
        elif plural in _HELPFUL:
            self._retry()

    def _pod_changed(self, kind: str, pod: Obj) -> None:
        metadata = pod["metadata"]
        key = key_of(pod)
        node = pod["spec"].get("nodeName")
        if kind == "DELETED" or finished(pod):
            self._ready.discard(key)
            self._waiting.discard(key)
            if known := self._bound.pop(metadata["uid"], None):
                self._take(*known, sign=-1)
                self._retry()
        elif node:
            if metadata["uid"] not in self._bound:
                self._bound[metadata["uid"]] = (node, requests(pod))
                self._take(*self._bound[metadata["uid"]], sign=1)
        elif key not in self._waiting and _mine(pod):
            self._ready.add(key)
            self._wake.set()

    def _node_changed(self, kind: str, node: Obj) -> None:
        name = node["metadata"]["name"]
        if kind == "DELETED":
            self._nodes.pop(name, None)
            return
        used = self._nodes[name].used if name in self._nodes else None
        self._nodes[name] = state = NodeState(node, allocatable(node))
        if used is not None:
            state.used = used
        self._retry()

    def _take(self, node: str, amounts: dict[str, float], sign: int) -> None:
        if state := self._nodes.get(node):
            for name, amount in amounts.items():
                state.used[name] += sign * amount

    def _retry(self) -> None:
        self._ready |= self._waiting
        self._waiting.clear()
        if self._ready:
            self._wake.set()

    def _schedule(self, pod: Obj) -> None:
        metadata = pod["metadata"]
        problem = self._claim_problem(pod) or self._claims.problem(pod)
        terms = volume_node_terms(self._store, pod)
        reach = self._claims.reach(pod)
        nodes = list(self._nodes.values())
        answer = explain_all(len(nodes), problem) if problem else place(pod, nodes, terms, reach)
        if isinstance(answer, str):
            self._waiting.add(key_of(pod))
            self._recorder.warning("pods", pod, "FailedScheduling", answer)
            self._conclude(pod, "False", reason="Unschedulable", message=answer)
            return
        node = answer.node["metadata"]["name"]
        if not self._consume(pod, node):
            self._waiting.add(key_of(pod))  # the real one waits, and says nothing for ten minutes
            return
        self._claims.reserve(pod, node)
        bound = self._store.update("pods", {**pod, "spec": {**pod["spec"], "nodeName": node}})
        self._conclude(bound, "True")
        self._recorder.normal(
            "pods", pod, "Scheduled", f"Successfully assigned {metadata['namespace']}/{metadata['name']} to {node}"
        )

    def _conclude(self, pod: Obj, status: str, **why: str) -> None:
        scheduled = condition("PodScheduled", status, self._store.clock(), **why)
        old = pod.get("status", {})
        new = {"phase": "Pending", **old, "conditions": with_condition(old.get("conditions", ()), scheduled)}
        self._store.update("pods", {**pod, "status": new}, subresource="status")

    def _claim_problem(self, pod: Obj) -> str | None:
        for volume in pod["spec"].get("volumes") or ():
            if "persistentVolumeClaim" not in volume:
                continue
            name = volume["persistentVolumeClaim"]["claimName"]
            claim = self._store.find("persistentvolumeclaims", pod["metadata"]["namespace"], name)
            if claim is None:
                return f'persistentvolumeclaim "{name}" not found'
            if "deletionTimestamp" in claim["metadata"]:
                return f'persistentvolumeclaim "{name}" is being deleted'
            if claim.get("status", {}).get("phase") == "Lost":
                return f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{_volume_name(claim)}"'
            if claim.get("status", {}).get("phase") != "Bound" and not self._waits(claim):
                return "pod has unbound immediate PersistentVolumeClaims"
        return None

    def _waits(self, claim: Obj) -> bool:
        """Whether it is bound only once a pod that uses it has a node."""
        found = self._store.find("storageclasses", "", claim["spec"].get("storageClassName") or "")
        return found is not None and found.get("volumeBindingMode") == WAITS and not _volume_name(claim)

    def _consume(self, pod: Obj, node: str) -> bool:
        """Writes the node on claims that wait for it; whether all are bound then."""
        namespace = pod["metadata"]["namespace"]
        names = [
            volume["persistentVolumeClaim"]["claimName"]
            for volume in pod["spec"].get("volumes") or ()
            if "persistentVolumeClaim" in volume
        ]
        for name in names:
            claim = self._store.get("persistentvolumeclaims", namespace, name)
            if claim["status"]["phase"] != "Bound":
                metadata = claim["metadata"]
                annotations = {**metadata.get("annotations", {}), SELECTED_NODE: node}
                told = {**claim, "metadata": {**metadata, "annotations": annotations}}
                self._store.update("persistentvolumeclaims", told)
        claims = (self._store.get("persistentvolumeclaims", namespace, name) for name in names)
        return all(claim["status"]["phase"] == "Bound" for claim in claims)


def _volume_name(claim: Obj) -> str:
    return str(claim["spec"].get("volumeName", ""))


def _mine(pod: Obj) -> bool:
    spec = pod["spec"]
    not_now = spec.get("nodeName") or spec.get("schedulingGates") or "deletionTimestamp" in pod["metadata"]
    return spec.get("schedulerName", "default-scheduler") == "default-scheduler" and not not_now


def _turn(pod: Obj) -> tuple[int, str]:
    return -int(pod["spec"].get("priority", 0)), pod["metadata"]["creationTimestamp"]


def _offer(node: Obj) -> tuple[Any, ...]:
    """What decides about pods; a change of anything else is no reason to try again."""
    return node.get("spec"), node["metadata"].get("labels"), node.get("status", {}).get("allocatable")
