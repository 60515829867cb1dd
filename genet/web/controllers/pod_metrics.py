"""What a pod uses, and with whom it shares its cards."""

from litestar import get

from genet.flows.pod_cards import SharedDevices
from genet.flows.pod_metrics import PodUse
from genet.web.guards import AnyRequest
from genet.web.ownership import Owner, PodId, find, sees_names
from genet.web.problems import refusals
from genet.web.services import Injected


@get(
    "/api/pods/{pod_id:str}/metrics",
    name="pods:metrics",
    summary="What a pod uses",
    tags=["pods"],
    responses=refusals(401, 403, 404, 503),
)
async def pod_metrics(request: AnyRequest, services: Injected, pod_id: PodId, owner: Owner = None) -> PodUse:
    """What the pod uses just now; what is not known is null, and `sources` says why."""
    _, pod = await find(request, owner, pod_id, services)
    return await services.show_pod_use(pod)


@get(
    "/api/pods/{pod_id:str}/shared-gpus",
    name="pods:shared-gpus",
    summary="Who else works on a pod's cards",
    tags=["pods"],
    responses=refusals(401, 403, 404, 503),
)
async def shared_gpus(request: AnyRequest, services: Injected, pod_id: PodId, owner: Owner = None) -> SharedDevices:
    """Who else works on the pod's cards. Names are the overview's: a token that may not read that gets none."""
    _, pod = await find(request, owner, pod_id, services)
    return await services.shared_gpus(pod, sees_names=sees_names(request))
