"""Logging in with a browser, over the whole application and a company's provider on a real socket."""

import asyncio
from datetime import timedelta
from urllib.parse import urlencode

import httpx
import pytest

from genet.auth.people import PERSON
from genet.auth.sessions import COOKIE, SESSION
from genet.web.app import create_app
from tests.auth.company import CLIENT, SECRET, company
from tests.identities import Clock
from tests.replicas import replica_of, settings
from tests.served import STREAM, asked, listening

ORIGIN = "https://genet.example.org"
OWN = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
FAR = ("10.1.2.3", 50000)


@pytest.fixture
async def provider():
    async with company() as one:
        yield one


@pytest.fixture
def clock(provider):
    one = Clock()
    provider.clock = one.now
    return one


@pytest.fixture
def configured(kubeconfig, provider):
    oauth = {"providerURL": provider.issuer, "clientID": CLIENT, "clientSecret": SECRET}
    return settings(
        kubeconfig,
        auth={"mode": "oauth", "admins": {"groups": ["ops"]}},
        server={"publicURL": ORIGIN},
        oauth=oauth,
    )


@pytest.fixture
async def site(configured, clock):
    async with replica_of(configured, clock) as one:
        await one.synced()
        yield one


@pytest.fixture
async def second(configured, clock, site):
    async with replica_of(configured, clock) as one:
        await one.synced()
        yield one


def browser(replica, *, client=FAR):
    app = create_app(replica.services.settings, replica.services)
    transport = httpx.ASGITransport(app, client=client, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=ORIGIN)


@pytest.fixture
async def http(site):
    async with browser(site) as one:
        yield one


async def log_in(http, provider, *, next_="/pods", callback="/api/auth/callback", **more):
    begun = await http.get("/api/auth/login", params={"next": next_, **more})
    assert begun.status_code == 303, begun.text
    return await http.get(f"{callback}?{urlencode(answer_to(begun, provider))}")


def answer_to(begun, provider):
    state, code = provider.code_for(begun.headers["location"])
    return {"code": code, "state": state}


async def status(http, **more):
    return (await http.get("/api/auth/status", **more)).json()


async def logged_out(http):
    """Within two seconds."""
    async with asyncio.timeout(2):
        while (await status(http))["authenticated"]:  # noqa: ASYNC110 # seen from outside
            await asyncio.sleep(0.02)


async def test_who_is_not_logged_in_is_told_where_to(http):
    told = await status(http)
    assert (told["authenticated"], told["mode"], told["loginURL"]) == (False, "oauth", "/api/auth/login")
    refused = await http.get("/api/pods")
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    overview = await http.get("/api/cluster/gpu-overview")
    assert overview.status_code == 200


@pytest.mark.parametrize("callback", ["/api/auth/callback", "/oidc/callback"])
async def test_logging_in_leads_to_where_one_was_going(http, provider, callback):
    arrived = await log_in(http, provider, callback=callback)
    assert (arrived.status_code, arrived.headers["location"]) == (303, "/pods")
    assert arrived.headers["cache-control"] == "no-store"
    told = await status(http)
    assert (told["authenticated"], told["userIdentifier"], told["groups"]) == (True, "alice-alice", ["staff"])
    assert told["loginURL"] is None
    assert (await http.get("/api/pods")).status_code == 200


async def test_cookies_are_what_they_must_be(http, provider):
    begun = await http.get("/api/auth/login")
    arrived = await http.get("/api/auth/callback", params=answer_to(begun, provider))
    for answer, name in ((begun, "__Host-genet-login-"), (arrived, COOKIE)):
        [line] = [
            line for line in answer.headers.get_list("set-cookie") if line.startswith(name) and "Max-Age=0" not in line
        ]
        parts = {part.strip().lower() for part in line.split(";")[1:]}
        assert {"path=/", "secure", "httponly", "samesite=lax"} <= parts
        assert not any(part.startswith("domain") for part in parts)
    gone = [line for line in arrived.headers.get_list("set-cookie") if line.startswith("__Host-genet-login-")]
    assert "Max-Age=0" in gone[0]
    assert [name for name in http.cookies if name.startswith("__Host-genet")] == [COOKIE]


async def test_nothing_is_stored_before_somebody_is_known(http, provider, site):
    records = site.services.identity.records
    for _ in range(3):
        await http.get("/api/auth/login", params={"next": "/"})
    await http.get("/api/auth/callback", params={"code": "c", "state": "x"})
    for kind in (PERSON, SESSION):
        assert [record async for page in records.pages(kind) for record in page] == []


async def test_another_browser_cannot_end_a_login(http, provider, site):
    begun = await http.get("/api/auth/login")
    async with browser(site) as mallory:
        answer = await mallory.get("/api/auth/callback", params=answer_to(begun, provider))
        assert (answer.status_code, "did not begin in this browser" in answer.text) == (400, True)
        assert COOKIE not in mallory.cookies


