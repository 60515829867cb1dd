import asyncio
import base64
import json
import logging
import re
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from genet.auth.dev import dev_user
from genet.errors import Forbidden
from genet.flows.issue_kubeconfig import IssueKubeconfig
from genet.kube.client import KubeClient
from genet.kubeconfig.allowance import Allowance
from genet.kubeconfig.signing import Signing
from genet.oidc.grant import GRANT
from genet.web.controllers import downloads
from tests.replicas import replica_of, settings, switch

SERVER = {"name": "lab", "server": "https://api.example.org:6443", "caData": "Q0E="}
OIDC = {
    "cluster": SERVER,
    "server": {"publicURL": "http://localhost:8080"},
    "oidcProvider": {"enabled": True},
}
CERT = {"cluster": SERVER, "kubeconfig": {"mode": "cert"}}
NAMESPACE = "user-alice-alice"
PATHS = ("/api/kubeconfig", "/api/kubeconfig/download")
EVERY_WAY = (*(("GET", path) for path in PATHS), ("POST", "/api/kubeconfig"))


def with_tokens(**changes):
    return {**OIDC, "kubeconfig": {"authProvider": True}, **changes}


@pytest.fixture
async def oidc(kubeconfig):
    async with replica_of(settings(kubeconfig, **OIDC)) as one:
        await one.synced()
        yield one


@pytest.fixture
async def tokens(kubeconfig):
    async with replica_of(settings(kubeconfig, **with_tokens())) as one:
        await one.synced()
        yield one


@pytest.fixture
async def cert(kubeconfig):
    async with replica_of(settings(kubeconfig, **CERT)) as one:
        await one.synced()
        yield one


def credentials(answer):
    """The user's entry of the kubeconfig in an answer."""
    text = answer.json()["kubeconfig"] if answer.headers["content-type"] == "application/json" else answer.text
    [user] = yaml.safe_load(text)["users"]
    return user["user"]


def certificate_of(answer):
    return x509.load_pem_x509_certificate(base64.b64decode(credentials(answer)["client-certificate-data"]))


def bound(cluster, user="alice-alice"):
    subjects = [
        subject["name"]
        for binding in cluster.store.list("rolebindings", f"user-{user}")
        for subject in binding["subjects"]
    ]
    return f"genet:{user}" in subjects


def problem(answer):
    return answer.status_code, answer.json()["code"]


async def grants(replica):
    return await replica.services.identity.records.of(GRANT, "alice-alice")


# --- mode oidc


async def test_the_default_form_holds_no_secret_and_comes_after_the_rights(cluster, oidc):
    answer = await oidc.ask("GET", "/api/kubeconfig")
    assert answer.status_code == 200
    shown = answer.json()
    assert list(shown) == ["mode", "form", "kubeconfig", "expiresAt", "instructions"]
    assert (shown["mode"], shown["form"], shown["expiresAt"]) == ("oidc", "exec", None)
    assert shown["instructions"]
    assert set(credentials(answer)) == {"exec"}
    assert not re.search(r"genet-sk-|eyJ|refresh|password|-key-data|secret", shown["kubeconfig"])
    assert answer.headers["cache-control"] == "no-store"
    assert bound(cluster)
    assert cluster.store.find("resourcequotas", NAMESPACE, "genet")
    assert await grants(oidc) == []


async def test_the_plugin_is_as_asked_for(oidc):
    for plugin, command in (("genet", "genet"), ("kubelogin", "kubectl")):
        answer = await oidc.ask("GET", "/api/kubeconfig", params={"plugin": plugin})
        assert credentials(answer)["exec"]["command"] == command


async def test_the_own_plugin_is_had_where_the_server_offers_it(oidc):
    answer = await oidc.ask("GET", "/api/kubeconfig", params={"plugin": "genet"})
    assert f"http://localhost:8080{downloads.PATH}" in answer.json()["instructions"][0]


async def test_the_issuer_is_the_providers(oidc):
    discovered = (await oidc.ask("GET", "/.well-known/openid-configuration")).json()["issuer"]
    arguments = credentials(await oidc.ask("GET", "/api/kubeconfig"))["exec"]["args"]
    assert f"--oidc-issuer-url={discovered}" in arguments


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("wrong", [{"form": "certificate"}, {"plugin": "sh"}])
async def test_what_is_not_known_is_refused_by_name(oidc, path, wrong):
    answer = await oidc.ask("GET", path, params=wrong)
    assert problem(answer) == (422, "invalid")
    assert [error["field"] for error in answer.json()["errors"]] == list(wrong)


