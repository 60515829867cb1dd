"""Where answers may go. The rows with names are mistakes that other providers have made."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genet.oidc import redirects

LOOPBACK = "http://127.0.0.1/callback"
FIXED = "https://app.example.org/back?from=genet"


@pytest.mark.parametrize(
    ("registered", "asked"),
    [
        (FIXED, FIXED),
        ("http://localhost", "http://localhost:8000"),
        ("http://localhost", "http://localhost"),
        ("http://localhost:3000/x", "http://localhost:18000/x"),
        (LOOPBACK, "http://127.0.0.1:65535/callback"),
        ("http://[::1]/", "http://[::1]:8000/"),
        ("http://localhost/?a=1", "http://localhost:9/?a=1"),
        ("http://localhost?a=1", "http://localhost:9?a=1"),
    ],
)
def test_what_is_registered_is_allowed_on_loopback_on_any_port(registered, asked):
    assert redirects.fault(registered) is None
    assert redirects.matches(registered, asked)


REFUSED = [
    # exactness
    (FIXED, "https://app.example.org/back"),
    (FIXED, "https://app.example.org/back?from=genet&x=1"),
    (FIXED, "https://app.example.org/back/?from=genet"),
    (FIXED, "https://app.example.org/BACK?from=genet"),
    (FIXED, "https://app.example.org:443/back?from=genet"),
    (FIXED, "https://app.example.org:8443/back?from=genet"),
    (FIXED, "http://app.example.org/back?from=genet"),
    ("https://app.example.org/back", "https://app.example.org/back?x=1"),
    # the dot of a name is no pattern (CVE-2024-52289)
    (FIXED, "https://appxexample.org/back?from=genet"),
    (FIXED, "https://app.example.org.evil.net/back?from=genet"),
    # other cases, as in CVE-2020-15234
    (FIXED, "https://APP.example.org/back?from=genet"),
    (FIXED, "HTTPS://app.example.org/back?from=genet"),
    ("http://localhost", "http://LOCALHOST:8000"),
    # users before the host, as in CVE-2024-8883
    (FIXED, "https://app.example.org@evil.net/back?from=genet"),
    (FIXED, "https://evil.net@app.example.org/back?from=genet"),
    ("http://localhost", "http://localhost@evil.net"),
    ("http://localhost", "http://localhost:8000@evil.net"),
    ("http://localhost", "http://a:b@localhost:8000"),
    ("http://127.0.0.1", "http://127.0.0.1:80@evil.net/"),
    # fragments
    (FIXED, f"{FIXED}#x"),
    (FIXED, f"{FIXED}#"),
    ("http://localhost", "http://localhost:8000#x"),
    # dot segments, also as servers that know path parameters see them (CVE-2026-3872)
    (LOOPBACK, "http://127.0.0.1:8000/callback/../evil"),
    (LOOPBACK, "http://127.0.0.1:8000/callback/..;/evil"),
    (LOOPBACK, "http://127.0.0.1:8000/x/..;/callback"),
    (LOOPBACK, "http://127.0.0.1:8000/./callback"),
    (LOOPBACK, "http://127.0.0.1:8000/callback%2f"),
    (LOOPBACK, "http://127.0.0.1:8000/x%2F..%2Fcallback"),
    (LOOPBACK, "http://127.0.0.1:8000/%2e%2e/callback"),
    (LOOPBACK, "http://127.0.0.1:8000/%63allback"),
    # backslashes, which browsers take for slashes
    ("http://localhost", "http://localhost\\@evil.net"),
    ("http://localhost", "http:\\\\localhost:8000"),
    ("http://localhost", "http://localhost:8000\\evil"),
    # white space and control characters
    ("http://localhost", " http://localhost:8000"),
    ("http://localhost", "http://localhost:8000 "),
    ("http://localhost", "http://localhost:8000\r\nSet-Cookie: x=1"),
    ("http://localhost", "http://local\thost:8000"),
    ("http://localhost", "http://localhost:8000\n"),
    # loopback: the port alone, never another host, path or query (CVE-2020-15233)
    (LOOPBACK, "http://localhost:8000/callback"),
    (LOOPBACK, "http://[::1]:8000/callback"),
    (LOOPBACK, "http://127.0.0.2/callback"),
    (LOOPBACK, "http://127.1/callback"),
    (LOOPBACK, "http://0x7f000001/callback"),
    (LOOPBACK, "http://2130706433/callback"),
    (LOOPBACK, "http://127.0.0.1.evil.net/callback"),
    (LOOPBACK, "http://127.0.0.1:8000.evil.net/callback"),
    (LOOPBACK, "http://127.0.0.1:8000/callback?x=1"),
    (LOOPBACK, "http://127.0.0.1:8000/callback/"),
    (LOOPBACK, "http://127.0.0.1:8000/"),
    ("http://localhost", "http://localhost.evil.net:8000"),
    ("http://localhost", "http://localhost.:8000"),
    ("http://localhost", "https://localhost:8000"),
    ("http://[::1]", "http://[::1%25lo]:8000"),
    ("http://[::1]", "http://[0:0:0:0:0:0:0:1]:8000"),
    # ports that are none
    ("http://localhost", "http://localhost:"),
    ("http://localhost", "http://localhost:0"),
    ("http://localhost", "http://localhost:08000"),
    ("http://localhost", "http://localhost:65536"),
    ("http://localhost", "http://localhost:8000:8000"),
    ("http://localhost", "http://localhost:-1"),
    ("http://localhost", "http://localhost:\uff18\uff10"),
    # a fixed port of an https client is fixed
    ("https://127.0.0.1:8443/x", "https://127.0.0.1:9443/x"),
    # schemes
    ("http://localhost", "javascript:alert(1)//localhost"),
    ("http://localhost", "//localhost:8000"),
    ("http://localhost", "/oidc/device"),
    ("http://localhost", ""),
    ("http://localhost", "http://localhost:8000/" + "a" * 2000),
]


@pytest.mark.parametrize(("registered", "asked"), REFUSED)
def test_nothing_else_is(registered, asked):
    assert not redirects.matches(registered, asked)


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example.org/back",
        "https://app.example.org/back#fragment",
        "https://user@app.example.org/back",
        "https://App.example.org/back",
        "https://app.example.org/a/../b",
        "https://app.example.org/a/..;x=1/b",
        "https://app.example.org/a%2Fb",
        "https://app.example.org/a%5cb",
        "https://app.example.org/a%252fb",
        "https://app.example.org/a\\b",
        "https://*.example.org/back",
        "https://app.example.org:0/back",
        "https:///back",
        "com.example.app:/back",
        "http://localhost:99999/",
    ],
)
def test_what_could_lead_elsewhere_cannot_even_be_registered(uri):
    assert redirects.fault(uri) is not None
    assert not redirects.matches(uri, uri)


REGISTERED = ["http://localhost", "http://127.0.0.1/cb", "http://[::1]/", FIXED, "https://app.example.org"]
PIECES = st.sampled_from(
    ["http:", "https:", "//", "/", "\\", "localhost", "127.0.0.1", "[::1]", "app.example.org", "evil.net", ":", "8000",
     "0", "@", "#", "?", "..", ".", ";", "%2f", "%00", "cb", "back", "from=genet", "&", " ", "\n", "A", "é"]
)  # fmt: skip


@given(st.sampled_from(REGISTERED), st.lists(PIECES, max_size=12).map("".join))
@example("http://localhost", "http://localhost:8000")
@example(FIXED, f"{FIXED}&x=1")
def test_whatever_is_asked_the_answer_goes_to_what_is_registered_or_the_same_on_another_loopback_port(
    registered, asked
):
    if not redirects.matches(registered, asked):
        return
    if asked != registered:
        head, _, tail = asked.rpartition(":")
        digits = len(tail) - len(tail.lstrip("0123456789"))
        without_port = head + tail[digits:] if digits and tail[:1].isdigit() else asked
        assert registered.startswith("http://")
        assert without_port == registered
        assert 0 < int(tail[:digits]) < 65536


@given(st.sampled_from(REGISTERED), st.text(max_size=40), st.integers(min_value=0, max_value=60))
def test_one_change_anywhere_but_in_the_port_is_enough_to_be_refused(registered, inserted, position):
    asked = registered[:position] + inserted + registered[position:]
    if asked != registered and redirects.matches(registered, asked):
        assert inserted.strip("0123456789") in {":", ""}
