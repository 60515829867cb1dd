"""Create a pod: checks, a ready namespace, room in the quota, the pod itself. The order is the safety."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime

from genet import naming
from genet.auth.user import User
from genet.errors import AlreadyExists, FieldError, GenetError, Invalid
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import PODS, Node, Pod
from genet.limits import Limits, limits_of
from genet.pods import checks, manifest
from genet.pods.model import PodRequest
from genet.quota import Quota
from genet.settings import Settings
from genet.tenancy.service import Tenancy
from genet.tenancy.settling import new_namespace, settled

log = logging.getLogger(__name__)

_NAME_TRIES = 5


class PodExists(AlreadyExists):
    code = "pod_exists"


class CreatePod:
    """Call it with a request to get the pod that was made."""

    def __init__(
        self,
        kube: KubeClient,
        settings: Settings,
        *,
        tenancy: Tenancy,
        quota: Quota,
        pods: Cache[Pod],
        nodes: Cache[Node],
        clock: Callable[[], datetime],
    ) -> None:
        self._kube = kube
        self._settings = settings
        self._tenancy = tenancy
        self._quota = quota
        self._pods = pods
        self._nodes = nodes
        self._clock = clock

    async def __call__(self, user: User, request: PodRequest, errors: Sequence[FieldError] = ()) -> Pod:
        """Nothing is created unless every check passes.

        Args:
            user: whose pod it will be.
            request: what is asked; fields named in `errors` hold placeholders.
            errors: what decoding already found wrong.

        Raises:
            Invalid, NamespaceTaken, QuotaExceeded, QuotaRefused, PodExists, Unavailable.
        """
        self._check(request, errors)
        namespace = await self._tenancy.ready(user)
        limits = limits_of(namespace, self._settings)
        for _ in range(_NAME_TRIES):
            name = request.name or naming.generated_pod_name(int(self._clock().timestamp()), secrets.token_bytes(3))
            try:
                pod = await self._create(user, request, name, limits)
            except AlreadyExists as error:
                if request.name is None:
                    continue
                raise PodExists(f"you have a pod named {request.name!r} already") from error
            self._pods.merge(pod)
            return pod
        raise PodExists("no free name was found; choose one")

    def _check(self, request: PodRequest, errors: Sequence[FieldError]) -> None:
        bad = {error.field for error in errors}
        found = checks.check(request, self._settings, {node.metadata.name for node in self._nodes.all()})
        everything = [*errors, *(error for error in found if error.field not in bad)]
        if everything:
            raise Invalid("the request has fields that cannot be used", errors=everything)

    async def _create(self, user: User, request: PodRequest, name: str, limits: Limits) -> Pod:
        body = manifest.build(request, self._settings, user=user.identifier, name=name, now=self._clock())
        pod, namespace = body["metadata"]["name"], body["metadata"]["namespace"]
        await self._quota.reserve(namespace, pod, request.gpu_count, limits)
        try:
            return await settled(lambda: self._kube.create(PODS, body, namespace), new_namespace)
        finally:
            # a client that hangs up must not leave its reservation behind
            await asyncio.shield(self._release(namespace, pod))

    async def _release(self, namespace: str, pod: str) -> None:
        try:
            await self._quota.release(namespace, pod)
        except GenetError as error:
            log.warning("a reservation stays until it ends by itself", extra={"pod": pod, "error": error.detail})
