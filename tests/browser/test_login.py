"""The company's login in a real browser: there and back, a session that ends meanwhile, kubectl's consent page."""

import re
import secrets
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Visit
from tests.browser.office import Office, office
from tests.upstream.provider import Employee

pytestmark = pytest.mark.browser

_SELF_SIGNED = {"ignore_https_errors": True}


@pytest.fixture(scope="package")
def at_office(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("office"), Employee("ruth", groups=("staff",)), Employee("omar")) as running:
        yield running


@pytest.fixture(autouse=True)
def _leave_the_company_out(at_office: Office, visit: Visit, complaints: list[str]) -> Iterator[None]:
    """Its pages are not ours, nor is where kubectl listens; that a session has ended is said by refusals."""
    yield
    others = (f"foreign: {at_office.upstream.issuer}", "foreign: http://127.0.0.1:8000", "401 ")
    complaints[:] = [said for said in complaints if not said.startswith(others)]


def test_in_and_out_again(at_office: Office, visit: Visit):
    page = visit(f"{at_office.url}/usage?by=type", **_SELF_SIGNED)
    expect(page.get_by_text("Log in to see the usage")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Log in").click()
    _at_the_company(page, "ruth")
    expect(page).to_have_url(f"{at_office.url}/usage?by=type")
    expect(page.get_by_role("button", name="Account: ruth")).to_be_visible()

    cookies = page.context.cookies(at_office.url)
    assert [(one["name"], one["httpOnly"], one["secure"], one["sameSite"]) for one in cookies] == [
        ("__Host-genet-session", True, True, "Lax")
    ]
    page.get_by_role("button", name="Account: ruth").click()
    page.get_by_role("menuitem", name="Log out", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Log out").click()
    expect(page.get_by_role("banner").get_by_role("link", name="Log in")).to_be_visible()
    assert page.context.cookies(at_office.url) == []


def test_who_is_not_logged_in_sees_the_map_and_nobody_on_it(at_office: Office, visit: Visit):
    page = visit(f"{at_office.url}/gpus", **_SELF_SIGNED)
    expect(page.get_by_test_id("sources")).to_have_attribute("data-connection", "live", timeout=15_000)
    page.get_by_text("Holder", exact=True).click()
    expect(page.get_by_text("Who holds a GPU is shown to those who are logged in.")).to_be_visible()


def test_a_session_that_ends_leaves_what_was_typed(at_office: Office, visit: Visit):
    page = visit(f"{at_office.url}/pods", **_SELF_SIGNED)
    _log_in(page, "omar")
    page.get_by_role("button", name="Create a pod").click()
    dialog = page.get_by_role("dialog", name="Create a pod")
    dialog.get_by_label("Name", exact=True).fill("half-typed")

    elsewhere = page.context.new_page()
    elsewhere.goto(f"{at_office.url}/gpus")
    elsewhere.get_by_role("button", name="Account: omar").click()
    elsewhere.get_by_role("menuitem", name="Log out everywhere").click()
    elsewhere.get_by_role("dialog").get_by_role("button", name="Log out everywhere").click()
    expect(elsewhere.get_by_role("banner").get_by_role("link", name="Log in")).to_be_visible()

    ended = page.get_by_role("alert").filter(has_text="What you see and have typed stays")
    expect(ended).to_be_visible(timeout=15_000)
    expect(dialog.get_by_label("Name", exact=True)).to_have_value("half-typed")
    with page.context.expect_page() as opened:
        ended.get_by_role("link", name="Log in").click()
    # the company knows them still
    expect(opened.value.get_by_role("button", name="Account: omar")).to_be_visible()
    page.bring_to_front()
    expect(ended).to_be_hidden(timeout=15_000)
    expect(dialog.get_by_label("Name", exact=True)).to_have_value("half-typed")


def test_kubectl_is_let_in_only_after_a_question(at_office: Office, visit: Visit):
    page = visit(f"{at_office.url}/gpus", **_SELF_SIGNED)
    _log_in(page, "ruth")
    state = secrets.token_hex(8)
    asked = {
        "client_id": "kube", "redirect_uri": "http://127.0.0.1:8000", "response_type": "code", "scope": "openid",
        "state": state, "code_challenge": secrets.token_urlsafe(32)[:43], "code_challenge_method": "S256",
    }  # fmt: skip
    answered = re.compile(r"^http://127\.0\.0\.1:8000/\?")
    page.route(answered, lambda route: route.fulfill(body="<title>kubectl</title>"))
    page.goto(f"{at_office.url}/oidc/authorize?{urlencode(asked)}")
    expect(page.get_by_text("ruth").first).to_be_visible()
    page.get_by_role("button", name=re.compile("allow|log in|yes", re.IGNORECASE)).click()
    expect(page).to_have_url(re.compile(rf"^http://127\.0\.0\.1:8000/\?.*state={state}"))
    assert "code=genet-ac-" in page.url


def _log_in(page: Page, login: str) -> None:
    page.get_by_role("banner").get_by_role("link", name="Log in").click()
    _at_the_company(page, login)
    expect(page.get_by_role("button", name=f"Account: {login}")).to_be_visible()


def _at_the_company(page: Page, login: str) -> None:
    """Its own page, which asks for a name alone."""
    page.locator("input[name=login]").fill(login)
    page.get_by_role("button", name="Log in").click()
