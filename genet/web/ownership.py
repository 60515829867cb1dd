"""Whose pods a request is about: the caller's own, or those of the one whom an administrator names by `?owner=`."""

from typing import Annotated

from litestar.params import PathParameter, QueryParameter

from genet.auth.policy import CLUSTER_READ
from genet.auth.user import User
from genet.errors import NotFound
from genet.kube import objects
from genet.web.guards import AnyConnection, current_caller, current_user
from genet.web.services import Services

Owner = Annotated[str | None, QueryParameter(name="owner", description="userIdentifier to act for; admins only")]
PodId = Annotated[str, PathParameter(description="the pod's `id`: `pod-…`")]


def caller(request: AnyConnection) -> User:
    user = current_user(request)
    assert user is not None, "the gate lets nobody in here"  # noqa: S101 # the policy table says LOGGED_IN
    return user


def sees_names(request: AnyConnection) -> bool:
    """Whether the caller may be told who else uses the cluster's GPUs: whoever may read the overview."""
    known = current_caller(request)
    return known is not None and (known.scopes is None or CLUSTER_READ in known.scopes)


def whose(request: AnyConnection, owner: str | None, services: Services) -> User:
    """Whose pods are meant: the caller's own, or those of the one whom an administrator names.

    Raises:
        NotFound: not an administrator, or no such user: both look the same.
    """
    own = caller(request)
    if owner is None or owner == own.identifier:
        return own
    meant = services.tenancy.resident(owner) if own.is_admin else None
    if meant is None:
        raise NotFound("no such user")
    return meant


async def find(request: AnyConnection, owner: str | None, pod_id: str, services: Services) -> tuple[str, objects.Pod]:
    """The userIdentifier of whose pods are meant, and the one of that id.

    Raises:
        NotFound: there is none, or it is somebody else's: both look the same.
        NamespaceTaken: the namespace of the user's name is somebody else's.
    """
    user = whose(request, owner, services)
    if await services.tenancy.find(user) is None:
        raise NotFound("no such pod")
    return user.identifier, await services.pods.get(user.identifier, pod_id)
