"""The company's provider of the tests itself: whoever builds on it may believe what it says."""

import base64
import hashlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from tests.certificates import Authority
from tests.upstream.browser import Browser, Page
from tests.upstream.provider import DEFAULT_REDIRECTS, Employee, Upstream, company, upstream

__all__ = ["upstream"]

VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
REDIRECT = DEFAULT_REDIRECTS[0]


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


async def authorized(upstream: Upstream, http: httpx.AsyncClient, login: str | None, **more: str) -> Page:
    query = {
        "response_type": "code",
        "client_id": upstream.client_id,
        "redirect_uri": REDIRECT,
        "scope": "openid profile email",
        "state": "s",
        "nonce": "n",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    url = str(httpx.URL(f"{upstream.issuer}/auth", params=query | more))
    return await Browser(http, login=login).open(url, stop=REDIRECT)


async def exchanged(upstream: Upstream, http: httpx.AsyncClient, **form: str) -> httpx.Response:
    auth = (upstream.client_id, str(httpx.QueryParams({"": upstream.client_secret}))[1:])
    return await http.post(f"{upstream.issuer}/token", data=form, auth=auth)


async def logged_in(upstream: Upstream, http: httpx.AsyncClient, login: str = "alice") -> dict[str, Any]:
    page = await authorized(upstream, http, login)
    code = page.parameters["code"]
    answer = await exchanged(
        upstream, http, grant_type="authorization_code", code=code, redirect_uri=REDIRECT, code_verifier=VERIFIER
    )
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


def claims(tokens: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    return found


async def test_it_says_who_logged_in(upstream: Upstream, http: httpx.AsyncClient) -> None:
    said = claims(await logged_in(upstream, http))
    assert said["sub"] == "sub-of-alice"
    assert said["preferred_username"] == "alice"
    assert said["email"] == "alice@example.org"
    assert said["email_verified"] is True
    assert said["groups"] == ["staff", "admins"]
    assert said["nonce"] == "n"


async def test_a_changed_group_shows_at_the_next_refresh(upstream: Upstream, http: httpx.AsyncClient) -> None:
    first = await logged_in(upstream, http)
    upstream.change("alice", groups=("staff",))
    again = await exchanged(upstream, http, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert claims(again.json())["groups"] == ["staff"]
    assert (upstream.grants("authorization_code"), upstream.grants("refresh_token")) == (1, 1)


async def test_a_refresh_token_works_once(upstream: Upstream, http: httpx.AsyncClient) -> None:
    first = await logged_in(upstream, http)
    second = await exchanged(upstream, http, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert second.status_code == 200
    for token in (first["refresh_token"], second.json()["refresh_token"]):
        answer = await exchanged(upstream, http, grant_type="refresh_token", refresh_token=token)
        assert answer.json()["error"] == "invalid_grant"


async def test_a_disabled_or_revoked_one_refreshes_no_more(upstream: Upstream, http: httpx.AsyncClient) -> None:
    alice = await logged_in(upstream, http)
    async with httpx.AsyncClient(trust_env=False) as another:
        bob = await logged_in(upstream, another, "bob")
    upstream.disable("alice")
    upstream.revoke("bob")
    for tokens in (alice, bob):
        answer = await exchanged(upstream, http, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    refused = await authorized(upstream, http, "alice", prompt="login")
    assert "No such account" in refused.text


async def test_it_knows_who_logged_in_before_and_asks_again_when_told_to(
    upstream: Upstream, http: httpx.AsyncClient
) -> None:
    await logged_in(upstream, http)
    assert "code" in (await authorized(upstream, http, None)).parameters
    assert "Who are you?" in (await authorized(upstream, http, None, prompt="login")).text


async def test_cancelling_is_the_protocols_own_error(upstream: Upstream, http: httpx.AsyncClient) -> None:
    asked = await authorized(upstream, http, None)
    page = await Browser(http).submit(asked, asked.form("cancel"), stop=REDIRECT)
    assert (page.parameters["error"], page.parameters["state"]) == ("access_denied", "s")


async def test_after_a_stop_it_knows_what_it_knew(upstream: Upstream, http: httpx.AsyncClient) -> None:
    first = await logged_in(upstream, http)
    upstream.stop()
    with pytest.raises(httpx.ConnectError):
        await exchanged(upstream, http, grant_type="refresh_token", refresh_token=first["refresh_token"])
    upstream.start()
    again = await exchanged(upstream, http, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert again.status_code == 200


async def test_it_can_speak_https_and_keep_its_claims_for_userinfo(tmp_path: Path) -> None:
    authority = Authority(tmp_path).create()
    with company(
        tmp_path,
        employees=[Employee("carol", email=None)],
        tls=authority.issue(tmp_path),
        ca_file=authority.ca_file,
        claims_only_in_userinfo=True,
        refresh_tokens=False,
    ) as upstream:
        context = ssl.create_default_context(cafile=str(authority.ca_file))
        async with httpx.AsyncClient(trust_env=False, verify=context) as http:
            tokens = await logged_in(upstream, http, "carol")
            assert "refresh_token" not in tokens
            assert "preferred_username" not in claims(tokens)
            bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
            told = (await http.get(f"{upstream.issuer}/me", headers=bearer)).json()
            assert told["preferred_username"] == "carol"
            assert "email" not in told
