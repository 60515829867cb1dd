"""The company's OpenID Provider that tests log in at: npm oidc-provider, a program of its own on loopback.

    with company(tmp_path, redirect_uris=["https://localhost/api/auth/callback"]) as upstream:
        upstream.add(Employee("alice", groups=("staff",)))

`upstream` below is the same as a fixture. Trap: what it knows is gone when it ends; `stop` and `start` only close and
open its port.
"""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest

from tests.npm import HERE, node
from tests.processes import environment

CLIENT_ID: Final = "genet"
CLIENT_SECRET: Final = "the company gave Genet this: 0d0b8a"
DEFAULT_REDIRECTS: Final = tuple(
    f"{origin}{path}"
    for origin in ("https://localhost", "http://localhost:8080", "https://localhost:8080")
    for path in ("/api/auth/callback", "/oidc/callback")
)


@dataclass(frozen=True)
class Employee:
    """Somebody with an account at the company. What is None or empty, the provider does not say."""

    login: str
    email: str | None = ""
    """Empty: `{login}@example.org`."""
    email_verified: bool | None = True
    groups: tuple[str, ...] = ()
    sub: str = ""
    """Empty: `sub-of-{login}`."""
    username: str = ""
    """Empty: the login."""
    is_disabled: bool = False

    @property
    def subject(self) -> str:
        return self.sub or f"sub-of-{self.login}"

    def account(self) -> dict[str, Any]:
        email = f"{self.login}@example.org" if self.email == "" else self.email
        claims = {
            "sub": self.subject,
            "preferred_username": self.username or self.login,
            "name": self.login.title(),
            "email": email,
            "email_verified": self.email_verified,
            "groups": list(self.groups),
        }
        return {
            "claims": {name: value for name, value in claims.items() if value is not None},
            "disabled": self.is_disabled,
        }


class Upstream:
    """A running provider."""

    def __init__(self, process: subprocess.Popen[str], issuer: str, ca_file: Path | None) -> None:
        self.issuer = issuer
        self.client_id = CLIENT_ID
        self.client_secret = CLIENT_SECRET
        self.ca_file = ca_file
        self.employees: dict[str, Employee] = {}
        self._process = process

    def settings(self, **more: Any) -> dict[str, Any]:
        """What the configuration file of Genet says under `oauth`."""
        told: dict[str, Any] = {
            "providerURL": self.issuer,
            "clientID": self.client_id,
            "clientSecret": self.client_secret,
        }
        if self.ca_file is not None:
            told["caFile"] = str(self.ca_file)
        return told | more

    def add(self, *employees: Employee) -> None:
        for employee in employees:
            self.employees[employee.login] = employee
            self._do("account", login=employee.login, account=employee.account())

    def change(self, login: str, **changes: Any) -> None:
        """Anything of an `Employee`: `groups`, `email`, `is_disabled`, …"""
        self.add(replace(self.employees[login], **changes))

    def disable(self, login: str) -> None:
        self.change(login, is_disabled=True)

    def revoke(self, login: str) -> None:
        """What the person was given so far is worth nothing any more; the account stays."""
        self._do("revoke", login=login)

    def stop(self) -> None:
        """Nobody reaches it."""
        self._do("stop")

    def start(self) -> None:
        """It is back, and knows what it knew."""
        self._do("start")

    def grants(self, grant_type: str) -> int:
        """How often tokens were given for it: `authorization_code`, `refresh_token`."""
        return int(self._do("grants").get(grant_type, 0))

    def _do(self, command: str, **more: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": command, **more}) + "\n")
        self._process.stdin.flush()
        return answer(self._process)


def answer(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "the company's provider has ended; see its log"
    return json.loads(line)


@contextmanager
def company(
    directory: Path,
    *,
    redirect_uris: Sequence[str] = DEFAULT_REDIRECTS,
    secret: str | None = CLIENT_SECRET,
    refresh_tokens: bool = True,
    rotate: bool = True,
    claims_only_in_userinfo: bool = False,
    is_native: bool = False,
    tls: tuple[Path, Path] | None = None,
    ca_file: Path | None = None,
    employees: Sequence[Employee] = (),
) -> Iterator[Upstream]:
    """A provider on a free port.

    Args:
        redirect_uris: of Genet, compared exactly.
        secret: of Genet there; None: Genet is a public client.
        refresh_tokens: whether it gives some, for whatever scope.
        rotate: each refresh token works once; using one again revokes all that came of that login.
        is_native: the client is a program on people's own machines, which comes back to any port of loopback.
        claims_only_in_userinfo: otherwise the ID token has them too.
        tls: files of certificate and key; None: plain HTTP.
        ca_file: what Genet is told to check that certificate with.
        employees: who has an account from the start.
    """
    configuration = {
        "clientID": CLIENT_ID,
        "clientSecret": secret,
        "redirectURIs": list(redirect_uris),
        "refreshTokens": refresh_tokens,
        "rotate": rotate,
        "isNative": is_native,
        "claimsOnlyInUserinfo": claims_only_in_userinfo,
        "tls": None if tls is None else {"cert": str(tls[0]), "key": str(tls[1])},
        "accounts": {},
    }
    with (
        (directory / "company.log").open("a") as log,
        subprocess.Popen(
            [node(), str(HERE / "provider.mjs")],
            env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
        ) as process,
    ):  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(json.dumps(configuration) + "\n")
        process.stdin.flush()
        upstream = Upstream(process, answer(process)["issuer"], ca_file)
        upstream.add(*employees)
        try:
            yield upstream
        finally:
            process.stdin.close()


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[Upstream]:
    """Plain HTTP, rotating refresh tokens; alice (staff, admins) and bob (staff) have accounts."""
    alice, bob = Employee("alice", groups=("staff", "admins")), Employee("bob", groups=("staff",))
    with company(tmp_path, employees=(alice, bob)) as running:
        yield running
