"""What clients ask without a person."""

import asyncio
from itertools import product
from urllib.parse import urlencode

import httpx
import jwt
import pytest

from tests.replicas import switch
from tests.web.provider import (
    GRAFANA,
    ISSUER,
    LOOPBACK,
    PUBLIC,
    SECRET,
    VERIFIER,
    answered,
    configuration,
    form_of,
    site_of,
)

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def is_refused(answer, error, status=400):
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    assert set(answer.json()) == {"error", "error_description"}
    return True


def refusal(answer):
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code, answer.json()["error"]


# --- discovery and keys


async def test_the_provider_says_who_it_is_whatever_it_is_called(site):
    document = (await site.http.get("/.well-known/openid-configuration")).json()
    assert document["issuer"] == ISSUER
    other = await site.http.get(
        "/.well-known/openid-configuration",
        headers={"Host": "127.0.0.1:9999", "X-Forwarded-Host": "evil.net", "Forwarded": "host=evil.net"},
    )
    assert other.json() == document


async def test_its_keys_are_kept_for_a_short_time_and_are_public_halves(site):
    answer = await site.http.get("/oidc/jwks")
    assert answer.headers["Content-Type"].startswith("application/json")
    directives = dict(part.strip().partition("=")[::2] for part in answer.headers["Cache-Control"].split(","))
    assert 0 < int(directives["max-age"]) <= 300
    for key in answer.json()["keys"]:
        assert {"kid", "use", "alg", "n", "e", "kty"} == set(key)
        assert (key["use"], key["alg"], key["kty"]) == ("sig", "RS256", "RSA")


async def test_every_site_may_read_what_is_public_and_none_what_is_not(site):
    origin = {"Origin": "https://spa.example.org"}
    for path in ("/.well-known/openid-configuration", "/oidc/jwks"):
        assert (await site.http.get(path, headers=origin)).headers["Access-Control-Allow-Origin"] == "*"
    answer = await site.http.post("/oidc/token", data={"grant_type": "x"}, headers=origin)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers


# --- tokens


async def test_tokens_come_with_everything_a_client_needs(site):
    answer = await site.redeem(await site.code(await site.log_in()))
    document = answer.json()
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    assert document["token_type"] == "Bearer"
    assert document["refresh_token"]
    keys = jwt.PyJWKSet.from_dict((await site.http.get("/oidc/jwks")).json())
    kid = jwt.get_unverified_header(document["id_token"])["kid"]
    claims = jwt.decode(
        document["id_token"],
        keys[kid],
        algorithms=["RS256"],
        audience="kube",
        issuer=ISSUER,
        options={"verify_iat": False},
    )
    assert (claims["sub"], claims["nonce"]) == ("alice-alice", "n0nce")


async def test_a_client_without_a_right_to_refresh_tokens_gets_none(site):
    tokens = await site.tokens(await site.log_in(), scope="openid")
    assert "refresh_token" not in tokens


async def test_kubectl_tries_in_another_way_and_nothing_is_lost_by_it(site):
    """It authenticates with Basic first. Refused or not, its second try is the one that counts as the first."""
    code = await site.code(await site.log_in())
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": LOOPBACK, "code_verifier": VERIFIER}
    wrong = await site.token(form, auth=("kube", "not-empty"))
    assert is_refused(wrong, "invalid_client", 401)
    assert wrong.headers["WWW-Authenticate"].startswith("Basic")
    assert is_refused(await site.token(form, auth=("nobody", "")), "invalid_client", 401)
    assert is_refused(await site.token(form), "invalid_client", 401)
    first = await site.token(form, auth=("kube", ""))
    assert first.status_code == 200
    refresh = {"grant_type": "refresh_token", "refresh_token": first.json()["refresh_token"]}
    assert is_refused(await site.token(refresh, auth=("grafana", "wrong")), "invalid_client", 401)
    assert (await site.token(refresh, auth=("kube", ""))).status_code == 200


