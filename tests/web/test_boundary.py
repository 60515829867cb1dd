"""The boundary alone, scope by scope: what a browser led by a hostile page can and cannot send."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genet.settings.urls import is_loopback
from genet.web.boundary import LOOPBACK_NAMES, Boundary

OWN = "localhost:8080"
NEAR, FAR = ("127.0.0.1", 50000), ("10.1.2.3", 50000)


async def ask(method="GET", *headers, kind="http", client=NEAR, scheme=None, path="/api/pods", trusts=True):
    """The status it answers; 0 where the application is reached."""
    sent = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 0, "headers": []})

    async def send(message):
        sent.append(message)

    async def receive():
        return {}

    scope = {
        "type": kind,
        "scheme": scheme or ("ws" if kind == "websocket" else "http"),
        "path": path,
        "client": client,
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
        **({"method": method} if kind == "http" else {}),
    }
    boundary = Boundary(app, hosts={*LOOPBACK_NAMES, "genet.lab.example"}, trusts_local_programs=trusts)
    await boundary(scope, receive, send)
    if sent[0]["type"] == "websocket.close":
        return sent[0]["code"]
    if sent[0]["status"]:
        assert dict(sent[0]["headers"])[b"content-type"] == b"application/problem+json"
        assert json.loads(sent[1]["body"])["status"] == sent[0]["status"]
    assert dict(sent[0]["headers"])[b"x-content-type-options"] == b"nosniff"
    return sent[0]["status"]


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        (["localhost"], 0),
        (["localhost:8080"], 0),
        (["LocalHost:1"], 0),
        (["127.0.0.1:8080"], 0),
        (["[::1]"], 0),
        (["[::1]:8080"], 0),
        (["genet.lab.example"], 0),
        (["genet.lab.example:443"], 0),
        ([], 403),
        ([""], 403),
        ([":8080"], 403),
        (["localhost:"], 403),
        (["localhost."], 403),
        (["localhost:80:80"], 403),
        (["localhost@evil.example"], 403),
        (["localhost.evil.example"], 403),
        (["evil.example"], 403),
        (["rebound.evil.example:8080"], 403),
        (["127.0.0.2"], 403),
        (["127.0.0.1.evil.example"], 403),
        (["::1"], 403),
        (["[::1"], 403),
        (["[::2]:8080"], 403),
        (["0.0.0.0:8080"], 403),
        (["localhost", "localhost"], 403),
        (["localhost", "evil.example"], 403),
        (["evil.example", "localhost"], 403),
    ],
)
async def test_only_known_host_names_are_answered_to(hosts, expected):
    assert await ask("GET", *(("host", host) for host in hosts)) == expected


PIECES = ["localhost", "127.0.0.1", "[::1]", "genet.lab.example", ":", "80", ".", "@", "/", "evil", " ", "\xb2", "\0"]
KNOWN = re.compile(r"(localhost|127\.0\.0\.1|\[::1\]|genet\.lab\.example)(:[0-9]+)?")


@given(st.lists(st.sampled_from(PIECES), max_size=5).map("".join))
async def test_whatever_is_answered_to_is_a_known_name_and_perhaps_a_port(host):
    assert (await ask("GET", ("host", host)) == 0) is (KNOWN.fullmatch(host) is not None)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_probes_may_call_by_any_name(path):
    assert await ask("GET", ("host", "10.0.0.7:8080"), path=path, client=FAR) == 0
    assert await ask("GET", path=path, client=FAR) == 0


async def test_what_has_no_name_has_no_origin_of_its_own():
    for headers in ([], [("host", "a"), ("host", "b")]):
        assert await ask("POST", *headers, ("origin", "http://a"), path="/healthz", client=FAR) == 403


ORIGINS = [
    ([("origin", f"http://{OWN}")], True),
    ([("origin", f"http://{OWN}"), ("sec-fetch-site", "same-origin")], True),
    ([("sec-fetch-site", "same-origin")], True),
    ([("sec-fetch-site", "none")], True),
    ([("origin", "http://evil.example")], False),
    ([("origin", "null")], False),
    ([("origin", "")], False),
    ([("origin", "http://localhost")], False),
    ([("origin", "http://localhost:3000")], False),
    ([("origin", f"https://{OWN}")], False),
    ([("origin", f"http://{OWN}/")], False),
    ([("origin", f"http://{OWN}.evil.example")], False),
    ([("origin", f"http://evil@{OWN}")], False),
    ([("sec-fetch-site", "cross-site")], False),
    ([("sec-fetch-site", "same-site")], False),
    ([("sec-fetch-site", "Same-Origin, cross-site")], False),
    ([("origin", f"http://{OWN}"), ("sec-fetch-site", "cross-site")], False),
    ([("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")], False),
    ([("origin", f"http://{OWN}"), ("origin", "http://evil.example")], False),
    ([("origin", "http://evil.example"), ("origin", f"http://{OWN}")], False),
    ([("Origin", "http://evil.example")], False),
]


@pytest.mark.parametrize(("headers", "is_own"), ORIGINS)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "BREW"])
async def test_unsafe_requests_come_from_the_own_page(method, headers, is_own):
    json_ = ("content-type", "application/json")
    assert await ask(method, ("host", OWN), json_, *headers) == (0 if is_own else 403)


@pytest.mark.parametrize(("headers", "is_own"), ORIGINS)
async def test_so_do_websockets(headers, is_own):
    assert await ask("", ("host", OWN), *headers, kind="websocket") == (0 if is_own else 4403)


async def test_a_websocket_by_a_foreign_name_is_closed():
    assert await ask("", ("host", "evil.example"), ("origin", "http://evil.example"), kind="websocket") == 4403


@pytest.mark.parametrize(
    ("client", "trusts", "expected"),
    [
        (NEAR, True, 0),
        (("::1", 1), True, 0),
        (FAR, True, 403),
        (None, True, 403),
        (NEAR, False, 403),
    ],
)
async def test_what_says_nothing_of_its_origin_passes_only_from_this_machine_in_dev_mode(client, trusts, expected):
    json_ = ("content-type", "application/json")
    assert await ask("POST", ("host", OWN), json_, client=client, trusts=trusts) == expected
    closed = 4403 if expected else 0
    assert await ask("", ("host", OWN), kind="websocket", client=client, trusts=trusts) == closed


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("content-type", "application/json"), ("content-length", "2")], 0),
        ([("content-type", "application/json; charset=utf-8"), ("content-length", "2")], 0),
        ([("content-type", "Application/JSON"), ("transfer-encoding", "chunked")], 0),
        ([], 0),
        ([("content-length", "0")], 0),
        ([("content-length", "2")], 415),
        ([("transfer-encoding", "chunked")], 415),
        ([("content-type", "text/plain"), ("content-length", "2")], 415),
        ([("content-type", "text/plain; application/json"), ("content-length", "2")], 415),
        ([("content-type", "application/x-www-form-urlencoded"), ("content-length", "2")], 415),
        ([("content-type", "multipart/form-data; boundary=x"), ("content-length", "2")], 415),
        ([("content-type", "application/jsonp"), ("content-length", "2")], 415),
        ([("content-type", "application/json"), ("content-type", "text/plain"), ("content-length", "2")], 415),
    ],
)
async def test_a_body_has_to_say_that_it_is_json(headers, expected):
    assert await ask("POST", ("host", OWN), *headers) == expected


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_reading_needs_no_origin(method):
    assert await ask(method, ("host", OWN), ("origin", "http://evil.example"), ("sec-fetch-site", "cross-site")) == 0


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 - what must not count as loopback
        ("::", False),
        ("10.0.0.1", False),
        ("", False),
        ("localhost.evil.example", False),
    ],
)
def test_what_counts_as_this_machine(host, expected):
    assert is_loopback(host) is expected


FORM = ("content-type", "application/x-www-form-urlencoded")
PUBLIC_HOST = ("host", "genet.lab.example")


async def seen(method, *headers, path="/api/pods", client=FAR, scheme="http", kind="http", answers=(), **options: Any):
    """Status, headers of the answer, and what the application saw of the request's headers (None: not reached)."""
    sent, reached = [], []

    async def app(scope, receive, send):
        reached.append(scope["headers"])
        await send({"type": "http.response.start", "status": 200, "headers": list(answers)})

    async def send(message):
        sent.append(message)

    async def receive():
        return {}

    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    scope = {"type": kind, "scheme": scheme, "path": path, "client": client, "headers": raw, "method": method}
    options = {"hosts": {"genet.lab.example"}, "trusts_local_programs": False, **options}
    await Boundary(app, **options)(scope, receive, send)
    if kind == "websocket":
        return sent[0].get("code", 0), {}, reached[0] if reached else None
    return sent[0]["status"], sent[0]["headers"], reached[0] if reached else None


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("https://genet.lab.example", 200),
        ("http://genet.lab.example", 403),
        ("https://genet.lab.example:8443", 403),
        ("https://genet.lab.example.evil.example", 403),
        ("null", 403),
    ],
)
async def test_behind_what_ends_tls_the_own_pages_come_from_the_public_url(origin, expected):
    headers = [PUBLIC_HOST, ("origin", origin), ("content-type", "application/json")]
    assert (await seen("POST", *headers, origin="https://genet.lab.example"))[0] == expected
    closed = (await seen("GET", *headers, origin="https://genet.lab.example", kind="websocket", scheme="ws"))[0]
    assert closed == (0 if expected == 200 else 4403)


