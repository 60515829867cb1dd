"""An OAuth client that sends exactly what a test says, and the person at the browser who lets it in.

kubelogin is not run in these tests; `kubelogin` below is what it sends, read from its source: PKCE with S256, a
redirect to a port of loopback without a path, and at the token endpoint first Basic with an empty password, then, if
that was refused, the client_id in the body (golang/oauth2).
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote_plus

import httpx
import jwt

from tests.e2e.identity.installation import CONFIDENTIAL, CONFIDENTIAL_REDIRECT, CONFIDENTIAL_SECRET, Installation
from tests.upstream.browser import Browser, Page

SCOPE: Final = "openid profile email groups offline_access"
DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True)
class Asked:
    """An authorization request: what was sent, and where the browser came to rest."""

    page: Page
    state: str
    nonce: str
    verifier: str | None

    @property
    def code(self) -> str:
        assert self.page.status == 0, f"{self.page.url}: {self.page.status} {self.page.text[:1000]}"
        assert self.page.parameters["state"] == self.state
        return self.page.parameters["code"]


@dataclass
class Program:
    """One client. Requests go to the issuer's address, or where `at` says: to one replica."""

    installation: Installation
    http: httpx.AsyncClient
    client_id: str = "kube"
    secret: str | None = None
    redirect_uri: str = "http://localhost:8000"
    uses_pkce: bool = True
    style: str = "body"
    """How it says who it is: `body`, or `basic`."""
    _metadata: dict[str, Any] = field(default_factory=dict)

    async def metadata(self) -> dict[str, Any]:
        if not self._metadata:
            answer = await self.http.get(f"{self.installation.issuer}/.well-known/openid-configuration")
            assert answer.status_code == 200, answer.text
            self._metadata.update(answer.json())
            assert self._metadata["issuer"] == self.installation.issuer
        return self._metadata

    async def endpoint(self, name: str, at: str | None = None) -> str:
        url: str = (await self.metadata())[f"{name}_endpoint"]
        return url if at is None else url.replace(self.installation.issuer, at, 1)

    async def request(self, **more: str) -> tuple[str, Asked]:
        """The address of a new authorization request, and what belongs to it; the page is not there yet."""
        state, nonce = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
        verifier = secrets.token_urlsafe(48) if self.uses_pkce else None
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": SCOPE,
            "state": state,
            "nonce": nonce,
        }
        if verifier is not None:
            query |= {"code_challenge": challenge(verifier), "code_challenge_method": "S256"}
        url = str(httpx.URL(await self.endpoint("authorization"), params=query | more))
        return url, Asked(Page("", -1, "", httpx.Headers()), state, nonce, verifier)

    async def authorize(self, browser: Browser, **more: str) -> Asked:
        """The person opens the address, logs in if need be, and allows it."""
        url, asked = await self.request(**more)
        page = await allow(browser, await browser.open(url, stop=self.redirect_uri), stop=self.redirect_uri)
        return Asked(page, asked.state, asked.nonce, asked.verifier)

    async def authorize_refused(self, wrong: dict[str, str]) -> httpx.Response:
        """A request that may not be redirected anywhere."""
        url, _ = await self.request(**wrong)
        return await self.http.get(url, headers={"Accept": "text/html"})

    async def token(self, at: str | None = None, **form: str | None) -> httpx.Response:
        data = {name: value for name, value in form.items() if value is not None}
        url = await self.endpoint("token", at)
        if self.style == "basic":
            return await self.http.post(url, data=data, headers=self.basic())
        data |= {"client_id": self.client_id} | ({"client_secret": self.secret} if self.secret else {})
        return await self.http.post(url, data=data)

    async def exchange(self, asked: Asked, *, at: str | None = None, **more: str) -> httpx.Response:
        form = {"code": asked.code, "redirect_uri": self.redirect_uri, "code_verifier": asked.verifier}
        return await self.token(at, grant_type="authorization_code", **form | more)

    async def refresh(self, refresh_token: str, *, at: str | None = None, **more: str) -> httpx.Response:
        return await self.token(at, grant_type="refresh_token", refresh_token=refresh_token, **more)

    async def userinfo(self, access_token: str, *, at: str | None = None) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {access_token}"}
        return await self.http.get(await self.endpoint("userinfo", at), headers=bearer)

    async def revoke(self, token: str, *, at: str | None = None) -> httpx.Response:
        form = {"token": token, "client_id": self.client_id} | ({"client_secret": self.secret} if self.secret else {})
        return await self.http.post(await self.endpoint("revocation", at), data=form)

    async def tokens(self, browser: Browser, **more: str) -> dict[str, Any]:
        """From nothing to tokens."""
        answer = await self.exchange(await self.authorize(browser, **more))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def basic(self) -> dict[str, str]:
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.secret or '')}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


class Kubelogin(Program):
    """Answers as kubelogin would have got them."""

    async def token(self, at: str | None = None, **form: str | None) -> httpx.Response:
        self.style = "basic"
        answer = await super().token(at, **form)
        if answer.is_error:
            self.style = "body"
            answer = await super().token(at, **form)
        return answer


def confidential(installation: Installation, http: httpx.AsyncClient, **more: Any) -> Program:
    return Program(installation, http, CONFIDENTIAL, CONFIDENTIAL_SECRET, CONFIDENTIAL_REDIRECT, **more)


async def allow(browser: Browser, page: Page, *, stop: str) -> Page:
    """Presses Allow where the person is asked."""
    if page.status == 0:
        return page
    return await browser.submit(page, page.form("form"), button="allow", stop=stop)


async def enter_device_code(browser: Browser, installation: Installation, user_code: str, *, button: str) -> Page:
    """The person's side of the device flow, up to the last page; the device asks meanwhile."""
    page = await browser.open(f"{installation.issuer}/oidc/device")
    return await browser.submit(page, page.form("form", "user_code"), {"user_code": user_code})


def challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def claims(token: str) -> dict[str, Any]:
    """Unchecked."""
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def error_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error", "")
