"""Save a pod's container as an image: a Job on its node, one at a time for each pod.

Asking makes the Job and answers; nothing has to be driven on from here. How far it is stands in the Job and its pod.
What a Job that was killed left paused is let go on, see `let_go_on`.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from genet import naming, references
from genet.errors import CommitInProgress, Conflict, FieldError, GenetError, Invalid, NotFound
from genet.flows.let_go_on import LetGoOn
from genet.flows.lost_node import look
from genet.flows.save_turn import Turns
from genet.images import job as jobs
from genet.images.model import CommitRequest, CommitStarted, CommitStatus
from genet.images.output import MOST_CHARACTERS, readable
from genet.images.progress import explained, finished_at, is_at_work, judge, last_words, pod_of
from genet.images.source import Source, source
from genet.images.target import target
from genet.images.wording import Language, message
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import PODS, Pod
from genet.kube.requests import is_finished
from genet.pods import ssh
from genet.pods.logs import Ending
from genet.pods.place import NotRunning
from genet.pods.restarting import Restarts, is_stand_in
from genet.pods.service import BY_NAMESPACE
from genet.settings import Commit

log = logging.getLogger(__name__)

_LOG_LINES: Final = 400
"""Of what the Job says these are read; what it draws over itself is then left out."""
_LOG_SECONDS: Final = 5.0


class SaveImage:
    """Call it with a pod to save it."""

    def __init__(
        self,
        kube: KubeClient,
        settings: Commit,
        *,
        pods: Cache[Pod],
        restarts: Restarts,
        clock: Callable[[], datetime],
    ) -> None:
        self._kube = kube
        self._settings = settings
        self._pods = pods
        self._restarts = restarts
        self._clock = clock
        self._turns = Turns(kube, settings.namespace, clock)
        self._let_go_on = LetGoOn(kube, settings, pods)

    async def run(self) -> None:
        """Look after Jobs that are killed, until cancelled."""
        await self._let_go_on.run()

    async def __call__(self, pod: Pod, request: CommitRequest, *, user: str) -> CommitStarted:
        """Returns when the Job is there.

        Args:
            pod: as far as it is known.
            request: what the image is to be called.
            user: the userIdentifier of the pod's owner.

        Raises:
            Invalid: the image cannot be called that.
            NotRunning: the pod's container does not run.
            CommitInProgress: it is being saved already.
            Conflict: this is switched off, or not possible with such a pod.
            Unavailable: the cluster does not let Genet make the Job.
        """
        settings = self._settings
        if not settings.enabled or settings.repository is None:
            raise Conflict("saving pods as images is switched off here")
        name = target(request.image, settings.repository, user)
        self._see_that_nothing_runs_from(name, pod.metadata.namespace)
        order = jobs.Order(
            user=user,
            pod=pod.metadata.name,
            pod_uid=pod.metadata.uid,
            source=await self._source(pod),
            target=name,
        )

        def manifest(job_name: str) -> Mapping[str, Any]:
            return jobs.manifest(job_name, order, settings)

        job = await self._turns.take(pod.metadata.uid, user, manifest)
        return CommitStarted(job_name=job.metadata.name)

    async def see_that_none_runs(self, pod: Pod) -> None:
        """Before a restart ends the pod; on a node that is lost nothing is saved. Raises CommitInProgress."""
        if not self._settings.enabled:
            return
        now = self._clock()
        is_at_it = any(is_at_work(job, self._settings, now) for job in await self._turns.jobs(pod.metadata.uid))
        if is_at_it and await look(self._kube, pod.spec.node_name, now) is None:
            raise CommitInProgress("this pod is being saved as an image; wait for that to end, or delete the pod")

    async def status(self, pod: Pod, language: Language) -> CommitStatus:
        """How far it is, or how it ended."""
        known = await self._turns.jobs(pod.metadata.uid) if self._settings.enabled else []
        if not known:
            return CommitStatus(status="none")
        job = known[-1]
        own = pod_of(job, self._pods.by(BY_NAMESPACE, self._settings.namespace))
        progress = judge(job, own, self._clock())
        said = await self._said(own, progress.container) if own is not None and progress.container else ""
        progress = explained(progress, said)
        image = job.metadata.annotations.get(naming.IMAGE)
        params = {"image": image or "", "minutes": str(self._settings.timeout_minutes), **progress.params}
        return CommitStatus(
            status=progress.state,
            image=image,
            message=message(
                progress.code,
                params,
                language,
                pauses=self._settings.pause,
                is_maybe_paused=progress.is_maybe_paused,
            )
            if progress.code is not None
            else None,
            started_at=job.status.start_time or job.metadata.creation_timestamp,
            finished_at=finished_at(job),
            logs=said,
        )

    async def _source(self, pod: Pod) -> Source:
        meta = pod.metadata
        if is_stand_in(pod) or await self._restarts.find(meta.namespace, meta.name) is not None:
            raise NotRunning("the pod is being restarted; try again in a moment")
        # as it is now: what the cache has may be of a container that is gone
        whole = await self._kube.whole(PODS, meta.name, meta.namespace)
        if whole["metadata"]["uid"] != meta.uid:
            raise NotFound("no such pod")
        if "deletionTimestamp" in whole["metadata"]:
            raise NotRunning("the pod is being deleted")
        if ssh.keeps_secrets_in_its_files(whole):
            raise Conflict(
                "this pod was made before pods could be saved: its SSH host key and its variables are among its files, "
                "and would be in the image. Make a new pod and save that one; a restart keeps this one as it is"
            )
        found = source(whole)
        if found is None:
            raise NotRunning("the pod's container does not run, and only what runs can be saved")
        return found

    def _see_that_nothing_runs_from(self, name: str, namespace: str) -> None:
        """Trap: nerdctl puts a container's changes onto what its image's name means by then, and not onto its base."""
        wanted = references.read(name)
        for other in self._pods.by(BY_NAMESPACE, namespace):
            if is_finished(other) or not any(references.read(one.image) == wanted for one in other.spec.containers):
                continue
            text = f"{other.metadata.name} runs from this image, and could not be saved any more; choose another tag"
            raise Invalid("the image cannot be called that", errors=[FieldError("image", text)])

    async def _said(self, own: Pod, container: str) -> str:
        """The end of a container's log; if that cannot be read, what the kubelet has kept of it."""
        ending = Ending(4 * MOST_CHARACTERS)
        opened = self._kube.log_stream(
            own.metadata.namespace,
            own.metadata.name,
            container=container,
            tail_lines=_LOG_LINES,
            idle_seconds=_LOG_SECONDS,
        )
        try:
            async with asyncio.timeout(_LOG_SECONDS), opened as chunks:
                async for chunk in chunks:
                    ending.feed(chunk)
        except (GenetError, TimeoutError) as error:
            log.info("the log of a job cannot be read", extra={"job_pod": own.metadata.name, "error": str(error)})
        text = ending.text().decode(errors="replace") or last_words(own, container)
        return readable(text)
