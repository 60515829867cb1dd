"""Finds what has to be deleted for a pod to stay away: its topmost controller, or itself.

Traps: a controller that is gone leaves pods that name it still, until the garbage collector comes by, and another of
its name may have come since: only the uid tells. A controller of a kind that Genet does not know cannot be deleted,
and deleting its pod alone would only restart it.
"""

from typing import Any

from genet.errors import NotFound, Unavailable
from genet.kube.client import KubeClient
from genet.kube.objects import PODS, Pod
from genet.kube.projection import KubeObject, OwnerReference, Resource

_PLURALS = {
    ("", "ReplicationController"): "replicationcontrollers",
    ("apps", "DaemonSet"): "daemonsets",
    ("apps", "Deployment"): "deployments",
    ("apps", "ReplicaSet"): "replicasets",
    ("apps", "StatefulSet"): "statefulsets",
    ("batch", "CronJob"): "cronjobs",
    ("batch", "Job"): "jobs",
}

Owned = tuple[Resource[Any], KubeObject]
"""An object and where it is served."""


class Owners:
    """The controllers of one namespace, each read once."""

    def __init__(self, kube: KubeClient, namespace: str) -> None:
        self._kube = kube
        self._namespace = namespace
        self._read: dict[str, Owned | None] = {}

    async def topmost(self, pod: Pod) -> Owned:
        """The last controller that exists on the way up; the pod itself if it has none.

        Raises:
            GenetError: it cannot be told.
        """
        found: Owned = (PODS, pod)
        while (reference := _controller(found[1])) is not None:
            above = await self._find(reference)
            if above is None:
                break
            found = above
        return found

    async def _find(self, reference: OwnerReference) -> Owned | None:
        if reference.uid not in self._read:
            resource = _resource(reference)
            try:
                owner = await self._kube.get(resource, reference.name, self._namespace)
            except NotFound:
                owner = None
            same = owner is not None and owner.metadata.uid == reference.uid
            self._read[reference.uid] = (resource, owner) if owner is not None and same else None
        return self._read[reference.uid]


def _controller(obj: KubeObject) -> OwnerReference | None:
    return next((reference for reference in obj.metadata.owner_references if reference.controller), None)


def _resource(reference: OwnerReference) -> Resource[KubeObject]:
    group = reference.api_version.rpartition("/")[0]
    plural = _PLURALS.get((group, reference.kind))
    if plural is None:
        raise Unavailable(f"its controller is a {reference.kind}, which Genet cannot delete")
    return Resource(reference.api_version, reference.kind, plural, KubeObject)
