"""The person's way through a login for a client."""

from collections.abc import AsyncIterator

import pytest

from tests.web.provider import GRAFANA, ISSUER, LOOPBACK, Site, answered, configuration, form_of, site_of


@pytest.fixture
async def site(kubeconfig) -> AsyncIterator[Site]:
    async with site_of(configuration(kubeconfig)) as one:
        yield one


async def test_a_public_client_gets_its_code_after_the_person_has_said_yes(site):
    browser = await site.log_in()
    shown = await site.authorize(browser)
    assert shown.status_code == 200
    assert "alice@example.org" in shown.text
    assert LOOPBACK in shown.text
    answer = await site.decide(browser, form_of(shown))
    assert answer.headers["Location"].startswith(f"{LOOPBACK}?code=")
    said = answered(answer)
    assert (said["state"], said["iss"]) == ("st&te=1", ISSUER)
    assert (await site.redeem(said["code"])).status_code == 200
