"""A server with its OpenID Provider, people with real sessions in front of it, and short words for what clients ask."""

import base64
import hashlib
import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from genet import naming
from genet.auth.sessions import COOKIE
from genet.auth.user import User
from genet.settings import Settings
from genet.web.app import create_app
from genet.web.services import Services, running
from tests import replicas

ISSUER = "http://localhost:8080"
LOOPBACK = "http://localhost:8000"
GRAFANA = "https://grafana.example.org/login"
SECRET = "s" * 20
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
CLIENTS = [
    {"id": "grafana", "secret": SECRET, "redirectURIs": [GRAFANA], "name": "Grafana"},
    {"id": "spa", "redirectURIs": ["https://spa.example.org/back?from=genet"]},
    {"id": "box", "grantTypes": ["device_code", "refresh_token"]},
    {"id": "lamp", "grantTypes": ["device_code"]},
    {"id": "codeless", "secret": SECRET, "redirectURIs": [GRAFANA], "grantTypes": ["refresh_token"]},
]
OWN_PAGE = {"Origin": ISSUER, "Sec-Fetch-Site": "same-origin"}
PUBLIC = {
    "response_type": "code",
    "client_id": "kube",
    "redirect_uri": LOOPBACK,
    "scope": "openid email groups offline_access",
    "state": "st&te=1",
    "nonce": "n0nce",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
CONFIDENTIAL = {
    "response_type": "code",
    "client_id": "grafana",
    "redirect_uri": GRAFANA,
    "scope": "openid email",
    "state": "s",
}


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def tick(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Site:
    def __init__(self, services: Services, http: httpx.AsyncClient, clock: Clock) -> None:
        self.services = services
        self.http = http
        self.clock = clock

    async def log_in(self, name: str = "alice", *, ago: float = 0) -> dict[str, str]:
        """The headers of a browser in which somebody has logged in so many seconds ago."""
        identity = self.services.identity
        email = f"{name}@example.org"
        identifier = naming.user_identifier(name, email)
        user = User(name, email, identifier, f"https://login.example.org|{name}", is_admin=False)
        await identity.people.logged_in(user, email_verified=True, upstream_refresh_token=None)
        at = self.clock() - timedelta(seconds=ago)
        value, _ = await identity.sessions.start(user, authenticated_at=at, user_agent="Firefox")
        return {"Cookie": f"{COOKIE}={value}"}

    async def authorize(self, browser: dict[str, str] | None = None, **changes: str | None) -> httpx.Response:
        base = CONFIDENTIAL if changes.get("client_id") == "grafana" else PUBLIC
        params = {name: value for name, value in {**base, **changes}.items() if value is not None}
        return await self.http.get("/oidc/authorize", params=params, headers=browser or {})

    async def decide(
        self, browser: dict[str, str], form: str, decision: str = "allow", **headers: str
    ) -> httpx.Response:
        return await self.http.post(
            "/oidc/consent", data={"form": form, "decision": decision}, headers={**OWN_PAGE, **browser, **headers}
        )

    async def code(self, browser: dict[str, str], **changes: str | None) -> str:
        """Through the consent page where there is one."""
        answer = await self.authorize(browser, **changes)
        if answer.status_code == 200:
            answer = await self.decide(browser, form_of(answer))
        return answered(answer)["code"]

    async def token(self, form: dict[str, str], *, auth: tuple[str, str] | None = None) -> httpx.Response:
        basic = httpx.BasicAuth(*auth) if auth else httpx.USE_CLIENT_DEFAULT
        return await self.http.post("/oidc/token", data=form, auth=basic)

    async def redeem(self, code: str, **changes: str) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": LOOPBACK,
            "client_id": "kube",
            "code_verifier": VERIFIER,
        }
        return await self.token({name: value for name, value in {**form, **changes}.items() if value})

    async def refresh(self, token: str, **changes: str) -> httpx.Response:
        return await self.token({"grant_type": "refresh_token", "refresh_token": token, "client_id": "kube", **changes})

    async def userinfo(self, token: str) -> httpx.Response:
        return await self.http.get("/oidc/userinfo", headers={"Authorization": f"Bearer {token}"})

    async def tokens(self, browser: dict[str, str], **changes: str | None) -> dict[str, Any]:
        answer = await self.redeem(await self.code(browser, **changes))
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document


def answered(answer: httpx.Response) -> dict[str, str]:
    """What a redirect to a client says."""
    assert answer.status_code == 303, answer.text
    query = parse_qs(urlsplit(answer.headers["Location"]).query, strict_parsing=True)
    assert all(len(values) == 1 for values in query.values())
    return {name: values[0] for name, values in query.items()}


def form_of(answer: httpx.Response) -> str:
    """The sealed part of a page's form."""
    found = re.search(r'name="form" value="([^"]*)"', answer.text)
    assert found is not None, answer.text
    return html.unescape(found[1])


def configuration(kubeconfig: Path, *, mode: str = "oauth", **provider: Any) -> Settings:
    return replicas.settings(
        kubeconfig,
        auth={"mode": mode},
        server={"publicURL": ISSUER},
        oauth={"providerURL": "https://login.example.org", "clientID": "genet", "clientSecret": "x" * 20},
        oidcProvider={"enabled": True, "clients": CLIENTS, "deviceFlow": True, **provider},
    )


@asynccontextmanager
async def site_of(settings: Settings) -> AsyncIterator[Site]:
    clock = Clock()
    async with running(settings, clock) as services:
        await services.identity.wait_ready()

        app = create_app(settings, services)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as http:
            yield Site(services, http, clock)
