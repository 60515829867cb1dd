"""What must hold before any handler runs. Plain ASGI, outermost, so that no route can be forgotten.

Judged are the name the server is called by, where an unsafe request comes from, and what its body claims to be.

Why: a page on any site can make a browser send requests to a server on the same machine, or with the cookies of one
that its user is logged in at. It cannot choose `Origin` and `Sec-Fetch-Site`, it cannot send `application/json` or
`Authorization` without asking first, and a name of its own that it points at 127.0.0.1 (DNS rebinding) arrives as a
foreign `Host`. A header that is there must agree; what browsers never send is refused, except from programs on the own
machine in dev mode. Where a protocol asks for something else, `genet.web.ways` says so, path by path.

Headers that only a trusted proxy may set reach nothing behind here unless one is configured, and what is spelled with
an underscore never does: to some readers `X_Auth_Request_User` and `X-Auth-Request-User` are the same.

What is answered may depend on who asks, so no cache may keep any of it unless its handler has said how: an address has
more spellings (`//api/pods`) than a list of those that are private.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping
from typing import Any

import msgspec

from genet.settings.urls import is_loopback
from genet.web import ways
from genet.web.credentials import bearer
from genet.web.problems import MEDIA_TYPE, problem

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
PROBES = frozenset({"/healthz", "/readyz"})
"""Kubelets call these by the pod's address; they tell nothing and change nothing."""

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES = frozenset({b"same-origin", b"none"})
_PROXYS_OWN = (b"x-auth-request-", b"x-genet-")
_FORWARDED = (b"x-forwarded-", b"forwarded")
_SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"content-security-policy",
        b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
        b"base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
]
_NO_STORE = (b"cache-control", b"no-store")
_FOR_EVERY_SITE = (b"access-control-allow-origin", b"*")


