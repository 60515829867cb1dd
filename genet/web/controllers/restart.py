"""Restarting a pod over HTTP, and what ending one means for what is in it."""

from typing import Annotated

from litestar import get, post
from litestar.params import QueryParameter

from genet.pods import model
from genet.pods.deletions import DeletedPods, shown
from genet.pods.losses import Consequences, consequences
from genet.web.guards import AnyRequest
from genet.web.language import spoken
from genet.web.ownership import Owner, PodId, find, whose
from genet.web.problems import refusals
from genet.web.services import Injected


@post(
    "/api/pods/{pod_id:str}/restart",
    name="pods:restart",
    summary="Restart a pod",
    tags=["pods"],
    status_code=202,
    responses=refusals(401, 403, 404, 409, 503),
)
async def restart_pod(
    request: AnyRequest,
    services: Injected,
    pod_id: PodId,
    *,
    owner: Owner = None,
    avoid_node: Annotated[bool, QueryParameter(name="avoidNode", description="not on the node where it was")] = False,
) -> model.Pod:
    """End the pod and make it again; it shows as `Restarting` until it is there. Asking again joins.

    With `avoidNode=true` it comes up anywhere but where it was, and does not wait for a node that is lost.
    """
    user, pod = await find(request, owner, pod_id, services)
    await services.restart_pod(pod, user=user, avoid_node=avoid_node)
    return services.pods.view(user, [pod], spoken(request))[0]


@get(
    "/api/pods/{pod_id:str}/consequences",
    name="pods:consequences",
    summary="What deleting or restarting a pod loses",
    tags=["pods"],
    responses=refusals(401, 403, 404, 503),
)
async def show_consequences(
    request: AnyRequest, services: Injected, pod_id: PodId, owner: Owner = None
) -> Consequences:
    """What is lost when the pod is deleted or restarted, and what stays."""
    services.require_synced()
    user, pod = await find(request, owner, pod_id, services)
    return consequences(
        pod,
        [other for other in services.pods.of(user) if other.metadata.name != pod.metadata.name],
        services.settings,
        is_device=services.pods.is_device,
        now=services.clock(),
        language=spoken(request),
    )


@get(
    "/api/history",
    name="history:list",
    summary="Pods that were deleted lately",
    tags=["pods"],
    responses=refusals(401, 403, 404, 503),
)
async def show_history(request: AnyRequest, services: Injected, owner: Owner = None) -> DeletedPods:
    """Pods that were deleted within the last week, by the nightly clean-up or over the API, and why."""
    services.require_synced()
    namespace = services.tenancy.known(whose(request, owner, services))
    return DeletedPods(tuple(shown(one, spoken(request)) for one in services.deletions.of(namespace)))
