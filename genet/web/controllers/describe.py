"""Why a pod is not running, and all there is to say of it."""

from litestar import get

from genet.pods.description import PodDescription
from genet.web.guards import AnyRequest
from genet.web.language import spoken
from genet.web.ownership import Owner, PodId, find, sees_names
from genet.web.problems import refusals
from genet.web.services import Injected


@get(
    "/api/pods/{pod_id:str}/describe",
    name="pods:describe",
    summary="What a pod is made of, and why it does not run",
    tags=("pods",),
    responses=refusals(401, 403, 404, 503),
)
async def describe_pod(request: AnyRequest, services: Injected, pod_id: PodId, owner: Owner = None) -> PodDescription:
    """The pod in full, and why it does not run: codes with their params, and sentences in the caller's language.

    Who else holds GPUs is the overview's to tell: a token that may not read that is not told.
    """
    services.require_synced()
    _, pod = await find(request, owner, pod_id, services)
    return await services.describe_pod(pod, spoken(request), sees_names=sees_names(request))
