"""The person's way through a login for a client."""

import re
from itertools import product
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest

from genet.auth.sealing import Purpose
from genet.oidc.authorize import CONSENT, CONSENT_LIFETIME, ConsentForm
from tests.listening import listening
from tests.web.provider import (
    CONFIDENTIAL,
    GRAFANA,
    ISSUER,
    LOOPBACK,
    PUBLIC,
    answered,
    configuration,
    form_of,
    site_of,
)

CODE = re.compile(r"[?&]code=")


def resume_of(answer):
    """Where the browser comes back to after the login that it is sent to."""
    assert answer.status_code == 303, answer.text
    target = urlsplit(answer.headers["Location"])
    assert target.path == "/api/auth/login"
    return parse_qs(target.query)["next"][0]


# --- yes, no, and who must be asked


async def test_a_public_client_gets_its_code_after_the_person_has_said_yes(site):
    browser = await site.log_in()
    shown = await site.authorize(browser)
    assert shown.status_code == 200
    for said in ("alice@example.org", "kubectl", f">{LOOPBACK}<"):
        assert said in shown.text
    answer = await site.decide(browser, form_of(shown))
    assert answer.headers["Location"].startswith(f"{LOOPBACK}?code=")
    assert (answered(answer)["state"], answered(answer)["iss"]) == ("st&te=1", ISSUER)
    assert (await site.redeem(answered(answer)["code"])).status_code == 200


async def test_a_person_may_say_no(site):
    browser = await site.log_in()
    answer = await site.decide(browser, form_of(await site.authorize(browser)), "deny")
    said = answered(answer)
    assert (said["error"], said["state"], said["iss"]) == ("access_denied", "st&te=1", ISSUER)
    assert "code" not in said


async def test_a_public_client_is_asked_about_each_time(site):
    browser = await site.log_in()
    await site.code(browser)
    assert (await site.authorize(browser)).status_code == 200
    assert answered(await site.authorize(browser, prompt="none"))["error"] == "consent_required"


async def test_a_confidential_client_is_not_unless_it_wants_to(site):
    browser = await site.log_in()
    answer = await site.authorize(browser, client_id="grafana")
    assert answer.headers["Location"].startswith(f"{GRAFANA}?code=")
    assert answered(answer)["iss"] == ISSUER
    assert (await site.authorize(browser, client_id="grafana", prompt="none")).status_code == 303
    assert (await site.authorize(browser, client_id="grafana", prompt="consent")).status_code == 200


async def test_a_redirect_uri_with_a_query_keeps_it(site):
    browser = await site.log_in()
    uri = "https://spa.example.org/back?from=genet"
    shown = await site.authorize(browser, client_id="spa", redirect_uri=uri)
    answer = await site.decide(browser, form_of(shown))
    assert answer.headers["Location"].startswith(f"{uri}&code=")


# --- nobody is told, or the client is


UNTOLD: list[dict[str, str | None]] = [
    {"client_id": None},
    {"client_id": "nobody"},
    {"client_id": "KUBE"},
    {"redirect_uri": None},
    {"redirect_uri": "https://evil.net/"},
    {"redirect_uri": "http://localhost:8000/other"},
    {"redirect_uri": "http://localhost:8000@evil.net"},
    {"redirect_uri": "http://localhost:8000\\@evil.net"},
    {"redirect_uri": "javascript:alert(1)"},
    {"redirect_uri": GRAFANA},
    {"redirect_uri": "https://evil.net/", "response_type": "token"},
    {"state": "s" * 5000},
]


async def test_what_is_wrong_with_the_client_or_its_address_is_shown_and_goes_nowhere(site):
    for changes, browser in product(UNTOLD, (None, await site.log_in())):
        answer = await site.authorize(browser, **changes)
        assert answer.status_code == 400, changes
        assert answer.headers["Content-Type"].startswith("text/html")
        assert "Location" not in answer.headers
        assert "evil" not in answer.text


async def test_so_is_a_client_or_an_address_that_is_there_twice(site):
    browser = await site.log_in()
    twice = [
        (name, second) for name in ("client_id", "redirect_uri") for second in (PUBLIC[name], "https://evil.net/", "")
    ]
    for name, second in twice:
        answer = await site.http.get(f"/oidc/authorize?{urlencode([*PUBLIC.items(), (name, second)])}", headers=browser)
        assert answer.status_code == 400
        assert "Location" not in answer.headers


