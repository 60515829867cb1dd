"""One Job at a time for each pod: whose turn it is to save it stands in a Lease with the pod's uid in its name.

The Lease says what the Job is called, and that is the whole lock. Another name is written there, by compare-and-set,
only when the Job of the one before has ended; and as long as there is no Job of the name that stands there, whoever
comes may make it, under that very name: of all who try, the API server lets one. So nobody waits for a replica that
died after any step, no clock is compared, and one that wakes up late finds the name taken.

Traps:
- The Lease goes with its Job, by the garbage collector, some time after it: what is found owned is taken off its owner
  first. Where there is no Lease, the Jobs themselves are asked.
- An ended Job is what keeps its name taken from one that wakes up late: nobody deletes it soon.
- Two pods of one person that are saved in the same second want the same name: who comes second takes another.
"""

import itertools
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from genet import naming
from genet.errors import (
    AlreadyExists,
    CommitInProgress,
    Conflict,
    Forbidden,
    GenetError,
    Invalid,
    NotFound,
    Unavailable,
)
from genet.images.progress import finished_at, has_ended
from genet.kube.client import KubeClient
from genet.kube.objects import JOBS, LEASES, Job, Lease
from genet.kube.state import compare_and_set, stand_back

log = logging.getLogger(__name__)

_TRIES: Final = 20
_MOST_LOOKS: Final = 5
"""How often a Lease is not there, and cannot be made either."""
_LATE: Final = timedelta(minutes=10)
"""How long an ended Job keeps its name taken, at least: longer than anybody's call to make it can be on its way."""


class Turns:
    def __init__(self, kube: KubeClient, namespace: str, clock: Callable[[], datetime]) -> None:
        """`namespace` is that of the Jobs and their Leases."""
        self._kube = kube
        self._namespace = namespace
        self._clock = clock

    async def jobs(self, pod_uid: str) -> list[Job]:
        """All that have saved this pod and are remembered, the newest last."""
        with _administrators_to_mend():
            listing = await self._kube.list(JOBS, self._namespace, label_selector=f"{naming.POD_UID}={pod_uid}")
        return sorted(listing.items, key=lambda job: (job.metadata.creation_timestamp is not None, _age(job)))

    async def _is_taken(self, pod_uid: str) -> bool:
        """Whether the pod is being saved."""
        return any(not has_ended(job) for job in await self.jobs(pod_uid))

    async def take(self, pod_uid: str, user: str, manifest: Callable[[str], Mapping[str, Any]]) -> Job:
        """Make the Job, whose name `manifest` is given.

        Raises:
            CommitInProgress: there is one that has not ended.
            Unavailable: the cluster does not let Genet make it.
        """
        for attempt in range(_TRIES):
            await stand_back(attempt)
            with _administrators_to_mend():
                name = await self._claim(pod_uid, user)
                try:
                    job = await self._kube.create(JOBS, manifest(name), self._namespace)
                except AlreadyExists:
                    continue  # somebody was faster with this pod, or another pod has the name
            await self._tie(pod_uid, job)
            await self._forget_others(pod_uid, job)
            return job
        raise Conflict("saving this pod changes too often")

    async def _claim(self, pod_uid: str, user: str) -> str:
        """The name of the Job that is to be made."""
        looks = itertools.count(1)

        async def next_name(lease: Lease | None) -> Mapping[str, Any] | None:
            if lease is None:
                if next(looks) > _MOST_LOOKS:
                    raise NotFound(f"a lease cannot be made; is there a namespace {self._namespace}?")
                if await self._is_taken(pod_uid):
                    raise _in_progress()
                name = naming.commit(user, self._seconds())
                metadata = {"name": naming.commit_lease(pod_uid), "labels": {naming.MANAGED: "true"}}
                return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, **_held_by(name)}
            known = lease.spec.holder_identity or ""
            job = await self._find(known)
            untied = {"metadata": {"ownerReferences": None}}
            if job is None and known:
                return untied if lease.metadata.owner_references else None
            if job is not None and job.metadata.labels.get(naming.POD_UID) == pod_uid and not has_ended(job):
                raise _in_progress()
            return untied | _held_by(self._after(known, user))

        lease = await compare_and_set(self._kube, LEASES, naming.commit_lease(pod_uid), self._namespace, next_name)
        name = lease.spec.holder_identity if lease is not None else None
        if not name:
            raise Conflict("saving this pod changes too often")
        return name

    async def _find(self, name: str) -> Job | None:
        if not name:
            return None
        try:
            return await self._kube.get(JOBS, name, self._namespace)
        except NotFound:
            return None

    def _after(self, known: str, user: str) -> str:
        seconds = self._seconds()
        _, _, last = known.rpartition("-")
        return naming.commit(user, max(seconds, int(last) + 1) if last.isdecimal() else seconds)

    def _seconds(self) -> int:
        return int(self._clock().timestamp())

    async def _forget_others(self, pod_uid: str, job: Job) -> None:
        """Only the last one is of interest, and who saves again and again would fill the cluster with ended ones.

        If this fails, they go when their time is over, or the next time.
        """
        since = self._clock() - _LATE
        try:
            for other in await self.jobs(pod_uid):
                meta, ended = other.metadata, finished_at(other) if has_ended(other) else None
                if meta.uid != job.metadata.uid and ended is not None and ended < since:
                    await self._kube.delete(JOBS, meta.name, self._namespace, uid=meta.uid)
        except GenetError as error:
            log.info("jobs of before stay for a while", extra={"job": job.metadata.name, "error": error.detail})

    async def _tie(self, pod_uid: str, job: Job) -> None:
        """The Lease goes when the Job goes. If this fails nobody waits: it is one object more until the next time."""
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": job.metadata.name, "uid": job.metadata.uid}

        async def tied(lease: Lease | None) -> Mapping[str, Any] | None:
            if lease is None or lease.spec.holder_identity != job.metadata.name:
                return None
            return {"metadata": {"ownerReferences": [owner]}}

        try:
            await compare_and_set(self._kube, LEASES, naming.commit_lease(pod_uid), self._namespace, tied)
        except GenetError as error:
            log.warning(
                "the lease of a job stays when that goes", extra={"job": job.metadata.name, "error": error.detail}
            )


@contextmanager
def _administrators_to_mend() -> Iterator[None]:
    """What the API server refuses Genet here is no refusal of what a person asked for."""
    try:
        yield
    except (Forbidden, Invalid, NotFound) as error:
        log.warning("jobs that save pods cannot be made or looked at", extra={"error": error.detail})
        message = "Genet cannot make or look at the jobs that save pods, which is the administrators' to mend"
        raise Unavailable(message) from error


def _held_by(name: str) -> dict[str, Any]:
    return {"spec": {"holderIdentity": name}}


def _age(job: Job) -> tuple[float, str]:
    created = job.metadata.creation_timestamp
    return created.timestamp() if created is not None else 0.0, job.metadata.name


def _in_progress() -> CommitInProgress:
    return CommitInProgress("this pod is being saved already; wait for that to end")