async def test_another_client_does_not_get_them_and_nor_does_anybody_after_it(site):
    """CVE-2026-28513: the wrong client alone is enough to be refused."""
    code = await site.code(await site.log_in())
    stolen = {"client_id": "grafana", "client_secret": SECRET}
    assert is_refused(await site.redeem(code, **stolen), "invalid_grant")


async def test_a_code_that_is_too_old_is_refused_although_everything_else_fits(site):
    """CVE-2026-28513: so is the time alone."""
    code = await site.code(await site.log_in())
    site.clock.tick(61)
    assert is_refused(await site.redeem(code), "invalid_grant")


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "w" * 43},
        {"code_verifier": ""},
        {"redirect_uri": "http://localhost:8001"},
        {"redirect_uri": ""},
    ],
)
async def test_a_code_is_bound_to_what_was_asked_for_it(site, changes):
    assert is_refused(await site.redeem(await site.code(await site.log_in()), **changes), "invalid_grant")


async def test_a_second_presentation_ends_what_the_first_was_given(site):
    code = await site.code(await site.log_in())
    tokens = (await site.redeem(code)).json()
    assert (await site.userinfo(tokens["access_token"])).status_code == 200
    assert is_refused(await site.redeem(code), "invalid_grant")
    assert (await site.userinfo(tokens["access_token"])).status_code == 401
    assert is_refused(await site.refresh(tokens["refresh_token"]), "invalid_grant")


async def test_of_many_presentations_at_most_one_is_answered(site):
    code = await site.code(await site.log_in())
    answers = await asyncio.gather(*(site.redeem(code) for _ in range(8)))
    assert sum(answer.status_code == 200 for answer in answers) <= 1


async def test_refreshing_cannot_widen_the_scope(site):
    tokens = await site.tokens(await site.log_in(), scope="openid email offline_access")
    for wider in ("openid email groups", "openid admin"):
        assert is_refused(await site.refresh(tokens["refresh_token"], scope=wider), "invalid_scope")
    narrowed = (await site.refresh(tokens["refresh_token"], scope="openid")).json()
    assert narrowed["scope"] == "openid"
    assert narrowed["id_token"]


WRONG: list[tuple[dict[str, str], str]] = [
    ({}, "invalid_request"),
    ({"grant_type": "password", "username": "a", "password": "b"}, "unsupported_grant_type"),
    ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
    ({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}, "unsupported_grant_type"),
    ({"grant_type": "authorization_code"}, "invalid_request"),
    ({"grant_type": "authorization_code", "code": "x", "code_verifier": "y"}, "invalid_grant"),
    ({"grant_type": "refresh_token"}, "invalid_request"),
    ({"grant_type": "refresh_token", "refresh_token": "x.1.y"}, "invalid_grant"),
    ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": "x"}, "invalid_grant"),
]


async def test_what_is_asked_wrongly_is_refused_in_the_protocols_words(site):
    for form, error in WRONG:
        assert is_refused(await site.token({"client_id": "kube", **form}), error)


async def test_a_client_may_use_what_it_is_registered_for_alone(site):
    code = {"grant_type": "authorization_code", "code": "x", "redirect_uri": GRAFANA}
    assert is_refused(await site.token(code, auth=("codeless", SECRET)), "unauthorized_client")
    device = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": "x"}
    assert is_refused(await site.token(device, auth=("grafana", SECRET)), "unauthorized_client")
    refresh = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "lamp"}
    assert is_refused(await site.token(refresh), "unauthorized_client")
    asked = {"client_id": "grafana", "client_secret": SECRET}
    assert is_refused(await site.http.post("/oidc/device_authorization", data=asked), "unauthorized_client")


async def test_a_slash_at_the_end_of_the_issuer_is_in_answers_and_tokens_too(kubeconfig):
    """API servers and clients compare letter by letter."""
    issuer = f"{ISSUER}/"
    async with site_of(configuration(kubeconfig, issuer=issuer)) as site:
        assert (await site.http.get("/.well-known/openid-configuration")).json()["issuer"] == issuer
        answer = await site.authorize(await site.log_in(), client_id="grafana")
        assert answered(answer)["iss"] == issuer
        token = (await site.tokens(await site.log_in()))["id_token"]
        assert jwt.decode(token, options={"verify_signature": False})["iss"] == issuer


