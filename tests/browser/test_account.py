"""What a person holds besides pods, in the page: tokens are made, used, shown once and taken back."""

import json
import secrets

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped] # has no types
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.demo import Demo

pytestmark = pytest.mark.browser


@pytest.fixture
def guest() -> str:
    return f"guest{secrets.token_hex(3)}"


def test_a_token_from_making_it_to_taking_it_back(demo: Demo, visit: Visit, guest):
    page = visit(demo.page("/gpus", guest))
    page.get_by_role("link", name="Account").click()
    expect(page.get_by_text("You have no API tokens.")).to_be_visible()
    page.get_by_role("button", name="Create a token").click()
    dialog = page.get_by_role("dialog", name="Create a token")
    dialog.get_by_label("Name").fill("nightly job")
    dialog.get_by_role("button", name="Create a token").click()
    token = dialog.get_by_label("API token", exact=True).inner_text().strip()
    assert token.startswith("genet-sk-")

    script = httpx.Client(base_url=demo.url, headers={"Authorization": f"Bearer {token}"}, trust_env=False)
    assert script.get("/api/auth/status").json()["username"] == guest
    assert script.post("/api/pods", json={"image": "debian"}).json()["code"] == "forbidden"

    dialog.get_by_role("button", name="I have copied it").click()
    expect(page.get_by_text(token)).to_have_count(0)
    stored = page.evaluate(
        "() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])"
    )
    assert token not in stored

    page.get_by_role("button", name="Revoke nightly job").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke", exact=True).click()
    expect(page.get_by_text("You have no API tokens.")).to_be_visible()
    assert script.get("/api/pods").status_code == 401
    script.close()


def test_what_is_wrong_with_a_token_stands_at_its_field(demo: Demo, visit: Visit, complaints, guest):
    page = visit(demo.page("/account", guest))
    page.get_by_role("button", name="Create a token").click()
    dialog = page.get_by_role("dialog", name="Create a token")
    dialog.get_by_label("Name").fill("x")
    dialog.get_by_label("Expires in days").fill("")
    dialog.get_by_role("button", name="Create a token").click()
    expect(dialog.get_by_label("Expires in days")).to_have_attribute("aria-invalid", "true")
    assert complaints == ["422 POST /api/tokens"]
    complaints.clear()


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
def test_everybody_can_use_it(demo: Demo, visit: Visit, guest, colours, width):
    page = visit(
        demo.page("/account", guest),
        color_scheme=colours,
        viewport={"width": width, "height": 900},
    )
    expect(page.get_by_text("No program acts for you.")).to_be_visible()
    found = Axe().run(page).response["violations"]
    assert found == [], json.dumps(found, indent=1)
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_role("button", name=f"Account: {guest}").click()
    expect(page.get_by_text(f"{guest}-{guest}")).to_be_visible()
