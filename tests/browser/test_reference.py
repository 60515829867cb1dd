"""The reference of the API in a browser: under the page's own Content-Security-Policy, from no other server."""

import json
import secrets

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped] # has no types
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.demo import Demo

pytestmark = pytest.mark.browser

_THE_LIBRARYS = {"heading-order", "nested-interactive", "region", "scrollable-region-focusable"}
"""How the library builds its headings, landmarks, links inside buttons and examples: not ours to mend."""


@pytest.fixture
def guest() -> str:
    return f"guest{secrets.token_hex(3)}"


def test_from_the_account_page_to_a_call_in_the_own_name(demo: Demo, visit: Visit, guest):
    page = visit(demo.page("/account", guest))
    page.get_by_role("link", name="HTTP API").click()
    expect(page.get_by_text("Every GPU of the cluster").first).to_be_visible()
    page.get_by_text("Who is calling", exact=True).click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table").get_by_text(f"{guest}-{guest}").first).to_be_visible()
    page.get_by_role("link", name="Genet", exact=True).click()
    expect(page.get_by_role("button", name=f"Account: {guest}")).to_be_visible()


def test_a_token_is_tried_and_not_kept(demo: Demo, visit: Visit, complaints, guest):
    made = demo.api("POST", "/api/tokens", guest, {"name": "x", "scopes": ["pods:read"], "expiresInDays": 1})
    page = visit(demo.page("/api/docs", "somebody"))
    page.get_by_role("button", name="Authorize").click()
    page.get_by_label("auth-bearer-value").fill(made["token"])
    page.get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close", exact=True).first.click()
    page.get_by_text("Who is calling", exact=True).click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table").get_by_text(f"{guest}-{guest}").first).to_be_visible()
    stored = page.evaluate("() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert made["token"] not in stored


def test_the_other_pages_load_nothing_of_it(demo: Demo, visit: Visit, guest):
    page = visit(demo.page("/account", guest))
    expect(page.get_by_text("No program acts for you.")).to_be_visible()
    loaded = page.evaluate("() => performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert [name for name in loaded if "/assets/" in name]
    assert [name for name in loaded if "reference" in name] == []


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_everybody_can_read_it(demo: Demo, visit: Visit, guest, colours, width):
    page = visit(demo.page("/api/docs", guest), color_scheme=colours, viewport={"width": width, "height": 900})
    page.get_by_text("Create a pod", exact=True).click()
    expect(page.get_by_role("button", name="Try it out")).to_be_visible()
    found = Axe().run(page).response["violations"]
    found = [one for one in found if one["id"] not in _THE_LIBRARYS]
    assert found == [], json.dumps(found, indent=1)
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
