"""Genet as a company runs it: two replicas with TLS behind one address, the company's provider, a real API server.

Each replica is a process that a test may kill at any moment and start again on its port.
"""

import base64
import os
import secrets
import signal
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from tests.certificates import Authority
from tests.e2e.conftest import Kubectl
from tests.e2e.identity.expired import leave_behind
from tests.e2e.identity.switch import Switch, switching
from tests.processes import GENET, environment, free_port, program, until
from tests.upstream.browser import Browser
from tests.upstream.provider import Employee, Upstream, company

ISSUER_VARIABLE: Final = "GENET_E2E_OIDC_ISSUER"
AUTHORITY_VARIABLE: Final = "GENET_E2E_OIDC_AUTHORITY"
CONFIDENTIAL: Final = "dashboard"
CONFIDENTIAL_SECRET: Final = "of the dashboard: 6f1a 100% + more"
CONFIDENTIAL_REDIRECT: Final = "https://dashboard.example.org/callback"
CONFIDENTIAL_REDIRECT_WITH_QUERY: Final = f"{CONFIDENTIAL_REDIRECT}?from=genet"
ID_TOKEN_SECONDS: Final = 15
UPSTREAM_CHECK_SECONDS: Final = 10
KUBE_REDIRECTS: Final = ("http://localhost:8000", "http://localhost:18000")


