"""The company's provider over the wire, honest and otherwise."""

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web
from msgspec import structs

from genet.auth.upstream import Flow, Metadata, Upstream, names_safe_addresses
from genet.auth.upstream_calls import Calls, Refused
from genet.errors import Forbidden, Unavailable
from genet.settings import OAuth
from tests.auth.company import EC, NOW, OTHER_RSA, SECRET, basic, company, public_jwk
from tests.certificates import Authority
from tests.listening import listening

FLOW = Flow(state="s", nonce="n", verifier="v" * 50, redirect_uri="https://genet.example.org/api/auth/callback")


@asynccontextmanager
async def answering(handle):
    """The URL of a server that answers everything with what `handle` makes."""

    async def answer(request):
        return handle(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class Seconds:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
async def provider():
    async with company() as one:
        one.nonce = "n"
        yield one


@pytest.fixture
def seconds():
    return Seconds()


def at(provider, seconds=None, **settings):
    return Upstream(provider.settings(**settings), lambda: NOW, seconds=seconds or Seconds())


async def exchanged(upstream):
    return await upstream.exchange("the-code", FLOW, said_issuer=None)


async def test_the_client_proves_itself_as_the_specification_says(provider):
    await exchanged(at(provider))
    [(_, form, headers)] = [asked for asked in provider.asked if asked[0] == "/token"]
    assert headers["Authorization"] == basic("genet:the+company%27s%3A+50%25+secret%2B")
    assert (form["grant_type"], form["code"], form["code_verifier"]) == ("authorization_code", "the-code", "v" * 50)
    assert "client_secret" not in form


async def test_or_in_the_form_where_the_provider_takes_nothing_else(provider):
    provider.discovery = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    await exchanged(at(provider))
    [(_, form, headers)] = [asked for asked in provider.asked if asked[0] == "/token"]
    assert (form["client_id"], form["client_secret"]) == ("genet", SECRET)
    assert "Authorization" not in headers


async def test_a_public_client_only_says_its_name(provider):
    await exchanged(at(provider, client_secret=None))
    [(_, form, headers)] = [asked for asked in provider.asked if asked[0] == "/token"]
    assert (form["client_id"], "client_secret" in form, "Authorization" in headers) == ("genet", False, False)


async def test_userinfo_is_asked_for_what_the_token_leaves_out(provider):
    assert (await exchanged(at(provider))).username == "alice"
    assert provider.count("/me") == 0
    provider.claims = {"preferred_username": None, "email": None, "groups": None, "email_verified": None}
    provider.told = {"preferred_username": "al", "email": "al@example.org", "email_verified": True, "groups": ["g"]}
    who = await exchanged(at(provider))
    assert (who.username, who.email, who.email_verified, who.groups) == ("al", "al@example.org", True, ("g",))
    [(_, _, headers)] = [asked for asked in provider.asked if asked[0] == "/me"]
    assert headers["Authorization"] == "Bearer at"


async def test_userinfo_about_somebody_else_is_refused(provider):
    provider.claims = {"groups": None}
    provider.told = {"sub": "sub-of-mallory"}
    with pytest.raises(Forbidden, match="two people"):
        await exchanged(at(provider))


@pytest.mark.parametrize("issuer", ["/", "/x", ".evil.example", ""])
async def test_a_provider_that_calls_itself_otherwise_is_not_the_one(provider, issuer):
    provider.discovery = {"issuer": provider.issuer + issuer if issuer else "https://evil.example"}
    with pytest.raises(Unavailable, match="another issuer"):
        await exchanged(at(provider))


@pytest.mark.parametrize(
    "change",
    [
        {"token_endpoint": "http://login.example.org/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": "ftp://login.example.org/keys"},
        {"userinfo_endpoint": "http://10.0.0.1/me"},
        {"jwks_uri": None},
        {"token_endpoint": None},
        {"token_endpoint": 5},
    ],
)
async def test_addresses_that_secrets_are_not_sent_to(provider, change):
    provider.discovery = change
    with pytest.raises(Unavailable, match="discovery document"):
        await exchanged(at(provider))
    assert provider.count("/token") == 0


async def test_a_bad_token_is_no_login(provider):
    for change in ({"iss": "https://evil.example"}, {"aud": "other"}, {"nonce": "m"}, {"exp": 1}):
        provider.claims = change
        with pytest.raises(Forbidden, match="not to be believed"):
            await exchanged(at(provider))
    provider.claims, provider.key = {}, OTHER_RSA
    with pytest.raises(Forbidden, match="signature"):
        await exchanged(at(provider))
    provider.tokens = {"id_token": None}
    with pytest.raises(Forbidden, match="missing"):
        await exchanged(at(provider))


async def test_new_keys_are_looked_for_but_seldom(provider, seconds):
    upstream = at(provider, seconds)
    await exchanged(upstream)
    provider.key, provider.algorithm, provider.header = EC, "ES256", {"kid": "two"}
    for _ in range(3):
        with pytest.raises(Forbidden, match="does not publish"):
            await exchanged(upstream)
    assert provider.count("/jwks") == 1
    provider.keys = [public_jwk(EC, "two")]
    seconds.now += 11
    await exchanged(upstream)
    assert provider.count("/jwks") == 2
    provider.header = {"kid": "never"}
    await asyncio.gather(*(exchanged(upstream) for _ in range(5)), return_exceptions=True)
    assert provider.count("/jwks") == 2


async def test_it_is_discovered_once_by_all_who_wait(provider, seconds):
    upstream = at(provider, seconds)
    await asyncio.gather(*(upstream.authorization_url(FLOW, reauthenticate=False) for _ in range(5)))
    assert provider.count("/.well-known/openid-configuration") == 1
    seconds.now += 3601
    await exchanged(upstream)
    assert provider.count("/.well-known/openid-configuration") == 2


async def test_what_was_discovered_outlives_an_outage(provider, seconds):
    upstream = at(provider, seconds)
    await upstream.authorization_url(FLOW, reauthenticate=False)
    seconds.now += 3601
    provider.discovery = {"issuer": "https://evil.example"}
    assert (await upstream.authorization_url(FLOW, reauthenticate=False)).startswith(provider.issuer)


async def test_after_a_failure_nobody_waits_for_the_next_one(provider, seconds):
    upstream = at(provider, seconds)
    provider.discovery = {"issuer": "x"}
    for _ in range(3):
        with pytest.raises(Unavailable):
            await exchanged(upstream)
    assert provider.count("/.well-known/openid-configuration") == 1
    provider.discovery, seconds.now = {}, seconds.now + 6
    await exchanged(upstream)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ({"error": "invalid_grant"}, "invalid_grant"),
        ({"error": "the code c0de is bad"}, "unknown"),
        ({"error": 5}, "5"),
    ],
)
async def test_a_refusal_is_told_in_the_protocols_word_alone(provider, error, said):
    provider.error = 400, error | {"error_description": "the code c0de was used before"}
    with pytest.raises(Forbidden) as caught:
        await exchanged(at(provider))
    assert said in caught.value.detail
    assert "c0de" not in f"{caught.value.detail} {caught.value.__cause__!r}"


