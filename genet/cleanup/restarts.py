"""Pods that are being restarted while the clean-up runs: there may be no object of them, and they are judged as well.

One that is due does not come back: its record is marked, and whichever replica of the server comes first does the rest.

Trap: a record tells what a pod comes back with, and may be older than what somebody has just extended. So as long as
the old pod is there it is a pod like any other, and the run over the pods judges it; a new one that is there already
goes by its own protection, and only where there is none does the record count.
"""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import datetime

import msgspec

from genet import lifecycle
from genet.cleanup.rules import Verdict, judge
from genet.cleanup.run import Action, Done
from genet.errors import Conflict, GenetError, NotFound
from genet.kube.client import KubeClient
from genet.kube.objects import NAMESPACES, PODS, Pod
from genet.kube.projection import ObjectMeta
from genet.kube.records import Record, Records
from genet.pods.restarting import RESTART, Restart, stand_in
from genet.settings import Settings


async def cancel_due(
    kube: KubeClient,
    settings: Settings,
    *,
    clock: Callable[[], datetime],
    tell: Callable[[Action], None],
    note: Callable[[Pod, Verdict], Awaitable[None]],
    dry_run: bool = False,
    comes_again: bool = False,
) -> None:
    """Once through all records.

    Args:
        kube: the API server.
        settings: the configuration.
        clock: what time it is.
        tell: called with every action as it happens, also with a failure unless this `comes_again`.
        note: called with every pod that does not come back.
        dry_run: write nothing.
        comes_again: a failure now is none.
    """
    records = Records(kube, settings.kubernetes.grants_namespace)

    async def settle(record: Record[Restart]) -> None:
        meta = await _judged(kube, record.value)
        verdict = judge([meta], clock(), settings.lifecycle) if meta is not None else None
        if verdict is None or not verdict.is_due:
            return
        if dry_run:
            tell(_action(clock(), "would-delete", record.value, verdict))
        elif await _cancel(records, record):
            tell(_action(clock(), "deleted", record.value, verdict))
            await note(stand_in(record.value), verdict)

    try:
        pages = records.pages(RESTART)
        async with aclosing(pages):
            async for page in pages:
                for record in page:
                    await settle(record)
    except GenetError as error:
        if not comes_again:
            tell(_failure(clock(), records.namespace, error))


def _action(now: datetime, done: Done, restart: Restart, verdict: Verdict) -> Action:
    return Action(
        time=now,
        action=done,
        kind=PODS.kind,
        namespace=restart.namespace,
        name=restart.pod,
        reason=verdict.reason,
        protected_until=verdict.until,
    )


def _failure(now: datetime, namespace: str, error: GenetError) -> Action:
    return Action(
        time=now,
        action="failed",
        kind=PODS.kind,
        namespace=namespace,
        name=None,
        reason=error.detail,
        protected_until=None,
    )


async def _judged(kube: KubeClient, restart: Restart) -> ObjectMeta | None:
    """What speaks for the pod; None: nothing is to be decided here, or the old one is there and is judged as a pod."""
    if restart.is_cancelled or await _is_exempt(kube, restart.namespace):
        return None
    try:
        pod = await kube.get(PODS, restart.pod, restart.namespace)
    except NotFound:
        return stand_in(restart).metadata
    if pod.metadata.deletion_timestamp is not None:
        return stand_in(restart).metadata
    return pod.metadata if pod.metadata.uid != restart.uid else None


async def _is_exempt(kube: KubeClient, namespace: str) -> bool:
    try:
        found = await kube.get(NAMESPACES, namespace)
    except NotFound:
        return True
    return lifecycle.is_exempt(found.metadata.annotations)


async def _cancel(records: Records, record: Record[Restart]) -> bool:
    """Whether it was this call; one that has changed is well on its way, and its pod is judged as it comes."""
    try:
        await records.replace(record, msgspec.structs.replace(record.value, is_cancelled=True, holder=""))
    except (Conflict, NotFound):
        return False
    return True