class Boundary:
    """Wraps the application.

    Args:
        app: what is wrapped.
        hosts: names the server answers to, without port, lower case; those of loopback count from loopback anyway.
        trusts_local_programs: whether an unsafe request with neither header passes from a loopback peer (dev mode).
        origin: where the own pages come from; None: whatever name and scheme the request itself came by, which is
            wrong behind something that ends TLS.
        is_behind_proxy: whether a proxy says who is calling, so that its headers are let through to be judged.
        proxys_names: headers, in lower case, by which it says so.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Collection[str],
        trusts_local_programs: bool,
        origin: str | None = None,
        is_behind_proxy: bool = False,
        proxys_names: Collection[bytes] = (),
    ) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._trusts_local_programs = trusts_local_programs
        self._origin = origin.encode() if origin is not None else None
        self._is_behind_proxy = is_behind_proxy
        self._proxys_names = frozenset(proxys_names) if is_behind_proxy else frozenset()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._judge(scope)
        path = scope["path"]
        if refusal is not None:
            if scope["type"] == "http":
                await _refuse(_with_headers(send, path), *refusal, as_oauth=ways.of(path).refuses_as_oauth)
            else:
                await send({"type": "websocket.close", "code": 4403, "reason": refusal[1]})
        elif scope["type"] == "http" and scope["method"] == "OPTIONS" and ways.of(path).for_every_site:
            await _allow(_with_headers(send, path))
        else:
            await self._app({**scope, "headers": self._cleaned(scope)}, receive, _with_headers(send, path))

    def _judge(self, scope: Scope) -> tuple[int, str, str] | None:
        headers = scope["headers"]
        if scope["path"] not in PROBES and not self._is_own_host(scope):
            return 403, "forbidden", "this server is not known by that Host name; see server.allowedHosts"
        if _is_safe(scope):
            return None
        way = ways.of(scope["path"])
        if not way.crosses_sites and self._bearer(headers) is None and not self._is_own_origin(scope):
            return 403, "csrf", "the request comes from another site, or does not say where it comes from"
        if scope["type"] == "http" and not _has_body_of(way.media_type, headers):
            return 415, "unsupported_media_type", f"expected Content-Type: {way.media_type.decode()}"
        return None

    def _is_own_host(self, scope: Scope) -> bool:
        values = _all(scope["headers"], b"host")
        name = host_name(values[0]) if len(values) == 1 else ""
        return name in self._hosts or (name in LOOPBACK_NAMES and _is_loopback(scope))

    def _is_own_origin(self, scope: Scope) -> bool:
        headers = scope["headers"]
        origins, sites = _all(headers, b"origin"), _all(headers, b"sec-fetch-site")
        if not origins and not sites:
            return self._trusts_local_programs and _is_loopback(scope)
        scheme: str = scope["scheme"]
        # probes may come by no name at all
        own = self._origin or scheme.replace("ws", "http").encode() + b"://" + b"".join(_all(headers, b"host"))
        # own pages that send no referrer (Referrer-Policy: no-referrer) send `null` with their forms
        allowed = {own, b"null"} if sites == [b"same-origin"] else {own}
        return all(origin in allowed for origin in origins) and all(site in _OWN_SITES for site in sites)

    def _bearer(self, headers: Headers) -> str | None:
        return bearer(headers, own_alone=self._is_behind_proxy)

    def _cleaned(self, scope: Scope) -> Headers:
        """The headers without what must mean nothing to anybody behind here."""
        headers: Headers = scope["headers"]
        dropped = _FORWARDED if self._is_behind_proxy else _FORWARDED + _PROXYS_OWN
        if self._bearer(headers) is not None or (not _is_safe(scope) and ways.of(scope["path"]).crosses_sites):
            # it passed whatever its origin: what a browser adds by itself may not speak for it
            dropped = (*dropped, b"cookie")
        return [
            (key, value)
            for key, value in headers
            if b"_" not in key and (key.lower() in self._proxys_names or not key.lower().startswith(dropped))
        ]


def _is_safe(scope: Scope) -> bool:
    return scope["type"] == "http" and scope["method"] in _SAFE_METHODS


def _is_loopback(scope: Scope) -> bool:
    client = scope.get("client")
    return client is not None and is_loopback(client[0])


def _has_body_of(media_type: bytes, headers: Headers) -> bool:
    """Whether the body is of this type, or there is none."""
    lengths = _all(headers, b"content-length")
    has_body = lengths not in ([], [b"0"]) or bool(_all(headers, b"transfer-encoding"))
    types = [value.partition(b";")[0].strip().lower() for value in _all(headers, b"content-type")]
    return types == [media_type] or (not has_body and not types)


def host_name(host: bytes) -> str:
    """Without port, lower case."""
    text = host.decode("latin-1").lower()
    name, colon, port = text.rpartition(":")
    return name if colon and port.isdecimal() else text


def _all(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    return [value for key, value in headers if key.lower() == name]


def _with_headers(send: Send, path: str) -> Send:
    """Adds what the handler has not said itself."""
    usual = [*_SECURITY_HEADERS, _NO_STORE]
    if ways.of(path).for_every_site:
        usual.append(_FOR_EVERY_SITE)

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = list(message.get("headers", []))
            said = {key.lower() for key, _ in own}
            message["headers"] = [*own, *((key, value) for key, value in usual if key not in said)]
        await send(message)

    return sending


async def _allow(send: Send) -> None:
    """The answer to a browser that asks whether another site's page may call."""
    headers = [
        (b"access-control-allow-methods", b"GET, POST"),
        (b"access-control-allow-headers", b"Authorization, Content-Type"),
        (b"access-control-max-age", b"600"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _refuse(send: Send, status: int, code: str, detail: str, *, as_oauth: bool) -> None:
    oauth = {"error": "invalid_request", "error_description": detail}
    body = msgspec.json.encode(oauth if as_oauth else problem(status, code, detail))
    headers = [
        (b"content-type", b"application/json" if as_oauth else MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        # the body was not read: the connection cannot be used again
        (b"connection", b"close"),
        _NO_STORE,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
