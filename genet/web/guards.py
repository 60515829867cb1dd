"""Finds out who is calling, and holds the policy table against every route."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException, NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from litestar.routes import ASGIRoute, HTTPRoute, WebSocketRoute

from genet.auth.dev import dev_user
from genet.auth.policy import ANY_TOKEN, POLICY, Access, Rule
from genet.auth.user import Caller, User
from genet.errors import Forbidden, GenetError
from genet.settings import Settings
from genet.settings.urls import is_loopback
from genet.web.sockets import refusal

OPERATION = "operation"

AnyRequest: TypeAlias = Request[Any, Any, Any]
AnyConnection: TypeAlias = ASGIConnection[Any, Any, Any, Any]

Identify: TypeAlias = Callable[[AnyConnection], Awaitable[Caller | None]]
"""Finds out who is calling; None: nobody."""

_UNKNOWN = Rule(Access.LOGGED_IN)


class Gate:
    """The guard of the whole application; leaves who calls in the request's state as `caller` and `user`."""

    def __init__(self, identify: Identify) -> None:
        self._identify = identify

    async def __call__(self, connection: AnyConnection, handler: BaseRouteHandler) -> None:
        if connection.scope["type"] != ScopeType.WEBSOCKET:
            await self._judge(connection, handler)
            return
        try:
            await self._judge(connection, handler)
        except (GenetError, HTTPException) as error:
            raise refusal(error) from error

    async def _judge(self, connection: AnyConnection, handler: BaseRouteHandler) -> None:
        # what has no line are the OPTIONS handlers that Litestar adds itself
        rule = POLICY.get(operation(handler), _UNKNOWN)
        is_asked = rule.access not in (Access.PUBLIC, Access.PROTOCOL)
        caller = await self._identify(connection) if is_asked else None
        connection.scope.setdefault("state", {}).update(caller=caller, user=caller.user if caller else None)
        if caller is None and rule.access in (Access.LOGGED_IN, Access.ADMIN):
            raise NotAuthorizedException("log in first")
        if caller is not None:
            _check(caller, rule)


def in_dev_mode(settings: Settings) -> Identify:
    """Dev mode believes `?user=`, but only what comes from the own machine unless it was told otherwise."""

    async def identify(connection: AnyConnection) -> Caller | None:
        client = connection.client
        is_near = client is not None and is_loopback(client.host)
        if not is_near and not settings.auth.dev.allow_remote:
            return None
        return Caller(dev_user(connection.query_params.get("user"), settings), by="dev")

    return identify


def current_user(request: AnyConnection) -> User | None:
    user: User | None = request.scope["state"]["user"]
    return user


def current_caller(request: AnyConnection) -> Caller | None:
    caller: Caller | None = request.scope["state"]["caller"]
    return caller


def operation(handler: BaseRouteHandler) -> str:
    """The handler's line in the policy table: its name, or what its router says for handlers that Litestar makes."""
    return handler.opt.get(OPERATION) or handler.name or ""


def unguarded(routes: list[HTTPRoute | ASGIRoute | WebSocketRoute]) -> list[str]:
    """Handlers without a line in the policy table."""
    handlers = [handler for route in routes for handler in _handlers(route)]
    return sorted({str(handler) for handler in handlers if operation(handler) not in POLICY})


def _check(caller: Caller, rule: Rule) -> None:
    """Raises Forbidden where this caller may not do what the rule is about."""
    if rule.access is Access.ADMIN and not caller.user.is_admin:
        raise Forbidden("only administrators may do this")
    if caller.scopes is None or rule.scope == ANY_TOKEN:
        return
    if rule.scope is None:
        raise Forbidden("this cannot be done with an API token: log in with a browser")
    if rule.scope not in caller.scopes:
        raise Forbidden(f"this API token was not made for {rule.scope}")


def _handlers(route: HTTPRoute | ASGIRoute | WebSocketRoute) -> list[BaseRouteHandler]:
    if isinstance(route, HTTPRoute):
        return [handler for method, (handler, _) in route.route_handler_map.items() if method != "OPTIONS"]
    return [route.route_handler]
