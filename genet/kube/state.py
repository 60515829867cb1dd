"""Compare-and-set on one Kubernetes object: the atom from which Genet's sums, locks and records are built.

Of any number of parallel callers, in any number of replicas, each sees the outcome of all before it. Traps: a merge
patch without a resourceVersion lets everybody win; a create whose answer was lost (Unavailable) may have been done.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from genet.errors import Conflict, NotFound
from genet.kube.client import KubeClient
from genet.kube.projection import Resource, T

ATTEMPTS = 40
FIRST_DELAY = 0.01
MAX_DELAY = 0.5


async def compare_and_set(
    kube: KubeClient,
    resource: Resource[T],
    name: str,
    namespace: str | None,
    mutate: Callable[[T | None], Awaitable[Mapping[str, Any] | None]],
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> T | None:
    """Change an object by what it is, or create it.

    `mutate`, given the object as it is, returns a merge patch; given None (there is none), the manifest to create; None
    leaves things alone. It is called again with the newer object each time somebody else was faster, so it may read but
    must not write; what it raises ends the attempt.

    Returns:
        The object as it is now; None if there is none.

    Raises:
        Conflict: somebody else was faster each time.
    """
    conflict: Conflict | NotFound | None = None
    for attempt in range(ATTEMPTS):
        await stand_back(attempt, sleep)
        known = await _find(kube, resource, name, namespace)
        change = await mutate(known)
        if change is None:
            return known
        try:
            if known is None:
                return await kube.create(resource, change, namespace)
            return await kube.patch(resource, name, _only_if_unchanged(change, known), namespace)
        except (Conflict, NotFound) as error:
            conflict = error
    raise Conflict(f"{resource.plural} {name} changes too often") from conflict


async def stand_back(attempt: int, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
    """Before a write that others may be faster with: not at all the first time, then ever longer."""
    if attempt:
        await sleep(random.uniform(0, min(MAX_DELAY, FIRST_DELAY * 2.0**attempt)))  # noqa: S311 # no secret


async def _find(kube: KubeClient, resource: Resource[T], name: str, namespace: str | None) -> T | None:
    try:
        return await kube.get(resource, name, namespace)
    except NotFound:
        return None


def _only_if_unchanged(patch: Mapping[str, Any], known: T) -> dict[str, Any]:
    return {**patch, "metadata": {**patch.get("metadata", {}), "resourceVersion": known.metadata.resource_version}}
