"""The pages of the OpenID Provider in a real browser, which holds them to their own Content-Security-Policy."""

import re
import secrets
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from socket import AF_INET6
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped] # has no types
from playwright.sync_api import Browser, Page, expect

from genet.oidc.messages import DEVICE_CODE
from tests.browser.conftest import Visit
from tests.browser.office import Office, office
from tests.upstream.provider import Employee

pytestmark = pytest.mark.browser

_SELF_SIGNED: dict[str, Any] = {"ignore_https_errors": True, "reduced_motion": "reduce"}
_GRAVE = {"serious", "critical"}
_NARROW = {"width": 320, "height": 640}


@pytest.fixture(scope="module")
def at_office(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Office]:
    directory = tmp_path_factory.mktemp("provider")
    with office(directory, Employee("ruth", groups=("staff",)), oidcProvider={"deviceFlow": True}) as running:
        yield running


@pytest.fixture(autouse=True)
def _leave_others_out(visit: Visit, complaints: list[str]) -> Iterator[None]:
    """The company's pages are not ours, nor is where kubectl listens."""
    yield
    complaints[:] = [said for said in complaints if not said.startswith("foreign: http")]


class _Listener(HTTPServer):
    """What kubectl's plugin is while somebody logs in: one page on loopback."""

    def __init__(self, host: str) -> None:
        self.address_family = AF_INET6 if ":" in host else self.address_family
        self.heard: list[dict[str, list[str]]] = []
        super().__init__((host, 0), _Page)


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, _Listener)
        if self.path.startswith("/?"):
            self.server.heard.append(parse_qs(urlsplit(self.path).query))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>kubectl</title><link rel=icon href=data:,>")

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@contextmanager
def _listening(host: str) -> Iterator[_Listener]:
    with _Listener(host) as listener:
        thread = threading.Thread(target=listener.serve_forever, daemon=True)
        thread.start()
        try:
            yield listener
        finally:
            listener.shutdown()
            thread.join()


def _authorize(office: Office, redirect_uri: str, **more: str) -> str:
    asked = {
        "client_id": "kube", "redirect_uri": redirect_uri, "response_type": "code", "scope": "openid email groups",
        "state": "of-kubectl", "code_challenge": secrets.token_urlsafe(32)[:43], "code_challenge_method": "S256",
        **more,
    }  # fmt: skip
    return f"{office.url}/oidc/authorize?{urlencode(asked)}"


def _log_in(page: Page) -> None:
    page.locator("input[name=login]").fill("ruth")
    page.get_by_role("button", name="Log in").click()


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
@pytest.mark.parametrize(("button", "said"), [("Allow", "code"), ("Deny", "error")])
def test_the_answer_gets_from_the_consent_page_to_the_program(at_office: Office, visit: Visit, host, button, said):
    with _listening("::1" if host == "[::1]" else "127.0.0.1") as listener:
        page = visit(_authorize(at_office, f"http://{host}:{listener.server_port}"), **_SELF_SIGNED)
        _log_in(page)
        expect(page.get_by_role("heading", name="Log in to kubectl?")).to_be_visible()
        expect(page.get_by_text(f"http://{host}:{listener.server_port}")).to_be_visible()
        page.get_by_role("button", name=button).click()
        expect(page).to_have_title("kubectl")
    (heard,) = listener.heard
    assert heard[said]
    assert (heard["state"], heard["iss"]) == (["of-kubectl"], [at_office.url])


def test_a_device_is_let_in_by_the_code_that_is_typed(at_office: Office, visit: Visit):
    with httpx.Client(base_url=at_office.url, verify=_trusting(), trust_env=False, timeout=30) as device:
        asked = device.post(
            "/oidc/device_authorization", data={"client_id": "kube"}, headers={"User-Agent": "a-headless-box"}
        ).json()

        def poll() -> httpx.Response:
            form = {"grant_type": DEVICE_CODE, "device_code": asked["device_code"], "client_id": "kube"}
            return device.post("/oidc/token", data=form)

        page = visit(asked["verification_uri"], **_SELF_SIGNED)
        _log_in(page)
        page.get_by_label("Code").fill(asked["user_code"].lower())
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("heading", name="Waiting for the device")).to_be_visible()
        assert poll().json()["error"] == "authorization_pending"
        expect(page.get_by_role("heading", name="Log in this device?")).to_be_visible(timeout=15_000)
        expect(page.get_by_text("a-headless-box")).to_be_visible()
        page.get_by_role("button", name="Approve").click()
        expect(page.get_by_role("heading", name="The device is logged in")).to_be_visible()
        answer = poll()
        assert answer.is_success or answer.json()["error"] == "slow_down"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_on_these_pages_keeps_people_out(at_office: Office, visit: Visit, complaints, scheme):
    page = visit(f"{at_office.url}/oidc/device", color_scheme=scheme, viewport=_NARROW, **_SELF_SIGNED)
    _log_in(page)
    expect(page.get_by_label("Code")).to_be_visible()
    with httpx.Client(verify=_trusting(), trust_env=False) as device:
        asked = device.post(f"{at_office.url}/oidc/device_authorization", data={"client_id": "kube"}).json()
    addresses = {
        f"{at_office.url}/oidc/device": "Log in on a device",
        asked["verification_uri_complete"]: "Log in this device?",
        _authorize(at_office, "http://localhost:8000"): "Log in to kubectl?",
        _authorize(at_office, "https://evil.example"): "This login link cannot be used",
    }
    for address, heading in addresses.items():
        page.goto(address)
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == _NARROW["width"]
        violations = Axe().run(page).response["violations"]
        assert [f"{v['id']}: {n['html']}" for v in violations if v["impact"] in _GRAVE for n in v["nodes"]] == []
    assert re.match("400 GET", complaints.pop())


def _trusting() -> ssl.SSLContext:
    """The certificate is the test's own; what is tried here is not TLS."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
