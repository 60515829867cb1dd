"""The signing key changes under a running cluster. Trap: a rotation is refused until the API server must have heard of
the next key; the test waits for what is left of that, so it comes late in the run."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest

from tests.e2e.conftest import Kubectl
from tests.e2e.identity.conftest import reviewed
from tests.e2e.identity.desk import Desk
from tests.e2e.identity.installation import Installation
from tests.e2e.identity.oauth import Program

pytestmark = pytest.mark.e2e


def published(trusted: Installation, url: str) -> list[dict[str, Any]]:
    with httpx.Client(verify=trusted.tls, trust_env=False) as http:
        answer = http.get(f"{url}/oidc/jwks")
    keys: list[dict[str, Any]] = answer.json()["keys"]
    return keys


def rotate(trusted: Installation) -> None:
    deadline = time.monotonic() + 180
    while (done := trusted.genet("keys", "rotate")).returncode != 0:
        assert "can sign from" in done.stderr, done.stderr
        assert time.monotonic() < deadline, done.stderr
        time.sleep(2)


def kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


async def test_no_token_is_refused_before_during_and_after_a_rotation(
    trusted: Installation, kubectl: Kubectl, hire: Callable[..., Desk]
) -> None:
    async with trusted.browser(hire().person) as browser:
        program = Program(trusted, browser.http)
        tokens = await program.tokens(browser)
        before = {key["kid"] for key in published(trusted, trusted.issuer)}
        old = kid(tokens["id_token"])
        await asyncio.to_thread(rotate, trusted)
        signs = {server.url: old for server in trusted.servers}
        deadline = time.monotonic() + 10
        # a replica that has not heard of it yet signs with the old key, which is as good
        while old in signs.values():
            for server in trusted.servers:
                tokens = (await program.refresh(tokens["refresh_token"], at=server.url)).json()
                assert reviewed(kubectl, tokens["id_token"])["authenticated"]
                signs[server.url] = kid(tokens["id_token"])
            assert time.monotonic() < deadline, signs
    assert len(set(signs.values())) == 1
    assert set(signs.values()) < before, "what signs now was published before"
    for server in trusted.servers:
        now = {key["kid"] for key in published(trusted, server.url)}
        assert before < now
        assert len(now) == 3
    done = await asyncio.to_thread(trusted.genet, "keys", "rotate")
    assert done.returncode != 0, "the next key has only just been published"
    assert "can sign from" in done.stderr
    assert {key["kid"] for key in published(trusted, trusted.issuer)} == now
