"""One node of the overview over HTTP."""

from typing import Annotated

from litestar import get
from litestar.exceptions import NotAuthorizedException
from litestar.params import PathParameter

from genet.flows.show_node import NodeDetail
from genet.gpus.overview import Audience
from genet.web.guards import AnyRequest, current_user
from genet.web.problems import refusals
from genet.web.services import Injected

NodeName = Annotated[str, PathParameter(description="the node's name in Kubernetes")]


@get(
    "/api/cluster/nodes/{node_name:str}",
    name="cluster:node",
    summary="One node",
    tags=["cluster"],
    responses=refusals(401, 404, 503),
)
async def show_node(
    request: AnyRequest,
    services: Injected,
    node_name: NodeName,
) -> NodeDetail:
    """The devices of one node, their last day, its events and labels; without login as the overview shows them."""
    if current_user(request) is not None:
        return await services.show_node(node_name, Audience.MEMBER)
    if services.settings.auth.anonymous_overview != "full-shape":
        raise NotAuthorizedException("log in to see the nodes of the cluster")
    return await services.show_node(node_name, Audience.PUBLIC)