POSTED = ["/oidc/token", "/oidc/revoke", "/oidc/device_authorization"]


async def test_no_parameter_may_be_there_twice(site):
    """CVE-2026-9689."""
    form = {"client_id": "kube", "grant_type": "authorization_code", "code": "x", "token": "x", "unknown": "x"}
    for path, name in product(POSTED, form):
        for second in (form[name], "other", ""):
            answer = await site.http.post(path, content=urlencode([*form.items(), (name, second)]), headers=FORM)
            assert is_refused(answer, "invalid_request")


async def test_a_body_must_be_a_form_of_some_size(site):
    for path in POSTED:
        assert refusal(await site.http.post(path, json={"client_id": "kube"})) == (415, "invalid_request")
        assert refusal(await site.http.post(path, files={"client_id": b"kube"})) == (415, "invalid_request")
        for body in (b"client_id=kube&token=%ff", b"client_id=\xff", b"&".join(b"a%d=1" % n for n in range(200))):
            assert is_refused(await site.http.post(path, content=body, headers=FORM), "invalid_request")
        large = await site.http.post(path, content=b"client_id=kube&token=" + b"x" * 70_000, headers=FORM)
        assert is_refused(large, "invalid_request", 413)


async def test_two_ways_to_say_who_one_is_are_one_too_many(site):
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_secret": SECRET}
    assert is_refused(await site.token(form, auth=("grafana", SECRET)), "invalid_request")


async def test_parameters_in_the_address_are_not_looked_at(site):
    code = await site.code(await site.log_in())
    query = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": "kube",
        "redirect_uri": LOOPBACK,
        "code_verifier": VERIFIER,
    }
    answer = await site.http.post("/oidc/token", params=query, data={"x": "y"})
    assert is_refused(answer, "invalid_client", 401)
    assert (await site.http.get("/oidc/token", params=query)).status_code == 405
    assert (await site.redeem(code)).status_code == 200


# --- userinfo


async def test_userinfo_says_who_it_is_by_get_and_by_post(site):
    tokens = await site.tokens(await site.log_in())
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    for answer in (
        await site.http.get("/oidc/userinfo", headers=bearer),
        await site.http.post("/oidc/userinfo", headers=bearer),
        await site.http.post("/oidc/userinfo", data={"access_token": tokens["access_token"]}),
    ):
        assert answer.status_code == 200
        assert (answer.json()["sub"], answer.json()["email"]) == ("alice-alice", "alice@example.org")
        assert answer.headers["Cache-Control"] == "no-store"


async def test_nothing_but_a_living_access_token_opens_it(site):
    """GHSA-rp4v-hhm6-rcv9, CVE-2025-12421: neither an old one nor a token of another kind."""
    browser = await site.log_in()
    form = form_of(await site.authorize(browser))
    code = await site.code(browser)
    tokens = await site.tokens(browser)
    session = browser["Cookie"].partition("=")[2]
    device = await site.http.post("/oidc/device_authorization", data={"client_id": "kube"})
    wrong = [tokens["id_token"], tokens["refresh_token"], code, form, session, device.json()["device_code"]]
    unsigned = jwt.encode({"sub": "alice-alice", "iss": ISSUER, "aud": "kube"}, "", algorithm="none")
    for token in [
        *wrong,
        unsigned,
        "x",
        "",
        "é".encode().decode("latin-1"),
        tokens["access_token"][:-1],
        f"{tokens['access_token']}A",
    ]:
        answer = await site.http.get("/oidc/userinfo", headers={b"Authorization": b"Bearer " + token.encode("latin-1")})
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
        assert "alice" not in answer.text
    assert (await site.userinfo(tokens["access_token"])).status_code == 200
    site.clock.tick(601)
    assert (await site.userinfo(tokens["access_token"])).status_code == 401


async def test_nor_does_a_session(site):
    assert (await site.http.get("/oidc/userinfo", headers=await site.log_in())).status_code == 401


