"""One installation for all tests here: the API server keeps an issuer's keys for a minute, and one issuer it knows."""

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Kubectl, missing
from tests.e2e.conftest import installed as found
from tests.e2e.identity.desk import Desk
from tests.e2e.identity.installation import AUTHORITY_VARIABLE, ISSUER_VARIABLE, Installation, installed
from tests.e2e.identity.oauth import Program
from tests.helm.conftest import ACCEPTED, CHART
from tests.processes import until
from tests.upstream.provider import Employee


@pytest.fixture(scope="session")
def installation(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    expired = int(os.environ.get("GENET_E2E_EXPIRED_GRANTS", "10000"))
    with installed(Path(tmp_path_factory.mktemp("identity")), kubectl, expired_grants=expired) as running:
        yield running


@pytest.fixture(autouse=True)
def _both_replicas_run(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test killed or chose, the next one finds two replicas, reached in turn."""
    yield
    if "installation" in request.fixturenames:
        installation: Installation = request.getfixturevalue("installation")
        for server in installation.servers:
            if server.process is None:
                server.start()
        installation.wait_ready()
        installation.through()


@pytest.fixture(scope="session")
def trusted(installation: Installation, kubectl: Kubectl) -> Iterator[Installation]:
    """The installation whose tokens the API server takes, by now; with the roles that its chart brings."""
    if not installation.is_trusted:
        missing(f"no API server trusts these replicas: {ISSUER_VARIABLE} and {AUTHORITY_VARIABLE} are not set")
    is_there = kubectl.run("get", "clusterrole", "genet-user").returncode == 0
    role = "" if is_there else _user_role()
    if role:
        kubectl("apply", "-f", "-", stdin=role)
    token = asyncio.run(_token(installation, installation.hire()))
    until(
        # each time a new one: it is over before an API server that asks every ten seconds has found the issuer
        lambda: reviewed(kubectl, asyncio.run(_refreshed(installation, token)))["authenticated"],
        seconds=120,
        what="the API server takes the issuer's tokens",
    )
    yield installation
    if role:
        kubectl("delete", "-f", "-", "--ignore-not-found", stdin=role)


@pytest.fixture
def hire(installation: Installation, kubectl: Kubectl, tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """Makes people with a machine of their own; their namespaces are deleted afterwards."""
    desks: list[Desk] = []

    def make(*groups: str) -> Desk:
        person = installation.hire(*groups)
        desks.append(Desk(installation, person, tmp_path / person.login))
        return desks[-1]

    yield make
    for desk in desks:
        kubectl("delete", "namespace", desk.namespace, "--wait=false", "--ignore-not-found")


def reviewed(kubectl: Kubectl, token: str) -> dict[str, Any]:
    """What the API server makes of a token: `authenticated`, `user {username, groups}`."""
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
    status = json.loads(kubectl("create", "-o", "json", "-f", "-", stdin=json.dumps(review)))["status"]
    return {"authenticated": False, **status}


def wait_for(moment: float) -> None:
    """Until the clock says so (seconds since 1970): what a token's end is, nobody else can tell."""
    time.sleep(max(0.0, moment - time.time()))


def _user_role() -> str:
    command = [found("helm"), "template", "genet", str(CHART), *ACCEPTED, "--show-only", "templates/rbac/user.yaml"]
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def _token(installation: Installation, person: Employee) -> dict[str, str]:
    async with installation.browser(person) as browser:
        return await Program(installation, browser.http).tokens(browser)


async def _refreshed(installation: Installation, tokens: dict[str, str]) -> str:
    async with installation.client() as http:
        answer = await Program(installation, http).refresh(tokens["refresh_token"])
        assert answer.status_code == 200, answer.text
        tokens |= answer.json()
    return tokens["id_token"]
