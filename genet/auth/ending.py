"""Takes away what lets a person use kubectl in their own namespace, so that it can be given back."""

from contextlib import suppress

from genet import naming
from genet.errors import Conflict, NotFound
from genet.kube.client import KubeClient
from genet.kube.objects import NAMESPACES, ROLE_BINDINGS

USER_ROLE = "genet-user"
"""The ClusterRole of people, and the RoleBinding to it in their namespace."""


async def end_in_namespace(kube: KubeClient, identifier: str, owner: str) -> None:
    """Delete the binding of the person's rights; of nobody else's namespace.

    The namespace is marked as unprepared first: whatever happens in between, the next preparation makes it anew.
    """
    name = naming.namespace(identifier)
    with suppress(NotFound, Conflict):  # gone, or made anew by somebody else
        namespace = await kube.get(NAMESPACES, name)
        if namespace.metadata.annotations.get(naming.OWNER) != owner:
            return
        unprepared = {"metadata": {"uid": namespace.metadata.uid, "annotations": {naming.PREPARED: None}}}
        await kube.patch(NAMESPACES, name, unprepared)
        await kube.delete(ROLE_BINDINGS, USER_ROLE, name)
