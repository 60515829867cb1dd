"""The command line at a provider that others wrote, which is certified: what it sends is what the standards mean."""

import asyncio
import time

import httpx

from genet.client.calls import Calls
from genet.client.login import Way, log_in, renew
from genet.client.provider import discover
from tests.upstream.browser import Browser
from tests.upstream.provider import CLIENT_ID, Employee, company


async def test_it_logs_in_renews_and_logs_out_at_an_independent_provider(tmp_path):
    loop = asyncio.get_running_loop()
    alice = Employee("alice", groups=("staff",))
    native = company(tmp_path, redirect_uris=["http://127.0.0.1/"], secret=None, is_native=True, employees=(alice,))
    with native as upstream, Calls(None) as calls:
        async with httpx.AsyncClient(trust_env=False) as http:
            browser = Browser(http, login="alice")

            def opens(url: str) -> None:
                asyncio.run_coroutine_threadsafe(browser.open(url), loop).result(20)

            def comes_and_goes() -> None:
                provider = discover(upstream.issuer, calls, CLIENT_ID)
                way = Way(open_url=opens, limit_seconds=20)
                login = log_in(provider, CLIENT_ID, None, way, clock=time.time)
                assert login.subject == alice.subject
                renewed = renew(provider, login, clock=time.time)
                assert renewed.access_token != login.access_token
                assert renewed.refresh_token is not None
                assert provider.revoke(renewed.refresh_token, "refresh_token")

            await asyncio.to_thread(comes_and_goes)
