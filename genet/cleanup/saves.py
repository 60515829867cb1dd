"""Pods that are being saved as images stay meanwhile; and the Jobs that did it go, when their time is over.

A cluster takes ended Jobs away by itself (their ttlSecondsAfterFinished); where none does, this is who does.

Traps:
- A save that begins between the look at the Jobs and the deletion of its pod is not seen. Its Job then says that the
  pod has gone, and nothing worse happens.
- A Job that no controller looks at never ends: it is believed for as long as it may take, and an hour.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from genet import naming
from genet.cleanup.run import Action, telling
from genet.errors import GenetError, NotFound
from genet.images.progress import GRACE, finished_at, has_ended, is_at_work
from genet.kube.client import KubeClient
from genet.kube.objects import JOBS, Job
from genet.settings import Commit, Settings

FRESH: Final = timedelta(seconds=10)
"""How old the last look at the Jobs may be."""


class Saves:
    """Which pods are being saved, asked for pod after pod."""

    def __init__(self, kube: KubeClient, settings: Commit, clock: Callable[[], datetime]) -> None:
        self._kube = kube
        self._settings = settings
        self._clock = clock
        self._lock = asyncio.Lock()
        self._seen: frozenset[str] = frozenset()
        self._seen_at: datetime | None = None

    async def pods(self) -> frozenset[str]:
        """Their uids.

        Raises:
            GenetError: it cannot be told.
        """
        if not self._settings.enabled:
            return frozenset()
        async with self._lock:
            now = self._clock()
            if self._seen_at is None or now - self._seen_at > FRESH:
                jobs = await _jobs(self._kube, self._settings)
                self._seen = frozenset(
                    job.metadata.labels[naming.POD_UID] for job in jobs if is_at_work(job, self._settings, now)
                )
                self._seen_at = now
            return self._seen


async def collect(
    kube: KubeClient,
    settings: Settings,
    *,
    clock: Callable[[], datetime],
    tell: Callable[[Action], None],
    dry_run: bool = False,
) -> None:
    """Delete ended Jobs that nobody else took away; `tell` is called with every action, also with a failure."""
    commit = settings.commit
    if not commit.enabled:
        return
    action, namespace = telling(JOBS.kind, clock, tell), commit.namespace
    try:
        jobs = await _jobs(kube, commit)
    except GenetError as error:
        action("failed", namespace, None, error.detail)
        return
    keep = timedelta(hours=commit.keep_hours) + GRACE  # the cluster's turn is first
    for job in jobs:
        ended = finished_at(job) if has_ended(job) else None
        if ended is None or ended + keep > clock() or job.metadata.deletion_timestamp is not None:
            continue
        name = job.metadata.name
        try:
            if not dry_run:
                await kube.delete(
                    JOBS,
                    name,
                    namespace,
                    uid=job.metadata.uid,
                    resource_version=job.metadata.resource_version,
                )
            action("would-delete" if dry_run else "deleted", namespace, name, "expired")
        except NotFound:
            action("gone", namespace, name, "expired")
        except GenetError as error:
            action("failed", namespace, name, error.detail)


async def _jobs(kube: KubeClient, settings: Commit) -> list[Job]:
    """Those that save pods; what else may be there is nobody's business."""
    listing = await kube.list(JOBS, settings.namespace, label_selector=f"{naming.MANAGED}=true")
    return [job for job in listing.items if naming.POD_UID in job.metadata.labels]
