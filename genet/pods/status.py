"""What kubectl's STATUS column says of a pod, and the one sentence behind it. Pure.

Source: the pod printer of Kubernetes (pkg/printers/internalversion), whose order of precedence is kept: a reason of
the pod, then the first init container that is not through, then (where that does not hold the pod back) the first
container with something to say, and a deletion over everything but an end.
"""

from datetime import datetime

from genet.kube.objects import ContainerState, Pod
from genet.kube.requests import is_finished
from genet.pods.diagnosis.rules import sentence_alone
from genet.pods.diagnosis.wording import Language

_LOST = "NodeLost"
_GATED = "SchedulingGated"


def status_column(pod: Pod) -> str:
    if pod.metadata.deletion_timestamp is not None and pod.status.reason == _LOST:
        return "Unknown"
    if pod.metadata.deletion_timestamp is not None and not is_finished(pod):
        return "Terminating"
    initializing = _initializing(pod)
    if initializing is None or _holds(pod, "Initialized"):
        return _containers(pod, initializing or _own_word(pod))
    return initializing


def message(pod: Pod, now: datetime, language: Language = "en") -> str | None:
    """Why the pod does not run, in one sentence and as far as the pod alone tells; None when it runs or nobody said."""
    if status_column(pod) == "Running":
        return None
    return sentence_alone(pod, now, language)


def restarts(pod: Pod) -> int:
    return sum(status.restart_count for status in pod.status.container_statuses)


def _initializing(pod: Pod) -> str | None:
    sidecars = {c.name for c in pod.spec.init_containers if c.restart_policy == "Always"}
    total = len(pod.spec.init_containers)
    for index, status in enumerate(pod.status.init_container_statuses):
        state = status.state
        if state.terminated is not None and state.terminated.exit_code == 0:
            continue
        if status.name in sidecars and status.started:
            continue
        if state.terminated is not None:
            return f"Init:{_terminated(state)}"
        if state.waiting is not None and state.waiting.reason not in ("", "PodInitializing"):
            return f"Init:{state.waiting.reason}"
        return f"Init:{index}/{total}"
    return None


def _own_word(pod: Pod) -> str:
    if any(c.type == "PodScheduled" and c.reason == _GATED for c in pod.status.conditions):
        return _GATED
    return pod.status.reason or pod.status.phase or "Unknown"


def _containers(pod: Pod, text: str) -> str:
    running = False
    for status in reversed(pod.status.container_statuses):
        state = status.state
        if state.waiting is not None and state.waiting.reason:
            text = state.waiting.reason
        elif state.terminated is not None:
            text = _terminated(state)
        elif status.ready and state.running is not None:
            running = True
    if text == "Completed" and running:
        return "Running" if _holds(pod, "Ready") else "NotReady"
    return text


def _terminated(state: ContainerState) -> str:
    ended = state.terminated
    if ended is None:
        return ""
    if ended.reason:
        return ended.reason
    return f"Signal:{ended.signal}" if ended.signal else f"ExitCode:{ended.exit_code}"


def _holds(pod: Pod, condition: str) -> bool:
    return any(c.type == condition and c.status == "True" for c in pod.status.conditions)