async def test_an_access_token_in_the_address_or_there_twice_is_not_taken(site):
    token = (await site.tokens(await site.log_in()))["access_token"]
    assert (await site.http.get("/oidc/userinfo", params={"access_token": token})).status_code == 401
    twice = httpx.Headers([("Authorization", f"Bearer {token}")] * 2)
    assert is_refused(await site.http.get("/oidc/userinfo", headers=twice), "invalid_request")
    bearer = {"Authorization": f"Bearer {token}"}
    both = await site.http.post("/oidc/userinfo", data={"access_token": token}, headers=bearer)
    assert is_refused(both, "invalid_request")


# --- revocation


async def revoke(site, token, **form):
    return await site.http.post("/oidc/revoke", data={"token": token, "client_id": "kube", **form})


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
async def test_revoking_either_token_ends_both(site, kind):
    tokens = await site.tokens(await site.log_in())
    assert (await revoke(site, tokens[kind])).status_code == 200
    assert (await site.userinfo(tokens["access_token"])).status_code == 401
    assert is_refused(await site.refresh(tokens["refresh_token"]), "invalid_grant")


async def test_what_was_never_a_token_is_revoked_too(site):
    for token in ("x", "a.b.c", "é", "A" * 3000):
        answer = await revoke(site, token)
        assert (answer.status_code, answer.content) == (200, b"")
    assert is_refused(await site.http.post("/oidc/revoke", data={"client_id": "kube"}), "invalid_request")
    assert is_refused(await site.http.post("/oidc/revoke", data={"token": "x"}), "invalid_client", 401)


async def test_another_client_cannot_revoke_it(site):
    tokens = await site.tokens(await site.log_in())
    answer = await revoke(site, tokens["refresh_token"], client_id="grafana", client_secret=SECRET)
    assert answer.status_code in {200, 400}
    assert (await site.refresh(tokens["refresh_token"])).status_code == 200


async def test_a_revocation_that_was_not_written_is_not_said_to_be(site, cluster):
    """CVE-2020-15223."""
    tokens = await site.tokens(await site.log_in())
    await switch(cluster, "fail", status=500, times=50, path="/api/v1/namespaces/genet-grants/secrets/genet-grant")
    answer = await revoke(site, tokens["refresh_token"])
    assert is_refused(answer, "temporarily_unavailable", 503)


# --- nothing is written for strangers


async def test_thousands_of_strangers_leave_nothing_behind(site, cluster):
    """What Dex did before a login took clusters down."""
    await site.http.get("/oidc/jwks")
    before = await secrets(cluster)
    query = f"/oidc/authorize?{urlencode(PUBLIC)}"
    for requests in (20, 2000):
        for _ in range(requests):
            assert (await site.http.get(query)).status_code == 303
        assert await secrets(cluster) == before
    for _ in range(100):
        assert (await site.http.post("/oidc/device_authorization", data={"client_id": "kube"})).status_code == 200
        assert (await site.redeem("0" * 20 + ".x")).status_code == 400
    assert await secrets(cluster) == before


async def secrets(cluster):
    """Names of all Secrets, and the cluster's count of writes."""
    async with httpx.AsyncClient() as http:
        document = (await http.get(f"{cluster.url}/api/v1/secrets")).json()
    return sorted(item["metadata"]["name"] for item in document["items"]), document["metadata"]["resourceVersion"]


async def test_the_flow_that_can_be_phished_is_off_unless_it_is_asked_for(kubeconfig):
    async with site_of(configuration(kubeconfig, deviceFlow=False)) as one:
        document = (await one.http.get("/.well-known/openid-configuration")).json()
        assert "device" not in str(document)
        answer = await one.http.post("/oidc/device_authorization", data={"client_id": "kube"})
        assert answer.status_code == 404
        assert (await one.http.get("/oidc/device", headers=await one.log_in())).status_code == 404
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": "x", "client_id": "kube"}
        assert is_refused(await one.token(form), "unsupported_grant_type")
