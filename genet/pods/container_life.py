"""A container between its start and its end, as the pod's status tells it. Pure.

Lives are counted by restarts: the present one has the number `restartCount`, also while the next has to wait for its
turn (CrashLoopBackOff). The kubelet keeps the log of the present one and of the one before.
"""

from typing import NamedTuple

from genet.errors import FieldError, Invalid
from genet.kube.objects import ContainerStateTerminated, Pod
from genet.kube.requests import is_finished


class Life(NamedTuple):
    number: int
    has_begun: bool
    """There is a log to read, if only an empty one."""
    is_running: bool
    comes_again: bool
    """After its end there will be another, as far as one can tell."""
    before: ContainerStateTerminated | None
    """How the one before has ended, as long as its log can be read."""


def chosen(pod: Pod, container: str | None) -> str:
    """The name of the container that is meant: the first one, where none is named.

    Raises:
        Invalid: there is no such container.
    """
    names = [each.name for each in (*pod.spec.containers, *pod.spec.init_containers)]
    if container is None and names:
        return names[0]
    if container not in names:
        message = f"no such container; there are: {', '.join(names)}"
        raise Invalid("the log cannot be read", errors=[FieldError("container", message)])
    return container


def life_of(pod: Pod, container: str) -> Life:
    statuses = (*pod.status.container_statuses, *pod.status.init_container_statuses)
    status = next((each for each in statuses if each.name == container), None)
    if status is None:
        return Life(0, has_begun=False, is_running=False, comes_again=_goes_on(pod), before=None)
    now, last = status.state, status.last_state.terminated
    return Life(
        number=status.restart_count,
        has_begun=bool(now.running or now.terminated or last),
        is_running=now.running is not None,
        comes_again=_comes_again(pod, container, now.terminated),
        # while it waits for its turn, the last state is its own
        before=last if now.waiting is None else None,
    )


def _comes_again(pod: Pod, container: str, ended: ContainerStateTerminated | None) -> bool:
    if not _goes_on(pod):
        return False
    if ended is None:
        return True
    policy = pod.spec.restart_policy
    first = next((each for each in pod.spec.init_containers if each.name == container), None)
    if first is not None and first.restart_policy != "Always":
        return ended.exit_code != 0 and policy != "Never"
    return first is not None or policy == "Always" or (policy == "OnFailure" and ended.exit_code != 0)


def _goes_on(pod: Pod) -> bool:
    return not is_finished(pod) and pod.metadata.deletion_timestamp is None
