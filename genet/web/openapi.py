"""The OpenAPI document: what it says of Genet as a whole, who may call what, and two things Litestar cannot say.

Who may call an operation is taken from `genet.auth.policy`, so that the document cannot promise anything else.

Litestar describes one media type per status. So further ones are described under statuses that HTTP does not have, and
`Alternatives` puts them where they belong.
"""

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from litestar import Request, Router
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, OpenAPIResponse, Operation, SecurityRequirement, SecurityScheme, Tag
from litestar.routes import BaseRoute, HTTPRoute

from genet import __version__
from genet.auth.policy import ANY_TOKEN, POLICY, Access, Rule
from genet.auth.sessions import COOKIE
from genet.web.guards import OPERATION, operation

_BEYOND: Final = 1000

_SESSION: Final = "session"
_TOKEN: Final = "apiToken"  # noqa: S105 # the name of a scheme
_ABOUT: Final = """\
See every GPU of a cluster, take some as a pod, work in it, give them back.

Times are RFC 3339 in UTC. Every key of an answer is always there, and what is not known is null. In a request types are
strict, and a key that is not known is an error. Errors are `application/problem+json` with a stable `code`;
their `errors` name all bad fields at once.

What changes something must come from Genet's own pages, or with an API token. A shell of a pod
(`/api/pods/{id}/terminal`) is a WebSocket, and what OpenID Connect says stands at `/.well-known/openid-configuration`:
neither is listed here."""
_SCHEMES: Final = {
    _SESSION: SecurityScheme(
        type="apiKey",
        name=COOKIE,
        security_scheme_in="cookie",
        description="The login of a browser, which sends its cookie by itself. In proxy mode the proxy says who is "
        "calling instead, in dev mode `?user=` does.",
    ),
    _TOKEN: SecurityScheme(
        type="http",
        scheme="bearer",
        bearer_format="genet-sk-…",
        description="An API token of the account page, for scripts. It does what it was made for, and nothing else.",
    ),
}
_TAGS: Final = {
    "account": "Who is calling, and what this installation offers.",
    "cluster": "GPUs, nodes and their use. Without a login as much as `auth.anonymousOverview` allows.",
    "pods": "Pods of one's own; administrators name another person by `owner`.",
    "volumes": "What outlives a pod.",
    "kubeconfig": "The way to kubectl.",
    "ssh keys": "What opens one's pods by SSH.",
    "tokens": "API tokens, for scripts that cannot log in.",
    "grants": "Programs that act in one's name, such as kubectl.",
}


def described() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Genet",
        version=__version__,
        description=_ABOUT,
        components=Components(security_schemes=dict(_SCHEMES)),
        tags=[Tag(name, text) for name, text in _TAGS.items()],
        render_plugins=[JsonRenderPlugin(path="/")],
        openapi_router=Router(
            "/api/openapi.json",
            route_handlers=[],
            include_in_schema=False,
            opt={OPERATION: "openapi:schema"},
            before_request=_alone,
        ),
    )


async def _alone(request: Request[Any, Any, Any]) -> None:
    """Litestar has a page of its own for whatever is below the document."""
    if request.path_params:
        raise NotFoundException("nothing is here")


def say_who_may(routes: Iterable[BaseRoute]) -> None:
    """Adds to what each handler says of itself, its docstring, who may call it; before the document is asked for."""
    for route in routes:
        for handler, _ in route.route_handler_map.values() if isinstance(route, HTTPRoute) else ():
            rule = POLICY.get(operation(handler))
            if rule is not None and handler.resolve_include_in_schema():
                handler.security = _requirements(rule)
                handler.description = f"{inspect.getdoc(handler.fn)}\n\n{_sentence(rule)}"


def _requirements(rule: Rule) -> list[SecurityRequirement]:
    """One of these is enough; an empty one is nothing at all."""
    found: list[SecurityRequirement] = [{}] if rule.access is Access.ANYBODY else []
    if rule.access in (Access.ANYBODY, Access.LOGGED_IN, Access.ADMIN):
        found.append({_SESSION: []})
        if rule.scope is not None:
            found.append({_TOKEN: [] if rule.scope == ANY_TOKEN else [rule.scope]})
    return found


def _sentence(rule: Rule) -> str:
    if rule.access in (Access.PUBLIC, Access.PROTOCOL):
        return "Open to everybody."
    who = {
        Access.ANYBODY: "Open, but what it says may depend on who asks",
        Access.ADMIN: "For administrators",
    }.get(rule.access, "For whoever is logged in")
    if rule.scope is None:
        return f"{who}; API tokens cannot do this."
    return f"{who}; {'any API token' if rule.scope == ANY_TOKEN else f'API tokens need `{rule.scope}`'}."


def also(status: int, schema: Any, media_type: str, *, number: int = 1) -> dict[int, ResponseSpec]:
    """One more media type of a status, the `number`-th; for handlers whose `operation_class` is `Alternatives`."""
    return {number * _BEYOND + status: ResponseSpec(schema, media_type=media_type, generate_examples=False)}


@dataclass
class Alternatives(Operation):
    def __post_init__(self) -> None:
        responses = self.responses or {}
        for status in [status for status in responses if int(status) > _BEYOND]:
            further, known = responses.pop(status), responses[str(int(status) % _BEYOND)]
            if isinstance(further, OpenAPIResponse) and isinstance(known, OpenAPIResponse):
                known.content = {**(known.content or {}), **(further.content or {})}
