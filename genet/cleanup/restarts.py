"""Pods that are being restarted while the clean-up runs: there may be no object of them, and they are judged as well.

One that is due does not come back: its record is marked, and whichever replica of the server comes first does the rest.
It is judged by its protection as the record has it, which is what it would come back with.
"""

from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime
from typing import Any

import msgspec

from genet import lifecycle
from genet.cleanup.run import Action, Done
from genet.errors import Conflict, GenetError, NotFound
from genet.kube.client import KubeClient
from genet.kube.objects import NAMESPACES, PODS
from genet.kube.records import Record, Records
from genet.pods.restarting import RESTART, Restart
from genet.settings import Settings


async def cancel_due(
    kube: KubeClient,
    settings: Settings,
    *,
    clock: Callable[[], datetime],
    tell: Callable[[Action], None],
    dry_run: bool = False,
    comes_again: bool = False,
) -> None:
    """`tell` is called with every action as it happens, also with a failure unless this `comes_again`."""
    records = Records(kube, settings.kubernetes.grants_namespace)

    def action(done: Done, record: Record[Restart] | None, reason: str, until: datetime | None = None) -> Action:
        return Action(
            time=clock(),
            action=done,
            kind=PODS.kind,
            namespace=record.value.namespace if record else records.namespace,
            name=record.value.pod if record else None,
            reason=reason,
            protected_until=until,
        )

    try:
        pages = records.pages(RESTART)
        async with aclosing(pages):
            async for page in pages:
                for record in page:
                    if record.value.is_cancelled or await _is_exempt(kube, record.value.namespace):
                        continue
                    until = protection(record.value, settings).until
                    if until is not None and until > clock():
                        continue
                    reason = "unprotected" if until is None else "expired"
                    if dry_run:
                        tell(action("would-delete", record, reason, until))
                    elif await _cancel(records, record):
                        tell(action("deleted", record, reason, until))
    except GenetError as error:
        if not comes_again:
            tell(action("failed", None, error.detail))


def protection(restart: Restart, settings: Settings) -> lifecycle.Protection:
    annotations: dict[str, Any] = restart.manifest["metadata"].get("annotations", {})
    return lifecycle.protection(annotations, restart.created_at, settings.lifecycle)


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
