"""Saving a pod as an image over HTTP."""

from litestar import get, post
from litestar.params import JSONBody

from genet.images.model import CommitRequest, CommitStarted, CommitStatus
from genet.web.body import Body, BodyDTO
from genet.web.guards import AnyRequest
from genet.web.language import spoken
from genet.web.ownership import Owner, PodId, find
from genet.web.problems import refusals
from genet.web.services import Injected


@post(
    "/api/pods/{pod_id:str}/commit",
    name="pods:commit",
    summary="Save a pod as an image",
    tags=["pods"],
    dto=BodyDTO,
    return_dto=None,
    status_code=202,
    responses=refusals(401, 403, 404, 409, 413, 415, 503),
)
async def commit_pod(
    request: AnyRequest,
    services: Injected,
    pod_id: PodId,
    data: JSONBody[Body[CommitRequest]],
    owner: Owner = None,
) -> CommitStarted:
    """Keep what was installed in the pod's container as an image. Volumes are not part of it."""
    user, pod = await find(request, owner, pod_id, services)
    return await services.save_image(pod, data.checked(), user=user)


@get(
    "/api/pods/{pod_id:str}/commit/status",
    name="pods:commit-status",
    summary="How far saving a pod is",
    tags=["pods"],
    responses=refusals(401, 403, 404, 503),
)
async def show_commit(request: AnyRequest, services: Injected, pod_id: PodId, owner: Owner = None) -> CommitStatus:
    """How far the saving of this pod is, or how it ended."""
    _, pod = await find(request, owner, pod_id, services)
    return await services.save_image.status(pod, spoken(request))