@dataclass
class Server:
    """One replica."""

    port: int
    log: Path
    config: Path
    _stack: ExitStack = field(default_factory=ExitStack)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def start(self) -> None:
        assert self.process is None
        command = [*GENET, "serve", "--config", str(self.config), "--port", str(self.port)]
        self.process = self._stack.enter_context(program(command, log=self.log))

    def kill(self) -> None:
        """SIGKILL, and gone when this returns."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._stack.close()
        self.process = None

    def end(self) -> None:
        self._stack.close()
        self.process = None


class Installation:
    """See `installed`."""

    def __init__(
        self,
        issuer: str,
        switch: Switch,
        servers: list[Server],
        upstream: Upstream,
        kubectl: Kubectl,
        *,
        ca_file: Path,
        grants_namespace: str,
        is_trusted: bool,
        expired_grants: int,
    ) -> None:
        self.issuer = issuer
        self.switch = switch
        self.servers = servers
        self.upstream = upstream
        self.kubectl = kubectl
        self.ca_file = ca_file
        self.grants_namespace = grants_namespace
        self.is_trusted = is_trusted
        """Whether the API server takes its tokens."""
        self.expired_grants = expired_grants
        """How many were left behind before it started."""
        self.tls = ssl.create_default_context(cafile=str(ca_file))

    @property
    def config(self) -> Path:
        return self.servers[0].config

    def hire(self, *groups: str) -> Employee:
        """Somebody whom nobody else of this run knows."""
        person = Employee(f"e2e{secrets.token_hex(4)}", groups=groups)
        self.upstream.add(person)
        return person

    def through(self, *servers: Server) -> None:
        """Which replicas the issuer's address leads to."""
        self.switch.to(*(server.port for server in servers or self.servers))

    def is_ready(self, server: Server) -> bool:
        assert server.process is not None
        assert server.process.poll() is None, server.log.read_text()
        try:
            with httpx.Client(verify=self.tls, trust_env=False, timeout=5) as http:
                return http.get(f"{server.url}/readyz").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def wait_ready(self, *servers: Server) -> None:
        for server in servers or self.servers:
            until(lambda server=server: self.is_ready(server), seconds=60, what=f"{server.url} is ready")  # type: ignore[misc] # mypy does not infer a default's type here

    @asynccontextmanager
    async def client(self, **more: Any) -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient(verify=self.tls, trust_env=False, timeout=30, **more) as http:
            yield http

    @asynccontextmanager
    async def browser(self, person: Employee | None = None) -> AsyncIterator[Browser]:
        """A browser of its own; of somebody who is logged in already, if one is named."""
        async with self.client() as http:
            browser = Browser(http)
            if person is not None:
                await self.sign_in(browser, person)
            yield browser

    async def sign_in(self, browser: Browser, person: Employee) -> dict[str, Any]:
        """Logs in at Genet; what it then says of the person."""
        await browser.sign_in(self.issuer, person.login, next_="/healthz")
        status: dict[str, Any] = (await browser.fetch("GET", f"{self.issuer}/api/auth/status")).json()
        assert (status["authenticated"], status["mode"]) == (True, "oauth"), status
        assert status["username"] == person.login
        return status

    def records(self, *selector: str) -> list[dict[str, Any]]:
        """Secrets in the namespace of Genet's records, as an administrator sees them."""
        found: list[dict[str, Any]] = self.kubectl.read("secrets", "-n", self.grants_namespace, *selector)["items"]
        return found

    def logs(self) -> str:
        return "\n".join(server.log.read_text() for server in self.servers)

    def genet(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One of the operator's commands, with the replicas' configuration."""
        return subprocess.run(
            [*GENET, *arguments, "--config", str(self.config)],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


def settings(
    issuer: str, upstream: Upstream, tls: tuple[Path, Path], kubectl: Kubectl, grants_namespace: str
) -> dict[str, Any]:
    """The configuration file of both replicas. Lifetimes are as short as they may be, so that they end in a test."""
    cluster = yaml.safe_load(Path(kubectl.kubeconfig).read_text())["clusters"][0]["cluster"]
    ca_data = cluster.get("certificate-authority-data")
    if ca_data is None:
        ca_data = base64.b64encode(Path(cluster["certificate-authority"]).read_bytes()).decode()
    confidential = {
        "id": CONFIDENTIAL,
        "secret": CONFIDENTIAL_SECRET,
        "name": "The dashboard",
        "redirectURIs": [CONFIDENTIAL_REDIRECT, CONFIDENTIAL_REDIRECT_WITH_QUERY],
        "grantTypes": ["authorization_code", "refresh_token", "device_code"],
    }
    return {
        "auth": {"mode": "oauth", "admins": {"groups": ["genet-admins"]}},
        "oauth": upstream.settings(scopes=["openid", "profile", "email", "offline_access"]),
        "server": {
            "publicURL": issuer,
            "tls": {"certFile": str(tls[0]), "keyFile": str(tls[1])},
            "metricsPort": None,
            "drainSeconds": 0,
        },
        "kubernetes": {"kubeconfig": kubectl.kubeconfig, "grantsNamespace": grants_namespace},
        "oidcProvider": {
            "clients": [confidential],
            "deviceFlow": True,
            "ttl": {"idToken": ID_TOKEN_SECONDS, "upstreamCheck": UPSTREAM_CHECK_SECONDS},
        },
        "cluster": {"name": "real", "server": cluster["server"], "caData": ca_data},
        "kubeconfig": {
            "authProvider": True,
            "plugin": "genet",
            "issuerCAData": base64.b64encode(Path(upstream.settings()["caFile"]).read_bytes()).decode(),
        },
        "pod": {"defaults": {"cpu": "50m", "memory": "32Mi"}},
    }


@contextmanager
def installed(directory: Path, kubectl: Kubectl, *, expired_grants: int = 0) -> Iterator[Installation]:
    """Two ready replicas. Where the API server was told of an issuer, they are that issuer; so one at a time."""
    issuer, authority_directory = os.environ.get(ISSUER_VARIABLE), os.environ.get(AUTHORITY_VARIABLE)
    is_trusted = bool(issuer and authority_directory)
    port = int(issuer.rpartition(":")[2]) if issuer and is_trusted else free_port()
    issuer = issuer if issuer and is_trusted else f"https://localhost:{port}"
    authority = Authority(Path(authority_directory) if authority_directory and is_trusted else directory).create()
    tls = authority.issue(directory)
    namespace = f"genet-e2e-{secrets.token_hex(4)}"
    redirects = [f"{issuer}/api/auth/callback", f"{issuer}/oidc/callback"]
    with ExitStack() as stack:
        upstream = stack.enter_context(company(directory, redirect_uris=redirects, tls=tls, ca_file=authority.ca_file))
        switch = stack.enter_context(switching(port))
        config = directory / "genet.yaml"
        config.write_text(yaml.safe_dump(settings(issuer, upstream, tls, kubectl, namespace)))
        servers = [Server(free_port(), directory / f"replica-{index}.log", config) for index in range(2)]
        for server in servers:
            stack.callback(server.end)
        installation = Installation(
            issuer,
            switch,
            servers,
            upstream,
            kubectl,
            ca_file=authority.ca_file,
            grants_namespace=namespace,
            is_trusted=is_trusted,
            expired_grants=expired_grants,
        )
        stack.callback(kubectl.run, "delete", "namespace", namespace, "--wait=false", "--ignore-not-found")
        if expired_grants:
            kubectl("create", "namespace", namespace)
            leave_behind(kubectl.kubeconfig, namespace, expired_grants)
        for server in servers:
            server.start()
        installation.wait_ready()
        installation.through()
        yield installation
    bugs = [line for line in installation.logs().splitlines() if "unhandled error" in line]
    assert not bugs, installation.logs()
