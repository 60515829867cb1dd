"""The company's login in a browser: there, back, and out. Errors are pages here, as a person is looking."""

from contextlib import suppress
from http import HTTPStatus
from typing import Annotated, Any, Final
from urllib.parse import quote

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter

from genet.auth.login import COOKIE_PREFIX, HOME, LIFETIME, LoginFailed, local_path
from genet.auth.sessions import COOKIE
from genet.errors import Forbidden, GenetError, Invalid, NotFound
from genet.web.cookies import DoubledCookieError, cookie, names
from genet.web.guards import AnyRequest, current_caller
from genet.web.pages import message
from genet.web.pages.browser import redirect
from genet.web.problems import refusals
from genet.web.services import Injected, Services

LOGIN: Final = "/api/auth/login"
_OTHER_MODE: Final = "This installation leaves logging in to something else."
_MOST_FLOWS: Final = 8
"""Logins that one browser may have under way; beyond that all earlier ones are forgotten."""


@get(LOGIN, name="auth:login", include_in_schema=False)
async def log_in(
    request: AnyRequest,
    services: Injected,
    *,
    next_: Annotated[str | None, QueryParameter(name="next")] = None,
    again: Annotated[str, QueryParameter(name="again")] = "",
) -> Response[Any]:
    """To the company's provider; with `again=true` even those whom it remembers prove who they are."""
    if services.login is None:
        return redirect(local_path(next_) or HOME)  # in this mode nobody logs in here
    try:
        begun = await services.login.begin(next_, reauthenticate=again == "true")
    except GenetError as error:
        return _failed(services, error, local_path(next_))
    answer = redirect(begun.url)
    under_way = [name for name in names(request.scope["headers"]) if name.startswith(COOKIE_PREFIX)]
    for name in under_way if len(under_way) >= _MOST_FLOWS else ():
        answer.set_cookie(_cleared(name))
    answer.set_cookie(_cookie(begun.cookie_name, begun.cookie_value, int(LIFETIME.total_seconds())))
    return answer


@get(["/api/auth/callback", "/oidc/callback"], name="auth:callback", include_in_schema=False)
async def log_in_ended(request: AnyRequest, services: Injected) -> Response[Any]:
    """Where the company's provider sends the browser back to: a new session, always, and on to where it was going."""
    if services.login is None:
        return message(services.settings.ui.title, "Nothing to log in to", _OTHER_MODE, status=404)
    query = request.scope["query_string"].decode("latin-1")
    try:
        answer = await _arrive(request, services, query)
    except GenetError as error:
        answer = _failed(services, error, error.next if isinstance(error, LoginFailed) else None)
    name = services.login.cookie_of(query)
    if name is not None:
        answer.set_cookie(_cleared(name))
    return answer


@post(
    "/api/auth/logout",
    name="auth:logout",
    summary="Log out",
    tags=["account"],
    status_code=204,
    # said by hand, or the document would promise a body that is null
    responses={204: ResponseSpec(None, description="logged out"), **refusals(401, 403, 503)},
)
async def log_out(
    request: AnyRequest,
    services: Injected,
    *,
    everywhere: Annotated[
        bool, QueryParameter(description="every session, API token, kubeconfig and grant of yours as well")
    ] = False,
) -> Response[None]:
    """End this session, on every replica."""
    caller = current_caller(request)
    assert caller is not None, "the gate lets nobody in here"  # noqa: S101 # the policy table says LOGGED_IN
    if everywhere:
        with suppress(NotFound):  # whom a proxy or dev mode vouches for, and who never had anything
            await services.identity.people.end_everything(caller.user.identifier)
    elif caller.credential_id is not None:
        await services.identity.sessions.end(caller.credential_id)
    answer: Response[None] = Response(None, status_code=204)
    answer.set_cookie(_cleared(COOKIE))
    return answer


async def _arrive(request: AnyRequest, services: Services, query: str) -> Response[Any]:
    assert services.login is not None  # noqa: S101 # seen by the caller
    headers, identity = request.scope["headers"], services.identity

    def cookies(name: str) -> str | None:
        try:
            return cookie(headers, name)
        except DoubledCookieError:
            raise Invalid("your browser sends this login's cookie twice; log in again") from None

    arrived = await services.login.complete(query, cookies)
    await identity.people.logged_in(
        arrived.user,
        email_verified=arrived.proven.email_verified,
        upstream_refresh_token=arrived.proven.refresh_token,
    )
    value, session = await identity.sessions.start(
        arrived.user,
        authenticated_at=arrived.authenticated_at,
        user_agent=request.headers.get("User-Agent", ""),
    )
    await _end_former(request, services)
    answer = redirect(arrived.next)
    answer.set_cookie(_cookie(COOKIE, value, int((session.expires_at - session.created_at).total_seconds())))
    return answer


async def _end_former(request: AnyRequest, services: Services) -> None:
    """The session that this browser had: nobody will use it any more. That it cannot be ended stops no login."""
    try:
        value = cookie(request.scope["headers"], COOKIE)
        former = await services.identity.sessions.find(value) if value is not None else None
        if former is not None and former.credential_id is not None:
            await services.identity.sessions.end(former.credential_id)
    except (DoubledCookieError, GenetError):
        return


def _failed(services: Services, error: GenetError, next_: str | None) -> Response[Any]:
    status, title = HTTPStatus.SERVICE_UNAVAILABLE, "Logging in does not work right now"
    if isinstance(error, Invalid):
        status, title = HTTPStatus.BAD_REQUEST, "This login cannot go on"
    elif isinstance(error, Forbidden):
        status, title = HTTPStatus.FORBIDDEN, "You are not logged in"
    text = error.detail[:1].upper() + error.detail[1:] + "."
    link = f"{LOGIN}?next={quote(next_ or HOME, safe='')}"
    return message(services.settings.ui.title, title, text, status=status, link=link, link_text="Log in again")


def _cookie(name: str, value: str, max_age: int) -> Cookie:
    return Cookie(key=name, value=value, path="/", max_age=max_age, secure=True, httponly=True, samesite="lax")


def _cleared(name: str) -> Cookie:
    return _cookie(name, "", 0)
