"""A replica is killed at every step of every flow: the flow goes on at the other one, or fails in the protocol's own
words and can be begun again. Nobody ever sees a server's fault."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from tests.e2e.identity.installation import Installation, Server
from tests.e2e.identity.oauth import DEVICE_GRANT, SCOPE, Program
from tests.upstream.browser import Browser, Page
from tests.upstream.provider import Employee

pytestmark = pytest.mark.e2e

LATEST_KILL_SECONDS = 0.02


class Refused(Exception):
    """In the protocol's own words, or on a page for people that says what to do."""


class Killing(httpx.AsyncBaseTransport):
    """Kills a replica at one of the requests to Genet, counted from 0, and sends what was left unanswered again.

    Args:
        step: which request; None: none of them, they are only counted.
        delay: seconds after the request was sent; None: just before.
    """

    def __init__(self, installation: Installation, victim: Server, step: int | None, delay: float | None) -> None:
        self.count = 0
        self.was_answered = True
        self._installation = installation
        self._victim = victim
        self._step = step
        self._delay = delay
        self._inner = httpx.AsyncHTTPTransport(verify=installation.tls)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not str(request.url).startswith(self._installation.issuer):
            return await self._inner.handle_async_request(request)
        self.count += 1
        if self.count - 1 != self._step:
            return await self._inner.handle_async_request(request)
        if self._delay is None:
            self._kill()
            return await self._inner.handle_async_request(request)
        sending = asyncio.create_task(self._whole(request))
        await asyncio.sleep(self._delay)
        self._kill()
        try:
            return await sending
        except httpx.TransportError:
            self.was_answered = False
            return await self._inner.handle_async_request(request)

    async def _whole(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        await answer.aread()
        return answer

    def _kill(self) -> None:
        self._victim.kill()
        self._installation.through(*(server for server in self._installation.servers if server is not self._victim))

    async def aclose(self) -> None:
        await self._inner.aclose()


@asynccontextmanager
async def browsing(killing: Killing, person: Employee) -> AsyncIterator[Browser]:
    async with httpx.AsyncClient(transport=killing, timeout=30) as http:
        yield Browser(http, login=person.login)


async def journey(installation: Installation, browser: Browser) -> None:
    """Log in, authorize a client, redeem, ask, refresh, log in a device, log out. Raises Refused."""
    page = await browser.sign_in(installation.issuer, next_="/healthz")
    _check_page(page)
    program = Program(installation, browser.http)
    url, asked = await program.request()
    page = _check_page(await browser.open(url, stop=program.redirect_uri))
    page = _check_page(await browser.submit(page, page.form("form"), button="allow", stop=program.redirect_uri))
    form = {"code": page.parameters["code"], "redirect_uri": program.redirect_uri, "code_verifier": asked.verifier}
    tokens = _check(await program.token(grant_type="authorization_code", **form))
    _check(await program.userinfo(tokens["access_token"]))
    _check(await program.refresh(tokens["refresh_token"]))
    device = _check(
        await browser.http.post(
            await program.endpoint("device_authorization"), data={"client_id": program.client_id, "scope": SCOPE}
        )
    )
    page = _check_page(await browser.open(device["verification_uri_complete"]))
    _check_page(await browser.submit(page, page.form("form"), button="allow"))
    _check(await program.token(grant_type=DEVICE_GRANT, device_code=device["device_code"]))
    _check_api(await browser.fetch("POST", f"{installation.issuer}/api/auth/logout"))


async def test_a_replica_killed_at_any_step_of_any_flow_costs_a_retry_at_the_most(installation: Installation) -> None:
    outcomes = Counter[str]()
    chance = random.Random(20261122)  # noqa: S311 # nothing secret
    first, second = installation.servers
    counting = Killing(installation, first, None, None)
    async with browsing(counting, installation.hire()) as browser:
        await journey(installation, browser)
    assert counting.count >= 12
    for step in range(counting.count):
        for delay in (None, chance.uniform(0, LATEST_KILL_SECONDS)):
            victim = (first, second)[sum(outcomes.values()) % 2]
            for server in installation.servers:
                if server.process is None:
                    server.start()
            installation.wait_ready()
            installation.through(victim)
            killing = Killing(installation, victim, step, delay)
            # somebody else each time: nobody may try many device codes
            async with browsing(killing, installation.hire()) as browser:
                try:
                    await journey(installation, browser)
                except Refused as refusal:
                    outcomes[f"refused: {refusal}"] += 1
                    await journey(installation, browser)  # from the start, at the replica that is left
                else:
                    outcomes["went on" if killing.was_answered else "went on after asking again"] += 1
            assert victim.process is None
    print(
        f"\na replica killed at each of {counting.count} requests, before and while it was answered: {dict(outcomes)}"
    )
    assert sum(outcomes.values()) == 2 * counting.count
    assert outcomes["went on"] >= counting.count, "killed before a request, nothing that was done is lost"


def _check_page(page: Page) -> Page:
    assert page.status < 500, f"{page.url}: {page.status} {page.text}"
    if "error" in page.parameters:
        raise Refused(page.parameters["error"])
    if page.status >= 400:
        raise Refused(f"page {page.status} of {urlsplit(page.url).path}")
    return page


def _check(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code < 500, answer.text
    if answer.is_error:
        raise Refused(answer.json()["error"])
    found: dict[str, str] = answer.json()
    return found


def _check_api(answer: httpx.Response) -> None:
    assert answer.status_code < 500, answer.text
    if answer.is_error:
        raise Refused(answer.json()["code"])
