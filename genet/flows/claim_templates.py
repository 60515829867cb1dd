"""The ResourceClaimTemplate of a pod whose GPU type is claimed (DRA): there before the pod, which owns it afterwards.

Without a template of its own a pod waits for ever, so it comes first. A replica that dies in between leaves one behind
that nobody owns; it gives nobody a device, and whoever creates a pod of that name next finds it.

Trap: what a template asks for cannot be changed, and two creations of one name may be on their way, of which one will
win. A pod must not get what the other one asked for: its quota was judged by its own request. So a young template that
asks for something else is left alone, and only what is too old to be of a creation that is on its way is replaced.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from genet import naming
from genet.errors import AlreadyExists, Conflict, FieldError, NotFound, Unavailable
from genet.kube.client import KubeClient
from genet.kube.discovery import OptionalGroup
from genet.kube.objects import Resource
from genet.kube.resource_api import DeviceRequest, ResourceClaimTemplate, templates
from genet.pods import modes
from genet.pods.model import PodRequest
from genet.settings import GPUType

_TRIES = 3


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

    async def make(self, kind: GPUType, request: PodRequest, user: str, pod: str) -> None:
        """The template of the pod of that name is there and asks for what the request does.

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
                await self._kube.create(resource, manifest, namespace)
            except AlreadyExists:
                if await self._is_fit(resource, kind, request, pod, namespace):
                    return
                continue
            return
        raise Conflict(f"the claim of {pod} comes and goes; try again")

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
            return True
        age = self._clock() - (meta.creation_timestamp or self._clock())
        if is_free and age < self._lifetime:
            raise Conflict(f"a pod named {pod} with another number of devices is being created; try again")
        try:
            await self._kube.delete(resource, pod, namespace, uid=meta.uid)
        except NotFound:
            return False
        return False


def _asks(requests: tuple[DeviceRequest, ...], kind: GPUType, request: PodRequest) -> bool:
    selectors = tuple({"cel": {"expression": expression}} for expression in kind.selectors)
    return [(asked.device_class_name, asked.count, asked.selectors) for asked in requests] == [
        (kind.device_class, request.gpu_count, selectors)
    ]
