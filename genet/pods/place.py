"""Where a process is started: one container of a pod, and why that cannot be."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from genet.errors import Conflict, FieldError, Invalid, NotFound, Unavailable
from genet.kube.client import KubeClient
from genet.kube.exec import Execution
from genet.kube.objects import Pod
from genet.kube.requests import is_finished
from genet.pods.restarting import is_stand_in

_GONE = ("container not found", "not running", "task not found")
"""What kubelets say (as an error 500) of a container that has ended, or has not started."""


class NotRunning(Conflict):
    """The container has not started yet, has ended, or did not run before."""

    code = "not_running"


@dataclass(frozen=True)
class Place:
    namespace: str
    pod: str
    container: str


def place(pod: Pod, container: str | None) -> Place:
    """The container of that name, or the first.

    Raises:
        Invalid: the pod has no such container.
        NotRunning: nothing can be started in the pod any more.
    """
    if errors := unknown(pod, container):
        raise Invalid("nothing can be run there", errors=errors)
    if pod.metadata.deletion_timestamp is not None:
        raise NotRunning("the pod is being deleted")
    if is_finished(pod):
        raise NotRunning("the pod has ended")
    if is_stand_in(pod):
        raise NotRunning("the pod is being restarted; try again in a moment")
    return Place(pod.metadata.namespace, pod.metadata.name, container or _names(pod)[0])


def unknown(pod: Pod, container: str | None) -> list[FieldError]:
    """What is wrong with the name of the container."""
    names = _names(pod)
    if container is None or container in names:
        return []
    return [FieldError("container", f"no such container; there are: {', '.join(names)}")]


def _names(pod: Pod) -> list[str]:
    sidecars = [c.name for c in pod.spec.init_containers if c.restart_policy == "Always"]
    return [c.name for c in pod.spec.containers] + sidecars


@asynccontextmanager
async def started(
    kube: KubeClient, where: Place, command: Sequence[str], *, stdin: bool = False, tty: bool = False
) -> AsyncIterator[Execution]:
    """Start a process there. Leaving closes its streams and leaves the process where it is.

    Raises:
        NotFound: the pod is gone.
        NotRunning: the container does not run.
        Unavailable: the API server or the node does not answer.
    """
    is_started = False
    try:
        async with kube.exec(
            where.namespace, where.pod, command, container=where.container, stdin=stdin, tty=tty
        ) as execution:
            is_started = True
            yield execution
    except (NotFound, Invalid, Unavailable) as error:
        if is_started or not (reason := _reason(error)):
            raise
        raise reason from error


def means_gone(message: str) -> bool:
    """Whether a kubelet's complaint means that the container does not run."""
    return any(words in message for words in _GONE)


def _reason(error: NotFound | Invalid | Unavailable) -> NotFound | NotRunning | None:
    if isinstance(error, NotFound):
        return NotFound("no such pod")
    if isinstance(error, Invalid) or means_gone(error.detail):
        return NotRunning(f"the container does not run: {error.detail}")
    return None
