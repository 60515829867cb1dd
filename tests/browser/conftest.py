"""A real Chromium in front of a real `genet demo`, and ears for what a page should never say.

Every page of every test is listened to: an error on the console, a violation of the Content-Security-Policy, a refused
request or one to a foreign origin fails the test that it happens in, unless the test takes it off the list.

Trap: Playwright's synchronous form keeps an event loop running in this thread, so it must not outlive these tests: the
fixtures are of package scope, never of session scope.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, sync_playwright

from tests.browser.chromium import ARGUMENTS, executable
from tests.browser.demo import Demo, demonstrating

Visit = Callable[..., Page]

_REFUSED = 400
# Chromium repeats every refused request on the console, without the method; the response itself is listened to.
_ECHO = "Failed to load resource: the server responded with a status of"


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = executable(playwright) or _missing("there is no Chromium: apt-get install chromium")
        with playwright.chromium.launch(executable_path=path, args=ARGUMENTS) as chromium:
            yield chromium


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Demo]:
    """One for all tests that leave it as it was; each acts as a person of its own."""
    with demonstrating("small", tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest.fixture
def complaints() -> list[str]:
    """What was wrong so far; a test that provokes something takes it out again."""
    return []


@pytest.fixture
def visit(browser: Browser, complaints: list[str]) -> Iterator[Visit]:
    """Opens an address in a window of its own; keywords are Playwright's for a browser context."""
    contexts = []

    def opened(url: str, **context: Any) -> Page:
        contexts.append(browser.new_context(**{"viewport": {"width": 1400, "height": 900}, "locale": "en"} | context))
        page = contexts[-1].new_page()
        _listen(page, url, complaints)
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def _listen(page: Page, url: str, complaints: list[str]) -> None:
    origin = "/".join(url.split("/", 3)[:3]) + "/"

    def said(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(_ECHO):
            complaints.append(message.text)

    def answered(response: Response) -> None:
        if response.status >= _REFUSED:
            path = response.url.removeprefix(origin).partition("?")[0]
            complaints.append(f"{response.status} {response.request.method} /{path}")

    def asked(request: Request) -> None:
        if not request.url.startswith((origin, "data:")):
            complaints.append(f"foreign: {request.url}")

    page.on("console", said)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("response", answered)
    page.on("request", asked)


def _missing(reason: str) -> NoReturn:
    if os.environ.get("GENET_E2E_REQUIRED") == "1":
        pytest.fail(f"GENET_E2E_REQUIRED is set, but {reason}")
    pytest.skip(reason)
