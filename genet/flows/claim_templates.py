"""The ResourceClaimTemplate of a pod whose GPU type is claimed (DRA): there before the pod, which owns it afterwards.

Without a template of its own a pod waits for ever, so it comes first. A creation that fails takes its own back. A
replica that dies in between leaves one behind that nobody owns; it gives nobody a device, and whoever creates a pod of
that name next finds it. What nobody finds is removed after a while (`unfinished`).

Trap: what a template asks for cannot be changed, and two creations of one name may be on their way, of which one will
win. A pod must not get what the other one asked for: its quota was judged by its own request. So a young template that
asks for something else is left alone, and only what is too old to be of a creation that is on its way is replaced. And
who finds one that fits marks it, so that whoever made it and fails does not take it back: it is another version then.
"""

import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from genet import naming
from genet.errors import AlreadyExists, Conflict, FieldError, GenetError, NotFound, Unavailable
from genet.flows.unfinished import FOUND_AT
from genet.kube.client import KubeClient
from genet.kube.discovery import OptionalGroup
from genet.kube.projection import Resource
from genet.kube.resource_api import DeviceRequest, ResourceClaimTemplate, templates
from genet.pods import modes
from genet.pods.model import PodRequest
from genet.settings import GPUType

log = logging.getLogger(__name__)

_TRIES = 3
_FOUND = "genet.io/found"
"""Annotation: another value for each creation that relies on a template which it did not make."""


class ClaimTemplates:
    def __init__(
        self, kube: KubeClient, group: OptionalGroup, clock: Callable[[], datetime], lifetime: timedelta
    ) -> None:
        """`group` is `resource.k8s.io`; `lifetime` must be longer than the creation of a pod can take."""
        self._kube = kube
        self._group = group
        self._clock = clock
        self._lifetime = lifetime

    def resource(self) -> Resource[ResourceClaimTemplate] | None:
        """Where they are served; None: nowhere, as far as is known."""
        return templates(self._group.version) if self._group.version is not None else None

    def complaint(self, kind: GPUType | None) -> FieldError | None:
        """Why no pod of this type can be made here.

        Raises:
            Unavailable: it is not known yet whether the cluster serves claims.
        """
        if kind is None or kind.mode != "dra" or self._group.is_served:
            return None
        if self._group.is_served is None:
            raise Unavailable("it is not known yet whether this cluster serves resource.k8s.io", retry_after=1)
        return FieldError("gpuType", f"{kind.name} needs resource.k8s.io, which this cluster does not serve")

    async def make(self, kind: GPUType, request: PodRequest, user: str, pod: str) -> ResourceClaimTemplate | None:
        """The template of the pod of that name is there and asks for what the request does.

        Returns:
            What was made; None: it was there.

        Raises:
            Conflict: there is one that asks for something else, perhaps of a pod that is being created.
            Unavailable: as for `complaint`.
        """
        resource, namespace = self.resource(), naming.namespace(user)
        if resource is None:
            raise Unavailable("this cluster does not serve resource.k8s.io any more")
        manifest = modes.claim_template(kind, request, user, pod, self._group.version or "")
        for _ in range(_TRIES):
            try:
                return await self._kube.create(resource, manifest, namespace)
            except AlreadyExists:
                if await self._is_fit(resource, kind, request, pod, namespace):
                    return None
        raise Conflict(f"the claim of {pod} comes and goes; try again")

    async def take_back(self, made: ResourceClaimTemplate | None) -> None:
        """What `make` made, where no pod came of it and nobody else has found it meanwhile."""
        resource = self.resource()
        if made is None or resource is None:
            return
        meta = made.metadata
        try:
            await self._kube.delete(
                resource, meta.name, meta.namespace, uid=meta.uid, resource_version=meta.resource_version
            )
        except (NotFound, Conflict):
            return
        except GenetError as error:
            log.warning("a claim's template stays behind: %s", error.detail, extra={"pod": meta.name})

    async def _is_fit(
        self, resource: Resource[ResourceClaimTemplate], kind: GPUType, request: PodRequest, pod: str, namespace: str
    ) -> bool:
        """Whether the template that is there will do; one that is left over is taken away."""
        try:
            found = await self._kube.get(resource, pod, namespace)
        except NotFound:
            return False
        meta = found.metadata
        # an owner is a pod of that name that is gone: the cluster is about to delete what it owned
        is_free = not meta.owner_references and meta.labels.get(naming.CREATED_BY) == "genet"
        if is_free and _asks(found.spec.spec.devices.requests, kind, request):
            return await self._found(resource, pod, namespace, meta.uid)
        age = self._clock() - (meta.creation_timestamp or self._clock())
        if is_free and age < self._lifetime:
            raise Conflict(f"a pod named {pod} with another number of devices is being created; try again")
        try:
            await self._kube.delete(resource, pod, namespace, uid=meta.uid)
        except NotFound:
            return False
        return False

    async def _found(self, resource: Resource[ResourceClaimTemplate], pod: str, namespace: str, uid: str) -> bool:
        """Mark it; whether it is still there."""
        notes = {_FOUND: secrets.token_hex(4), FOUND_AT: self._clock().isoformat()}
        patch = {"metadata": {"uid": uid, "annotations": notes}}
        try:
            await self._kube.patch(resource, pod, patch, namespace)
        except (NotFound, Conflict):
            return False
        return True


def _asks(requests: tuple[DeviceRequest, ...], kind: GPUType, request: PodRequest) -> bool:
    selectors = tuple({"cel": {"expression": expression}} for expression in kind.selectors)
    return [(asked.device_class_name, asked.count, asked.selectors) for asked in requests] == [
        (kind.device_class, request.gpu_count, selectors)
    ]
