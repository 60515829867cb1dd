"""Login by a code that is shown on one machine and typed on another."""

import asyncio
import html
import re
from urllib.parse import urlsplit

import jwt
import msgspec
import pytest

from genet.oidc.device import ALPHABET, DEVICE, LIFETIME, MOST_PER_USER
from genet.oidc.messages import DEVICE_CODE
from tests.web.provider import ISSUER, OWN_PAGE, SECRET, form_of

PAGE = "/oidc/device"


async def ask(site, **form):
    headers = {"User-Agent": "kubelogin/1.34 <linux>"}
    data = {"client_id": "kube", "scope": "openid groups offline_access", **form}
    answer = await site.http.post("/oidc/device_authorization", data=data, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def poll(site, asked, **form):
    data = {"grant_type": DEVICE_CODE, "device_code": asked["device_code"], "client_id": "kube", **form}
    answer = await site.token(data)
    return answer.json().get("error", answer.status_code)


def path_of(url):
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}" == ISSUER
    return f"{parts.path}?{parts.query}"


async def post(site, browser, **form):
    return await site.http.post(PAGE, data=form, headers={**OWN_PAGE, **browser})


async def decide(site, browser, asked, decision="allow"):
    """By the complete address."""
    shown = await site.http.get(path_of(asked["verification_uri_complete"]), headers=browser)
    assert shown.status_code == 200
    return await post(site, browser, form=form_of(shown), decision=decision)


async def enter(site, browser, user_code):
    form = form_of(await site.http.get(PAGE, headers=browser))
    return await post(site, browser, form=form, user_code=user_code)


async def records(site):
    pages = site.services.identity.records.pages(DEVICE)
    return [record async for page in pages for record in page]


