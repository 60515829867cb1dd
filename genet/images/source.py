"""Which container of a pod is saved. Pure.

It is the first one, as everywhere in Genet. Its ID is the container runtime's: another program than containerd has
containers that nerdctl does not know, and what is no ID is no argument for it.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from genet.errors import Conflict

_CONTAINERD: Final = re.compile(r"containerd://([0-9a-f]{64})")


class Source(msgspec.Struct, frozen=True):
    """A container that runs."""

    node: str
    container_id: str


def source(pod: Mapping[str, Any]) -> Source | None:
    """The main container of a whole pod as the API server has it; None: it does not run.

    Raises:
        Conflict: it runs under something else than containerd.
    """
    name = pod["spec"]["containers"][0]["name"]
    statuses = pod.get("status", {}).get("containerStatuses") or ()
    status = next((one for one in statuses if one["name"] == name), None)
    node = pod["spec"].get("nodeName")
    if status is None or not node or (status.get("state") or {}).get("running") is None:
        return None
    container_id = status.get("containerID") or ""
    found = _CONTAINERD.fullmatch(container_id)
    if found is None:
        runtime = container_id.partition("://")[0] or "unknown"
        raise Conflict(f"only containers of containerd can be saved, and this one is run by something else: {runtime}")
    return Source(node, found[1])
