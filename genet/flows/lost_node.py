"""Whether a node is lost: gone from the cluster, or silent for so long that nobody can tell what runs there.

Trap: a silent node may still run its pods and still write to their volumes. Only a node that is gone is known to do
neither; what is decided about a silent one is decided with the consent of whose pod it is.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from genet.errors import NotFound
from genet.kube.client import KubeClient
from genet.kube.objects import NODES, Node

LOST_AFTER: Final = timedelta(minutes=5)
"""Of silence: as long as Kubernetes itself waits before it evicts."""


@dataclass(frozen=True)
class Lost:
    is_gone: bool
    """Whether there is no such node any more."""
    since: datetime | None
    """When it was last heard of."""


def judge(node: Node | None, now: datetime) -> Lost | None:
    """None: it is well, or not silent for long enough. Pure."""
    if node is None:
        return Lost(is_gone=True, since=None)
    ready = next((condition for condition in node.status.conditions if condition.type == "Ready"), None)
    if ready is None or ready.status == "True" or ready.last_transition_time is None:
        return None
    since = ready.last_transition_time
    return Lost(is_gone=False, since=since) if now - since > LOST_AFTER else None


async def look(kube: KubeClient, name: str, now: datetime) -> Lost | None:
    """As the API server has it now."""
    try:
        node: Node | None = await kube.get(NODES, name)
    except NotFound:
        node = None
    return judge(node, now)
