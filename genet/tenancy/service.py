"""Makes a person's namespace ready, and never somebody else's.

Idempotent and resumable: the digest of everything made is written last, so a replica that dies half-way leaves a
namespace that the next create completes, and a changed setting reaches every namespace at its owner's next create.
"""

import hashlib
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from genet import naming
from genet.auth.user import User
from genet.errors import AlreadyExists, Conflict, Forbidden, NamespaceTaken, NotFound
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import (
    LIMIT_RANGES,
    NAMESPACES,
    NETWORK_POLICIES,
    PVCS,
    RESOURCE_QUOTAS,
    ROLE_BINDINGS,
    Namespace,
    Resource,
)
from genet.limits import Limits, limits_of
from genet.settings import Settings
from genet.tenancy import manifests
from genet.tenancy.settling import settled


class Tenancy:
    """Namespaces of people: whose they are, what is in them, what they may use."""

    def __init__(self, kube: KubeClient, settings: Settings, *, namespaces: Cache[Namespace]) -> None:
        self._kube = kube
        self._settings = settings
        self._namespaces = namespaces

    async def ready(self, user: User) -> Namespace:
        """The user's namespace, with everything in it that must be there before the first pod.

        Raises:
            NamespaceTaken: it exists and is not marked as this user's.
            Conflict: it is being deleted.
        """
        namespace = await self._own(user)
        wanted = self._wanted(user, limits_of(namespace, self._settings))
        digest = _digest(wanted)
        if namespace.metadata.annotations.get(naming.PREPARED) == digest:
            return namespace
        for resource, manifest in wanted:
            # rights that come from a RoleBinding made a moment ago take a moment to hold
            await settled(partial(self._apply, resource, manifest, namespace.metadata.name), _just_bound)
        patch = {"metadata": {"annotations": {naming.PREPARED: digest}}}
        prepared = await self._kube.patch(NAMESPACES, namespace.metadata.name, patch)
        self._namespaces.merge(prepared)
        return prepared

    async def check(self, user: User) -> None:
        """Raises NamespaceTaken where the namespace of the user's name is somebody else's; costs no call."""
        namespace = self._namespaces.get(naming.namespace(user.identifier))
        if namespace is not None:
            check_owner(namespace, user)

    async def _own(self, user: User) -> Namespace:
        name = naming.namespace(user.identifier)
        try:
            namespace = await self._kube.get(NAMESPACES, name)
        except NotFound:
            try:
                manifest = manifests.namespace(user.identifier, user.owner, user.email)
                namespace = await self._kube.create(NAMESPACES, manifest)
            except AlreadyExists:
                namespace = await self._kube.get(NAMESPACES, name)
        check_owner(namespace, user)
        if namespace.metadata.deletion_timestamp is not None:
            raise Conflict(f"the namespace {name} is being deleted; try again when it is gone")
        return namespace

    def _wanted(self, user: User, limits: Limits) -> list[tuple[Resource[Any], dict[str, Any]]]:
        """In the order to make them: the quota before anything that it counts."""
        settings = self._settings
        account = settings.kubernetes.service_account
        bindings = [(ROLE_BINDINGS, manifests.tenant_role_binding(account))] if account else []
        return [
            *bindings,
            (RESOURCE_QUOTAS, manifests.resource_quota(settings, limits.pods, limits.gpus)),
            (LIMIT_RANGES, manifests.limit_range(settings)),
            (NETWORK_POLICIES, manifests.network_policy(user.identifier)),
            *((PVCS, manifests.claim(user.identifier, volume)) for volume in settings.storage.volumes),
        ]

    async def _apply(self, resource: Resource[Any], manifest: Mapping[str, Any], namespace: str) -> None:
        try:
            await self._kube.create(resource, manifest, namespace)
        except AlreadyExists:
            if resource in (PVCS, ROLE_BINDINGS):
                return  # Kubernetes lets neither be changed
            replace = [{"op": "replace", "path": "/spec", "value": manifest["spec"]}]
            await self._kube.patch(resource, manifest["metadata"]["name"], replace, namespace)


def check_owner(namespace: Namespace, user: User) -> None:
    """Raises NamespaceTaken unless the namespace is marked as this user's: never adopt, never label."""
    if namespace.metadata.annotations.get(naming.OWNER) != user.owner:
        raise NamespaceTaken(
            f"the namespace {namespace.metadata.name} exists and does not belong to you; ask an administrator"
        )


def _digest(wanted: list[tuple[Resource[Any], dict[str, Any]]]) -> str:
    return hashlib.sha256(msgspec.json.encode([manifest for _, manifest in wanted], order="sorted")).hexdigest()[:16]


def _just_bound(error: Forbidden) -> bool:
    return "cannot" in error.detail
