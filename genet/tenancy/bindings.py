"""Who may do what in a person's namespace: RoleBindings, which are never trusted for their name alone.

Trap: what a RoleBinding refers to cannot be changed, so a wrong one is deleted and made anew. Until then it gives its
rights to whomever it names, such as the account of an older installation or a user name with another prefix.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from genet.errors import AlreadyExists, Conflict, NotFound
from genet.kube.client import KubeClient
from genet.kube.objects import ROLE_BINDINGS, RoleBinding, RoleRef, Subject
from genet.tenancy.manifests import USER_ROLE


async def bind(kube: KubeClient, manifest: Mapping[str, Any], namespace: str) -> None:
    """Make this RoleBinding, in the place of another of its name if need be.

    Raises:
        Conflict: Genet's own is there and says something else; Genet has no right to delete that one.
    """
    name = manifest["metadata"]["name"]
    try:
        await kube.create(ROLE_BINDINGS, manifest, namespace)
    except AlreadyExists:
        found = await _find(kube, name, namespace)
        if found is not None and _says(found, manifest):
            return
        if found is not None:
            if name != USER_ROLE:
                raise Conflict(
                    f"the RoleBinding {name} in {namespace} is not as Genet makes it; an administrator has to delete it"
                ) from None
            await unbind(kube, namespace, uid=found.metadata.uid)
        await kube.create(ROLE_BINDINGS, manifest, namespace)


async def unbind(kube: KubeClient, namespace: str, *, uid: str | None = None) -> None:
    """Take the person's rights away; done as well where there were none."""
    try:
        await kube.delete(ROLE_BINDINGS, USER_ROLE, namespace, uid=uid)
    except NotFound:
        return


async def _find(kube: KubeClient, name: str, namespace: str) -> RoleBinding | None:
    try:
        return await kube.get(ROLE_BINDINGS, name, namespace)
    except NotFound:
        return None


def _says(found: RoleBinding, manifest: Mapping[str, Any]) -> bool:
    role, subjects = manifest["roleRef"], manifest["subjects"]
    return found.role_ref == msgspec.convert(role, RoleRef) and found.subjects == tuple(
        msgspec.convert(subject, Subject) for subject in subjects
    )