async def test_an_answer_ends_one_login_only_once(http, provider):
    begun = await http.get("/api/auth/login")
    query = answer_to(begun, provider)
    assert (await http.get("/api/auth/callback", params=query)).status_code == 303
    assert (await http.get("/api/auth/callback", params=query)).status_code == 400


async def test_every_login_makes_a_new_session_and_ends_the_former(http, provider):
    await log_in(http, provider)
    former = http.cookies[COOKIE]
    await log_in(http, provider)
    assert http.cookies[COOKIE] != former
    http.cookies.clear()
    http.cookies.set(COOKIE, former, domain="genet.example.org")
    assert not (await status(http))["authenticated"]


async def test_a_session_that_somebody_planted_is_not_lifted_to_a_login(http, provider):
    http.cookies.set(COOKIE, "planted", domain="genet.example.org")
    arrived = await log_in(http, provider)
    assert arrived.status_code == 303
    assert "planted" not in [cookie.value for cookie in http.cookies.jar if cookie.path == "/" and cookie.secure]


@pytest.mark.parametrize("next_", ["//evil.example", "https://evil.example", "/\\evil.example", "/%2fevil.example"])
async def test_nobody_is_sent_elsewhere(http, provider, next_):
    assert (await log_in(http, provider, next_=next_)).headers["location"] == "/"


@pytest.mark.parametrize(
    ("claims", "http_status", "said"),
    [
        ({"email": None}, 403, "the claim `email`"),
        ({"groups": 5}, 403, "`groups` is no list"),
        ({"nonce": "other"}, 403, "nonce"),
        ({"preferred_username": "system:admin"}, 403, "belong to Kubernetes"),
    ],
)
async def test_what_goes_wrong_is_a_page_that_says_what_to_do(http, provider, claims, http_status, said):
    provider.claims = claims
    failed = await log_in(http, provider)
    assert (failed.status_code, failed.headers["content-type"].split(";")[0]) == (http_status, "text/html")
    assert said in failed.text
    assert 'href="/api/auth/login?next=' in failed.text
    assert "<script" not in failed.text
    assert "the-code" not in failed.text
    assert "frame-ancestors 'none'" in failed.headers["content-security-policy"]
    assert COOKIE not in http.cookies


async def test_a_provider_that_is_away_is_a_page_too(http, provider):
    provider.discovery = {"issuer": "https://evil.example"}
    failed = await http.get("/api/auth/login")
    assert (failed.status_code, "does not work right now" in failed.text) == (503, True)


async def test_the_name_of_another_identity_is_not_given_away(http, provider):
    await log_in(http, provider)
    provider.claims = {"sub": "another-alice"}
    http.cookies.clear()
    failed = await log_in(http, provider)
    assert (failed.status_code, "belongs to another account" in failed.text) == (403, True)


async def test_who_is_disabled_does_not_come_in(http, provider, site):
    await log_in(http, provider)
    await site.services.identity.people.disable("alice-alice")
    assert not (await status(http))["authenticated"]
    assert (await log_in(http, provider)).status_code == 403


async def test_people_are_asked_again_where_a_client_wants_it(http, provider):
    begun = await http.get("/api/auth/login", params={"next": "/", "again": "true"})
    assert "prompt=login" in begun.headers["location"]
    assert "prompt=login" not in (await http.get("/api/auth/login")).headers["location"]


async def test_many_begun_logins_do_not_fill_the_browser(http):
    for _ in range(30):
        await http.get("/api/auth/login")
    assert len(http.cookies) <= 9


# --- sessions


async def test_logging_out_ends_the_session_on_every_replica(http, provider, second):
    await log_in(http, provider)
    value = http.cookies[COOKIE]
    async with browser(second) as elsewhere:
        elsewhere.cookies.set(COOKIE, value, domain="genet.example.org")
        assert (await status(elsewhere))["authenticated"]
        out = await http.post("/api/auth/logout", headers=OWN)
        assert out.status_code == 204
        assert COOKIE not in http.cookies
        http.cookies.set(COOKIE, value, domain="genet.example.org")
        assert not (await status(http))["authenticated"]
        await logged_out(elsewhere)


async def test_logging_out_everywhere_ends_everything(http, provider, site, second):
    await log_in(http, provider)
    async with browser(second) as elsewhere:
        await log_in(elsewhere, provider)
        alice = site.services.identity.people.user_of(site.services.identity.people.known("alice-alice"))
        _, token = await site.services.identity.tokens.create(
            alice, name="ci", scopes=("cluster:read",), lifetime=timedelta(days=1)
        )
        bearer = {"Authorization": f"Bearer {token}"}
        async with browser(site) as program:
            assert (await status(program, headers=bearer))["authenticated"]
            assert (await http.post("/api/auth/logout?everywhere=true", headers=OWN)).status_code == 204
            assert (await program.get("/api/auth/status", headers=bearer)).status_code == 401
        await logged_out(elsewhere)