TOLD: list[tuple[dict[str, str | None], str]] = [
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": None}, "invalid_request"),
    ({"scope": "groups"}, "invalid_scope"),
    ({"request": "eyJ"}, "request_not_supported"),
    ({"request_uri": "http://127.0.0.1:1/"}, "request_uri_not_supported"),
    ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"prompt": "none"}, "login_required"),
    ({"client_id": "codeless", "redirect_uri": GRAFANA}, "unauthorized_client"),
]


async def test_all_the_rest_is_told_to_the_client(site):
    for changes, error in TOLD:
        answer = await site.authorize(**changes)
        said = answered(answer)
        assert (said["error"], said["state"], said["iss"]) == (error, "st&te=1", ISSUER), changes
        assert answer.headers["Location"].startswith(changes.get("redirect_uri") or LOOPBACK)


async def test_so_is_a_parameter_that_is_there_twice(site):
    browser = await site.log_in()
    for name in ("state", "scope", "code_challenge", "unknown"):
        doubled = [*PUBLIC.items(), (name, "one"), (name, "two")]
        said = answered(await site.http.get(f"/oidc/authorize?{urlencode(doubled)}", headers=browser))
        assert (said["error"], said["iss"]) == ("invalid_request", ISSUER)
        assert ("state" in said) is (name != "state")


async def test_a_confidential_client_may_leave_pkce_out_but_is_held_to_it_where_it_does_not(site):
    browser = await site.log_in()
    form = {"redirect_uri": GRAFANA, "client_id": "grafana", "client_secret": "s" * 20}
    code = await site.code(browser, client_id="grafana")
    assert (await site.redeem(code, **form, code_verifier="")).status_code == 200
    challenge = {name: PUBLIC[name] for name in ("code_challenge", "code_challenge_method")}
    code = await site.code(browser, client_id="grafana", **challenge)
    assert (await site.redeem(code, **form, code_verifier="")).json()["error"] == "invalid_grant"


# --- logging in on the way


async def test_who_is_not_logged_in_comes_back_to_the_very_same_request(site):
    answer = await site.authorize()
    resume = resume_of(answer)
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert resume.startswith("/oidc/authorize?resume=")
    browser = await site.log_in()
    shown = await site.http.get(resume, headers=browser)
    code = answered(await site.decide(browser, form_of(shown)))["code"]
    assert (await site.redeem(code)).json()["scope"] == PUBLIC["scope"]


@pytest.mark.parametrize(
    "changes", [{"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "0"}, {"max_age": "599"}]
)
async def test_a_fresh_login_is_made_where_it_is_asked_for_and_made_once(site, changes):
    old = await site.log_in(ago=600)
    answer = await site.authorize(old, client_id="grafana", **changes)
    assert "again=true" in answer.headers["Location"]
    resume = resume_of(answer)
    # the old session does not do, and there is no second login for it: that would go on for ever
    assert answered(await site.http.get(resume, headers=old))["error"] == "login_required"
    site.clock.tick(20)
    assert "code" in answered(await site.http.get(resume, headers=await site.log_in()))


async def test_a_login_that_is_fresh_enough_is_not_made_again(site):
    assert "code" in answered(await site.authorize(await site.log_in(ago=600), client_id="grafana", max_age="10000"))


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}])
async def test_a_login_of_this_very_second_does_not_count_as_made_for_the_request(site, changes):
    resume_of(await site.authorize(await site.log_in(), client_id="grafana", **changes))


async def test_a_silent_request_never_shows_a_login(site):
    old = await site.log_in(ago=60)
    assert answered(await site.authorize(client_id="grafana", prompt="none"))["error"] == "login_required"
    said = answered(await site.authorize(old, client_id="grafana", prompt="none", max_age="59"))
    assert said["error"] == "login_required"


async def test_the_time_of_the_login_is_told(site):
    browser = await site.log_in(ago=100)
    at = int(site.clock().timestamp()) - 100
    tokens = await site.tokens(browser, max_age="1000")
    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert claims["auth_time"] == at


