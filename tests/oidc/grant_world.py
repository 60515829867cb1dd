"""Two replicas' grants over one cluster, a clock that tests move, and a company's provider that says what it is told.

`backend` is the embedded cluster and, where there is one, a real API server: what must hold between replicas is tried
on both. Each replica has a client, a cache and keys of its own.
"""

import asyncio
import base64
import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest

from genet import naming
from genet.auth.identity import Identity
from genet.auth.people import People
from genet.auth.user import User
from genet.errors import GenetError, NotFound
from genet.kube.client import KubeClient
from genet.kube.objects import NAMESPACES
from genet.kube.records import Record
from genet.oidc.clients import Clients, RegisteredClient
from genet.oidc.grant import GRANT, Grant
from genet.oidc.grants import Grants
from genet.oidc.issuing import Issued
from genet.oidc.keys import SigningKeys
from genet.oidc.messages import AuthorizationRequest
from genet.settings import Settings
from genet.simulation.cluster import Cluster
from genet.simulation.pod_life import Pace

ISSUER = "https://genet.example.org"
REDIRECT = "http://localhost:8000"
SECRET_REDIRECT = "https://grafana.example.org/login"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
SCOPE = ("openid", "email", "groups", "offline_access")


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def tick(self, seconds: float = 0, **more: float) -> None:
        self.now += timedelta(seconds=seconds, **more)


class Word:
    """What the company's provider says of people, at this replica: as they are known, unless it was told otherwise."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.asked = 0
        self.says: User | GenetError | None = None
        self.before: Callable[[], Any] = lambda: None

    async def current(self, identifier: str) -> User:
        self.asked += 1
        self.before()
        if isinstance(self.says, GenetError):
            raise self.says
        if self.says is not None:
            return self.says
        record = await self.people.live(identifier)
        if record is None:
            raise NotFound("there is no such user")
        return self.people.user_of(record.value)


@dataclass
class Replica:
    kube: KubeClient
    identity: Identity
    word: Word
    keys: SigningKeys
    grants: Grants

    async def claims(self, issued: Issued, client: str = "kube") -> dict[str, Any]:
        """What the ID token says, checked as its audience would."""
        kid = jwt.get_unverified_header(issued.id_token)["kid"]
        document = msgspec.to_builtins(await self.keys.jwks())
        key = next(jwt.PyJWK(one) for one in document["keys"] if one["kid"] == kid)
        options: Any = {"verify_exp": False, "verify_iat": False}
        claims: dict[str, Any] = jwt.decode(
            issued.id_token, key, algorithms=["RS256"], audience=client, issuer=ISSUER, options=options
        )
        return claims

    async def grant_of(self, issued: Issued) -> Record[Grant]:
        return await self.identity.records.get(GRANT, issued.grant_id)


@dataclass
class World:
    kubeconfig: str
    namespace: str
    clock: Clock
    is_real: bool = False
    cluster: Cluster | None = None
    """The embedded one itself, to fill it quickly."""
    configuration: dict[str, Any] = field(default_factory=dict)
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def settings(self) -> Settings:
        kubernetes = {"kubeconfig": self.kubeconfig, "grantsNamespace": self.namespace, "requestTimeoutSeconds": 10.0}
        clients = [
            {"id": "grafana", "secret": "s" * 20, "redirectURIs": [SECRET_REDIRECT]},
            {"id": "other", "redirectURIs": ["http://localhost"]},
        ]
        provider = {"enabled": True, "issuer": ISSUER, "clients": clients, **self.configuration}
        whole = {"auth": {"mode": "dev"}, "kubernetes": kubernetes, "oidcProvider": provider}
        return msgspec.convert(whole, Settings)

    async def replica(self, kube_type: type[KubeClient] = KubeClient) -> Replica:
        settings, clock = self.settings, self.clock
        kube = await self.stack.enter_async_context(kube_type.connect(settings.kubernetes, {}))
        identity = await self.stack.enter_async_context(Identity.running(kube, settings, clock))
        async with asyncio.timeout(10):
            await identity.wait_ready()
        word = Word(identity.people)
        keys = SigningKeys(identity.records, identity.cache, period=timedelta(days=30), clock=clock)
        grants = Grants(
            identity.records,
            people=identity.people,
            recheck=word,
            keyring=identity.keyring,
            sealer=identity.sealer,
            keys=keys,
            settings=settings,
            clock=clock,
        )
        return Replica(kube, identity, word, keys, grants)

    def client(self, id_: str = "kube") -> RegisteredClient:
        client = Clients(self.settings.oidc_provider).get(id_)
        assert client is not None
        return client


def person(name: str = "alice", *groups: str) -> User:
    email = f"{name}@example.org"
    return User(name, email, naming.user_identifier(name, email), f"https://idp|{name}", is_admin=False, groups=groups)


ALICE = person("alice", "ml", "staff")


async def logged_in(replica: Replica, user: User = ALICE, *, upstream: str | None = "up") -> User:
    await replica.identity.people.logged_in(user, email_verified=True, upstream_refresh_token=upstream)
    return user


def request(client: str = "kube", **changes: Any) -> AuthorizationRequest:
    asked: dict[str, Any] = {
        "client_id": client,
        "redirect_uri": REDIRECT,
        "scope": SCOPE,
        "nonce": "n-0S6_WzA2Mj",
        "code_challenge": CHALLENGE,
    }
    return AuthorizationRequest(**(asked | changes))


async def begun(replica: Replica, clock: Clock, user: User = ALICE, **changes: Any) -> str:
    return await replica.grants.begin(user, request(**changes), auth_time=clock.now, user_agent="Firefox")


async def redeemed(replica: Replica, world: World, user: User = ALICE, **changes: Any) -> Issued:
    code = await begun(replica, world.clock, user, **changes)
    return await replica.grants.redeem(code, world.client(), REDIRECT, VERIFIER)


@asynccontextmanager
async def embedded(directory: Path) -> AsyncIterator[World]:
    async with Cluster("empty", pace=Pace(0, 0, 0)) as cluster:
        path = directory / "kubeconfig"
        cluster.write_kubeconfig(path)
        made = World(str(path), "genet-grants", Clock(), cluster=cluster)
        async with made.stack:
            yield made


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Over the embedded cluster."""
    async with embedded(tmp_path) as made:
        yield made


@pytest.fixture(params=["embedded", pytest.param("real", marks=pytest.mark.real)])
async def any_world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """Over the embedded cluster, and over a real one where there is one."""
    if request.param == "embedded":
        async with embedded(tmp_path) as made:
            yield made
        return
    real = os.environ.get("GENET_TEST_KUBECONFIG", "")
    if not real:
        pytest.skip("GENET_TEST_KUBECONFIG names no real cluster")
    made = World(real, f"genet-test-grants-{secrets.token_hex(4)}", Clock(), is_real=True)
    async with made.stack:
        yield made
    async with KubeClient.connect(made.settings.kubernetes, {}) as kube:
        await kube.delete(NAMESPACES, made.namespace)