async def test_the_download_is_a_file(oidc):
    answer = await oidc.ask("GET", "/api/kubeconfig/download", params={"plugin": "genet"})
    assert answer.text == (await oidc.ask("GET", "/api/kubeconfig", params={"plugin": "genet"})).json()["kubeconfig"]
    assert answer.headers["content-disposition"] == 'attachment; filename="kubeconfig-lab.yaml"'
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"].partition(";")[0] == "application/yaml"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_nobody_gets_a_kubeconfig_of_somebody_elses_namespace(cluster, oidc):
    cluster.store.create("namespaces", {"metadata": {"name": NAMESPACE}, "spec": {"finalizers": ["kubernetes"]}})
    for path in PATHS:
        assert problem(await oidc.ask("GET", path)) == (403, "namespace_taken")


async def test_certificates_are_not_made_here(cluster, oidc):
    assert problem(await oidc.ask("POST", "/api/kubeconfig")) == (409, "conflict")
    assert cluster.store.find("namespaces", "", NAMESPACE) is None


@pytest.mark.parametrize("path", PATHS)
async def test_the_form_with_a_token_is_not_offered_unless_it_is_switched_on(oidc, path):
    answer = await oidc.ask("GET", path, params={"form": "auth-provider"})
    assert problem(answer) == (422, "invalid")
    assert [error["field"] for error in answer.json()["errors"]] == ["form"]
    assert await grants(oidc) == []


async def test_the_token_is_never_in_json_and_none_is_made_for_it(tokens):
    answer = await tokens.ask("GET", "/api/kubeconfig", params={"form": "auth-provider"})
    assert problem(answer) == (409, "use_download")
    assert await grants(tokens) == []


