"""The boundary alone, scope by scope: what a browser led by a hostile page can and cannot send."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genet.web.boundary import LOOPBACK_NAMES, Boundary, is_loopback

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
