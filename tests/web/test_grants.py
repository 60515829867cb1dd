"""`/api/grants` over two replicas: what people see of their own, and how it ends."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest

from genet.auth.dev import dev_user
from genet.oidc.issuing import Issued
from genet.oidc.messages import OAuthError
from tests.replicas import Replica, cluster, kubeconfig, replica_of, settings

__all__ = ["cluster", "kubeconfig"]

SCOPE = ("openid", "email", "groups", "offline_access")


@pytest.fixture
async def replicas(kubeconfig) -> AsyncIterator[tuple[Replica, Replica]]:
    provider = {"enabled": True, "issuer": "http://localhost:8080"}
    configuration = settings(kubeconfig, oidcProvider=provider)
    async with AsyncExitStack() as stack:
        one, two = [await stack.enter_async_context(replica_of(configuration)) for _ in range(2)]
        for replica in (one, two):
            await replica.synced()
        yield one, two


async def given(replica: Replica, user: str = "alice", name: str = "laptop") -> Issued:
    provider = replica.services.provider
    assert provider is not None
    who = dev_user(user, replica.services.settings)
    return await provider.grants.issue(who, "kube", SCOPE, name=name, auth_time=datetime.now(UTC))


async def test_people_see_their_own_on_every_replica_and_nothing_secret(replicas) -> None:
    one, two = replicas
    issued = await given(one)
    await given(one, "bob")
    answer = await two.ask("GET", "/api/grants")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    (grant,) = answer.json()["grants"]
    assert set(grant) == {"id", "client", "createdAt", "lastUsedAt", "expiresAt", "userAgent"}
    assert (grant["id"], grant["client"], grant["userAgent"]) == (issued.grant_id, "kubectl", "laptop")
    assert all(grant[name].endswith("Z") for name in ("createdAt", "lastUsedAt", "expiresAt"))
    for secret in (issued.refresh_token, issued.access_token, issued.id_token):
        assert secret
        assert secret not in answer.text


async def test_one_that_is_ended_is_over_on_every_replica(replicas) -> None:
    one, two = replicas
    issued = await given(one)
    assert (await two.ask("DELETE", f"/api/grants/{issued.grant_id}")).status_code == 204
    assert (await one.ask("GET", "/api/grants")).json() == {"grants": []}
    provider = one.services.provider
    with pytest.raises(OAuthError):
        await provider.grants.userinfo(issued.access_token)
    again = await one.ask("DELETE", f"/api/grants/{issued.grant_id}")
    assert (again.status_code, again.json()["code"]) == (404, "not_found")


async def test_nobody_sees_or_ends_anybody_elses_also_not_an_administrator(replicas) -> None:
    one, _ = replicas
    issued = await given(one)
    for other in ("bob", "admin"):
        assert (await one.ask("GET", "/api/grants", user=other)).json() == {"grants": []}
        assert (await one.ask("DELETE", f"/api/grants/{issued.grant_id}", user=other)).status_code == 404
    assert len((await one.ask("GET", "/api/grants")).json()["grants"]) == 1


async def test_without_the_provider_there_are_none(kubeconfig) -> None:
    async with replica_of(settings(kubeconfig)) as one:
        await one.synced()
        assert (await one.ask("GET", "/api/grants")).json() == {"grants": []}
        assert (await one.ask("DELETE", "/api/grants/x")).status_code == 404