async def test_a_browser_that_keeps_no_cookies_does_not_go_round_for_ever(site):
    resume = resume_of(await site.authorize())
    assert answered(await site.http.get(resume))["error"] == "login_required"


async def test_a_login_that_takes_too_long_is_begun_again_by_the_person(site):
    resume = resume_of(await site.authorize())
    site.clock.tick(15 * 60 + 1)
    answer = await site.http.get(resume, headers=await site.log_in())
    assert (answer.status_code, "Location" in answer.headers) == (400, False)


async def test_the_largest_request_that_is_taken_still_fits_through_a_login(site):
    large = {"state": "s" * 1024, "nonce": "n" * 256, "login_hint": "h" * 256}
    resume = resume_of(await site.authorize(**large))
    assert (await site.http.get(resume, headers=await site.log_in())).status_code == 200


async def test_and_one_that_does_not_is_not_taken(site):
    large = {"state": '"' * 1024, "nonce": '"' * 256, "login_hint": "ä" * 256}
    answer = await site.authorize(**large)
    assert (answer.status_code, "Location" in answer.headers) == (400, False)


async def test_a_session_that_has_ended_is_no_session(site):
    browser = await site.log_in()
    await site.services.identity.people.end_everything("alice-alice")
    resume_of(await site.authorize(browser))


# --- what was sealed cannot be changed, made or used for something else (CVE-2026-7571, CVE-2024-4540, CVE-2025-12421)


async def test_a_changed_request_does_not_come_back(site):
    browser = await site.log_in()
    resume = resume_of(await site.authorize())
    sealed = resume.partition("=")[2]
    form = form_of(await site.authorize(browser))
    for worthless in (f"{sealed[:-2]}AA", sealed[1:], "e30", form, "A" * 7000):
        answer = await site.http.get(f"/oidc/authorize?resume={worthless}", headers=browser)
        assert (answer.status_code, "Location" in answer.headers) == (400, False)


async def test_a_request_on_its_way_through_a_login_is_no_consent(site):
    browser = await site.log_in()
    sealed = resume_of(await site.authorize()).partition("=")[2]
    assert (await site.decide(browser, sealed)).status_code == 400


async def test_nor_can_parameters_be_added_to_it(site):
    resume = resume_of(await site.authorize())
    answer = await site.http.get(f"{resume}&resume=x", headers=await site.log_in())
    assert answer.status_code == 400
    shown = await site.http.get(
        f"{resume}&{urlencode({'redirect_uri': 'https://evil.net/'})}", headers=await site.log_in()
    )
    assert "evil" not in shown.text


async def test_what_another_purpose_sealed_is_worth_nothing(site):
    browser = await site.log_in()
    shown = site.services.provider.sealer.open(CONSENT, form_of(await site.authorize(browser)))
    forged = site.services.provider.sealer.seal(Purpose("another", ConsentForm), shown, CONSENT_LIFETIME)
    assert (await site.decide(browser, forged)).status_code == 400


# --- posted requests


async def test_a_posted_request_comes_again_as_one_that_carries_the_cookie(site):
    headers = {"Origin": "https://grafana.example.org", "Sec-Fetch-Site": "cross-site"}
    answer = await site.http.post("/oidc/authorize", data=CONFIDENTIAL, headers=headers)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/oidc/authorize?")
    assert "code" in answered(await site.http.get(answer.headers["Location"], headers=await site.log_in()))


async def test_a_posted_request_hides_nothing_twice(site):
    body = urlencode([*CONFIDENTIAL.items(), ("redirect_uri", "https://evil.net/")])
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await site.http.post("/oidc/authorize", content=body, headers=headers)
    assert (await site.http.get(answer.headers["Location"])).status_code == 400


async def test_a_posted_request_cannot_write_headers(site):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = b"client_id=kube&state=a%0d%0aSet-Cookie:%20x=1\r\nSet-Cookie: y=1"
    answer = await site.http.post("/oidc/authorize", content=body, headers=headers)
    assert "\r" not in answer.headers["Location"]
    assert "Set-Cookie" not in answer.headers


async def test_a_posted_request_of_any_size_is_not_taken(site):
    for size in (5000, 200_000):
        answer = await site.http.post("/oidc/authorize", data={**CONFIDENTIAL, "state": "s" * size})
        assert answer.status_code in {400, 413}
        assert answer.headers["Content-Type"].startswith("text/html")


