"""A company's OpenID Provider in the test's own process, on a real socket, that can be made to say anything.

The honest one is `tests.upstream`; this one is for what no honest provider does. The browser's part is played by
`code_for`: what the person would bring back from the authorization endpoint.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from genet.settings import OAuth

CLIENT = "genet"
SECRET = "the company's: 50% secret+"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


RSA, OTHER_RSA, EC = rsa_key(), rsa_key(), ec.generate_private_key(ec.SECP256R1())


def public_jwk(key: Any, kid: str, **more: Any) -> dict[str, Any]:
    algorithm = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid, "use": "sig", **more}


@dataclass
class Company:
    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    """Of the next ID token, over the honest ones; None leaves one out."""
    header: dict[str, Any] = field(default_factory=lambda: {"kid": "one"})
    key: Any = RSA
    algorithm: str = "RS256"
    keys: list[dict[str, Any]] = field(default_factory=lambda: [public_jwk(RSA, "one")])
    discovery: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)
    """By userinfo, over the subject."""
    tokens: dict[str, Any] = field(default_factory=dict)
    """Of the token endpoint, over the honest ones; None leaves one out."""
    error: tuple[int, dict[str, Any]] | None = None
    delay: asyncio.Event | None = None
    """The token endpoint answers when it is set."""
    asked: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    """Path, form and headers of each request."""
    nonce: str | None = None
    clock: datetime = NOW

    def settings(self, **more: Any) -> OAuth:
        return OAuth(**{"provider_url": self.issuer, "client_id": CLIENT, "client_secret": SECRET, **more})

    def code_for(self, url: str) -> tuple[str, str]:
        """The query that the browser comes back with after it was sent to `url`, and its code."""
        query = dict(parse_qsl(urlsplit(url).query))
        self.nonce = query.get("nonce")
        return query["state"], "the-code"

    def count(self, path: str) -> int:
        return sum(asked == path for asked, _, _ in self.asked)

    def id_token(self) -> str:
        now = int(self.clock.timestamp())
        honest: dict[str, Any] = {
            "iss": self.issuer, "sub": "sub-of-alice", "aud": CLIENT, "exp": now + 600, "iat": now,
            "nonce": self.nonce, "preferred_username": "alice", "email": "alice@example.org", "email_verified": True,
            "groups": ["staff"],
        }  # fmt: skip
        said: dict[str, Any] = honest | self.claims
        claims = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(claims, self.key, self.algorithm, headers=self.header)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append((request.path, form, dict(request.headers)))
        match request.path:
            case "/.well-known/openid-configuration":
                return web.json_response(self._metadata())
            case "/jwks":
                return web.json_response({"keys": self.keys})
            case "/token":
                return await self._token()
            case "/me":
                return web.json_response({"sub": "sub-of-alice"} | self.told)
        return web.Response(status=404)

    async def _token(self) -> web.Response:
        if self.delay is not None:
            await self.delay.wait()
        if self.error is not None:
            return web.json_response(self.error[1], status=self.error[0])
        answer: dict[str, Any] = {
            "access_token": "at",
            "token_type": "Bearer",
            "id_token": self.id_token(),
            "refresh_token": "rt-1",
        }
        answer |= self.tokens
        return web.json_response({name: value for name, value in answer.items() if value is not None})

    def _metadata(self) -> dict[str, Any]:
        names = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "jwks"}
        found = {name: f"{self.issuer}/{path}" for name, path in names.items()}
        honest = {"issuer": self.issuer, "userinfo_endpoint": f"{self.issuer}/me", **found}
        return {name: value for name, value in (honest | self.discovery).items() if value is not None}


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


@asynccontextmanager
async def company() -> AsyncIterator[Company]:
    one = Company()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", one.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    one.issuer = f"http://127.0.0.1:{port}"
    try:
        yield one
    finally:
        if one.delay is not None:
            one.delay.set()
        await runner.cleanup()
