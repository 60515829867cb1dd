"""Kubeconfigs over HTTP.

Trap: a download that holds a token makes a grant, although it is a GET: browsers cannot save the answer to anything
else. A page of another site can send a browser there, so what a browser says of where the request comes from counts.
"""

from typing import Annotated, Literal

from litestar import Response, get, post
from litestar.params import QueryParameter

from genet.auth.user import Caller
from genet.errors import Forbidden
from genet.kubeconfig.document import Kubeconfig
from genet.kubeconfig.exec import Plugin
from genet.web.guards import AnyRequest, current_caller
from genet.web.problems import refusals
from genet.web.services import Injected

_NO_STORE = {"Cache-Control": "no-store"}
_OWN_SITES = frozenset({"same-origin", "none"})

Form = Annotated[
    Literal["exec", "auth-provider"],
    QueryParameter(name="form", description="`exec` holds no secret; `auth-provider` holds a token: download only"),
]
PluginName = Annotated[
    Plugin | None,
    QueryParameter(name="plugin", description="What logs in for kubectl; default kubeconfig.plugin"),
]


class CrossSite(Forbidden):
    code = "csrf"


@get(
    "/api/kubeconfig",
    name="kubeconfig:show",
    summary="Show the kubeconfig",
    tags=["kubeconfig"],
    responses=refusals(401, 403, 404, 409, 503),
)
async def show_kubeconfig(
    request: AnyRequest, services: Injected, form: Form = "exec", plugin: PluginName = None
) -> Response[Kubeconfig]:
    """The caller's kubeconfig where it holds no secret; in certificate mode 409 `use_post`."""
    services.require_synced()
    shown = await services.issue_kubeconfig.show(_caller(request).user, form, plugin)
    return Response(shown, headers=_NO_STORE)


@post(
    "/api/kubeconfig",
    name="kubeconfig:issue",
    summary="Issue a kubeconfig with a certificate",
    tags=["kubeconfig"],
    responses=refusals(401, 403, 404, 409, 429, 503),
)
async def issue_kubeconfig(request: AnyRequest, services: Injected) -> Response[Kubeconfig]:
    """A kubeconfig with a certificate of its own, in certificate mode."""
    services.require_synced()
    caller = _caller(request)
    issued = await services.issue_kubeconfig.issue(caller.user, session_id=caller.credential_id)
    return Response(issued, headers=_NO_STORE)


@get(
    "/api/kubeconfig/download",
    name="kubeconfig:download",
    summary="Download the kubeconfig",
    tags=["kubeconfig"],
    media_type="application/yaml",
    responses=refusals(401, 403, 404, 409, 503),
)
async def download_kubeconfig(
    request: AnyRequest, services: Injected, form: Form = "exec", plugin: PluginName = None
) -> Response[str]:
    """The caller's kubeconfig as a file."""
    services.require_synced()
    if form == "auth-provider" and not _OWN_SITES.issuperset(request.headers.getall("Sec-Fetch-Site", [])):
        raise CrossSite("a page of another site has sent you here; begin at Genet's own page")
    caller = _caller(request)
    file = await services.issue_kubeconfig.download(
        caller.user, form, plugin, auth_time=caller.authenticated_at, session_id=caller.credential_id
    )
    headers = {**_NO_STORE, "Content-Disposition": f'attachment; filename="{file.name}"'}
    return Response(file.text, media_type="application/yaml", headers=headers)


def _caller(request: AnyRequest) -> Caller:
    caller = current_caller(request)
    assert caller is not None, "the gate lets nobody in here"  # noqa: S101 # the policy table says LOGGED_IN
    return caller