@pytest.mark.parametrize("status", [500, 503, 404, 429])
async def test_trouble_is_not_a_refusal(provider, status):
    provider.error = status, {}
    with pytest.raises(Unavailable):
        await exchanged(at(provider))


async def test_refreshing_says_who_they_are_now(provider):
    provider.claims = {"groups": ["ops"], "nonce": None}
    provider.tokens = {"refresh_token": "rt-2"}
    who = await at(provider).refresh("rt-1")
    assert (who.groups, who.refresh_token) == (("ops",), "rt-2")
    [(_, form, _)] = [asked for asked in provider.asked if asked[0] == "/token"]
    assert (form["grant_type"], form["refresh_token"]) == ("refresh_token", "rt-1")


async def test_refreshing_without_an_id_token_asks_userinfo(provider):
    provider.tokens = {"id_token": None, "refresh_token": None}
    provider.told = {"preferred_username": "alice", "email": "alice@example.org"}
    who = await at(provider).refresh("rt-1")
    assert (who.username, who.refresh_token) == ("alice", None)


async def test_a_refused_refresh_is_a_refusal(provider):
    provider.error = 400, {"error": "invalid_grant"}
    with pytest.raises(Refused) as caught:
        await at(provider).refresh("rt-1")
    assert caught.value.error == "invalid_grant"


@pytest.mark.parametrize("error", ["invalid_client", "temporarily_unavailable", "too_many_requests", "server_error"])
async def test_trouble_with_the_client_says_nothing_of_the_person(provider, error):
    provider.error = 400, {"error": error}
    with pytest.raises(Unavailable, match=error):
        await at(provider).refresh("rt-1")


