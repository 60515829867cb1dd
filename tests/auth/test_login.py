"""A login from its beginning to its end, and what must not end one."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, quote, unquote, urlencode, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genet.auth.login import COOKIE_PREFIX, LIFETIME, Login, LoginFailed, local_path
from genet.auth.sealing import Sealer
from genet.auth.upstream import Upstream
from genet.errors import Forbidden, Invalid
from genet.settings import Allow, Auth, Server, Settings
from tests.auth.company import CLIENT, NOW, company


class Clock:
    now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
async def upstream():
    async with company() as one:
        yield one


@pytest.fixture
def clock():
    return Clock()


def login_at(upstream, clock, *, key=b"k" * 32, auth=None):
    auth = auth or Auth(mode="oauth")
    settings = Settings(auth=auth, server=Server(public_url="https://genet.example.org"), oauth=upstream.settings())
    sealer = Sealer(lambda: [key], clock)
    return Login(Upstream(settings.oauth, clock), sealer, settings, clock)


@pytest.fixture
def login(upstream, clock):
    return login_at(upstream, clock)


def back(upstream, begun, **more):
    state, code = upstream.code_for(begun.url)
    return urlencode({"code": code, "state": state} | more)


def jar(*begun):
    return {one.cookie_name: one.cookie_value for one in begun}.get


async def test_it_begins_at_the_provider_with_all_that_protects_it(login, upstream):
    begun = await login.begin("/pods?x=1")
    assert begun.url.startswith(f"{upstream.issuer}/auth?")
    query = parse_qs(urlsplit(begun.url).query)
    assert query["response_type"] == ["code"]
    assert query["client_id"] == [CLIENT]
    assert query["redirect_uri"] == ["https://genet.example.org/api/auth/callback"]
    assert query["scope"] == ["openid profile email"]
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["code_challenge"][0]) == 43
    assert len(query["nonce"][0]) >= 40
    assert begun.cookie_name.startswith(COOKIE_PREFIX)
    assert begun.cookie_value not in begun.url
    assert "pods" not in begun.url  # what a state says, nobody reads
    assert (await login.begin("/pods?x=1")).url != begun.url


async def test_it_ends_with_who_came_back(login, upstream):
    begun = await login.begin("/pods")
    arrived = await login.complete(back(upstream, begun), jar(begun))
    assert (arrived.user.identifier, arrived.next) == ("alice-alice", "/pods")
    assert arrived.user.owner == f"{upstream.issuer}|sub-of-alice"
    assert arrived.proven.refresh_token == "rt-1"
    form = next(form for path, form, _ in upstream.asked if path == "/token")
    assert form["redirect_uri"] == "https://genet.example.org/api/auth/callback"
    assert len(form["code_verifier"]) >= 43


async def test_several_may_be_under_way_in_one_browser(login, upstream):
    first, second = await login.begin("/a"), await login.begin("/b")
    for begun, expected in ((second, "/b"), (first, "/a")):
        assert (await login.complete(back(upstream, begun), jar(first, second))).next == expected


async def test_another_browser_cannot_end_it(login, upstream):
    begun, mallorys = await login.begin("/"), await login.begin("/")
    query = back(upstream, begun)
    for cookies in (
        jar(),
        jar(mallorys),
        {begun.cookie_name: mallorys.cookie_value}.get,
        {begun.cookie_name: ""}.get,
        {mallorys.cookie_name: begun.cookie_value}.get,
    ):
        with pytest.raises(Invalid, match="did not begin in this browser"):
            await login.complete(query, cookies)
    assert upstream.count("/token") == 0


async def test_a_state_that_is_missing_changed_or_anothers_ends_nothing(login, upstream, clock):
    begun = await login.begin("/")
    state, _ = upstream.code_for(begun.url)
    foreign = await login_at(upstream, clock, key=b"x" * 32).begin("/")
    for text in ("", "x", state[:-2], state + "A", "A" + state[1:], upstream.code_for(foreign.url)[0]):
        with pytest.raises(Invalid, match="did not begin here"):
            await login.complete(urlencode({"code": "c", "state": text}), jar(begun, foreign))


async def test_it_takes_no_longer_than_a_quarter_of_an_hour(login, upstream, clock):
    begun = await login.begin("/")
    query = back(upstream, begun)
    clock.now += LIFETIME
    with pytest.raises(Invalid, match="too long"):
        await login.complete(query, jar(begun))


async def test_an_answer_of_another_login_is_found_out_by_its_nonce(login, upstream):
    begun, other = await login.begin("/"), await login.begin("/")
    query = back(upstream, begun)
    back(upstream, other)  # the provider now answers with the other one's nonce
    with pytest.raises(Forbidden, match="nonce"):
        await login.complete(query, jar(begun))


async def test_what_says_too_much_ends_nothing(login, upstream):
    begun = await login.begin("/")
    query = back(upstream, begun) + "".join(f"&more{n}=1" for n in range(40))
    with pytest.raises(Invalid, match="too much"):
        await login.complete(query, jar(begun))
    assert login.cookie_of(query) is None


@pytest.mark.parametrize("name", ["code", "state", "iss"])
async def test_what_comes_twice_ends_nothing(login, upstream, name):
    begun = await login.begin("/")
    query = back(upstream, begun, iss=upstream.issuer)
    with pytest.raises(Invalid, match="twice"):
        await login.complete(f"{query}&{name}=x", jar(begun))


async def test_no_code_no_end(login, upstream):
    begun = await login.begin("/")
    with pytest.raises(Invalid, match="no code"):
        await login.complete(back(upstream, begun, code=""), jar(begun))


@pytest.mark.parametrize(
    ("error", "said"),
    [("access_denied", "did not let you in"), ("login_required", "login_required"), ("<b>", "unknown")],
)
async def test_the_providers_no_is_told_and_can_be_tried_again(login, upstream, error, said):
    begun = await login.begin("/pods")
    state, _ = upstream.code_for(begun.url)
    with pytest.raises(LoginFailed, match=said) as caught:
        await login.complete(urlencode({"error": error, "error_description": "<i>", "state": state}), jar(begun))
    assert (caught.value.next, "<" in caught.value.detail) == ("/pods", False)


async def test_an_error_without_a_state_of_this_browser_says_nothing(login):
    with pytest.raises(Invalid):
        await login.complete("error=access_denied", jar())


async def test_an_answer_from_another_issuer_is_refused(login, upstream):
    begun = await login.begin("/")
    with pytest.raises(Forbidden, match="another provider"):
        await login.complete(back(upstream, begun, iss="https://evil.example"), jar(begun))
    assert upstream.count("/token") == 0


async def test_where_the_provider_always_names_itself_silence_is_refused(login, upstream):
    upstream.discovery = {"authorization_response_iss_parameter_supported": True}
    begun = await login.begin("/")
    with pytest.raises(Forbidden, match="another provider"):
        await login.complete(back(upstream, begun), jar(begun))
    begun = await login.begin("/")
    await login.complete(back(upstream, begun, iss=upstream.issuer), jar(begun))


async def test_people_can_be_made_to_prove_it_again(login, upstream, clock):
    begun = await login.begin("/", reauthenticate=True)
    query = parse_qs(urlsplit(begun.url).query)
    assert (query["prompt"], query["max_age"]) == (["login"], ["0"])
    upstream.claims = {"auth_time": int(NOW.timestamp()) - 3600}
    with pytest.raises(LoginFailed, match="did not ask you again"):
        await login.complete(back(upstream, begun), jar(begun))
    upstream.claims = {"auth_time": int(NOW.timestamp())}
    begun = await login.begin("/", reauthenticate=True)
    assert (await login.complete(back(upstream, begun), jar(begun))).authenticated_at == NOW


async def test_when_they_proved_it_is_what_the_provider_says(login, upstream):
    upstream.claims = {"auth_time": int(NOW.timestamp()) - 3600}
    begun = await login.begin("/")
    arrived = await login.complete(back(upstream, begun), jar(begun))
    assert arrived.authenticated_at == NOW - timedelta(hours=1)


async def test_who_is_on_no_list_does_not_come_in(upstream, clock):
    login = login_at(upstream, clock, auth=Auth(mode="oauth", allow=Allow(email_domains=("example.org",))))
    begun = await login.begin("/")
    assert await login.complete(back(upstream, begun), jar(begun))
    upstream.claims = {"email_verified": False}
    begun = await login.begin("/")
    with pytest.raises(Forbidden, match="may not log in"):
        await login.complete(back(upstream, begun), jar(begun))


LOCAL = [
    "/",
    "/pods",
    "/pods?a=b&c=%2F%2Fd",
    "/a/b#c",
    "/oidc/authorize?redirect_uri=http%3A%2F%2Flocalhost%3A8000",
]
ELSEWHERE = [
    None,
    "",
    "pods",
    "https://evil.example/",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\tevil.example",
    "/\t/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/\r\n/evil.example",
    "/\rSet-Cookie: a=b",
    "/\n",
    "/\0",
    "/%2Fevil.example",
    "/%2f%2fevil.example",
    "/%252Fevil.example",
    "/%25252Fevil.example",
    "/%5Cevil.example",
    "/%5cevil.example",
    "/%255cevil.example",
    "/%09/evil.example",
    "/%0d%0aSet-Cookie:%20a=b",
    "/%00",
    "/%ff",
    "/%25ff",
    "/%c0%afevil.example",
    "/.//evil.example",
    "/..//evil.example",
    "/a/..//evil.example",
    "/a//evil.example",
    "/%2e%2e//evil.example",
    "/%2e/%2fevil.example",
    "/..;/",
    "/\u2215evil.example",
    "/\xa0/evil.example",
    "/\u3002",
    "javascript:alert(1)",
    "data:text/html,x",
    "http:evil.example",
    "http:/evil.example",
    "?next=//evil.example",
    "@evil.example",
    "/" + "a" * 5000,
]


@pytest.mark.parametrize("path", LOCAL)
def test_local_paths_are_gone_to(path):
    assert local_path(path) == path


@pytest.mark.parametrize("text", ELSEWHERE)
async def test_what_could_lead_elsewhere_is_not(login, upstream, text):
    assert local_path(text) is None
    begun = await login.begin(text)
    assert (await login.complete(back(upstream, begun), jar(begun))).next == "/"


PIECES = [
    "/",
    "\\",
    ".",
    "..",
    "%2f",
    "%5C",
    "%25",
    "2f",
    "evil.example",
    "a",
    ":",
    "@",
    "?",
    "#",
    "\t",
    "\r",
    " ",
    ";",
]


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_whatever_is_gone_to_stays_here_however_often_it_is_decoded(text):
    if local_path(text) is None:
        return
    path = re.split("[?#]", text, maxsplit=1)[0]
    for _ in range(4):
        for seen in (path, path.replace("\\", "/"), quote(path, safe="/%\\")):
            assert urlsplit(urljoin("https://genet.example.org/x", seen)).netloc == "genet.example.org"
        path = unquote(path)
    assert not re.search(r"[\s\\]|//", path)