async def test_own_pages_that_send_no_referrer_are_own_pages():
    null, own = ("origin", "null"), ("sec-fetch-site", "same-origin")
    assert (await seen("POST", PUBLIC_HOST, FORM, null, own, path="/oidc/consent"))[0] == 200
    for site in ("none", "same-site", "cross-site"):
        assert (await seen("POST", PUBLIC_HOST, FORM, null, ("sec-fetch-site", site), path="/oidc/consent"))[0] == 403


@pytest.mark.parametrize("name", sorted(LOOPBACK_NAMES))
async def test_names_of_this_machine_count_from_this_machine(name):
    assert (await seen("GET", ("host", name), client=NEAR))[0] == 200
    assert (await seen("GET", ("host", name), client=FAR))[0] == 403


TOKEN = ("authorization", "Bearer genet-sk-x.y")


async def test_an_api_token_needs_no_origin_and_is_alone_with_what_it_says():
    cookie = ("cookie", "__Host-genet-session=z")
    status, _, headers = await seen("POST", PUBLIC_HOST, TOKEN, cookie, ("content-type", "application/json"))
    assert status == 200
    assert b"cookie" not in dict(headers)
    assert dict(headers)[b"authorization"] == b"Bearer genet-sk-x.y"


@pytest.mark.parametrize("value", ["Basic YTpi", "Bearer", "genet-sk-x.y", "Bearergenet-sk-x", ""])
async def test_other_authorization_does_not_stand_for_an_origin(value):
    cookie = ("cookie", "__Host-genet-session=z")
    headers = [PUBLIC_HOST, ("authorization", value), cookie, ("content-type", "application/json")]
    status = (await seen("POST", *headers))[0]
    assert status == (200 if value == "Bearer" else 403)  # a token all the same: an empty one, which nobody has


