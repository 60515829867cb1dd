"""Two replicas as two processes: what one promised the other keeps, and what happens twice happens once."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

import httpx
import pytest

from tests.e2e.identity.installation import Installation
from tests.e2e.identity.oauth import Program, confidential, error_of

pytestmark = pytest.mark.e2e

ROUNDS = 100
PARALLEL = 12


async def at_once(requests: Sequence[httpx.Request], clients: Sequence[httpx.AsyncClient]) -> list[httpx.Response]:
    """Each on a connection that is open already, from one barrier."""
    barrier = asyncio.Barrier(len(requests))

    async def send(request: httpx.Request, client: httpx.AsyncClient) -> httpx.Response:
        await barrier.wait()
        return await client.send(request)

    return list(await asyncio.gather(*map(send, requests, clients)))


class Crowd:
    """Clients with an open connection each, in turn to both replicas."""

    def __init__(self, installation: Installation, clients: list[httpx.AsyncClient]) -> None:
        self.clients = clients
        self.urls = [installation.servers[n % 2].url for n in range(len(clients))]

    async def send(self, program: Program, form: dict[str, str]) -> list[httpx.Response]:
        path = (await program.metadata())["token_endpoint"].removeprefix(program.installation.issuer)
        data = form | {"client_id": program.client_id, "client_secret": program.secret or ""}
        requests = [
            client.build_request("POST", f"{url}{path}", data=data)
            for client, url in zip(self.clients, self.urls, strict=True)
        ]
        return await at_once(requests, self.clients)

    async def close(self) -> None:
        for client in self.clients:
            await client.aclose()


async def crowd(installation: Installation, count: int = PARALLEL) -> Crowd:
    clients = [httpx.AsyncClient(verify=installation.tls, trust_env=False, timeout=30) for _ in range(count)]
    made = Crowd(installation, clients)
    for client, url in zip(made.clients, made.urls, strict=True):
        await client.get(f"{url}/healthz")
    return made


async def test_of_twelve_that_present_a_code_one_is_answered_and_its_grant_is_dead(installation: Installation) -> None:
    counts: Counter[tuple[int, str]] = Counter()
    outlived: list[str] = []
    presenters = await crowd(installation)
    async with installation.browser(installation.hire()) as browser:
        program = confidential(installation, browser.http)
        for _ in range(ROUNDS):
            asked = await program.authorize(browser)
            form = {"grant_type": "authorization_code", "code": asked.code, "redirect_uri": program.redirect_uri}
            answers = await presenters.send(program, form | {"code_verifier": asked.verifier or ""})
            counts.update(error_of(answer) for answer in answers)
            (won,) = [answer.json() for answer in answers if answer.status_code == 200]
            for server in installation.servers:
                refreshed = await program.refresh(won["refresh_token"], at=server.url)
                told = await program.userinfo(won["access_token"], at=server.url)
                if (error_of(refreshed), told.status_code) != ((400, "invalid_grant"), 401):
                    outlived.append(f"{server.url}: {refreshed.status_code} {told.status_code}")
    await presenters.close()
    print(f"\n{ROUNDS} codes, each presented by {PARALLEL} at once to two replicas: {dict(counts)}")
    assert counts == {(200, ""): ROUNDS, (400, "invalid_grant"): ROUNDS * (PARALLEL - 1)}
    assert not outlived


async def test_of_twelve_that_refresh_at_once_all_get_the_same_new_token(installation: Installation) -> None:
    counts: Counter[int] = Counter()
    presenters = await crowd(installation)
    async with installation.browser(installation.hire()) as browser:
        program = Program(installation, browser.http)
        token = (await program.tokens(browser))["refresh_token"]
        for _ in range(ROUNDS):
            answers = await presenters.send(program, {"grant_type": "refresh_token", "refresh_token": token})
            counts.update(answer.status_code for answer in answers)
            (following,) = {answer.json().get("refresh_token") for answer in answers}
            assert following != token
            token = following
        assert (await program.refresh(token)).status_code == 200
    await presenters.close()
    print(f"\n{ROUNDS} refresh tokens, each sent by {PARALLEL} at once to two replicas: {dict(counts)}")
    assert counts == {200: ROUNDS * PARALLEL}


async def test_a_refresh_token_that_comes_back_after_its_grace_ends_the_grant_everywhere(
    installation: Installation,
) -> None:
    async with installation.browser(installation.hire()) as browser:
        program = Program(installation, browser.http)
        first = (await program.tokens(browser))["refresh_token"]
        second = (await program.refresh(first)).json()["refresh_token"]
        third = (await program.refresh(second)).json()
        assert error_of(await program.refresh(first, at=installation.servers[0].url)) == (400, "invalid_grant")
        for server in installation.servers:
            refused = await program.refresh(third["refresh_token"], at=server.url)
            assert error_of(refused) == (400, "invalid_grant")
            assert (await program.userinfo(third["access_token"], at=server.url)).status_code == 401


async def test_a_session_begun_at_one_replica_counts_at_the_other_and_ends_there_within_two_seconds(
    installation: Installation,
) -> None:
    here, there = installation.servers
    installation.through(here)
    async with installation.browser(installation.hire()) as browser:
        cookies = {cookie.name: cookie.value or "" for cookie in browser.http.cookies.jar}
        async with httpx.AsyncClient(verify=installation.tls, trust_env=False, cookies=cookies) as stolen:

            async def is_known(url: str) -> bool:
                return bool((await stolen.get(f"{url}/api/auth/status")).json()["authenticated"])

            assert await is_known(there.url), "the first request to the other replica"
            assert (await browser.fetch("POST", f"{installation.issuer}/api/auth/logout")).is_success
            ended_at = time.monotonic()
            assert not await is_known(here.url), "where it was ended it ends at once"
            while await is_known(there.url):
                assert time.monotonic() - ended_at < 2
                await asyncio.sleep(0.02)
            print(f"\nthe other replica knew {1000 * (time.monotonic() - ended_at):.0f} ms later")
