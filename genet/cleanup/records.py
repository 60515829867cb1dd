"""The records of people whose time is over: grants, sessions, tokens, devices.

A server with the OpenID Provider takes them away by itself, all day (`genet.oidc.collect`). The nightly run does the
same where it was switched off, or nobody held the Lease.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from genet.cleanup.run import Action, Done, telling
from genet.errors import GenetError
from genet.kube.client import KubeClient
from genet.kube.objects import SECRETS
from genet.kube.records import Record, Records
from genet.oidc.collect import Collect
from genet.settings import Settings

_MOST_SWEEPS: Final = 100


async def collect(
    kube: KubeClient,
    settings: Settings,
    *,
    clock: Callable[[], datetime],
    tell: Callable[[Action], None],
    dry_run: bool = False,
) -> None:
    """Sweep until nothing is left; `tell` is called with every action as it happens, also with a failure."""
    records = Records(kube, settings.kubernetes.grants_namespace)
    action = telling(SECRETS.kind, clock, tell)

    def deleted(record: Record[Any]) -> None:
        done: Done = "would-delete" if dry_run else "deleted"
        action(done, records.namespace, record.secret.metadata.name, "expired")

    found = Collect(records, settings.oidc_provider.ttl, clock=clock, tell=deleted)
    try:
        for _ in range(_MOST_SWEEPS):
            if (await found.sweep(dry_run=dry_run)).is_complete or dry_run:
                return
    except GenetError as error:
        action("failed", records.namespace, None, error.detail)