async def test_what_a_proxy_adds_to_the_requests_of_browsers_does_not_either():
    headers = [PUBLIC_HOST, ("authorization", "Bearer eyJ.of.its.provider"), ("content-type", "application/json")]
    assert (await seen("POST", *headers))[0] == 200
    assert (await seen("POST", *headers, is_behind_proxy=True))[0] == 403
    assert (await seen("POST", PUBLIC_HOST, TOKEN, headers[2], is_behind_proxy=True))[0] == 200


BY_PROTOCOL = ["/oidc/token", "/oidc/userinfo", "/oidc/revoke", "/oidc/device_authorization", "/oidc/authorize"]
EVIL = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")]


@pytest.mark.parametrize("path", BY_PROTOCOL)
async def test_protocols_are_spoken_from_everywhere_in_forms_and_without_cookies(path):
    cookie = ("cookie", "__Host-genet-session=z")
    status, _, headers = await seen("POST", PUBLIC_HOST, *EVIL, FORM, cookie, ("content-length", "3"), path=path)
    assert (status, b"cookie" in dict(headers)) == (200, False)
    assert (await seen("POST", PUBLIC_HOST, FORM, ("content-length", "3"), path=path))[0] == 200
    json_ = ("content-type", "application/json")
    assert (await seen("POST", PUBLIC_HOST, json_, ("content-length", "3"), path=path))[0] == 415
    assert (await seen("POST", ("host", "evil.example"), FORM, path=path))[0] == 403