async def test_no_answer_of_the_authorization_endpoint_is_for_other_sites_scripts(site):
    headers = {"Origin": "https://evil.net"}
    for answer in (
        await site.http.get("/oidc/authorize", params=PUBLIC, headers=headers),
        await site.http.post("/oidc/authorize", data=PUBLIC, headers=headers),
    ):
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_no_answer_to_a_client_is_kept_or_tells_where_its_browser_came_from(site):
    browser = await site.log_in()
    answers = [
        await site.decide(browser, form_of(await site.authorize(browser))),
        await site.decide(browser, form_of(await site.authorize(browser)), "deny"),
        await site.authorize(browser, client_id="grafana"),
        await site.authorize(browser, response_type="token"),
        await site.authorize(prompt="none"),
    ]
    for answer in answers:
        assert answered(answer)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
    refused = await site.authorize(browser, redirect_uri="https://evil.net/")
    assert "frame-ancestors 'none'" in refused.headers["Content-Security-Policy"]
    assert refused.headers["Cache-Control"] == "no-store"


async def test_what_a_request_uri_points_at_is_never_fetched(site):
    calls = []

    async def called(_, writer):
        calls.append(1)
        writer.close()

    async with listening(called) as address:
        at = f"http://{address}/request"
        for changes in ({"request_uri": at}, {"request_uri": at, "client_id": "grafana"}, {"redirect_uri": at}):
            await site.authorize(await site.log_in(), **changes)
    assert calls == []


# --- other modes


@pytest.fixture
async def dev(kubeconfig):
    async with site_of(configuration(kubeconfig, mode="dev")) as one:
        yield one


async def test_in_dev_mode_the_caller_is_whom_the_hint_names(dev):
    shown = await dev.authorize(login_hint="bob")
    assert "bob@dev.invalid" in shown.text
    assert "dev-user@dev.invalid" in (await dev.authorize()).text
    (action,) = re.findall(r'action="([^"]*)"', shown.text)
    answer = await dev.http.post(action, data={"form": form_of(shown), "decision": "allow"})
    assert (await dev.redeem(answered(answer)["code"])).status_code == 200
    assert answered(await dev.authorize(login_hint="\x00"))["error"] == "invalid_request"
    assert (await dev.authorize(login_hint="bob", prompt="login")).status_code == 200


async def test_in_dev_mode_a_hint_does_not_press_the_button(dev):
    form = form_of(await dev.authorize(login_hint="bob"))
    assert (await dev.http.post("/oidc/consent?user=eve", data={"form": form, "decision": "allow"})).status_code == 403


async def test_behind_a_proxy_the_caller_is_whom_it_names_and_cannot_be_made_to_log_in_again(kubeconfig):
    named = {"X-Auth-Request-User": "carol", "X-Auth-Request-Email": "carol@example.org"}
    async with site_of(configuration(kubeconfig, mode="proxy")) as one:
        shown = await one.authorize(named)
        assert "carol@example.org" in shown.text
        answer = await one.decide(named, form_of(shown))
        assert (await one.redeem(answered(answer)["code"])).status_code == 200
        for changes in ({"prompt": "login"}, {"max_age": "10000"}):
            assert answered(await one.authorize(named, **changes))["error"] == "login_required"
        nobody = await one.authorize()
        assert (nobody.status_code, "Location" in nobody.headers) == (401, False)
        assert answered(await one.authorize(prompt="none"))["error"] == "login_required"
        other = {"X-Auth-Request-User": "eve", "X-Auth-Request-Email": "eve@example.org"}
        assert (await one.decide(other, form_of(shown))).status_code == 403


async def test_switched_off_there_is_nothing(kubeconfig):
    settings = configuration(kubeconfig, mode="dev", enabled=None)
    async with site_of(settings) as one:
        assert one.services.provider is None
        for path in (
            "/.well-known/openid-configuration",
            "/oidc/jwks",
            "/oidc/authorize",
            "/oidc/userinfo",
            "/oidc/device",
        ):
            assert (await one.http.get(path)).status_code == 404
        for path in ("/oidc/token", "/oidc/revoke", "/oidc/device_authorization", "/oidc/authorize"):
            assert (await one.http.post(path, data={"a": "b"})).status_code == 404