async def test_plain_oauth_knows_people_by_userinfo(provider):
    endpoints = {
        "authorization_endpoint": f"{provider.issuer}/auth",
        "token_endpoint": f"{provider.issuer}/token",
        "userinfo_endpoint": f"{provider.issuer}/me",
    }
    provider.tokens = {"id_token": None}
    provider.told = {"id": 7, "login": "bob", "email": "bob@example.org"}
    upstream = at(
        provider, provider_url=None, subject_claim="id", username_claim="login", scopes=("read",), **endpoints
    )
    url = await upstream.authorization_url(FLOW, reauthenticate=True)
    assert parse_qs(urlsplit(url).query).keys().isdisjoint({"nonce", "max_age"})
    who = await exchanged(upstream)
    assert (who.owner, who.username) == (f"{provider.issuer}|7", "bob")


# --- what a socket can do


async def calling(handler, *, until=None, **more):
    """What becomes of a call to a server whose connections are handled by this, and which stays until this has come."""
    async with listening(handler) as address:
        url = f"http://{address}"
        calls = Calls(OAuth(client_id="genet"), **more)
        try:
            return await calls.make(lambda session: session.get(url, withhold_token=True).content)
        finally:
            calls.close()
            if until is not None:
                await until.wait()


async def test_a_server_that_drips_does_not_hold_anybody():
    gone = asyncio.Event()

    async def drip(reader, writer):
        try:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.02)
        except OSError:
            gone.set()  # the thread has let go of the socket too

    async with asyncio.timeout(5):
        with pytest.raises(Unavailable, match="did not answer within"):
            await calling(drip, until=gone, timeout_seconds=0.3)


async def test_an_answer_without_end_is_cut_off():
    async def pour(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    with pytest.raises(Unavailable, match="more than"):
        await calling(pour)


async def test_nobody_is_followed_elsewhere():
    async def point(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    with pytest.raises(Unavailable, match="does not follow"):
        await calling(point)


async def test_nobody_there_is_unavailable():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    calls = Calls(OAuth(client_id="genet"))
    with pytest.raises(Unavailable, match="cannot be reached"):
        await calls.make(lambda session: session.get(url, withhold_token=True))
    calls.close()


async def test_a_certificate_is_checked_with_the_authorities_of_the_settings(tmp_path):
    authority = Authority(tmp_path).create()
    certificate, key = authority.issue(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    app = web.Application()
    app.router.add_get("/", _text)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    url = f"https://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        trusting = Calls(OAuth(client_id="genet", ca_file=str(authority.ca_file)))
        answer = await trusting.make(lambda session: session.get(url, withhold_token=True).content)
        assert answer == b"here"
        trusting.close()
        with pytest.raises(Unavailable, match="not trusted"):
            await Calls(OAuth(client_id="genet")).make(lambda session: session.get(url, withhold_token=True))
    finally:
        await runner.cleanup()


async def _text(_):
    return web.Response(text="here")


@pytest.mark.parametrize("field", ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"])
def test_a_provider_elsewhere_cannot_name_addresses_of_this_machine(field):
    there, here = "https://login.example.org/x", "http://127.0.0.1:9090/metrics"
    elsewhere = Metadata(
        issuer="https://login.example.org",
        authorization_endpoint=there,
        token_endpoint=there,
        jwks_uri=there,
        userinfo_endpoint=there,
    )
    assert names_safe_addresses(elsewhere)
    assert not names_safe_addresses(structs.replace(elsewhere, **{field: here}))
    assert names_safe_addresses(structs.replace(elsewhere, **{"issuer": "http://127.0.0.1:8000", field: here}))


async def test_answers_that_are_nested_without_end_are_no_answers(provider):
    deep = "[" * 100_000
    async with answering(lambda _: web.Response(text=deep, content_type="application/json")) as url:
        with pytest.raises(Unavailable):
            await exchanged(at(provider, provider_url=url))
        provider.discovery = {"token_endpoint": f"{url}/token"}
        with pytest.raises(Unavailable):
            await exchanged(at(provider))
        provider.discovery = {"jwks_uri": f"{url}/jwks"}
        with pytest.raises(Unavailable):
            await exchanged(at(provider))