@pytest.mark.parametrize("path", ["/oidc/consent", "/oidc/device", "/oidc/token/", "/oidc//token", "/oidc/Token"])
async def test_pages_with_forms_are_sent_by_the_own_pages_alone(path):
    own = ("origin", "http://genet.lab.example")
    assert (await seen("POST", PUBLIC_HOST, own, FORM, ("content-length", "3"), path=path))[0] == 200
    assert (await seen("POST", PUBLIC_HOST, *EVIL, FORM, ("content-length", "3"), path=path))[0] == 403
    assert (await seen("POST", PUBLIC_HOST, FORM, ("content-length", "3"), path=path))[0] == 403


FOR_EVERY_SITE = ["/.well-known/openid-configuration", "/oidc/jwks", "/oidc/token", "/oidc/userinfo", "/oidc/revoke"]


@pytest.mark.parametrize("path", FOR_EVERY_SITE)
async def test_pages_of_every_site_may_read_what_the_protocol_says_in_public(path):
    preflight = [PUBLIC_HOST, *EVIL, ("access-control-request-method", "POST")]
    status, headers, reached = await seen("OPTIONS", *preflight, path=path)
    assert (status, reached) == (204, None)
    assert dict(headers)[b"access-control-allow-origin"] == b"*"
    assert b"authorization" in dict(headers)[b"access-control-allow-headers"].lower()
    _, headers, _ = await seen("GET", PUBLIC_HOST, *EVIL, path=path)
    assert dict(headers)[b"access-control-allow-origin"] == b"*"
    assert b"access-control-allow-credentials" not in dict(headers)
    assert (await seen("OPTIONS", ("host", "evil.example"), path=path))[0] == 403


@pytest.mark.parametrize(
    "path", ["/oidc/authorize", "/oidc/consent", "/oidc/device", "/oidc/device_authorization", "/api/pods", "/"]
)
async def test_and_nothing_else(path):
    for method in ("OPTIONS", "GET"):
        _, headers, reached = await seen(method, PUBLIC_HOST, *EVIL, path=path)
        assert reached is not None
        assert b"access-control-allow-origin" not in dict(headers)


PROXYS = [
    ("X-Auth-Request-User", "mallory"),
    ("x-auth-request-email", "m@x"),
    ("X-Genet-Proxy-Secret", "s"),
]
NOBODYS = [
    ("X-Forwarded-For", "127.0.0.1"),
    ("x-forwarded-host", "evil.example"),
    ("Forwarded", "for=127.0.0.1"),
    ("X_Auth_Request_User", "mallory"),
    ("x_auth-request-user", "mallory"),
    ("X_Genet_Proxy_Secret", "s"),
    ("X_Forwarded_For", "127.0.0.1"),
]


async def test_headers_of_a_proxy_reach_nothing_where_none_is_configured():
    _, _, headers = await seen("GET", PUBLIC_HOST, ("accept", "*/*"), *PROXYS, *NOBODYS)
    assert [name for name, _ in headers] == [b"host", b"accept"]


async def test_behind_one_its_own_are_let_through_by_their_right_names_alone():
    _, _, headers = await seen("GET", PUBLIC_HOST, *PROXYS, *NOBODYS, is_behind_proxy=True)
    assert [name.decode() for name, _ in headers] == ["host", *(name for name, _ in PROXYS)]


async def test_what_a_handler_says_of_its_answer_stands():
    said = [
        (b"Content-Security-Policy", b"form-action https://client.example"),
        (b"referrer-policy", b"no-referrer"),
        (b"cache-control", b"public, max-age=300"),
    ]
    _, headers, _ = await seen("GET", PUBLIC_HOST, path="/oidc/jwks", answers=said)
    for name, value in said:
        assert [found for key, found in headers if key.lower() == name.lower()] == [value]
    assert dict(headers)[b"x-content-type-options"] == b"nosniff"


@pytest.mark.parametrize("path", ["/api/pods", "/oidc/token", "/oidc/authorize", "//api/pods", "//oidc/token", "/"])
async def test_nobody_keeps_what_is_about_people_unless_told_how(path):
    assert dict((await seen("GET", PUBLIC_HOST, path=path))[1])[b"cache-control"] == b"no-store"
    refused = await seen("POST", PUBLIC_HOST, ("content-length", "3"), path=path)
    assert dict(refused[1])[b"cache-control"] == b"no-store"
