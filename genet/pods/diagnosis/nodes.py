"""What a node did to a pod: refused it, put it out, went away with it; and pods that do not end. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from genet.kube.amounts import amount
from genet.kube.objects import Node
from genet.kube.projection import Condition
from genet.lifecycle import write_time
from genet.pods.diagnosis.evidence import Evidence
from genet.pods.diagnosis.reasons import Finding, finding, quoted

_LOW: Final = re.compile(r"low on resource: ([a-z-]+)\.?")
_THRESHOLD: Final = re.compile(r"[Tt]hreshold quantity: ([^\s,.]+), available: ([^\s,]+?)\.?(?:\s|$)")
_USING: Final = re.compile(
    r"[Cc]ontainer (\S+) was using ([^\s,]+),(?: which exceeds its)? request (?:is|of) ([^\s,]+?)\.?(?:,|\s|$)"
)
_LIMIT: Final = re.compile(
    r'(?:Usage of EmptyDir volume "([^"]+)"|Container (\S+)|Pod ephemeral local storage usage)'
    r'.* exceed(?:s|ed) .*? "?([0-9][^\s".]*)"?'
)
_DEVICES_FULL: Final = re.compile(r"unavailable for ([^\s,]+?)\. Requested: (\d+), Available: (\d+)")
_OUT_OF: Final = re.compile(r"enough resource: (\S+), requested: (\d+), used: (\d+), capacity: (\d+)")
_MILLI: Final = 1000
_SHUTDOWN: Final = ("NodeShutdown", "Terminated", "Shutdown")
_MISPLACED: Final = ("NodeLost", "NodeAffinity", "NodePorts", "Taint", "MatchNodeSelector")
_GRACE: Final = 60
"""Seconds beyond its grace after which a pod that is still there counts as stuck."""


def lost(evidence: Evidence) -> Finding | None:
    """A node that is gone, unreachable or not ready; None where it is well or nobody looked."""
    name = evidence.pod.spec.node_name
    if not name or not evidence.node_known:
        return None
    if evidence.node is None:
        return finding("node_gone", node=name)
    ready = _ready(evidence.node)
    if ready is None or ready.status == "True":
        return None
    since = write_time(ready.last_transition_time) if ready.last_transition_time else None
    if ready.status == "Unknown":
        return finding("node_unreachable", node=name, since=since)
    return finding("node_not_ready", node=name, since=since, message=quoted(ready.message) or None)


def ending(evidence: Evidence) -> Iterator[Finding]:
    """Of a pod that is being deleted."""
    meta, away = evidence.pod.metadata, lost(evidence)
    if meta.deletion_timestamp is None:
        return
    # Kubernetes notes the moment at which the grace ends, not the one at which somebody asked
    left = int((meta.deletion_timestamp - evidence.now).total_seconds())
    if away is not None:
        yield finding("terminating_node_lost", node=evidence.pod.spec.node_name, since=away.params.get("since"))
        yield away
    elif left >= 0:
        yield finding("terminating", seconds=left)
    elif meta.finalizers and _is_through(evidence):
        yield finding("terminating_finalizers", finalizers=list(meta.finalizers))
    elif -left > _GRACE:
        yield finding("terminating_stuck", seconds=-left)
    else:
        yield finding("terminating", seconds=0)


def failed(evidence: Evidence) -> Finding | None:
    """A pod that its node, not its own program, has ended; None where its containers tell."""
    status, node = evidence.pod.status, evidence.pod.spec.node_name
    if status.phase != "Failed" and status.reason != "NodeLost":
        return None
    reason, message = status.reason, status.message
    if reason in ("Preempting", "Preempted") or _disrupted(evidence) == "PreemptionByScheduler":
        return finding("preempted", node=node, message=quoted(message) or None)
    found: Finding | None = None
    if reason == "UnexpectedAdmissionError":
        found = _refused(node, message, evidence)
    elif reason.startswith("OutOf"):
        found = _too_full(node, message, evidence)
    elif reason == "Evicted":
        found = _evicted(node, message)
    elif reason in _SHUTDOWN:
        found = finding("node_shutdown", node=node)
    elif reason == "DeadlineExceeded":
        found = finding("deadline_exceeded", seconds=evidence.pod.spec.active_deadline_seconds)
    elif reason in _MISPLACED:
        found = finding("admission_failed", node=node, message=quoted(message) or reason)
    return found


def _evicted(node: str, message: str) -> Finding:
    low, bounds, using = _LOW.search(message), _THRESHOLD.search(message), _USING.search(message)
    about = {
        "node": node,
        "threshold": float(amount(bounds[1])) if bounds else None,
        "available": float(amount(bounds[2])) if bounds else None,
        "container": using[1] if using else None,
        "used": float(amount(using[2])) if using else None,
        "requested": float(amount(using[3])) if using else None,
    }
    if low and low[1].startswith("memory"):
        return finding("evicted_memory", **about)
    if low and low[1] in ("ephemeral-storage", "nodefs", "imagefs", "inodes"):
        return finding("evicted_disk", **about)
    if match := _LIMIT.search(message):
        subject = match[1] or match[2] or "ephemeral-storage"
        return finding("evicted_limit", subject=subject, limit=match[3])
    return finding("evicted", node=node, message=quoted(message) or None)


def _refused(node: str, message: str, evidence: Evidence) -> Finding:
    match = _DEVICES_FULL.search(message)
    if match is None:
        text = message.removeprefix("Pod was rejected: ").removeprefix("Pod ")
        return finding("admission_failed", node=node, message=quoted(text) or "?")
    label = evidence.labels.get(match[1])
    about = {"resource": match[1], "label": label, "requested": float(match[2][:9]), "available": float(match[3][:9])}
    return finding("gpu_refused", node=node, **about)


def _too_full(node: str, message: str, evidence: Evidence) -> Finding:
    match = _OUT_OF.search(message)
    if match is None:
        return finding("admission_failed", node=node, message=quoted(message) or "?")
    unit = _MILLI if match[1] == "cpu" else 1
    requested, used, capacity = (float(match[index][:18]) / unit for index in (2, 3, 4))
    label = evidence.labels.get(match[1])
    return finding(
        "node_too_full", node=node, resource=match[1], label=label, requested=requested, used=used, capacity=capacity
    )


def _is_through(evidence: Evidence) -> bool:
    return not any(status.state.running for status in evidence.pod.status.container_statuses)


def _disrupted(evidence: Evidence) -> str:
    return next((c.reason for c in evidence.pod.status.conditions if c.type == "DisruptionTarget"), "")


def _ready(node: Node) -> Condition | None:
    return next((item for item in node.status.conditions if item.type == "Ready"), None)
