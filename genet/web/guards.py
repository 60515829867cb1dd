"""Finds out who is calling, and holds the policy table against every route."""

from collections.abc import Callable
from typing import Any, TypeAlias

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from litestar.routes import ASGIRoute, HTTPRoute, WebSocketRoute

from genet.auth.dev import dev_user
from genet.auth.policy import POLICY, Access
from genet.auth.user import User
from genet.settings import Settings
from genet.web.boundary import is_loopback

OPERATION = "operation"

AnyRequest: TypeAlias = Request[Any, Any, Any]
AnyConnection: TypeAlias = ASGIConnection[Any, Any, Any, Any]

Identify: TypeAlias = Callable[[AnyConnection], User | None]
"""Finds out who is calling; None: nobody."""


class Gate:
    """The guard of the whole application; leaves the caller in the request's state as `user` (None: nobody)."""

    def __init__(self, identify: Identify) -> None:
        self._identify = identify

    def __call__(self, connection: AnyConnection, handler: BaseRouteHandler) -> None:
        user = self._identify(connection)
        connection.scope.setdefault("state", {})["user"] = user
        # what has no line are the OPTIONS handlers that Litestar adds itself
        if user is None and POLICY.get(operation(handler), Access.LOGGED_IN) is Access.LOGGED_IN:
            raise NotAuthorizedException("log in first")


def in_dev_mode(settings: Settings) -> Identify:
    """Dev mode believes `?user=`, but only what comes from the own machine unless it was told otherwise."""

    def identify(connection: AnyConnection) -> User | None:
        client = connection.client
        is_near = client is not None and is_loopback(client.host)
        if not is_near and not settings.auth.dev.allow_remote:
            return None
        return dev_user(connection.query_params.get("user"), settings)

    return identify


def current_user(request: AnyRequest) -> User | None:
    user: User | None = request.scope["state"]["user"]
    return user


def operation(handler: BaseRouteHandler) -> str:
    """The handler's line in the policy table: its name, or what its router says for handlers that Litestar makes."""
    return handler.opt.get(OPERATION) or handler.name or ""


def unguarded(routes: list[HTTPRoute | ASGIRoute | WebSocketRoute]) -> list[str]:
    """Handlers without a line in the policy table."""
    handlers = [handler for route in routes for handler in _handlers(route)]
    return sorted({str(handler) for handler in handlers if operation(handler) not in POLICY})


def _handlers(route: HTTPRoute | ASGIRoute | WebSocketRoute) -> list[BaseRouteHandler]:
    if isinstance(route, HTTPRoute):
        return [handler for method, (handler, _) in route.route_handler_map.items() if method != "OPTIONS"]
    return [route.route_handler]