async def test_a_device_is_let_in_by_its_complete_address(site):
    asked = await ask(site)
    assert re.fullmatch(f"[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}", asked["user_code"])
    assert asked["verification_uri"] == f"{ISSUER}{PAGE}"
    assert (asked["interval"], asked["expires_in"]) == (5, LIFETIME.total_seconds())
    assert await poll(site, asked) == "authorization_pending"
    done = await decide(site, await site.log_in(ago=30), asked)
    assert "is logged in" in done.text
    site.clock.tick(5)
    answer = await site.token({"grant_type": DEVICE_CODE, "device_code": asked["device_code"], "client_id": "kube"})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    claims = jwt.decode(answer.json()["id_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["aud"]) == ("alice-alice", "kube")
    assert (await site.refresh(answer.json()["refresh_token"])).status_code == 200


async def test_a_client_that_may_not_refresh_gets_nothing_to_refresh_with(site):
    asked = await ask(site, client_id="lamp")
    await decide(site, await site.log_in(), asked)
    device = {"grant_type": DEVICE_CODE, "device_code": asked["device_code"], "client_id": "lamp"}
    answer = await site.token(device)
    assert answer.status_code == 200
    assert "refresh_token" not in answer.json()
    assert answer.json()["scope"] == "openid groups"


async def test_the_complete_address_lets_nobody_in_by_itself(site):
    """Neither does looking at it write anything."""
    asked = await ask(site)
    shown = await site.http.get(path_of(asked["verification_uri_complete"]), headers=await site.log_in())
    assert await records(site) == []
    assert await poll(site, asked) == "authorization_pending"
    for said in (asked["user_code"], "kubectl", "127.0.0.1", "kubelogin/1.34 <linux>", "alice@example.org"):
        assert html.escape(said) in shown.text
    assert shown.headers["Content-Security-Policy"].endswith("form-action 'self'")


async def test_a_typed_code_shows_which_device_it_is_as_soon_as_that_asks_again(site):
    browser, asked = await site.log_in(), await ask(site)
    answer = await enter(site, browser, asked["user_code"].lower().replace("-", " "))
    assert answer.status_code == 303
    waiting = await site.http.get(answer.headers["Location"], headers=browser)
    assert 'http-equiv="refresh"' in waiting.text
    assert "decision" not in waiting.text
    assert await poll(site, asked) == "authorization_pending"
    shown = await site.http.get(answer.headers["Location"], headers=browser)
    assert html.escape("kubelogin/1.34 <linux>") in shown.text
    assert (await post(site, browser, form=form_of(shown), decision="allow")).status_code == 200
    site.clock.tick(5)
    assert await poll(site, asked) == 200


async def test_a_person_may_say_no(site):
    asked = await ask(site)
    await decide(site, await site.log_in(), asked, "deny")
    assert await poll(site, asked) == "access_denied"


@pytest.mark.parametrize("decision", ["", "yes"])
async def test_only_a_clear_yes_is_one(site, decision):
    asked = await ask(site)
    assert (await decide(site, await site.log_in(), asked, decision)).status_code == 400
    assert await poll(site, asked) == "authorization_pending"


async def test_a_device_code_is_used_once(site):
    asked = await ask(site)
    await decide(site, await site.log_in(), asked)
    assert await poll(site, asked) == 200
    site.clock.tick(10)
    assert await poll(site, asked) == "invalid_grant"


async def test_of_many_that_come_at_once_one_gets_tokens(site):
    asked = await ask(site)
    await decide(site, await site.log_in(), asked)
    devices = site.services.provider.devices
    record = await devices.poll(asked["device_code"], "kube")
    outcomes = await asyncio.gather(*(devices.redeem(record) for _ in range(8)), return_exceptions=True)
    assert [outcome for outcome in outcomes if outcome is None] == [None]


async def test_a_device_that_asks_too_often_is_told_to_wait_for_longer(site):
    asked = await ask(site)
    assert await poll(site, asked) == "authorization_pending"
    site.clock.tick(1)
    assert await poll(site, asked) == "slow_down"
    site.clock.tick(5)
    assert await poll(site, asked) == "slow_down"
    site.clock.tick(15)
    assert await poll(site, asked) == "authorization_pending"


async def test_a_code_ends_in_time(site):
    asked = await ask(site)
    browser = await site.log_in()
    site.clock.tick(LIFETIME.total_seconds() + 1)
    assert await poll(site, asked) == "expired_token"
    shown = await site.http.get(path_of(asked["verification_uri_complete"]), headers=browser)
    assert "too old" in shown.text
    assert "decision" not in shown.text


async def test_a_decision_that_comes_too_late_is_none(site):
    asked, browser = await ask(site), await site.log_in()
    shown = await site.http.get(path_of(asked["verification_uri_complete"]), headers=browser)
    site.clock.tick(LIFETIME.total_seconds() - 1)
    form = form_of(await site.http.get(path_of(asked["verification_uri_complete"]), headers=browser))
    site.clock.tick(2)
    assert (await post(site, browser, form=form, decision="allow")).status_code == 404
    assert (await post(site, browser, form=form_of(shown), decision="allow")).status_code == 400
    assert await records(site) == []


async def test_another_client_or_another_code_gets_nothing(site):
    asked = await ask(site)
    await decide(site, await site.log_in(), asked)
    assert await poll(site, asked, device_code="x") == "invalid_grant"
    assert await poll(site, asked, client_id="box") == "invalid_grant"
    assert await poll(site, asked, client_id="grafana", client_secret=SECRET) == "unauthorized_client"
    assert await poll(site, asked) == 200


async def test_the_address_of_a_question_is_no_device_code(site):
    """CVE-2025-12421: people see the address, and it may be sent around."""
    asked = await ask(site)
    await decide(site, await site.log_in(), asked)
    question = asked["verification_uri_complete"].rpartition("question=")[2]
    assert await poll(site, asked, device_code=question) == "invalid_grant"
    browser = await site.log_in()
    shown = await site.http.get(f"{PAGE}?question={asked['device_code']}", headers=browser)
    assert "decision" not in shown.text


# --- the page is for one person, who has logged in


async def test_who_is_not_logged_in_logs_in_first_and_comes_back(site):
    asked = await ask(site)
    answer = await site.http.get(path_of(asked["verification_uri_complete"]))
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/api/auth/login?next=%2Foidc%2Fdevice%3Fuser_code%3D")
    assert (await post(site, {}, form="x", decision="allow")).status_code == 401


async def test_a_page_that_one_person_was_shown_is_none_for_another(site):
    asked = await ask(site)
    shown = await site.http.get(path_of(asked["verification_uri_complete"]), headers=await site.log_in("alice"))
    for other in (await site.log_in("mallory"), await site.log_in("alice")):
        assert (await post(site, other, form=form_of(shown), decision="allow")).status_code == 403
    assert await poll(site, asked) == "authorization_pending"


async def test_another_site_cannot_press_the_button(site):
    browser, asked = await site.log_in(), await ask(site)
    shown = await site.http.get(path_of(asked["verification_uri_complete"]), headers=browser)
    form = {"form": form_of(shown), "decision": "allow"}
    for headers in ({"Origin": "https://evil.net"}, {"Sec-Fetch-Site": "cross-site"}, {}):
        assert (await site.http.post(PAGE, data=form, headers={**browser, **headers})).status_code == 403
    assert await poll(site, asked) == "authorization_pending"


async def test_a_page_that_asks_for_the_code_decides_nothing(site):
    browser, asked = await site.log_in(), await ask(site)
    form = form_of(await site.http.get(PAGE, headers=browser))
    answer = await post(site, browser, form=form, decision="allow", user_code=asked["user_code"])
    assert answer.status_code == 303
    assert await poll(site, asked) == "authorization_pending"
    site.clock.tick(5)
    assert await poll(site, asked) == "authorization_pending"


async def test_a_code_that_somebody_else_has_typed_is_theirs(site):
    asked = await ask(site)
    await enter(site, await site.log_in("alice"), asked["user_code"])
    await poll(site, asked)
    eve = await site.log_in("eve")
    assert (await enter(site, eve, asked["user_code"])).status_code == 409
    shown = await site.http.get(f"{PAGE}?user_code={asked['user_code']}", headers=eve)
    assert "decision" not in shown.text
    assert (await decide(site, eve, asked)).status_code == 409


async def test_a_decision_stands(site):
    asked = await ask(site)
    browser = await site.log_in()
    await decide(site, browser, asked, "deny")
    assert (await decide(site, browser, asked, "allow")).status_code == 409
    assert await poll(site, asked) == "access_denied"


async def test_codes_cannot_be_guessed_one_after_the_other(site):
    browser = await site.log_in()
    for n in range(MOST_PER_USER):
        assert (await enter(site, browser, f"BBBB-BBB{ALPHABET[n]}")).status_code == 303
    refused = await enter(site, browser, "CCCC-CCCC")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert len(await records(site)) == MOST_PER_USER
    assert (await enter(site, await site.log_in("bob"), "CCCC-CCCC")).status_code == 303


async def test_what_cannot_be_a_code_is_said_to_be_none(site):
    browser = await site.log_in()
    for text in ("", "ABCD", "AAAA-AAAA", "BBBB-BBBBB", "BBBB BBB1", "<script>"):
        answer = await enter(site, browser, text)
        assert answer.status_code == 400
        assert "<script>" not in answer.text
    assert await records(site) == []


# --- what is kept


async def test_what_is_kept_of_a_decision_opens_nothing(site):
    asked = await ask(site)
    await decide(site, await site.log_in(), asked)
    (record,) = await records(site)
    code = asked["user_code"].replace("-", "")
    assert code.lower() not in record.secret.metadata.name.lower()
    assert asked["device_code"] not in str(record.secret)
    assert record.user == record.value.user == "alice-alice"


async def test_a_record_of_the_same_code_is_about_one_device_alone(site):
    """Two devices may be given the same code by chance, or somebody may wait for that."""
    asked = await ask(site)
    devices = site.services.provider.devices
    other, _, _ = devices.ask("kube", ("openid",), address="6.6.6.6", user_agent="evil")
    same = msgspec.structs.replace(other, user_code=asked["user_code"].replace("-", ""))
    await devices.decide(same, "alice-alice", epoch=1, authenticated_at=None, is_approved=True)
    assert await poll(site, asked) == "authorization_pending"


async def test_who_ends_everything_ends_what_was_approved(site):
    asked = await ask(site)
    await decide(site, await site.log_in(), asked)
    await site.services.identity.people.end_everything("alice-alice")
    assert await poll(site, asked) in {"access_denied", "authorization_pending"}


async def test_what_was_approved_ends_with_everything_even_if_it_was_left_behind(site):
    """The replica that ends everything may die before it has deleted all of it."""
    asked = await ask(site)
    await decide(site, await site.log_in(), asked)
    people = site.services.identity.people
    person = await people.live("alice-alice")
    await people.replace(person, msgspec.structs.replace(person.value, epoch=person.value.epoch + 1))
    assert await poll(site, asked) == "access_denied"


async def test_who_is_disabled_after_the_decision_lets_nobody_in(site):
    asked = await ask(site)
    await decide(site, await site.log_in(), asked)
    (record,) = await records(site)
    people = site.services.identity.people
    person = await people.live("alice-alice")
    await people.replace(person, msgspec.structs.replace(person.value, is_disabled=True))
    assert record.value.status == "approved"
    assert await poll(site, asked) == "access_denied"


async def test_a_waiting_page_of_nobodys_code_is_the_form_again(site):
    shown = await site.http.get(f"{PAGE}?user_code=BBBB-BBBB", headers=await site.log_in())
    assert 'value="BBBB-BBBB"' in shown.text
    assert "decision" not in shown.text
