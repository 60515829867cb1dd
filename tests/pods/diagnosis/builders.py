"""Evidence as tests need it: pods, nodes and events in Kubernetes' own spelling."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from genet.kube.details import POD_DETAILS, DetailedPod
from genet.kube.objects import EVENTS, NODES, PVCS, Event, Node, PersistentVolumeClaim
from genet.pods.diagnosis.evidence import Evidence, Holder, NodeRoom

NOW = datetime(2026, 11, 22, 12, 33, 30, tzinfo=UTC)
GPU = "nvidia.com/gpu"
REAL: dict[str, Any] = json.loads((Path(__file__).parent / "real.json").read_text())
"""Pods that were provoked on a real cluster (Kubernetes 1.20, containerd), with their events."""


def pod(spec: dict[str, Any] | None = None, status: dict[str, Any] | None = None, **metadata: Any) -> DetailedPod:
    document = {
        "metadata": {"name": "pod-a-a-x", "namespace": "user-a-a", "creationTimestamp": "2026-11-22T12:30:00Z"}
        | metadata,
        "spec": {"containers": [{"name": "main", "image": "debian:13"}], **(spec or {})},
        "status": {"phase": "Pending", **(status or {})},
    }
    return POD_DETAILS.one.decode(msgspec.json.encode(document))


def asking(amounts: dict[str, str], message: str = "", **spec: Any) -> DetailedPod:
    """Without a node; the scheduler said `message`."""
    resources = {"limits": amounts, "requests": amounts}
    containers = [{"name": "main", "image": "debian:13", "resources": resources}]
    told = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return pod({"containers": containers, **spec}, {"conditions": [told] if message else []})


def on_node(status: dict[str, Any], container: dict[str, Any] | None = None, **metadata: Any) -> DetailedPod:
    containers = [{"name": "main", "image": "debian:13", **(container or {})}]
    return pod({"nodeName": "gpu-1", "containers": containers}, status, **metadata)


def with_state(state: dict[str, Any], *, container: dict[str, Any] | None = None, **more: Any) -> DetailedPod:
    """On its node, its one container in that state."""
    status = {"name": "main", "ready": False, "restartCount": more.pop("restarts", 0), "state": state, **more}
    return on_node({"phase": "Running", "containerStatuses": [status]}, container)


def node(name: str, allocatable: dict[str, str] | None = None, **more: Any) -> Node:
    ready = {"type": "Ready", "status": more.pop("ready", "True"), "lastTransitionTime": "2026-11-22T10:00:00Z"}
    document: dict[str, Any] = {
        "metadata": {"name": name, "labels": more.pop("labels", {})},
        "spec": more,
        "status": {"allocatable": {"cpu": "64", "memory": "256Gi", "pods": "110", GPU: "8"} | (allocatable or {})},
    }
    document["status"]["conditions"] = [ready]
    return NODES.one.decode(msgspec.json.encode(document))


def room(
    name: str, used: dict[str, str] | None = None, allocatable: dict[str, str] | None = None, **more: Any
) -> NodeRoom:
    return NodeRoom(node(name, allocatable, **more), {key: Decimal(text) for key, text in (used or {}).items()})


def event(reason: str, message: str, *, container: str = "", at: str = "2026-11-22T12:32:00Z", **more: Any) -> Event:
    path = {"fieldPath": f"spec.containers{{{container}}}"} if container else {}
    document = {"metadata": {"name": "e"}, "involvedObject": path, "reason": reason, "message": message}
    return EVENTS.one.decode(msgspec.json.encode({**document, "type": "Warning", "lastTimestamp": at, **more}))


def claim(name: str, phase: str = "Pending", **spec: Any) -> PersistentVolumeClaim:
    document = {
        "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], **spec},
        "status": {"phase": phase},
    }
    return PVCS.one.decode(msgspec.json.encode(document))


def holder(user: str, count: int, node_name: str = "gpu-1", ends_at: datetime | None = None) -> Holder:
    return Holder(user, f"pod-{user}-train", node_name, GPU, count, ends_at)


def real(name: str, **more: Any) -> Evidence:
    """A provoked pod, on a cluster of one plain node and twenty tainted ones."""
    found = REAL[name]
    hollow = [{"key": "hollow", "effect": "NoSchedule"}]
    plain = {"cpu": "2", "memory": "7Gi", GPU: "4"}
    rooms = [room("node1", {"cpu": "0.1", GPU: "1"}, plain)]
    rooms += [
        room(f"hollow-{n:05}", labels={"kubernetes.io/hostname": f"hollow-{n:05}"}, taints=hollow) for n in range(20)
    ]
    document = POD_DETAILS.one.decode(msgspec.json.encode(found["pod"]))
    events = [EVENTS.one.decode(msgspec.json.encode({"metadata": {"name": "e"}, **e})) for e in found["events"]]
    own: dict[str, Any] = {
        "node": rooms[0].node if document.spec.node_name else None,
        "node_known": True,
        "nodes": rooms,
    }
    return Evidence(document, NOW, events=events, **(own | more))
