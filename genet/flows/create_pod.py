"""Create a pod: checks, a ready namespace, its volumes, room in the quota, the pod itself. The order is the safety."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime

from genet import naming
from genet.auth.user import User
from genet.errors import AlreadyExists, FieldError, Invalid
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import PODS, Namespace, Node, Pod
from genet.limits import Limits, limits_of
from genet.pods import checks, manifest
from genet.pods.model import PodRequest
from genet.quota import Quota
from genet.settings import Settings
from genet.storage import mounting
from genet.storage.service import Storage
from genet.tenancy.service import Tenancy
from genet.tenancy.settling import new_namespace, settled

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
        storage: Storage,
        quota: Quota,
        pods: Cache[Pod],
        nodes: Cache[Node],
        clock: Callable[[], datetime],
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._kube = kube
        self._settings = settings
        self._tenancy = tenancy
        self._storage = storage
        self._quota = quota
        self._pods = pods
        self._nodes = nodes
        self._clock = clock
        self._entropy = entropy
        self._making: set[asyncio.Task[Pod]] = set()

    async def __call__(self, user: User, request: PodRequest, errors: Sequence[FieldError] = ()) -> Pod:
        """Nothing is created unless every check passes.

        Args:
            user: whose pod it will be.
            request: what is asked; fields named in `errors` hold placeholders.
            errors: what decoding already found wrong.

        Raises:
            Invalid, NamespaceTaken, QuotaExceeded, PodExists, Conflict, Unavailable.
        """
        self._check(request, errors)
        # what has begun is finished, also when the client hangs up: half a creation would hold its place in the quota
        making = asyncio.create_task(self._make(user, request))
        self._making.add(making)
        making.add_done_callback(self._making.discard)
        return await asyncio.shield(making)

    def _check(self, request: PodRequest, errors: Sequence[FieldError]) -> None:
        bad = {error.field for error in errors}
        found = checks.check(request, self._settings, {node.metadata.name for node in self._nodes.all()})
        everything = [*errors, *(error for error in found if error.field not in bad)]
        if everything:
            raise Invalid("the request has fields that cannot be used", errors=everything)

    async def _make(self, user: User, request: PodRequest) -> Pod:
        namespace = await self._tenancy.ready(user)
        async with self._storage.ready(user):
            return await self._make_in(namespace, user, request)

    async def _make_in(self, namespace: Namespace, user: User, request: PodRequest) -> Pod:
        limits = limits_of(namespace, self._settings)
        for _ in range(_NAME_TRIES):
            name = request.name or naming.generated_pod_name(int(self._clock().timestamp()), self._entropy(3))
            try:
                pod = await self._create(user, request, name, limits)
            except AlreadyExists as error:
                if request.name is None:
                    continue
                raise PodExists(f"you have a pod named {request.name!r} already") from error
            self._pods.merge(pod)
            return pod
        raise PodExists("no free name was found; choose one")

    async def _create(self, user: User, request: PodRequest, name: str, limits: Limits) -> Pod:
        parts = mounting.parts(self._settings.storage, user.identifier)
        body = manifest.build(request, self._settings, parts, user=user.identifier, name=name, now=self._clock())
        pod, namespace = body["metadata"]["name"], body["metadata"]["namespace"]
        async with self._quota.room(namespace, pod, request.gpu_count, limits):
            return await settled(lambda: self._kube.create(PODS, body, namespace), new_namespace)
