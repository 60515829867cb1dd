"""Makes a person's namespace ready, and never somebody else's.

Idempotent and resumable: the digest of everything made is written last, so a replica that dies half-way leaves a
namespace that the next create completes, and a changed setting reaches every namespace at its owner's next create.

Trap: a person may be disabled while the namespace is being made ready. Who disables writes that down first and takes
the rights away then; so it is looked at again after the rights were given, and of the two one always comes last.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

import msgspec

from genet import naming
from genet.auth.user import User
from genet.errors import AlreadyExists, Conflict, Forbidden, NamespaceTaken, NotFound, QuotaRefused
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import (
    LIMIT_RANGES,
    NAMESPACES,
    NETWORK_POLICIES,
    RESOURCE_QUOTAS,
    ROLE_BINDINGS,
    SECRETS,
    Namespace,
)
from genet.kube.projection import Resource
from genet.limits import Limits, limits_of
from genet.settings import Settings
from genet.tenancy import manifests, pull_secrets
from genet.tenancy.bindings import bind, unbind
from genet.tenancy.settling import settled


async def nobody(_: str) -> bool:
    return False


class Tenancy:
    """Namespaces of people: whose they are, what is in them, what they may use."""

    def __init__(
        self,
        kube: KubeClient,
        settings: Settings,
        *,
        namespaces: Cache[Namespace],
        is_disabled: Callable[[str], Awaitable[bool]] = nobody,
        serves_claims: Callable[[], bool] = lambda: False,
    ) -> None:
        """Collaborators.

        Args:
            kube: the API server.
            settings: the configuration.
            namespaces: all of the cluster.
            is_disabled: whether the person of that userIdentifier is shut out, as it is now and not as a cache has it.
            serves_claims: whether the cluster serves `resource.k8s.io`, and so counts what is claimed.
        """
        self._kube = kube
        self._is_disabled = is_disabled
        self._serves_claims = serves_claims
        self._settings = settings
        self._pull_mark = pull_secrets.mark(settings.pod.pull_secrets)
        self._namespaces = namespaces
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def ready(self, user: User) -> Namespace:
        """The user's namespace, with everything in it that must be there before the first pod.

        Raises:
            Forbidden: the person is disabled.
            NamespaceTaken: it exists and is not marked as this user's.
            Conflict: it is being deleted.
        """
        # one replica's first creates wait for each other instead of each making everything
        async with self._turns.setdefault(user.identifier, asyncio.Lock()):
            # looked for meanwhile; nothing is made for somebody who is not to come in
            _, known = await asyncio.gather(self._admit(user), self._look(user))
            namespace = await self._own(user, known)
            wanted = self._wanted(user, limits_of(namespace, self._settings))
            digest = _digest(wanted, self._pull_mark)
            if namespace.metadata.annotations.get(naming.PREPARED) != digest:
                try:
                    namespace = await self._prepare(namespace, wanted, digest)
                finally:
                    # also where it broke off half-way: by then the person may have their rights
                    await self._stay_out(user)
        self._namespaces.merge(namespace)
        return namespace

    async def _prepare(
        self, namespace: Namespace, wanted: list[tuple[Resource[Any], dict[str, Any]]], digest: str
    ) -> Namespace:
        for resource, manifest in wanted:
            # rights that come from a RoleBinding made a moment ago take a moment to hold
            await settled(partial(self._apply, resource, manifest, namespace.metadata.name), _just_bound)
        if not self._binds_users:
            await settled(partial(unbind, self._kube, namespace.metadata.name), _just_bound)
        # by uid: a namespace of that name made anew meanwhile may be somebody else's
        patch = {"metadata": {"uid": namespace.metadata.uid, "annotations": {naming.PREPARED: digest}}}
        return await self._kube.patch(NAMESPACES, namespace.metadata.name, patch)

    async def _stay_out(self, user: User) -> None:
        """Raises Forbidden where the person was disabled meanwhile, and takes their rights away again."""
        try:
            await self._admit(user)
        except Forbidden:
            await self.shut_out(user.identifier)
            raise

    async def shut_out(self, identifier: str) -> None:
        """Take a disabled person's rights in the own namespace away; `ready` gives them back once enabled again."""
        name = naming.namespace(identifier)
        try:
            namespace = await self._kube.get(NAMESPACES, name)
        except NotFound:
            return
        if namespace.metadata.labels.get(naming.MANAGED) != "true":
            return  # not Genet's: it has given no rights there and has none
        await unbind(self._kube, name)
        patch = {"metadata": {"uid": namespace.metadata.uid, "annotations": {naming.PREPARED: None}}}
        self._namespaces.merge(await self._kube.patch(NAMESPACES, name, patch))

    async def _admit(self, user: User) -> None:
        if await self._is_disabled(user.identifier):
            raise Forbidden(f"the account {user.identifier} is disabled; ask an administrator")

    @property
    def _binds_users(self) -> bool:
        return self._settings.kubeconfig.mode != "off"

    def known(self, user: User) -> Namespace | None:
        """The user's namespace as the cache has it. Raises NamespaceTaken where it is somebody else's."""
        namespace = self._namespaces.get(naming.namespace(user.identifier))
        if namespace is not None:
            check_owner(namespace, user)
        return namespace

    async def find(self, user: User) -> Namespace | None:
        """As `known`, with one live look where the cache has none: what it has not heard of may be somebody else's."""
        known = self.known(user)
        if known is not None:
            return known
        try:
            namespace = await self._kube.get(NAMESPACES, naming.namespace(user.identifier))
        except NotFound:
            return None
        check_owner(namespace, user)
        self._namespaces.merge(namespace)
        return namespace

    def resident(self, identifier: str) -> User | None:
        """Whose namespace that is, by its marks; None: there is no such user yet."""
        namespace = self._namespaces.get(naming.namespace(identifier))
        return _marked(namespace, identifier) if namespace is not None else None

    async def resident_now(self, identifier: str) -> User | None:
        """As `resident`, with one live look where the cache has none."""
        known = self._namespaces.get(naming.namespace(identifier))
        try:
            return _marked(known or await self._kube.get(NAMESPACES, naming.namespace(identifier)), identifier)
        except NotFound:
            return None

    def looks_after(self, namespace: str) -> bool:
        """Whether that is a person's namespace, by its marks; what objects elsewhere say means nothing."""
        user = naming.user_of(namespace)
        return user is not None and self.resident(user) is not None

    async def _look(self, user: User) -> Namespace | None:
        try:
            return await self._kube.get(NAMESPACES, naming.namespace(user.identifier))
        except NotFound:
            return None

    async def _own(self, user: User, namespace: Namespace | None) -> Namespace:
        """`namespace` as it is, or None."""
        name = naming.namespace(user.identifier)
        if namespace is None:
            try:
                manifest = manifests.namespace(user.identifier, user.owner, user.email)
                namespace = await self._kube.create(NAMESPACES, manifest)
            except AlreadyExists:
                namespace = await self._kube.get(NAMESPACES, name)
        check_owner(namespace, user)
        if namespace.metadata.deletion_timestamp is not None:
            raise Conflict(f"the namespace {name} is being deleted; try again when it is gone")
        return await self._guarded(namespace)

    async def _guarded(self, namespace: Namespace) -> Namespace:
        """Pod Security watches over it, also where somebody took that off."""
        meta = namespace.metadata
        if meta.labels.get(manifests.ENFORCE) in manifests.LEVELS:
            return namespace
        # by uid: a namespace of that name made anew meanwhile may be somebody else's
        patch = {"metadata": {"uid": meta.uid, "labels": {manifests.ENFORCE: manifests.LEVELS[0]}}}
        return await self._kube.patch(NAMESPACES, meta.name, patch)

    def _wanted(self, user: User, limits: Limits) -> list[tuple[Resource[Any], dict[str, Any]]]:
        """In the order to make them: the quota before anything that it counts, the person's rights behind all walls."""
        settings = self._settings
        account = settings.kubernetes.service_account
        prefix = settings.oidc_provider.username_prefix
        own = [(ROLE_BINDINGS, manifests.tenant_role_binding(account))] if account else []
        users = [(ROLE_BINDINGS, manifests.user_role_binding(user.identifier, prefix))] if self._binds_users else []
        return [
            *own,
            (
                RESOURCE_QUOTAS,
                manifests.resource_quota(settings, limits.pods, limits.gpus, counts_claims=self._serves_claims()),
            ),
            (LIMIT_RANGES, manifests.limit_range(settings)),
            (NETWORK_POLICIES, manifests.network_policy(user.identifier)),
            (NETWORK_POLICIES, manifests.ssh_policy(settings)),
            *((SECRETS, pull_secrets.manifest(secret)) for secret in settings.pod.pull_secrets),
            *users,
        ]

    async def _apply(self, resource: Resource[Any], manifest: Mapping[str, Any], namespace: str) -> None:
        name = manifest["metadata"]["name"]
        if resource is ROLE_BINDINGS:
            await bind(self._kube, manifest, namespace)
            return
        try:
            await self._kube.create(resource, manifest, namespace)
        except AlreadyExists:
            content = "data" if resource is SECRETS else "spec"
            replace = [{"op": "replace", "path": f"/{content}", "value": manifest[content]}]
            await self._kube.patch(resource, name, replace, namespace)
        except QuotaRefused:
            # the quota is asked before the name is looked at, so it may count what another replica just made twice
            if not await self._is_there(resource, name, namespace):
                raise

    async def _is_there(self, resource: Resource[Any], name: str, namespace: str) -> bool:
        try:
            await self._kube.get(resource, name, namespace)
        except NotFound:
            return False
        return True


