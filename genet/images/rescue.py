"""Whether a Job that was saving a pod ended so that the pod's container may stand still. Pure.

Who pauses a container lets it go on, also when it gives up; who is killed does not.

Trap: old kubelets (1.20) forget the containers of a pod that they evict, so what was last said of them counts.
"""

import re
from typing import Final

from genet import naming
from genet.images.job import COMMIT
from genet.images.source import Source
from genet.kube.objects import ContainerState, Pod

_CONTAINER: Final = re.compile(r"[0-9a-f]{64}")
_BY_ITSELF: Final = (0, 1)
"""Exit codes of a nerdctl that came to its own end: it is done, or says why not."""


def left_standing(before: Pod | None, after: Pod | None) -> Source | None:
    """Of a change of the Job's pod: the container that may have been left paused by just this change; None: none.

    `before` is None for a pod that was not known yet, `after` for one that is gone.
    """
    if _is_killed(before) or not (_is_killed(after) or (_was_reading(before) and _is_over(after))):
        return None
    pod = after or before
    container = pod.metadata.annotations.get(naming.CONTAINER, "") if pod is not None else ""
    if pod is None or not pod.spec.node_name or _CONTAINER.fullmatch(container) is None:
        return None
    return Source(pod.spec.node_name, container)


def _is_killed(pod: Pod | None) -> bool:
    state = _commit(pod)
    return state is not None and state.terminated is not None and state.terminated.exit_code not in _BY_ITSELF


def _was_reading(pod: Pod | None) -> bool:
    """Or nobody knows."""
    if pod is None:
        return True
    state = _commit(pod)
    return state is not None and state.running is not None


def _is_over(pod: Pod | None) -> bool:
    """Whether nothing more will be heard of the container that read."""
    return pod is None or (pod.status.phase == "Failed" and _commit(pod) is None)


def _commit(pod: Pod | None) -> ContainerState | None:
    statuses = pod.status.init_container_statuses if pod is not None else ()
    return next((status.state for status in statuses if status.name == COMMIT), None)
