"""The one thing beside userinfo that an access token of a login opens."""

from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

from genet.settings import Cluster
from tests.web.provider import GRAFANA, SECRET, Site, configuration, site_of

PATH = "/oidc/kubeconfig"
SERVER = "https://kubernetes.example.org:6443"


@pytest.fixture
async def site(kubeconfig) -> AsyncIterator[Site]:
    settings = msgspec.structs.replace(configuration(kubeconfig), cluster=Cluster(server=SERVER))
    async with site_of(settings) as one:
        for cache in one.services.caches:
            await cache.wait_ready()
        yield one


async def ask(site: Site, *tokens: str, path: str = PATH, scheme: str = "Bearer") -> httpx.Response:
    return await site.http.get(path, headers=[("Authorization", f"{scheme} {token}") for token in tokens])


async def test_the_command_line_gets_its_kubeconfig(site):
    tokens = await site.tokens(await site.log_in())
    answer = await ask(site, tokens["access_token"])
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "cluster": "genet", "server": SERVER, "caData": None, "namespace": "user-alice-alice", "user": "alice-alice"
    }  # fmt: skip
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_what_is_no_live_access_token_gets_nothing(site):
    tokens = await site.tokens(await site.log_in())
    for wrong in ("", "x", tokens["id_token"], tokens["refresh_token"], tokens["access_token"][:-2]):
        answer = await ask(site, wrong)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token"), wrong
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert (await site.http.get(PATH)).status_code == 401
    assert (await ask(site, tokens["access_token"], tokens["access_token"])).status_code == 401
    assert (await ask(site, tokens["access_token"], scheme="Basic")).status_code == 401
    assert (await site.http.get(PATH, params={"access_token": tokens["access_token"]})).status_code == 401


async def test_a_browsers_session_is_no_access_token(site):
    assert (await site.http.get(PATH, headers=await site.log_in())).status_code == 401


async def test_a_token_whose_time_is_over_gets_nothing(site):
    tokens = await site.tokens(await site.log_in())
    site.clock.tick(601)
    assert (await ask(site, tokens["access_token"])).status_code == 401


async def test_a_token_of_a_login_that_was_ended_gets_nothing(site):
    tokens = await site.tokens(await site.log_in())
    revoked = await site.http.post("/oidc/revoke", data={"token": tokens["refresh_token"], "client_id": "kube"})
    assert revoked.status_code == 200
    assert (await ask(site, tokens["access_token"])).status_code == 401


async def test_a_token_of_another_program_gets_nothing(site):
    code = await site.code(await site.log_in(), client_id="grafana")
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": GRAFANA}
    tokens = await site.token(form, auth=("grafana", SECRET))
    assert tokens.status_code == 200, tokens.text
    assert (await ask(site, tokens.json()["access_token"])).status_code == 401


@pytest.mark.parametrize(
    "path",
    ["/api/kubeconfig", "/api/kubeconfig/download", "/api/kubeconfig/download?form=auth-provider", "/api/pods",
     "/api/tokens", "/api/grants", "/api/cluster/usage"],
)  # fmt: skip
async def test_an_access_token_opens_nothing_of_the_api(site, path):
    tokens = await site.tokens(await site.log_in())
    answer = await ask(site, tokens["access_token"], path=path)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


async def test_without_kubeconfigs_it_says_so(kubeconfig):
    async with site_of(configuration(kubeconfig)) as site:
        for cache in site.services.caches:
            await cache.wait_ready()
        tokens = await site.tokens(await site.log_in())
        answer = await ask(site, tokens["access_token"])
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
