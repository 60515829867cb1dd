"""A browser as far as login matters: cookies, redirects, forms, and what a browser says of itself with each request.

It runs no scripts and draws nothing. Trap: it keeps `Secure` and `__Host-` cookies as a browser does, so Genet must be
reached by an https address, over the wire or over ASGI (`httpx.AsyncClient(mounts={"https://localhost": …})`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx

_REDIRECTS: Final = (301, 302, 303)
_MOST_REDIRECTS: Final = 20
_CHOICES: Final = ("checkbox", "radio")


@dataclass(frozen=True)
class Form:
    action: str
    """Absolute."""
    method: str
    fields: dict[str, str]
    """What it sends if nobody fills in anything; without its buttons."""
    buttons: list[dict[str, str]]
    """`name` and `value` of each, and what is on it as `text`."""


@dataclass(frozen=True)
class Page:
    """Where the browser is. A page that nobody serves (the redirect URI of a client) has the status 0."""

    url: str
    status: int
    text: str
    headers: httpx.Headers
    forms: list[Form] = field(default_factory=list)

    @property
    def parameters(self) -> dict[str, str]:
        """Of the query of its address."""
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    def form(self, *names: str) -> Form:
        """The one that has all these fields."""
        found = [form for form in self.forms if set(names) <= set(form.fields)]
        assert len(found) == 1, f"{len(found)} forms with {names} at {self.url}: {self.status} {self.text[:2000]}"
        return found[0]


class Browser:
    """One person's browser.

    Args:
        http: its connections and cookies; for a browser of its own, a client of its own.
        login: what the person types at the company's provider when asked; None: the browser stops there.
    """

    def __init__(self, http: httpx.AsyncClient, *, login: str | None = None) -> None:
        self.http = http
        self.login = login

    async def open(self, url: str, *, stop: str | None = None) -> Page:
        """Types the address and follows redirects; one to an address that begins with `stop` is not fetched."""
        return await self._go("GET", url, None, came_from=None, stop=stop)

    async def follow(self, page: Page, url: str, *, stop: str | None = None) -> Page:
        """As `open`, by a link on a page."""
        return await self._go("GET", urljoin(page.url, url), None, came_from=page.url, stop=stop)

    async def submit(
        self,
        page: Page,
        form: Form,
        fields: Mapping[str, str] | None = None,
        *,
        button: str | None = None,
        stop: str | None = None,
    ) -> Page:
        """Sends a form as filled in; `button` is a part of what is on the button pressed, or its value."""
        data = form.fields | dict(fields or {})
        if button is not None:
            pressed = [one for one in form.buttons if button.lower() in (one["text"].lower(), one["value"].lower())]
            pressed = pressed or [one for one in form.buttons if button.lower() in one["text"].lower()]
            assert len(pressed) == 1, f"{len(pressed)} buttons {button!r} among {form.buttons}"
            if pressed[0]["name"]:
                data[pressed[0]["name"]] = pressed[0]["value"]
        if form.method == "GET":
            return await self._go("GET", str(httpx.URL(form.action, params=data)), None, page.url, stop)
        return await self._go("POST", form.action, data, page.url, stop)

    async def sign_in(self, origin: str, login: str | None = None, *, next_: str = "/") -> Page:
        """Through the company's login at Genet; ends wherever Genet sends the browser in the end."""
        self.login = login or self.login
        url = httpx.URL(f"{origin}/api/auth/login", params={"next": next_})
        return await self.open(str(url))

    async def fetch(self, method: str, url: str, **more: Any) -> httpx.Response:
        """What a script of Genet's own page sends."""
        headers = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
        if method not in ("GET", "HEAD"):
            headers["Origin"] = origin_of(url)
        return await self.http.request(method, url, headers=headers | more.pop("headers", {}), **more)

    async def _go(
        self, method: str, url: str, data: dict[str, str] | None, came_from: str | None, stop: str | None
    ) -> Page:
        site, starter = "none" if came_from is None else "same-origin", came_from
        for _ in range(_MOST_REDIRECTS):
            if stop is not None and url.startswith(stop):
                return Page(url, 0, "", httpx.Headers())
            if starter is not None and origin_of(url) != origin_of(starter):
                site = "cross-site"
            headers = {
                "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
                "Sec-Fetch-Site": site,
                "Sec-Fetch-Mode": "navigate",
                "Sec-Fetch-Dest": "document",
                "User-Agent": "Mozilla/5.0 (tests)",
            }
            if method == "POST" and came_from is not None:
                headers["Origin"] = origin_of(came_from)
            response = await self.http.request(method, url, data=data, headers=headers, follow_redirects=False)
            if response.status_code not in _REDIRECTS:
                return await self._arrive(url, response, stop)
            method, data = "GET", None
            starter = starter and url
            url = urljoin(url, response.headers["location"])
        raise AssertionError(f"redirected for ever, now to {url}")

    async def _arrive(self, url: str, response: httpx.Response, stop: str | None) -> Page:
        is_html = response.headers.get("content-type", "").startswith("text/html")
        text = response.text
        page = Page(url, response.status_code, text, response.headers, _forms(url, text) if is_html else [])
        asked = [form for form in page.forms if "login" in form.fields and "/interaction/" in url]
        if asked and self.login is not None and "No such account" not in text:
            return await self.submit(page, asked[0], {"login": self.login}, stop=stop)
        return page


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class _Forms(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.forms: list[Form] = []
        self._is_in_form = False
        self._is_in_button = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            action = urljoin(self.url, given.get("action", ""))
            self.forms.append(Form(action, given.get("method", "get").upper(), {}, []))
            self._is_in_form = True
        elif not self._is_in_form:
            return
        elif tag == "button" or (tag == "input" and given.get("type") == "submit"):
            name, value = given.get("name", ""), given.get("value", "")
            self.forms[-1].buttons.append({"name": name, "value": value, "text": value if tag == "input" else ""})
            self._is_in_button = tag == "button"
        elif tag == "input" and "name" in given and (given.get("type") not in _CHOICES or "checked" in given):
            self.forms[-1].fields[given["name"]] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._is_in_button:
            self.forms[-1].buttons[-1]["text"] += data.strip()

    def handle_endtag(self, tag: str) -> None:
        self._is_in_form = self._is_in_form and tag != "form"
        self._is_in_button = self._is_in_button and tag != "button"


def _forms(url: str, text: str) -> list[Form]:
    parser = _Forms(url)
    parser.feed(text)
    return parser.forms
