"""How far the Job is that saves a pod, from what the cluster says of it and of its pod. Pure.

Traps:
- A Job that was too long at it has its pod deleted, and with that goes what it said.
- Until a Job has ended its pod may have, and the other way round: what counts is the Job's condition.
- A Job's pods are found by its uid, not its name: a Job of the same name may have been there before.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from genet.images.job import COMMIT, PUSH
from genet.images.model import State
from genet.images.trouble import trouble
from genet.kube.objects import ContainerStatus, Job, Pod
from genet.kube.projection import Condition
from genet.settings import Commit

_ENDS: Final = ("Complete", "Failed")
_UNPULLABLE: Final = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
)
_UNSTARTABLE: Final = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
GRACE: Final = timedelta(hours=1)
"""What a Job gets to end in when its time is over."""
_BY_A_SIGNAL: Final = 128
"""An exit code above this is that of a process that a signal ended."""
_SLOW: Final = timedelta(seconds=30)
"""After which it is said of a pod that still gets its volumes and images that it may lack something."""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    state: State
    code: str | None
    """Of what there is to say (`genet.images.wording`); None: nothing."""
    params: Mapping[str, str] = {}
    container: str | None = None
    """Whose log is of interest; None: there is none."""
    is_maybe_paused: bool = False
    """Whether it ended in a way that may have left the container's processes stopped."""


def has_ended(job: Job) -> bool:
    return _end(job) is not None


def is_at_work(job: Job, settings: Commit, now: datetime) -> bool:
    """Whether a pod is left alone for it: one that no controller looks at, or that is suspended, never ends."""
    created = job.metadata.creation_timestamp
    longest = timedelta(minutes=settings.timeout_minutes) + GRACE
    return not has_ended(job) and (created is None or now - created <= longest)


def pod_of(job: Job, pods: Iterable[Pod]) -> Pod | None:
    """The Job's pod, of all in its namespace."""
    uid = job.metadata.uid
    own = [pod for pod in pods if any(owner.uid == uid for owner in pod.metadata.owner_references)]
    return own[-1] if own else None


def finished_at(job: Job) -> datetime | None:
    end = _end(job)
    return job.status.completion_time or (end.last_transition_time if end is not None else None)


def judge(job: Job, pod: Pod | None, now: datetime) -> Progress:
    """`pod` is the Job's, if it is there."""
    end = _end(job)
    if end is not None and end.type == "Complete":
        return Progress(state="succeeded", code=None, container=PUSH if pod is not None else None)
    if end is not None:
        return _failed(end, pod)
    if pod is None:
        return Progress(state="pending", code="waiting")
    if pod.metadata.deletion_timestamp is not None:
        return Progress(state="running", code="ending")
    commit, push = _status(pod.status.init_container_statuses, COMMIT), _status(pod.status.container_statuses, PUSH)
    for name, status in ((PUSH, push), (COMMIT, commit)):
        if status is not None and (status.state.running or status.state.terminated):
            ended = status.state.terminated
            is_read = name == PUSH or (ended is not None and ended.exit_code == 0)
            found = (_hindered(push) if is_read else None) or Progress(
                state="running", code="pushing" if is_read else "reading"
            )
            return msgspec.structs.replace(found, state="running", container=name)
    return _pending(pod, commit, now)


def _hindered(status: ContainerStatus | None) -> Progress | None:
    """Why a container does not begin."""
    waiting = status.state.waiting if status is not None else None
    if waiting is None or waiting.reason not in _UNPULLABLE | _UNSTARTABLE:
        return None
    code = "unpullable" if waiting.reason in _UNPULLABLE else "unstartable"
    return Progress(state="pending", code=code, params={"detail": waiting.message or waiting.reason})


def _pending(pod: Pod, commit: ContainerStatus | None, now: datetime) -> Progress:
    scheduled = next((one for one in pod.status.conditions if one.type == "PodScheduled"), None)
    if scheduled is not None and scheduled.status == "False":
        return Progress(state="pending", code="unschedulable", params={"detail": scheduled.message})
    hindered = _hindered(commit)
    if hindered is not None:
        return hindered
    started = pod.status.start_time
    if started is not None and now - started > _SLOW:
        return Progress(state="pending", code="unprepared")
    return Progress(state="pending", code="waiting")


def _failed(end: Condition, pod: Pod | None) -> Progress:
    if end.reason == "DeadlineExceeded":
        return Progress(state="failed", code="deadline", is_maybe_paused=True)
    if pod is None:
        return Progress(state="failed", code="vanished", is_maybe_paused=True)
    commit, push = _status(pod.status.init_container_statuses, COMMIT), _status(pod.status.container_statuses, PUSH)
    for name, status in ((PUSH, push), (COMMIT, commit)):
        ended = status.state.terminated if status is not None else None
        if ended is None or not ended.exit_code:
            continue
        # nerdctl says why it gives up, and lets the container go on before; who is killed does neither
        is_killed = name == COMMIT and ended.exit_code != 1
        code = "killed" if ended.exit_code > _BY_A_SIGNAL else "failed"
        code = "memory" if ended.reason == "OOMKilled" else "evicted" if pod.status.reason else code
        return Progress(state="failed", code=code, container=name, is_maybe_paused=is_killed)
    code = "evicted" if pod.status.reason else "vanished"
    return Progress(state="failed", code=code, is_maybe_paused=True, params={"detail": pod.status.reason})


def explained(progress: Progress, said: str) -> Progress:
    """What went wrong, by what the container said."""
    if progress.code != "failed" or progress.container is None:
        return progress
    return msgspec.structs.replace(progress, code=trouble(said, is_push=progress.container == PUSH))


def last_words(pod: Pod, container: str) -> str:
    """The end of what it said, as the kubelet keeps it of one that has failed."""
    statuses = pod.status.init_container_statuses if container == COMMIT else pod.status.container_statuses
    status = _status(statuses, container)
    return status.state.terminated.message if status is not None and status.state.terminated is not None else ""


def _end(job: Job) -> Condition | None:
    return next((one for one in job.status.conditions if one.type in _ENDS and one.status == "True"), None)


def _status(statuses: Iterable[ContainerStatus], name: str) -> ContainerStatus | None:
    return next((status for status in statuses if status.name == name), None)
