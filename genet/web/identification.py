"""The ways in which a request says who is calling: an API token in every mode, else the one way of the mode.

Whoever presents a token is who it says, or nobody: a wrong one never falls back to a cookie or to a header, as the
request has passed the boundary without an Origin because of it.
"""

from collections.abc import Callable
from typing import Final

from litestar.exceptions import NotAuthorizedException

from genet.auth.proxy import Proxies
from genet.auth.sessions import COOKIE
from genet.auth.user import Caller
from genet.settings import Settings
from genet.web.cookies import DoubledCookieError, cookie
from genet.web.credentials import bearer
from genet.web.guards import AnyConnection, Identify, in_dev_mode
from genet.web.services import Services

_CLEARED: Final = f"{COOKIE}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"


def identify_by(settings: Settings) -> Identify:
    """Who is calling, as `auth.mode` says."""
    ways: dict[str, Callable[[Settings], Identify]] = {
        "oauth": lambda _: by_session,
        "proxy": behind_proxy,
        "dev": in_dev_mode,
    }
    way, is_behind_proxy = ways[settings.auth.mode](settings), settings.auth.mode == "proxy"

    async def identify(connection: AnyConnection) -> Caller | None:
        token = bearer(connection.scope["headers"], own_alone=is_behind_proxy)
        if token is not None:
            return await _by_token(connection, token)
        caller = await way(connection)
        if caller is not None and caller.by != "session":
            # sessions end when somebody is disabled; those whom somebody else vouches for are looked up
            services_of(connection).identity.people.check(caller.user)
        return caller

    return identify


def behind_proxy(settings: Settings) -> Identify:
    """As the headers of a trusted proxy say."""
    proxies = Proxies(settings)

    async def identify(connection: AnyConnection) -> Caller | None:
        # the server's own scope: nothing in the headers has a say in who the peer is
        peer = connection.scope.get("client")
        user = proxies.user(peer[0] if peer else None, connection.scope["headers"])
        return Caller(user, by="proxy") if user is not None else None

    return identify


async def by_session(connection: AnyConnection) -> Caller | None:
    """By the cookie of a session.

    Raises:
        NotAuthorizedException: two cookies could be meant. Both are of no use: one of them is somebody else's.
    """
    try:
        value = cookie(connection.scope["headers"], COOKIE)
    except DoubledCookieError:
        detail = "your browser sends two sessions at once, one of which another site has set; log in again"
        raise NotAuthorizedException(detail, headers={"Set-Cookie": _CLEARED}) from None
    return await services_of(connection).identity.sessions.find(value) if value is not None else None


def services_of(connection: AnyConnection) -> Services:
    services: Services = connection.app.state.services
    return services


async def _by_token(connection: AnyConnection, token: str) -> Caller:
    caller = await services_of(connection).identity.tokens.find(token)
    if caller is None:
        headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        raise NotAuthorizedException("this API token is not valid, or not any more", headers=headers)
    return caller
