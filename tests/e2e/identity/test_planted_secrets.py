"""Every flow runs once with everything that is secret written down; then it is looked for where it must not be."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import httpx
import pytest
import yaml

from tests.e2e.conftest import Kubectl
from tests.e2e.identity.desk import Desk
from tests.e2e.identity.installation import CONFIDENTIAL_SECRET, Installation
from tests.e2e.identity.oauth import DEVICE_GRANT, SCOPE, Program, confidential
from tests.upstream.browser import Browser
from tests.upstream.provider import CLIENT_SECRET

pytestmark = pytest.mark.e2e

SECRET_FIELDS: Final = {
    "access_token", "refresh_token", "id_token", "device_code", "code", "code_verifier", "client_secret", "token",
    "form",
}  # fmt: skip
SHORTEST: Final = 16
"""Shorter texts would be found by chance."""


class Seen:
    """What passes between the person's programs and Genet."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        """What it is, by its text."""
        self.refusals: list[tuple[httpx.Request, httpx.Response]] = []

    def note(self, name: str, value: str) -> None:
        if len(value) >= SHORTEST:
            self.secrets[value] = name

    async def request(self, request: httpx.Request) -> None:
        fields = parse_qsl(urlsplit(str(request.url)).query)
        if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            fields += parse_qsl(request.content.decode())
        for name, value in fields:
            if name in SECRET_FIELDS:
                self.note(name, value)
        for part in request.headers.get("cookie", "").split("; "):
            name, _, value = part.partition("=")
            self.note(f"cookie {name}", value)

    async def response(self, response: httpx.Response) -> None:
        await response.aread()
        for name, value in parse_qsl(urlsplit(response.headers.get("location", "")).query):
            if name in SECRET_FIELDS:
                self.note(f"{name} of a redirect", value)
        if response.is_error:
            self.refusals.append((response.request, response))
        elif response.content.startswith(b"{"):
            document = response.json()
            for name in SECRET_FIELDS & set(document if isinstance(document, dict) else ()):
                if isinstance(document[name], str):
                    self.note(name, document[name])


@asynccontextmanager
async def watched(installation: Installation, seen: Seen) -> AsyncIterator[httpx.AsyncClient]:
    async with installation.client(event_hooks={"request": [seen.request], "response": [seen.response]}) as http:
        yield http


async def everything(installation: Installation, desk: Desk, http: httpx.AsyncClient) -> None:
    """Each flow, and each of its refusals that has something in its hands."""
    issuer, browser = installation.issuer, Browser(http, login=desk.person.login)
    await browser.sign_in(issuer, next_="/healthz")
    wanted = {"name": "planted", "scopes": ["pods:read"], "expiresInDays": 1}
    created = await browser.fetch("POST", f"{issuer}/api/tokens", json=wanted)
    assert created.status_code == 201, created.text
    bearer = {"Authorization": f"Bearer {created.json()['token']}"}
    assert (await http.get(f"{issuer}/api/pods", headers=bearer)).status_code == 200
    forged = {"Authorization": bearer["Authorization"][:-3] + "AAA"}
    assert (await http.get(f"{issuer}/api/pods", headers=forged)).status_code == 401
    assert (await http.get(f"{issuer}/api/tokens", headers=bearer)).is_error
    download = await browser.fetch("GET", f"{issuer}/api/kubeconfig/download?form=auth-provider")
    desk.save(download.text)

    program, other = Program(installation, http), confidential(installation, http)
    asked = await program.authorize(browser)
    for wrong in ({"redirect_uri": "http://localhost:1/elsewhere"}, {"client_id": "nobody"}):
        refused = await program.authorize_refused(wrong)
        assert refused.status_code == 400
    asked = await program.authorize(browser)
    first = (await program.exchange(asked)).json()
    assert (await program.userinfo(first["access_token"])).status_code == 200
    assert (await program.userinfo(first["id_token"])).status_code == 401
    assert (await program.userinfo(first["refresh_token"])).status_code == 401
    second = (await program.refresh(first["refresh_token"])).json()
    assert (await other.refresh(second["refresh_token"])).is_error
    assert (await program.exchange(asked)).is_error
    assert (await program.refresh(second["refresh_token"])).is_error
    third = await other.tokens(browser)
    other.secret = CONFIDENTIAL_SECRET + "!"
    assert (await other.refresh(third["refresh_token"])).status_code == 401
    other.secret = CONFIDENTIAL_SECRET
    assert (await other.revoke(third["refresh_token"])).status_code == 200

    url = await program.endpoint("device_authorization")
    device = (await http.post(url, data={"client_id": "kube", "scope": SCOPE})).json()
    assert (await program.token(grant_type=DEVICE_GRANT, device_code=device["device_code"])).is_error
    page = await browser.open(device["verification_uri_complete"])
    await browser.submit(page, page.form("form"), button="allow")
    await program.token(grant_type=DEVICE_GRANT, device_code=device["device_code"])
    assert (await program.token(grant_type=DEVICE_GRANT, device_code=device["device_code"])).is_error

    for path in ("/api/auth/callback", "/oidc/callback"):
        assert (await http.get(f"{issuer}{path}?code=planted-code-of-nobody&state=planted-state-of-nobody")).is_error
    cookie = {"Cookie": "__Host-genet-session=planted-session-cookie-of-nobody"}
    await http.get(f"{issuer}/api/auth/status", headers=cookie)
    assert (await browser.fetch("POST", f"{issuer}/api/auth/logout?everywhere=true")).is_success