async def test_the_download_holds_the_token_of_a_grant_of_its_own(cluster, tokens):
    answer = await tokens.ask("GET", "/api/kubeconfig/download", params={"form": "auth-provider"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    config = credentials(answer)["auth-provider"]["config"]
    assert set(config) == {"idp-issuer-url", "client-id", "refresh-token"}
    [grant] = await grants(tokens)
    assert "kubeconfig" in (grant.value.user_agent or "")
    assert bound(cluster)
    form = {"grant_type": "refresh_token", "refresh_token": config["refresh-token"], "client_id": "kube"}
    refreshed = await tokens.http.post("/oidc/token", data=form)
    assert refreshed.status_code == 200
    assert set(refreshed.json()) >= {"id_token", "refresh_token"}


async def test_the_grant_of_a_file_can_be_ended(tokens):
    answer = await tokens.ask("GET", "/api/kubeconfig/download", params={"form": "auth-provider"})
    [grant] = await grants(tokens)
    ended = await tokens.ask("DELETE", f"/api/grants/{grant.id}")
    assert ended.status_code == 204
    token = credentials(answer)["auth-provider"]["config"]["refresh-token"]
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": "kube"}
    refused = await tokens.http.post("/oidc/token", data=form)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
async def test_another_sites_page_cannot_have_grants_made(tokens, site):
    headers = {"Sec-Fetch-Site": site}
    answer = await tokens.ask(
        "GET", "/api/kubeconfig/download", params={"form": "auth-provider"}, headers=headers
    )  # fmt: skip
    assert problem(answer) == (403, "csrf")
    assert await grants(tokens) == []


@pytest.mark.parametrize("site", ["same-origin", "none"])
async def test_the_own_page_and_the_address_bar_can(tokens, site):
    headers = {"Sec-Fetch-Site": site}
    answer = await tokens.ask(
        "GET", "/api/kubeconfig/download", params={"form": "auth-provider"}, headers=headers
    )  # fmt: skip
    assert answer.status_code == 200


async def test_the_token_is_in_no_log(tokens, caplog):
    caplog.set_level(logging.DEBUG)
    answer = await tokens.ask("GET", "/api/kubeconfig/download", params={"form": "auth-provider"})
    token = credentials(answer)["auth-provider"]["config"]["refresh-token"]
    assert token not in everything(caplog)


async def test_api_tokens_make_no_kubeconfigs(tokens, cert):
    wanted = {"name": "ci", "scopes": ["cluster:read", "pods:read", "pods:write"], "expiresInDays": 1}
    for replica in (tokens, cert):
        made = (await replica.ask("POST", "/api/tokens", json=wanted)).json()
        headers = {"Authorization": f"Bearer {made['token']}"}
        assert (await replica.http.get("/api/pods", headers=headers)).status_code == 200
        for method, path in EVERY_WAY:
            for form in ("exec", "auth-provider"):
                answer = await replica.http.request(method, path, params={"form": form}, headers=headers)
                assert problem(answer) == (403, "forbidden")
    assert await grants(tokens) == []


# --- off


@pytest.mark.parametrize(
    "off",
    [
        {},
        {**OIDC, "kubeconfig": {"mode": "off"}},
        {**OIDC, "cluster": {}},
        {**CERT, "cluster": {}},
        {"cluster": SERVER},
    ],
    ids=["defaults", "switched off", "no address", "no address for certificates", "nowhere to log in"],
)
async def test_where_there_are_none_it_says_so(cluster, kubeconfig, off):
    async with replica_of(settings(kubeconfig, **off)) as replica:
        await replica.synced()
        for method, path in EVERY_WAY:
            assert problem(await replica.ask(method, path)) == (404, "not_found")
        assert (await replica.ask("GET", "/api/config")).json()["features"]["kubeconfig"] == "off"
    assert cluster.store.find("namespaces", "", NAMESPACE) is None


async def test_the_page_is_told_what_there_is(oidc, cert):
    assert (await oidc.ask("GET", "/api/config")).json()["features"]["kubeconfig"] == "oidc"
    assert (await cert.ask("GET", "/api/config")).json()["features"]["kubeconfig"] == "cert"


# --- mode cert


async def test_a_certificate_is_for_the_person_alone_and_for_a_day(cluster, cert):
    answer = await cert.ask("POST", "/api/kubeconfig")
    assert answer.status_code == 201, answer.text
    shown = answer.json()
    assert list(shown) == ["mode", "form", "kubeconfig", "expiresAt", "instructions"]
    assert (shown["mode"], shown["form"]) == ("cert", "certificate")
    assert answer.headers["cache-control"] == "no-store"
    issued = certificate_of(answer)
    assert issued.subject.rfc4514_string() == "CN=genet:alice-alice"
    assert issued.not_valid_after_utc <= datetime.now(UTC) + timedelta(hours=24)
    assert datetime.fromisoformat(shown["expiresAt"]) == issued.not_valid_after_utc
    key = serialization.load_pem_private_key(base64.b64decode(credentials(answer)["client-key-data"]), None)
    assert key.public_key() == issued.public_key()
    assert bound(cluster)


async def test_the_key_is_in_the_answer_and_nowhere_else(cluster, cert, caplog):
    caplog.set_level(logging.DEBUG)
    seen = []
    cluster.store.subscribe(lambda *change: seen.append(json.dumps(change[2])))
    answer = await cert.ask("POST", "/api/kubeconfig")
    key = credentials(answer)["client-key-data"]
    lines = base64.b64decode(key).decode().splitlines()[1:-1]
    for text in (*seen, everything(caplog)):
        assert key not in text
        assert not any(line in text for line in lines)
    assert cluster.store.list("certificatesigningrequests") == []


async def test_each_issue_is_written_down(cert, caplog):
    caplog.set_level(logging.INFO)
    issued = certificate_of(await cert.ask("POST", "/api/kubeconfig"))
    [line] = [record for record in caplog.records if record.getMessage() == "certificate issued"]
    assert (vars(line)["user"], vars(line)["serial"]) == ("alice-alice", f"{issued.serial_number:x}")
    assert datetime.fromisoformat(vars(line)["notAfter"]) == issued.not_valid_after_utc


@pytest.mark.parametrize("path", PATHS)
async def test_both_gets_say_to_post(cluster, cert, path):
    for form in ("exec", "auth-provider"):
        assert problem(await cert.ask("GET", path, params={"form": form})) == (409, "use_post")
    assert cluster.store.find("namespaces", "", NAMESPACE) is None


async def test_a_signer_that_ignores_the_expiry_gives_nothing(cluster, cert):
    await switch(cluster, "signer", conduct="ignores-expiry")
    answer = await cert.ask("POST", "/api/kubeconfig")
    assert problem(answer) == (503, "signer_ignores_expiry")
    assert "CERTIFICATE" not in answer.text


async def test_names_of_kubernetes_own_get_nothing(cluster, kubeconfig):
    seen = []
    cluster.store.subscribe(lambda plural, *_: seen.append(plural))
    async with replica_of(settings(kubeconfig, **CERT, oidcProvider={"usernamePrefix": "system:"})) as replica:
        await replica.synced()
        assert problem(await replica.ask("POST", "/api/kubeconfig")) == (403, "forbidden")
    assert "certificatesigningrequests" not in seen


@pytest.mark.parametrize("user", ["CN=admin,O=system:masters", "a/O=system:masters", "Ärzte, O=x", "admin"])
async def test_whatever_somebody_is_called_the_subject_is_their_identifier(cert, user):
    issued = certificate_of(await cert.ask("POST", "/api/kubeconfig", user=user))
    status = await cert.ask("GET", "/api/auth/status", user=user)
    [name] = issued.subject
    assert name.value == f"genet:{status.json()['userIdentifier']}"


async def test_who_calls_themselves_by_a_name_of_kubernetes_own_gets_nothing(cert):
    assert problem(await cert.ask("POST", "/api/kubeconfig", user="system:admin")) == (403, "forbidden")


class LetGo:
    """What the company's provider says of everybody."""

    async def current(self, identifier):
        raise Forbidden(f"the login provider does not know {identifier} any more")


async def test_whom_the_company_let_go_gets_nothing(cluster, cert):
    services, records = cert.services, cert.services.identity.records
    async with KubeClient.connect(services.settings.kubernetes) as kube:
        issue = IssueKubeconfig(
            services.settings,
            records=records,
            tenancy=services.tenancy,
            people=services.identity.people,
            recheck=LetGo(),
            grants=None,
            signing=Signing(kube, services.clock),
            allowance=Allowance(records, 5, services.clock),
        )
        with pytest.raises(Forbidden):
            await issue.issue(dev_user("alice", services.settings))
    assert cluster.store.list("certificatesigningrequests") == []
    assert not bound(cluster)


async def test_who_was_disabled_gets_nothing(cluster, cert):
    seen = []
    assert (await cert.ask("POST", "/api/kubeconfig")).status_code == 201
    await cert.services.identity.people.disable("alice-alice")
    cluster.store.subscribe(lambda plural, *_: seen.append(plural))
    assert problem(await cert.ask("POST", "/api/kubeconfig")) == (403, "forbidden")
    assert "certificatesigningrequests" not in seen


# --- how many


async def test_there_are_five_an_hour_and_each_replica_knows(kubeconfig):
    configuration = settings(kubeconfig, **CERT)
    async with replica_of(configuration) as one, replica_of(configuration) as two:
        await one.synced()
        await two.synced()
        await one.ask("POST", "/api/kubeconfig")  # the namespace is there
        answers = await asyncio.gather(*(replica.ask("POST", "/api/kubeconfig") for replica in (one, two) * 5))
        assert sorted(answer.status_code for answer in answers) == [201] * 4 + [429] * 6
        refused = await two.ask("POST", "/api/kubeconfig")
        assert problem(refused) == (429, "rate_limited")
        assert 3500 < int(refused.headers["retry-after"]) <= 3600
        assert (await two.ask("POST", "/api/kubeconfig", user="bob")).status_code == 201


async def test_failures_count_because_they_cost_the_signer_the_same(cluster, kubeconfig):
    few = {"mode": "cert", "cert": {"perUserAndHour": 1}}
    async with replica_of(settings(kubeconfig, cluster=SERVER, kubeconfig=few)) as replica:
        await replica.synced()
        await switch(cluster, "signer", conduct="ignores-expiry")
        assert (await replica.ask("POST", "/api/kubeconfig")).status_code == 503
        assert (await replica.ask("POST", "/api/kubeconfig")).status_code == 429


def everything(caplog):
    return "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
