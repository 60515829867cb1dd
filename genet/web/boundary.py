"""What must hold before any handler runs. Plain ASGI, outermost, so that no route can be forgotten.

Judged are the name the server is called by, where an unsafe request comes from, and what its body claims to be.

Why: a page on any site can make a browser send requests to a server on the same machine. It cannot choose `Origin`
and `Sec-Fetch-Site`, it cannot send `application/json` without asking first, and a name of its own that it points at
127.0.0.1 (DNS rebinding) arrives as a foreign `Host`. A header that is there must agree; what browsers never send is
refused, except from programs on the own machine in dev mode.

What the API answers depends on who asks, so no cache may keep it unless its handler has said how.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping
from ipaddress import ip_address
from typing import Any

import msgspec

from genet.web.problems import MEDIA_TYPE, problem

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
PROBES = frozenset({"/healthz", "/readyz"})
"""Kubelets call these by the pod's address; they tell nothing and change nothing."""

_API = "/api/"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES = frozenset({b"same-origin", b"none"})
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


class Boundary:
    """Wraps the application.

    Args:
        app: what is wrapped.
        hosts: names the server answers to, without port, lower case.
        trusts_local_programs: whether an unsafe request with neither header passes from a loopback peer (dev mode).
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str], trusts_local_programs: bool) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._trusts_local_programs = trusts_local_programs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._judge(scope)
        if refusal is None:
            await self._app(scope, receive, _with_headers(send, is_api=scope["path"].startswith(_API)))
        elif scope["type"] == "http":
            await _refuse(send, *refusal)
        else:
            await send({"type": "websocket.close", "code": 4403, "reason": refusal[1]})

    def _judge(self, scope: Scope) -> tuple[int, str, str] | None:
        headers = scope["headers"]
        if scope["path"] not in PROBES and not self._is_own_host(_all(headers, b"host")):
            return 403, "forbidden", "this server is not known by that Host name; see server.allowedHosts"
        if scope["type"] == "http" and scope["method"] in _SAFE_METHODS:
            return None
        if not self._is_own_origin(scope):
            return 403, "csrf", "the request comes from another site, or does not say where it comes from"
        if scope["type"] == "http" and not _is_json(scope):
            return 415, "unsupported_media_type", "expected Content-Type: application/json"
        return None

    def _is_own_host(self, values: list[bytes]) -> bool:
        return len(values) == 1 and _name(values[0]) in self._hosts

    def _is_own_origin(self, scope: Scope) -> bool:
        headers = scope["headers"]
        origins, sites = _all(headers, b"origin"), _all(headers, b"sec-fetch-site")
        if not origins and not sites:
            return self._trusts_local_programs and _is_loopback(scope)
        scheme: str = scope["scheme"]
        own = scheme.replace("ws", "http").encode() + b"://" + _all(headers, b"host")[0]
        return all(origin == own for origin in origins) and all(site in _OWN_SITES for site in sites)


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _is_loopback(scope: Scope) -> bool:
    client = scope.get("client")
    return client is not None and is_loopback(client[0])


def _is_json(scope: Scope) -> bool:
    headers = scope["headers"]
    lengths = _all(headers, b"content-length")
    has_body = lengths not in ([], [b"0"]) or bool(_all(headers, b"transfer-encoding"))
    types = [value.partition(b";")[0].strip().lower() for value in _all(headers, b"content-type")]
    return types == [b"application/json"] or (not has_body and not types)


def _name(host: bytes) -> str:
    text = host.decode("latin-1").lower()
    name, colon, port = text.rpartition(":")
    return name if colon and port.isdecimal() else text


def _all(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    return [value for key, value in headers if key.lower() == name]


def _with_headers(send: Send, *, is_api: bool) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = list(message.get("headers", []))
            if is_api and not _all(own, b"cache-control"):
                own.append((b"cache-control", b"no-store"))
            message["headers"] = [*own, *_SECURITY_HEADERS]
        await send(message)

    return sending


async def _refuse(send: Send, status: int, code: str, detail: str) -> None:
    body = msgspec.json.encode(problem(status, code, detail))
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        # the body was not read: the connection cannot be used again
        (b"connection", b"close"),
        *_SECURITY_HEADERS,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
