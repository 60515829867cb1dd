"""The kubeconfig for Genet's own command line, which has no session but the access token of its login.

Such a token opens nothing under `/api`: there it would have to be told from API tokens on every route. So this is a
resource of the provider, as userinfo is, and it serves nothing secret. Only tokens of the client `kube` count: to other
programs a person has shown who they are, and nothing more.

It says which cluster and namespace, and no more: what a kubeconfig names as a plugin, kubectl runs, so the command line
writes that part itself.
"""

import msgspec
from litestar import Response, Router, get

from genet import naming
from genet.kubeconfig.exec import CLIENT_ID
from genet.oidc.messages import OAuthError
from genet.web.guards import AnyRequest
from genet.web.oauth import NO_STORE, ON_ERRORS, authorization, provider_of
from genet.web.services import Injected


class Place(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where somebody works."""

    cluster: str
    server: str
    ca_data: str | None
    """Base64 of the PEM bundle that the API server's certificate is checked with; null: the system's authorities."""
    namespace: str
    user: str
    """userIdentifier"""


@get("/oidc/kubeconfig", name="oidc:kubeconfig", include_in_schema=False)
async def kubeconfig(request: AnyRequest, services: Injected) -> Response[Place]:
    """What `GET /api/kubeconfig?form=exec&plugin=genet` says, in parts, for the bearer of an access token."""
    grants = provider_of(services).grants
    services.require_synced()
    grant, user = await grants.of_access_token(_bearer(request))
    if grant.client != CLIENT_ID:
        raise OAuthError("invalid_token", "the access token is for another program", 401)
    await services.issue_kubeconfig.show(user, "exec", "genet")
    cluster = services.settings.cluster
    assert cluster.server is not None, "or there are no kubeconfigs"  # noqa: S101 # the flow has refused
    place = Place(
        cluster=cluster.name,
        server=cluster.server,
        ca_data=cluster.ca_data,
        namespace=naming.namespace(user.identifier),
        user=user.identifier,
    )
    return Response(place, headers=NO_STORE)


def _bearer(request: AnyRequest) -> str:
    presented = authorization(request)
    scheme, _, token = presented[0].partition(" ") if len(presented) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token:
        raise OAuthError("invalid_token", "expected one access token", 401)
    return token.strip()


COMMAND_LINE = Router("/", route_handlers=[kubeconfig], exception_handlers={OAuthError: ON_ERRORS[OAuthError]})
"""Errors of the token are the protocol's; all others are Genet's own, which say what to do."""
