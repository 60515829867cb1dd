"""npm openid-client logs people in at Genet: a client that knows the specifications and nothing of Genet."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from genet import naming
from tests.e2e.identity.installation import CONFIDENTIAL, CONFIDENTIAL_REDIRECT, CONFIDENTIAL_SECRET, Installation
from tests.e2e.identity.oauth import SCOPE, allow
from tests.npm import HERE, node
from tests.processes import environment
from tests.upstream.browser import Browser

pytestmark = pytest.mark.e2e

PUBLIC = {"clientID": "kube", "authentication": "none", "redirectURI": "http://127.0.0.1:49152/", "pkce": True}
SECRET = {"clientID": CONFIDENTIAL, "secret": CONFIDENTIAL_SECRET, "redirectURI": CONFIDENTIAL_REDIRECT}


class Conversation:
    """With the program: each line it prints is answered by one."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        async with asyncio.timeout(60):
            line = await self._process.stdout.readline()
        if not line:
            assert self._process.stderr is not None
            raise AssertionError((await self._process.stderr.read()).decode())
        heard: dict[str, Any] = json.loads(line)
        return heard

    def say(self, value: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(value).encode() + b"\n")


@asynccontextmanager
async def program(installation: Installation, **asked: Any) -> AsyncIterator[Conversation]:
    process = await asyncio.create_subprocess_exec(
        node(), str(HERE / "client.mjs"),
        env=environment(NODE_EXTRA_CA_CERTS=str(installation.ca_file)),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    conversation = Conversation(process)
    conversation.say({"issuer": installation.issuer, "scope": SCOPE, **asked})
    try:
        yield conversation
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def check(found: dict[str, Any], identifier: str, client_id: str, *, is_dead_because_of: str) -> None:
    for claims in (found["claims"], found["refreshed"]):
        assert (claims["sub"], claims["aud"], claims["groups"]) == (identifier, client_id, ["staff"])
        assert claims["email_verified"] is True
    assert found["claims"]["auth_time"] == found["refreshed"]["auth_time"]
    assert "nonce" not in found["refreshed"]
    assert found["userinfo"]["email"].endswith("@example.org")
    assert set(found["scope"].split()) == set(SCOPE.split())
    if is_dead_because_of == "replay":
        assert found["replay"] == "invalid_grant"
    assert found["refreshAfter"] == "invalid_grant"
    assert found["userinfoAfter"] is not None


@pytest.mark.parametrize("end", ["revoke", "replay"])
@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(PUBLIC, id="public"),
        pytest.param({**SECRET, "authentication": "basic", "pkce": True}, id="basic-pkce"),
        pytest.param({**SECRET, "authentication": "post", "pkce": False}, id="post-no-pkce"),
    ],
)
async def test_it_logs_in_by_code(installation: Installation, asked: dict[str, Any], end: str) -> None:
    person = installation.hire("staff")
    identifier = naming.user_identifier(person.login, f"{person.login}@example.org")
    async with installation.client() as http, program(installation, flow="code", end=end, **asked) as client:
        browser = Browser(http, login=person.login)
        stop = asked["redirectURI"]
        page = await allow(browser, await browser.open((await client.hear())["open"], stop=stop), stop=stop)
        client.say({"arrived": page.url})
        found = (await client.hear())["found"]
    check(found, identifier, asked["clientID"], is_dead_because_of=end)


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(PUBLIC, id="public"),
        pytest.param({**SECRET, "authentication": "basic"}, id="confidential"),
    ],
)
async def test_it_logs_in_a_device(installation: Installation, asked: dict[str, Any]) -> None:
    person = installation.hire("staff")
    identifier = naming.user_identifier(person.login, f"{person.login}@example.org")
    async with (
        installation.browser(person) as browser,
        program(installation, flow="device", end="revoke", **asked) as client,
    ):
        told = await client.hear()
        page = await browser.open(told["open"])
        assert told["code"] in page.text
        page = await browser.submit(page, page.form("form"), button="allow")
        assert page.status == 200, page.text
        client.say({})
        found = (await client.hear())["found"]
    check(found, identifier, asked["clientID"], is_dead_because_of="revoke")
