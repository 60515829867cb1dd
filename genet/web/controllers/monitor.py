"""The cluster and this replica, over HTTP, for administrators."""

from litestar import get

from genet.flows.monitor import ClusterState, SystemState
from genet.web.problems import refusals
from genet.web.services import Injected


@get(
    "/api/monitor/cluster",
    name="monitor:cluster",
    summary="Capacity",
    tags=["cluster"],
    responses=refusals(401, 403, 503),
)
async def monitor_cluster(services: Injected) -> ClusterState:
    """What the cluster has, what is asked of it, and its pods by phase."""
    return await services.monitor.cluster()


@get(
    "/api/monitor/system",
    name="monitor:system",
    summary="This replica",
    tags=["cluster"],
    responses=refusals(401, 403),
)
async def monitor_system(services: Injected) -> SystemState:
    """What the replica that answers knows, and how fresh that is."""
    return services.monitor.system()
