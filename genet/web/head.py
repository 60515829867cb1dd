"""HEAD: the status and the headers of a GET, without its body (RFC 9110, 9.3.2). Plain ASGI, around the application.

The framework routes by method, and its answers cannot go without a body that they have. So whoever only looks is
answered by the handler of GET, and nothing of the body is sent.

Left out is what a GET does more than read: it starts a login, spends a code, or makes a grant. What looks before it
reads, such as a mail's link scanner, must not do that; there it is refused as by the framework itself.

Trap: the framework reads `//oidc/authorize` as `/oidc/authorize`, so an address is judged as the framework reads it.
"""

from typing import Final

from litestar.utils.path import normalize_path

from genet.web.boundary import ASGIApp, Message, Receive, Scope, Send

_DOING: Final = ("/api/auth/", "/api/kubeconfig", "/oidc/")
_READ_ALL_THE_SAME: Final = frozenset({"/api/auth/status", "/oidc/jwks"})


def looking(app: ASGIApp) -> ASGIApp:
    """`app`, which has handlers for GET, with HEAD where that can only read."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] == "GET" or not _is_only_read(scope["path"]):
            await app(scope, receive, send)
        elif scope["method"] == "HEAD":
            await _look(app, scope, receive, send)
        else:
            await app(scope, receive, _allowing(send))

    return answer


def _is_only_read(path: str) -> bool:
    path = normalize_path(path)
    return path in _READ_ALL_THE_SAME or not path.startswith(_DOING)


async def _look(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            # the whole answer: from here on the server says of a stream that its client has gone
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    await app({**scope, "method": "GET"}, receive, sending)


def _allowing(send: Send) -> Send:
    """Says of HEAD what the framework cannot know, where it lists the methods that an address has."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [
                (key, value + b", HEAD" if key.lower() == b"allow" and _has_get(value) else value)
                for key, value in message.get("headers", ())
            ]
            message = {**message, "headers": headers}
        await send(message)

    return sending


def _has_get(methods: bytes) -> bool:
    names = {name.strip() for name in methods.split(b",")}
    return b"GET" in names and b"HEAD" not in names
