"""Create a pod: checks, a ready namespace, its volumes, room in the quota, its claim, the pod, what belongs to it.

The order is the safety: nothing is made before every check has passed, and what fails or dies in between leaves nothing
that counts for ever.
"""

import asyncio
import re
import secrets
from collections.abc import Callable, Collection, Coroutine, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from genet import naming
from genet.auth.user import User
from genet.errors import AlreadyExists, FieldError, GenetError, Invalid, Unavailable
from genet.flows.claim_templates import ClaimTemplates
from genet.flows.companions import Companions
from genet.flows.places import Places
from genet.images import others
from genet.images.target import own_images
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import PODS, Node, Pod
from genet.limits import Limits, limits_of
from genet.pods import checks, manifest, modes, room
from genet.pods.model import PodRequest
from genet.quota import Quota
from genet.references import Pattern
from genet.settings import Settings
from genet.storage import mounting
from genet.storage.service import Storage
from genet.tenancy.service import Tenancy
from genet.tenancy.settling import new_namespace, settled

_NAME_TRIES = 5


class PodExists(AlreadyExists):
    code = "pod_exists"


class Created(NamedTuple):
    pod: Pod
    waits: str | None
    """What is free where, if the pod asks for more GPUs than are free now; None: it can start at once."""


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
        places: Places,
        templates: ClaimTemplates,
        companions: Companions,
        clock: Callable[[], datetime],
    ) -> None:
        self._kube = kube
        self._settings = settings
        self._tenancy = tenancy
        self._storage = storage
        self._quota = quota
        self._pods = pods
        self._nodes = nodes
        self.places = places
        self._templates = templates
        self._companions = companions
        self._clock = clock
        self._making: set[asyncio.Task[Pod]] = set()

    async def __call__(self, user: User, request: PodRequest, errors: Sequence[FieldError] = ()) -> Created:
        """Nothing is created unless every check passes.

        Args:
            user: whose pod it will be.
            request: what is asked; fields named in `errors` hold placeholders.
            errors: what decoding already found wrong.

        Raises:
            Invalid, NamespaceTaken, QuotaExceeded, PodExists, Conflict, Unavailable.
        """
        waits = await self._check(user, request, errors)
        # what has begun is finished, also when the client hangs up: half a creation would hold its place in the quota
        return Created(await asyncio.shield(self._task(self._make(user, request))), waits)

    def _task(self, work: Coroutine[Any, Any, Pod]) -> asyncio.Task[Pod]:
        task = asyncio.create_task(work)
        self._making.add(task)
        task.add_done_callback(self._making.discard)
        return task

    async def _check(self, user: User, request: PodRequest, errors: Sequence[FieldError]) -> str | None:
        """What to tell of GPUs that are not free now. Raises Invalid."""
        bad = {error.field for error in errors}
        unread = {re.split(r"[.\[]", field)[0] for field in bad}
        kind = modes.type_of(request, self._settings)
        places = await self.places(kind) if kind is not None and request.gpu_count > 0 else []
        named = self._nodes.get(request.node_name) if request.node_name is not None else None
        nodes = {named.metadata.name: named} if named is not None else {}
        found = checks.check(request, self._settings, nodes, places, saved=self._saved(user), unread=unread)
        if all(error.field != "image" for error in found):
            found = [*filter(None, [others.complaint(request.image, self._settings, user.identifier)]), *found]
        unserved = self._templates.complaint(kind)
        everything = [
            *errors,
            *(error for error in [*found, *filter(None, [unserved])] if not _is_in(error.field, bad)),
        ]
        if everything:
            raise Invalid("the request has fields that cannot be used", errors=everything)
        return room.waits(request, kind, places) if kind is not None else None

    def _saved(self, user: User) -> Pattern | None:
        """A person's own images are theirs to run, whatever the list of allowed ones says, and nobody else's."""
        commit = self._settings.commit
        if not commit.enabled or commit.repository is None:
            return None
        return own_images(commit.repository, user.identifier)

    async def _make(self, user: User, request: PodRequest) -> Pod:
        namespace = await self._tenancy.ready(user)
        limits = limits_of(namespace, self._settings)
        async with self._storage.ready(user):
            completing = await self._named(user, request, limits)
        return await completing

    async def _named(self, user: User, request: PodRequest, limits: Limits) -> asyncio.Task[Pod]:
        for _ in range(_NAME_TRIES):
            name = request.name or naming.generated_pod_name(int(self._clock().timestamp()), secrets.token_bytes(3))
            try:
                return await self._create(user, request, name, limits)
            except AlreadyExists as error:
                if request.name is None:
                    continue
                raise PodExists(f"you have a pod named {request.name!r} already") from error
        raise PodExists("no free name was found; choose one")

    async def _create(self, user: User, request: PodRequest, name: str, limits: Limits) -> asyncio.Task[Pod]:
        """Returns as soon as the pod is there: what belongs to it is made while its room is given back."""
        parts = mounting.parts(self._settings.storage, user.identifier)
        body = manifest.build(request, self._settings, parts, user=user.identifier, name=name, now=self._clock())
        pod, namespace = body["metadata"]["name"], body["metadata"]["namespace"]
        kind = modes.type_of(request, self._settings)
        async with self._quota.room(namespace, pod, request.gpu_count, limits):
            claimed = kind if kind is not None and kind.mode == "dra" and request.gpu_count else None
            made = await self._templates.make(claimed, request, user.identifier, pod) if claimed else None
            try:
                there = await settled(lambda: self._kube.create(PODS, body, namespace), new_namespace)
            except Unavailable:
                raise  # it may be made yet
            except GenetError:
                await self._templates.take_back(made)
                raise
            self._pods.merge(there)
            return self._task(self._companions.make(there))


def _is_in(field: str, bad: Collection[str]) -> bool:
    """Whether it is one of those, or a part of one: of `env[0]` nothing more is said when that is no object at all."""
    return any(field == one or field.startswith((f"{one}.", f"{one}[")) for one in bad)
