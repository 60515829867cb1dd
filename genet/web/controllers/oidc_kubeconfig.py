"""The kubeconfig for Genet's own command line, which has no session but the access token of its login.

Such a token opens nothing under `/api`: there it would have to be told from API tokens on every route. So this is a
resource of the provider, as userinfo is, and it serves the one form that holds no secret. Only tokens of the client
`kube` count: to other programs a person has shown who they are, and nothing more.
"""

from litestar import Response, Router, get

from genet.kubeconfig.document import Kubeconfig
from genet.kubeconfig.exec import CLIENT_ID
from genet.oidc.messages import OAuthError
from genet.web.guards import AnyRequest
from genet.web.oauth import NO_STORE, ON_ERRORS, authorization, provider_of
from genet.web.services import Injected


@get("/oidc/kubeconfig", name="oidc:kubeconfig", include_in_schema=False)
async def kubeconfig(request: AnyRequest, services: Injected) -> Response[Kubeconfig]:
    """As `GET /api/kubeconfig?form=exec&plugin=genet`, for the bearer of an access token."""
    grants = provider_of(services).grants
    services.require_synced()
    grant, user = await grants.of_access_token(_bearer(request))
    if grant.client != CLIENT_ID:
        raise OAuthError("invalid_token", "the access token is for another program", 401)
    return Response(await services.issue_kubeconfig.show(user, "exec", "genet"), headers=NO_STORE)


def _bearer(request: AnyRequest) -> str:
    presented = authorization(request)
    scheme, _, token = presented[0].partition(" ") if len(presented) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token:
        raise OAuthError("invalid_token", "expected one access token", 401)
    return token.strip()


COMMAND_LINE = Router("/", route_handlers=[kubeconfig], exception_handlers={OAuthError: ON_ERRORS[OAuthError]})
"""Errors of the token are the protocol's; all others are Genet's own, which say what to do."""
