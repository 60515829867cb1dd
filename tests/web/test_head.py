"""HEAD says what GET says and sends nothing of it, wherever GET only reads."""

import httpx
import pytest
from litestar import Litestar, get

from genet.web.head import looking
from tests.replicas import until
from tests.served import STREAM, asked, listening, served

OVERVIEW = "/api/cluster/gpu-overview"
TIMES = ("date", "genet-updated-at")


@pytest.fixture
async def port(replica):
    async with served(replica.services.settings, replica.services) as number:
        yield number


@pytest.fixture
async def http(port):
    base = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=base, params={"user": "alice"}, trust_env=False) as client:
        yield client


@pytest.mark.parametrize(
    "path",
    [
        OVERVIEW,
        f"{OVERVIEW}?format=columnar&user=alice",
        f"{OVERVIEW}?format=rows&user=alice",
        "/api/cluster/nodes/nowhere",
        "/api/cluster/usage",
        "/api/config",
        "/api/auth/status",
        "/api/openapi.json",
        "/api/pods",
        "/api/nowhere",
        "/downloads/",
        "/downloads/nothing",
        "/healthz",
        "/readyz",
        "/oidc/jwks",
        "/.well-known/openid-configuration",
        "/",
        "/nodes/n1",
        "/nothing.txt",
    ],
)
async def test_it_has_the_status_and_the_headers_and_no_body(http, path):
    whole, looked = await http.get(path), await http.head(path)
    assert whole.content
    assert (looked.status_code, looked.content) == (whole.status_code, b"")
    assert _lasting(looked) == _lasting(whole)


def _lasting(answer):
    return {name: value for name, value in answer.headers.items() if name not in TIMES}


async def test_what_a_client_has_is_known_by_its_etag(http):
    etag = (await http.head(OVERVIEW)).headers["ETag"]
    again = await http.head(OVERVIEW, headers={"If-None-Match": etag})
    assert (again.status_code, again.headers["ETag"]) == (304, etag)


async def test_who_looks_at_a_stream_does_not_listen(replica, http):
    answer = await http.head(STREAM)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/event-stream; charset=utf-8")
    channels = replica.services.overview._streams._channels.values()
    await until(lambda: channels and not any(channel.listeners for channel in channels))


async def test_the_connection_can_be_used_again(port):
    async with asked(port, OVERVIEW) as whole:
        await whole.chunk()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
        for method in ("HEAD", "GET", "HEAD", "HEAD", "GET"):
            answer = await http.request(method, OVERVIEW)
            assert (answer.status_code, bool(answer.content)) == (200, method == "GET")


@pytest.mark.parametrize(
    "path",
    [
        "/api/auth/login",
        "/api/auth/callback",
        "/api/kubeconfig",
        "/api/kubeconfig/",
        "/api/kubeconfig/download",
        "/oidc/authorize",
        "/oidc/callback",
        "/oidc/device",
    ],
)
async def test_what_a_get_does_more_than_read_is_not_done_by_looking(path):
    done = []

    @get(path, sync_to_thread=False)
    def act() -> str:
        done.append(path)
        return "done"

    app = looking(Litestar([act], openapi_config=None))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as http:
        assert (await http.get(path)).text == "done"
        refused = await http.head(path)
    assert (refused.status_code, refused.headers["Allow"], done) == (405, "GET, OPTIONS", [path])


@pytest.mark.parametrize("spelled", ["//oidc/authorize", "/oidc//authorize", "//oidc//authorize/", "/oidc/authorize//"])
async def test_another_spelling_of_the_address_does_nothing_more(spelled):
    done = []

    @get("/oidc/authorize", sync_to_thread=False)
    def act() -> str:
        done.append(spelled)
        return "done"

    app = looking(Litestar([act], openapi_config=None))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as http:
        refused = await http.head(f"http://localhost{spelled}")
    assert (refused.status_code, done) == (405, [])


@pytest.mark.parametrize("method", ["OPTIONS", "DELETE"])
async def test_it_is_among_the_methods_that_an_address_says_it_has(http, method):
    headers = {"Sec-Fetch-Site": "same-origin"}
    answer = await http.request(method, OVERVIEW, headers=headers)
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    extended = await http.request("OPTIONS", "/api/pods/x/extend", headers=headers)
    assert set(extended.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}


async def test_an_answer_without_a_body_to_read_is_sent_as_it_is():
    @get("/late", sync_to_thread=False, status_code=204)
    def late() -> None:
        return None

    async with (
        listening(looking(Litestar([late], openapi_config=None))) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http,
    ):
        assert (await http.head("/late")).status_code == 204
