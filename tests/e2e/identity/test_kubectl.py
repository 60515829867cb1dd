"""People with real kubectl at a real API server that asks Genet's provider who they are."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.conftest import IMAGE, Kubectl
from tests.e2e.identity.conftest import reviewed, wait_for
from tests.e2e.identity.desk import Desk, Done
from tests.e2e.identity.installation import ID_TOKEN_SECONDS, KUBE_REDIRECTS, UPSTREAM_CHECK_SECONDS, Installation
from tests.e2e.identity.oauth import Kubelogin, Program, claims, confidential
from tests.upstream.browser import Browser

pytestmark = pytest.mark.e2e
Hire = Callable[..., Desk]

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "waiting"},
    "spec": {
        "nodeSelector": {"genet.io/nowhere": "true"},
        "containers": [
            {
                "name": "main",
                "image": IMAGE,
                "resources": {
                    "requests": {"cpu": "1m", "memory": "1Mi"},
                    "limits": {"cpu": "1m", "memory": "1Mi"},
                },
            }
        ],
    },
}


def refused(done: Done, *words: str) -> None:
    assert done.returncode != 0, done.stdout
    assert all(word in done.stderr for word in words), done.stderr


def test_the_exec_kubeconfig_opens_the_own_namespace_and_nothing_else(
    trusted: Installation, kubectl: Kubectl, hire: Hire
) -> None:
    desk, other = hire(), hire()
    desk.log_in()
    other.log_in()
    kubectl.create_in(desk.namespace, POD)
    assert desk.pods() == ["pod/waiting"]
    assert other.pods() == []

    who = f'User "genet:{desk.identifier}" cannot'
    refused(desk.kubectl("get", "pods", "-n", other.namespace), "Forbidden", who)
    refused(desk.kubectl("get", "pods", "--all-namespaces"), "Forbidden", who)
    refused(desk.kubectl("get", "nodes"), "Forbidden", who)
    refused(desk.kubectl("get", "secrets"), "Forbidden", who)
    refused(desk.kubectl("get", "secrets", "-n", trusted.grants_namespace), "Forbidden", who)
    refused(desk.kubectl("run", "mine", f"--image={IMAGE}"), "orbidden", who)
    refused(desk.kubectl("annotate", "pod", "waiting", "genet.io/protected-until=never"), "Forbidden", who)

    assert desk.kubectl("delete", "pod", "waiting", "--wait=false").returncode == 0


def test_the_exec_kubeconfig_holds_nothing_that_is_secret(trusted: Installation, hire: Hire) -> None:
    desk = hire()
    desk.log_in()
    assert set(desk.credentials()) == {"exec"}
    text = desk.kubeconfig.read_text()
    assert not any(word in text for word in ("genet-rt-", "genet-sk-", "eyJ", "PRIVATE"))


def test_four_kubectl_at_once_go_on_after_the_id_token_has_ended(trusted: Installation, hire: Hire) -> None:
    desk = hire()
    desk.log_in()
    wait_for(time.time() + ID_TOKEN_SECONDS + 1)
    for done in desk.at_once(4, "get", "pods"):
        assert done.returncode == 0, done.stderr


def test_the_auth_provider_kubeconfig_refreshes_by_kubectl_itself(
    trusted: Installation, kubectl: Kubectl, hire: Hire
) -> None:
    desk = hire()
    desk.save(download(trusted, desk))
    assert set(desk.credentials()["auth-provider"]["config"]) >= {"refresh-token", "idp-issuer-url", "client-id"}
    assert desk.pods() == []
    first = desk.credentials()["auth-provider"]["config"]
    assert reviewed(kubectl, first["id-token"])["user"]["username"] == f"genet:{desk.identifier}"
    wait_for(claims(first["id-token"])["exp"] + 1)
    # all four send the same refresh token; kubectl itself gives up where another one is just writing the file
    for done in desk.at_once(4, "get", "pods"):
        again = desk.kubectl("get", "pods") if "kubeconfig.yaml.lock: file exists" in done.stderr else done
        assert again.returncode == 0, again.stderr
    second = desk.credentials()["auth-provider"]["config"]
    assert second["refresh-token"] != first["refresh-token"]
    assert desk.pods() == []
    refused(desk.kubectl("get", "nodes"), "Forbidden")


def test_groups_of_the_company_reach_the_api_server_and_leave_it_again(
    trusted: Installation, kubectl: Kubectl, hire: Hire, namespace: str
) -> None:
    desk = hire(f"team-{namespace}")
    kubectl(
        "create", "rolebinding", "team", "-n", namespace, "--clusterrole=genet-user", f"--group=genet:team-{namespace}"
    )
    desk.log_in()
    assert desk.kubectl("get", "pods", "-n", namespace).returncode == 0
    changed_at = time.time()
    trusted.upstream.change(desk.person.login, groups=())
    # what the company said may be `upstreamCheck` old when a token is made, and the token lives on for its own time
    wait_for(changed_at + UPSTREAM_CHECK_SECONDS + ID_TOKEN_SECONDS + 1)
    assert desk.kubectl("get", "pods").returncode == 0
    refused(desk.kubectl("get", "pods", "-n", namespace), "Forbidden")


async def test_the_api_server_knows_people_by_what_kubelogin_gets(
    trusted: Installation, kubectl: Kubectl, hire: Hire
) -> None:
    desk = hire("staff")
    async with trusted.client() as http:
        browser = Browser(http, login=desk.person.login)
        for redirect in KUBE_REDIRECTS:
            kubelogin = Kubelogin(trusted, http, redirect_uri=redirect)
            answer = await kubelogin.exchange(await kubelogin.authorize(browser))
            assert answer.status_code == 200, answer.text
            assert kubelogin.style == "basic", "the first way of golang/oauth2 was refused"
            again = await kubelogin.refresh(answer.json()["refresh_token"])
            for tokens in (answer.json(), again.json()):
                user = reviewed(kubectl, tokens["id_token"])["user"]
                assert user["username"] == f"genet:{desk.identifier}"
                assert sorted(user["groups"]) == ["genet:staff", "system:authenticated"]


async def test_only_id_tokens_of_the_cluster_s_own_client_open_the_cluster(
    trusted: Installation, kubectl: Kubectl, hire: Hire
) -> None:
    person = hire().person
    async with trusted.browser(person) as browser:
        other = await confidential(trusted, browser.http).tokens(browser)
        own = await Program(trusted, browser.http).tokens(browser)
    assert reviewed(kubectl, own["id_token"])["authenticated"]
    for token in (other["id_token"], own["access_token"], own["refresh_token"], own["id_token"] + "A"):
        assert not reviewed(kubectl, token)["authenticated"]


async def test_what_ends_a_person_s_access_ends_kubectl_when_the_id_token_does(
    trusted: Installation, kubectl: Kubectl, hire: Hire
) -> None:
    by_logout, by_revocation, by_operator, by_company, untouched = desks = [hire() for _ in range(5)]
    with ThreadPoolExecutor() as threads:
        list(threads.map(Desk.log_in, desks))
        assert list(threads.map(Desk.pods, desks)) == [[]] * len(desks)
    async with trusted.browser(by_logout.person) as browser:
        url = f"{trusted.issuer}/api/auth/logout?everywhere=true"
        assert (await browser.fetch("POST", url)).is_success
    async with trusted.browser(by_revocation.person) as browser:
        grants = (await browser.fetch("GET", f"{trusted.issuer}/api/grants")).json()["grants"]
        assert [grant["client"] for grant in grants] == ["kubectl"], grants
        answer = await browser.fetch("DELETE", f"{trusted.issuer}/api/grants/{grants[0]['id']}")
        assert answer.status_code == 204
    done = trusted.genet("users", "disable", by_operator.identifier)
    assert done.returncode == 0, done.stderr
    ended_at = time.time()
    trusted.upstream.disable(by_company.person.login)
    # at the company's provider the word counts only as soon as it is asked again
    wait_for(ended_at + UPSTREAM_CHECK_SECONDS + ID_TOKEN_SECONDS + 1)
    with ThreadPoolExecutor() as threads:
        for done in threads.map(lambda desk: desk.kubectl("get", "pods"), desks[:-1]):
            refused(done)
    assert untouched.pods() == []
    assert not await _is_let_in(trusted, by_operator), "a disabled person was let in again"


async def _is_let_in(trusted: Installation, desk: Desk) -> bool:
    async with trusted.client() as http:
        browser = Browser(http)
        await browser.sign_in(trusted.issuer, desk.person.login, next_="/healthz")
        status = (await browser.fetch("GET", f"{trusted.issuer}/api/auth/status")).json()
    return bool(status["authenticated"])


def download(trusted: Installation, desk: Desk) -> str:
    """The file that the page's button gives."""

    async def fetched() -> str:
        async with trusted.browser(desk.person) as browser:
            answer = await browser.fetch("GET", f"{trusted.issuer}/api/kubeconfig/download?form=auth-provider")
            assert answer.status_code == 200, answer.text
            assert "no-store" in answer.headers["cache-control"]
            return answer.text

    return asyncio.run(fetched())
