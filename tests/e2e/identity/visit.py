"""A person's browser as a program: `BROWSER` names it, and what wants to show a page starts it with the address.

python -m tests.e2e.identity.visit URL      TEST_LOGIN: who sits there; TEST_CA: the authority that is trusted
"""

import asyncio
import os
import ssl
import sys

import httpx

from tests.upstream.browser import Browser


async def visit(url: str) -> None:
    trusted = ssl.create_default_context(cafile=os.environ["TEST_CA"])
    async with httpx.AsyncClient(verify=trusted, trust_env=False, timeout=30) as http:
        browser = Browser(http, login=os.environ["TEST_LOGIN"])
        page = await browser.open(url)
        if page.forms:
            page = await browser.submit(page, page.form("form"), button="allow")
        assert page.status == httpx.codes.OK, f"{page.status} {page.text}"


if __name__ == "__main__":
    asyncio.run(visit(sys.argv[1]))
