"""The page that asks a person about a client: whose answer counts, and what else the page can be made to do."""

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from tests.web.provider import (
    ISSUER,
    LOOPBACK,
    OWN_PAGE,
    form_of,
)

CODE = re.compile(r"[?&]code=")


# --- the consent is bound to who was shown it (CVE-2022-39222)


async def test_the_consent_of_one_person_is_none_of_another(site):
    form = form_of(await site.authorize(await site.log_in("alice")))
    answer = await site.decide(await site.log_in("mallory"), form)
    assert (answer.status_code, "Location" in answer.headers) == (403, False)


async def test_nor_of_another_session_of_the_same_person(site):
    form = form_of(await site.authorize(await site.log_in()))
    assert (await site.decide(await site.log_in(), form)).status_code == 403


async def test_nobody_can_consent_without_being_logged_in(site):
    form = form_of(await site.authorize(await site.log_in()))
    answer = await site.decide({}, form)
    assert answer.status_code == 401
    assert "not logged in" in answer.text


async def test_a_consent_page_that_was_open_for_long_is_worth_nothing(site):
    browser = await site.log_in()
    form = form_of(await site.authorize(browser))
    site.clock.tick(601)
    assert (await site.decide(browser, form)).status_code == 400


async def test_another_site_cannot_press_the_button(site):
    browser = await site.log_in()
    form = form_of(await site.authorize(browser))
    for headers in (
        {"Origin": "https://evil.net", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Origin": ISSUER, "Sec-Fetch-Site": "same-site"},
        {"Origin": "null"},
        {},
    ):
        posted = {"form": form, "decision": "allow"}
        answer = await site.http.post("/oidc/consent", data=posted, headers={**browser, **headers})
        assert answer.status_code == 403
        assert answer.json()["code"] == "csrf"


async def test_two_sessions_at_once_are_none_and_both_are_taken_away(site):
    """A sibling domain can set a cookie too (cookie tossing)."""
    browser = await site.log_in()
    answer = await site.authorize({"Cookie": f"{browser['Cookie']}; {browser['Cookie']}"})
    assert answer.status_code == 401
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    assert answer.headers["Content-Type"].startswith("text/html")


async def test_an_api_token_is_no_person_at_a_browser(site):
    await site.log_in()
    identity = site.services.identity
    user = identity.people.user_of(identity.people.known("alice-alice"))
    _, token = await identity.tokens.create(user, name="ci", scopes=["pods:read"], lifetime=timedelta(days=1))
    answer = await site.authorize({"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403
    assert "Location" not in answer.headers


async def test_the_own_page_can_although_it_hides_where_it_is(site):
    browser = await site.log_in()
    form = form_of(await site.authorize(browser))
    assert (await site.decide(browser, form, Origin="null")).status_code == 303


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"decision": "allow"}, 400),
        ({"form": "x", "decision": "allow"}, 400),
        ({}, 400),
    ],
)
async def test_a_consent_that_cannot_be_read_is_none(site, body, status):
    answer = await site.http.post("/oidc/consent", data=body, headers={**OWN_PAGE, **await site.log_in()})
    assert answer.status_code == status


@pytest.mark.parametrize("decision", ["", "yes", "ALLOW"])
async def test_only_a_clear_yes_is_one(site, decision):
    browser = await site.log_in()
    answer = await site.decide(browser, form_of(await site.authorize(browser)), decision)
    assert (answer.status_code, "Location" in answer.headers) == (400, False)


async def test_a_consent_with_two_decisions_is_none(site):
    browser = await site.log_in()
    form = form_of(await site.authorize(browser))
    body = urlencode([("form", form), ("decision", "deny"), ("decision", "allow")])
    headers = {**OWN_PAGE, **browser, "Content-Type": "application/x-www-form-urlencoded"}
    assert (await site.http.post("/oidc/consent", content=body, headers=headers)).status_code == 400


async def test_who_is_disabled_while_the_page_is_open_gets_no_code(site):
    browser = await site.log_in()
    form = form_of(await site.authorize(browser))
    await site.services.identity.people.disable("alice-alice")
    answer = await site.decide(browser, form)
    assert answer.status_code in {303, 401}
    assert not CODE.search(answer.headers.get("Location", ""))


# --- what the page lets a browser do


async def test_the_consent_page_cannot_be_framed_scripted_kept_or_led_elsewhere(site):
    shown = await site.authorize(await site.log_in())
    policy = dict(part.strip().partition(" ")[::2] for part in shown.headers["Content-Security-Policy"].split(";"))
    assert policy["frame-ancestors"] == "'none'"
    assert policy["default-src"] == "'none'"
    assert "script-src" not in policy
    assert policy["form-action"] == f"'self' {LOOPBACK}"
    assert shown.headers["Cache-Control"] == "no-store"
    assert shown.headers["Referrer-Policy"] == "no-referrer"
    assert shown.headers.get_list("Content-Security-Policy") == [shown.headers["Content-Security-Policy"]]
    assert "<script" not in shown.text


@pytest.mark.parametrize(
    ("redirect_uri", "source"),
    [
        ("http://127.0.0.1:18000/", "http://127.0.0.1:18000"),
        ("http://[::1]:8000", "http:"),
        ("http://localhost", "http://localhost"),
    ],
)
async def test_its_form_leads_to_the_client_alone(site, redirect_uri, source):
    shown = await site.authorize(await site.log_in(), redirect_uri=redirect_uri)
    assert shown.headers["Content-Security-Policy"].endswith(f"form-action 'self' {source}")


async def test_what_people_are_called_is_text_on_the_page(site):
    name = "<img src=x onerror=alert(1)>"
    shown = await site.authorize(await site.log_in(name))
    assert name not in shown.text
    assert "&lt;img" in shown.text