async def test_other_sites_log_nobody_out(http, provider):
    await log_in(http, provider)
    for headers in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://genet.example.org"}):
        assert (await http.post("/api/auth/logout", headers=headers)).json()["code"] == "csrf"
    assert (await status(http))["authenticated"]


async def test_two_sessions_at_once_are_none_and_taken_away(http, provider):
    await log_in(http, provider)
    good = http.cookies[COOKIE]
    http.cookies.clear()
    for line in (
        f"{COOKIE}={good}; {COOKIE}=tossed".encode(),
        f"{COOKIE}=tossed; {COOKIE}={good}".encode(),
        f"{COOKIE}={good}; ".encode() + b"\xa0" + f"{COOKIE}=tossed".encode(),
        f"{COOKIE}={good}; ".encode() + b"\x1f" + f"{COOKIE}={good}".encode(),
    ):
        for path in ("/api/auth/status", "/api/pods"):
            refused = await http.get(path, headers=[(b"Cookie", line)])
            assert refused.status_code == 401
            assert f"{COOKIE}=;" in refused.headers["set-cookie"]
            assert "Max-Age=0" in refused.headers["set-cookie"]


async def test_a_wrong_token_never_falls_back_to_the_cookie(http, provider):
    await log_in(http, provider)
    for value in ("Bearer genet-sk-x.y", "Bearer nonsense", "Bearer", "bearer genet-sk-"):
        refused = await http.get("/api/pods", headers={"Authorization": value})
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
        assert refused.headers["www-authenticate"].startswith("Bearer")
        # without an Origin, which the boundary does not ask of tokens
        assert (await http.post("/api/auth/logout", headers={"Authorization": value})).status_code == 401
    assert (await status(http))["authenticated"]


async def test_a_token_does_what_it_was_made_for(http, provider, site):
    await log_in(http, provider)
    people = site.services.identity.people
    alice = people.user_of(people.known("alice-alice"))
    tokens = {}
    for scope in ("cluster:read", "pods:read"):
        _, tokens[scope] = await site.services.identity.tokens.create(
            alice, name=scope, scopes=(scope,), lifetime=timedelta(days=1)
        )
    async with browser(site) as program:

        async def code(method, path, scope):
            answer = await program.request(method, path, headers={"Authorization": f"Bearer {tokens[scope]}"})
            return answer.status_code

        assert await code("GET", "/api/pods", "pods:read") == 200
        assert await code("GET", "/api/pods", "cluster:read") == 403
        assert await code("GET", "/api/cluster/gpu-overview", "cluster:read") == 200
        assert await code("GET", "/api/cluster/gpu-overview", "pods:read") == 403
        assert await code("DELETE", "/api/pods/x", "pods:read") == 403
        for path in ("/api/auth/status", "/api/config"):
            assert await code("GET", path, "pods:read") == 200
        for method, path in (
            ("POST", "/api/auth/logout"), ("GET", "/api/tokens"), ("POST", "/api/tokens"), ("GET", "/api/grants"),
            ("GET", "/api/kubeconfig"), ("GET", "/oidc/authorize"),
        ):  # fmt: skip
            assert await code(method, path, "pods:read") == 403, path


async def test_headers_of_a_proxy_mean_nothing_here(site):
    async with browser(site, client=("127.0.0.1", 1)) as near:
        headers = {"X-Auth-Request-User": "root", "X-Auth-Request-Email": "root@example.org"}
        assert not (await status(near, headers=headers))["authenticated"]
        assert not (await status(near, params={"user": "root"}))["authenticated"]


# --- streams


async def test_a_stream_ends_with_its_session(http, provider, site):
    await log_in(http, provider)
    cookie = {"Cookie": f"{COOKIE}={http.cookies[COOKIE]}"}
    app = create_app(site.services.settings, site.services)
    async with listening(app) as port, asked(port, STREAM, cookie) as stream:
        assert (await stream.event())[0] == "snapshot"
        assert (await http.post("/api/auth/logout", headers=OWN)).status_code == 204
        while (event := (await stream.event())[0]) not in ("auth", None):
            pass
        assert event == "auth"
        assert (await stream.event())[0] is None


async def test_and_with_its_time(http, provider, site, clock):
    await log_in(http, provider)
    cookie = {"Cookie": f"{COOKIE}={http.cookies[COOKIE]}"}
    app = create_app(site.services.settings, site.services)
    clock.advance(hours=12, seconds=-0.3)
    async with listening(app) as port, asked(port, STREAM, cookie) as stream:
        async with asyncio.timeout(5):
            while (event := (await stream.event())[0]) not in ("auth", None):
                pass
        assert event == "auth"
