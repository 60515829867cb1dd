"""Claims that go with the last pod that uses them, where no server saw that pod go.

A server removes them as it sees pods go; the nightly run does the same for what every replica missed. Pods that it has
just deleted still end, and their claims go when they have: by a server, or the next night.
"""

from collections.abc import Callable
from datetime import datetime

from genet import naming
from genet.cleanup import rules
from genet.cleanup.run import Action, telling
from genet.errors import GenetError
from genet.kube.client import KubeClient
from genet.kube.objects import NAMESPACES, PVCS
from genet.settings import Settings
from genet.storage.reclaim import Reclaim


async def collect(
    kube: KubeClient,
    settings: Settings,
    *,
    clock: Callable[[], datetime],
    tell: Callable[[Action], None],
    dry_run: bool = False,
) -> None:
    """`tell` is called with every action as it happens, also with a failure."""
    reclaim = Reclaim(kube, settings.storage, clock)
    if not reclaim.is_needed:
        return
    action = telling(PVCS.kind, clock, tell)
    managed = await kube.list(NAMESPACES, label_selector=f"{naming.MANAGED}=true")
    visited = {namespace.metadata.name for namespace in managed.items if rules.is_visited(namespace)}
    for namespace in sorted(visited & await reclaim.everywhere()):
        try:
            for name in await reclaim.sweep(namespace, dry_run=dry_run):
                action("would-delete" if dry_run else "deleted", namespace, name, "unused")
        except GenetError as error:
            action("failed", namespace, None, error.detail)
