"""What kubectl's STATUS column says of a pod, and the one sentence behind it. Pure.

Source: the pod printer of Kubernetes (pkg/printers/internalversion), whose order of precedence is kept: a reason of
the pod, then the first init container that is not through, then (where that does not hold the pod back) the first
container with something to say, and a deletion over everything but an end.
"""

from genet.kube.objects import ContainerState, Pod
from genet.kube.requests import is_finished

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


def message(pod: Pod) -> str | None:
    """Why the pod does not run, in the words of whoever stopped it; None when it runs or nobody said."""
    if status_column(pod) == "Running":
        return None
    statuses = (*pod.status.init_container_statuses, *pod.status.container_statuses)
    said = [_said(status.state) for status in statuses if not status.ready]
    unscheduled = [c.message for c in pod.status.conditions if c.type == "PodScheduled" and c.status == "False"]
    return next((text for text in (pod.status.message, *said, *unscheduled) if text), None)


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


def _said(state: ContainerState) -> str:
    if state.waiting is not None:
        return state.waiting.message
    if state.terminated is not None:
        return state.terminated.message or f"ended with exit code {state.terminated.exit_code}"
    return ""


def _holds(pod: Pod, condition: str) -> bool:
    return any(c.type == condition and c.status == "True" for c in pod.status.conditions)