async def test_no_log_name_annotation_label_or_refusal_shows_what_is_secret(
    installation: Installation, kubectl: Kubectl, hire: Callable[..., Desk]
) -> None:
    seen, desk = Seen(), hire("staff")
    for server in installation.servers:
        installation.through(server)
        async with watched(installation, seen) as http:
            await everything(installation, desk, http)
    seen.note("client secret", CONFIDENTIAL_SECRET)
    seen.note("client secret at the company", CLIENT_SECRET)
    seen.note("refresh token of a file", desk.credentials()["auth-provider"]["config"]["refresh-token"])
    kept = stored(installation)
    for name, value in kept_keys(kept):
        seen.note(name, value)
    names = set(seen.secrets.values())
    print(f"\n{len(seen.secrets)} secrets: {sorted(names)}")
    assert {"code of a redirect", "refresh_token", "access_token", "id_token", "device_code", "token"} <= names
    assert {"cookie __Host-genet-session", "sealing key", "private key"} <= names

    log = installation.logs()
    assert len(log.splitlines()) > 2, "there is a log to look into"
    places = {"a replica's log": log, "what objects are called": metadata(kubectl, installation, desk)}
    for request, refusal in seen.refusals:
        places[f"the refusal of {request.method} {request.url.path}"] = refusal.text + str(refusal.headers)
    assert len(seen.refusals) > 15
    assert found(seen.secrets, places) == []
    # at rest: nothing that a client or browser could be asked for, sealed, hashed or computed instead
    bearers = {text: name for text, name in seen.secrets.items() if name not in ("sealing key", "private key")}
    assert found(bearers, {f"the record {name}": text for name, text in kept.items()}) == []


def test_the_search_finds_what_is_there() -> None:
    secrets = {"planted-secret-1+2/3": "one", "never": "two"}
    assert found(secrets, {"log": "x planted-secret-1+2/3 y"}) == ["one in log"]
    assert found(secrets, {"log": "x?code=planted-secret-1%2B2%2F3&y"}) == ["one in log"]
    encoded = base64.b64encode(b"planted-secret-1+2/3").decode()
    assert found(secrets, {"log": encoded}) == ["one in log"]


def found(secrets: dict[str, str], places: dict[str, str]) -> list[str]:
    """As it is, percent-encoded, or in base64."""
    hits = []
    for place, text in places.items():
        plain = unquote_plus(text.replace("+", "%2B"))
        for secret, name in secrets.items():
            if secret in text or secret in plain or base64.b64encode(secret.encode()).decode().rstrip("=") in text:
                hits.append(f"{name} in {place}")
    return sorted(set(hits))


def stored(installation: Installation) -> dict[str, str]:
    """What is in the records, by their names."""
    return {
        secret["metadata"]["name"]: base64.b64decode(secret["data"]["record"]).decode()
        for secret in installation.records("-l", "genet.io/record,genet.io/user!=e2egone-e2egone")
    }


def kept_keys(kept: dict[str, str]) -> list[tuple[str, str]]:
    """Sealing keys, and the lines of the private keys."""
    sealing = [one["key"] for one in json.loads(kept["genet-keys-sealing"])["keys"]]
    signing = json.loads(kept["genet-keys-signing"])
    pems = [key["private"] for key in signing.values() if isinstance(key, dict) and key.get("private")]
    assert len(pems) == 2, "the present one and the next"
    # the first lines of all keys are alike
    private = [line for pem in pems for line in pem.splitlines()[3:] if not line.startswith("-----")]
    return [("sealing key", key) for key in sealing] + [("private key", line) for line in private]


def metadata(kubectl: Kubectl, installation: Installation, desk: Desk) -> str:
    """Of all objects that Genet makes for people: names, labels, annotations, and what is in Leases and events."""
    told: list[Any] = []
    for kind in ("secrets", "configmaps", "leases", "events"):
        for namespace in (installation.grants_namespace, desk.namespace):
            items = kubectl.read(kind, "-n", namespace)["items"]
            told += [{name: value for name, value in one.items() if name != "data"} for one in items]
    for kind in ("rolebindings", "resourcequotas", "limitranges"):
        told += kubectl.read(kind, "-n", desk.namespace)["items"]
    told.append(kubectl.read("namespace", desk.namespace))
    return yaml.safe_dump(told, width=10**6)
