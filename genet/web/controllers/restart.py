"""Restarting a pod over HTTP, and what ending one means for what is in it."""

from typing import Annotated

from litestar import post
from litestar.params import FromPath, QueryParameter

from genet.pods import model
from genet.web.guards import AnyRequest
from genet.web.ownership import Owner, find
from genet.web.problems import refusals
from genet.web.services import Injected


@post(
    "/api/pods/{pod_id:str}/restart",
    name="pods:restart",
    tags=["pods"],
    status_code=202,
    responses=refusals(401, 403, 404, 409, 503),
)
async def restart_pod(
    request: AnyRequest,
    services: Injected,
    pod_id: FromPath[str],
    *,
    owner: Owner = None,
    avoid_node: Annotated[bool, QueryParameter(name="avoidNode")] = False,
) -> model.Pod:
    """End the pod and make it again; it shows as `Restarting` until it is there. Asking again joins.

    With `avoidNode=true` it comes up anywhere but where it was, and does not wait for a node that is lost.
    """
    user, pod = await find(request, owner, pod_id, services)
    await services.restart_pod(pod, user=user, avoid_node=avoid_node)
    return services.pods.view(user, [pod])[0]