def check_owner(namespace: Namespace, user: User) -> None:
    """Raises NamespaceTaken unless the namespace is marked as this user's: never adopt, never label."""
    if namespace.metadata.annotations.get(naming.OWNER) != user.owner:
        raise NamespaceTaken(
            f"the namespace {namespace.metadata.name} exists and does not belong to you; ask an administrator"
        )


def _digest(wanted: list[tuple[Resource[Any], dict[str, Any]]], pull_mark: str) -> str:
    shown = [{key: part for key, part in manifest.items() if key != "data"} for _, manifest in wanted]
    return hashlib.sha256(msgspec.json.encode([*shown, pull_mark], order="sorted")).hexdigest()[:16]


def _just_bound(error: Forbidden) -> bool:
    return "cannot" in error.detail


def _marked(namespace: Namespace, identifier: str) -> User | None:
    """Whose it is by its marks; None: not that user's."""
    labels, notes = namespace.metadata.labels, namespace.metadata.annotations
    if labels.get(naming.MANAGED) != "true" or labels.get(naming.USER) != identifier or naming.OWNER not in notes:
        return None
    return User(
        username=identifier,
        email=notes.get(naming.EMAIL, ""),
        identifier=identifier,
        owner=notes[naming.OWNER],
        is_admin=False,
    )
