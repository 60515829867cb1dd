"""Refresh tokens: the same answer to all who ask at once, and the end to who asks with an old one."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from genet.errors import Forbidden, Unavailable
from genet.oidc import refresh_tokens
from genet.oidc.grant import GRANT
from genet.oidc.messages import OAuthError
from tests.oidc.grant_world import (
    ALICE,
    REDIRECT,
    SCOPE,
    SECRET_REDIRECT,
    VERIFIER,
    Replica,
    World,
    any_world,
    begun,
    logged_in,
    person,
    redeemed,
    world,
)
from tests.oidc.test_codes import refused
from tests.replicas import switch

__all__ = ["any_world", "world"]


async def start(world: World, **changes: Any) -> tuple[Replica, Replica, str]:
    one, two = await world.replica(), await world.replica()
    await logged_in(one)
    issued = await redeemed(one, world, **changes)
    assert issued.refresh_token
    return one, two, issued.refresh_token


async def refreshed(replica: Replica, world: World, token: str) -> str:
    issued = await replica.grants.refresh(token, world.client())
    assert issued.refresh_token
    return issued.refresh_token


async def test_twelve_at_once_get_the_same_token_a_hundred_times(any_world: World) -> None:
    world = any_world
    one, two, token = await start(world)
    rounds = 20 if world.is_real else 100
    for generation in range(2, rounds + 2):
        asking = (replica.grants.refresh(token, world.client()) for replica in (one, two) * 6)
        answers = await asyncio.gather(*asking)
        tokens = {answer.refresh_token for answer in answers}
        assert len(tokens) == 1
        assert None not in tokens
        claims = [await one.claims(answer) for answer in answers]
        assert {claim["sub"] for claim in claims} == {"alice-alice"}
        assert (await one.grant_of(answers[0])).value.generation == generation
        token = tokens.pop() or ""
        world.clock.tick(60)
    print(f"{rounds} rounds of 12: no refusal, one token each")


async def test_the_id_token_of_a_refresh_keeps_who_and_when_and_has_no_nonce(world: World) -> None:
    one, two = await world.replica(), await world.replica()
    await logged_in(one)
    first = await redeemed(one, world)
    before = await one.claims(first)
    world.clock.tick(3600)
    assert first.refresh_token
    after = await two.claims(await two.grants.refresh(first.refresh_token, world.client()))
    for name in ("iss", "sub", "aud", "auth_time"):
        assert after[name] == before[name]
    assert "nonce" not in after
    assert after["iat"] == before["iat"] + 3600


async def test_within_grace_the_token_before_gets_the_present_one_and_asks_nobody(world: World) -> None:
    one, two, token = await start(world)
    new = await refreshed(one, world, token)
    world.clock.tick(9.9)
    assert await refreshed(two, world, token) == new
    assert await refreshed(one, world, token) == new
    assert two.word.asked == 0
    newest = await refreshed(two, world, new)
    assert newest != new


async def test_after_grace_a_token_that_comes_again_ends_all_of_them(world: World) -> None:
    one, two, token = await start(world)
    new = await refreshed(one, world, token)
    world.clock.tick(10)
    await refused("invalid_grant", two.grants.refresh(token, world.client()))
    await refused("invalid_grant", one.grants.refresh(new, world.client()))
    assert await one.grants.of(ALICE) == []


async def test_a_token_two_generations_old_ends_all_of_them_within_grace_too(world: World) -> None:
    one, two, token = await start(world)
    new = await refreshed(one, world, token)
    newest = await refreshed(one, world, new)
    await refused("invalid_grant", two.grants.refresh(token, world.client()))
    await refused("invalid_grant", one.grants.refresh(newest, world.client()))


@pytest.mark.parametrize("behind", [0, 5])
async def test_grace_can_be_switched_off(world: World, behind: float) -> None:
    """Also at a replica whose clock is behind."""
    world.configuration["ttl"] = {"refreshGrace": 0}
    one, two, token = await start(world)
    new = await refreshed(one, world, token)
    world.clock.tick(-behind)
    await refused("invalid_grant", two.grants.refresh(token, world.client()))
    await refused("invalid_grant", one.grants.refresh(new, world.client()))


async def test_a_token_that_was_good_when_its_request_came_is_no_replay(world: World) -> None:
    """While the provider is asked, the programs beside this one may go two generations further."""
    one, two, token = await start(world)
    asked, go_on = asyncio.Event(), asyncio.Event()

    class Slow:
        async def current(self, identifier: str) -> Any:
            asked.set()
            await go_on.wait()
            return await two.word.current(identifier)

    two.grants._holders._recheck = Slow()
    slow = asyncio.create_task(refreshed(two, world, token))
    await asked.wait()
    newest = await refreshed(one, world, await refreshed(one, world, token))
    go_on.set()
    assert await slow == newest


async def test_a_token_that_nobody_made_ends_nothing(world: World) -> None:
    one, _, token = await start(world)
    head, _, mac = token.rpartition(".")
    grant = head.rpartition(".")[0]
    for forged in (f"{head}.{mac[::-1]}", f"{grant}.2.{mac}", f"{grant}.999.{mac}"):
        await refused("invalid_grant", one.grants.refresh(forged, world.client()))
    assert await refreshed(one, world, token)


async def test_another_client_can_do_nothing_with_a_token(world: World) -> None:
    one, two, token = await start(world)
    for client in ("other", "grafana"):
        await refused("invalid_grant", two.grants.refresh(token, world.client(client)))
    assert await refreshed(one, world, token)


async def test_scope_can_be_narrowed_for_one_answer_and_never_widened(world: World) -> None:
    one, _, token = await start(world, scope=("openid", "email", "offline_access"))
    await refused("invalid_scope", one.grants.refresh(token, world.client(), SCOPE))
    narrow = await one.grants.refresh(token, world.client(), ("openid",))
    assert narrow.scope == ("openid",)
    assert "email" not in await one.claims(narrow)
    grant, _ = await one.grants.of_access_token(narrow.access_token)
    assert grant.scope == ("openid",)
    whole = await one.grants.refresh(narrow.refresh_token or "", world.client())
    assert whole.scope == ("openid", "email", "offline_access")


async def test_groups_and_mail_are_those_the_company_says_now(world: World) -> None:
    one, _, token = await start(world)
    one.word.says = person("alice", "only-this")
    claims = await one.claims(await one.grants.refresh(token, world.client()))
    assert claims["groups"] == ["only-this"]


async def test_a_provider_that_does_not_answer_uses_no_token_up(world: World) -> None:
    one, two, token = await start(world)
    one.word.says = Unavailable("away")
    with pytest.raises(Unavailable):
        await refreshed(one, world, token)
    world.clock.tick(60)
    assert await refreshed(two, world, token)


async def test_whom_the_company_let_go_is_refused(world: World) -> None:
    one, _, token = await start(world)
    one.word.says = Forbidden("gone")
    await refused("invalid_grant", one.grants.refresh(token, world.client()))


@pytest.mark.parametrize("how", ["end_everything", "disable"])
async def test_ending_everything_ends_a_grant_that_could_not_be_deleted(world: World, how: str) -> None:
    one, two, token = await start(world)
    record = (await one.grants.of(ALICE))[0]
    await getattr(two.identity.people, how)(ALICE.identifier)
    await one.identity.records.create(GRANT, record.id, record.value, user=ALICE.identifier)
    await refused("invalid_grant", one.grants.refresh(token, world.client()))
    assert await one.grants.of(ALICE) == []
    await two.identity.people.enable(ALICE.identifier)
    await refused("invalid_grant", one.grants.refresh(token, world.client()))


async def test_a_grant_that_idles_is_over(world: World) -> None:
    world.configuration["ttl"] = {"refreshIdleHours": 48, "refreshHours": 720}
    one, _, token = await start(world)
    world.clock.tick(hours=47.9)
    token = await refreshed(one, world, token)
    world.clock.tick(hours=48)
    await refused("invalid_grant", one.grants.refresh(token, world.client()))


async def test_a_grant_is_over_however_often_it_is_refreshed(world: World) -> None:
    world.configuration["ttl"] = {"refreshHours": 30}
    one, _, token = await start(world)
    for _ in range(29):
        world.clock.tick(hours=1)
        token = await refreshed(one, world, token)
    world.clock.tick(hours=1)
    await refused("invalid_grant", one.grants.refresh(token, world.client()))


async def test_without_an_upstream_refresh_token_a_grant_lasts_twelve_hours(world: World) -> None:
    one = await world.replica()
    await logged_in(one, upstream=None)
    token = (await redeemed(one, world)).refresh_token
    assert token
    assert (await one.grants.of(ALICE))[0].value.expires_at == world.clock.now + timedelta(hours=12)
    world.clock.tick(hours=11.9)
    token = await refreshed(one, world, token)
    await logged_in(one)  # one that comes later prolongs nothing
    world.clock.tick(hours=0.1)
    await refused("invalid_grant", one.grants.refresh(token, world.client()))


async def test_losing_the_upstream_refresh_token_shortens_a_grant(world: World) -> None:
    one, _, token = await start(world)
    world.clock.tick(hours=13)
    record = await one.identity.people.live(ALICE.identifier)
    assert record is not None
    await one.identity.people.replace(record, replace(record.value, upstream=None))
    await refused("invalid_grant", one.grants.refresh(token, world.client()))


async def test_a_client_with_a_secret_keeps_its_token(any_world: World) -> None:
    world = any_world
    one, two = await world.replica(), await world.replica()
    await logged_in(one)
    code = await begun(one, world.clock, client="grafana", redirect_uri=SECRET_REDIRECT)
    token = (await one.grants.redeem(code, world.client("grafana"), SECRET_REDIRECT, VERIFIER)).refresh_token
    assert token
    for _ in range(3):
        world.clock.tick(hours=1)
        answers = await asyncio.gather(
            *(replica.grants.refresh(token, world.client("grafana")) for replica in (one, two) * 6)
        )
        assert {answer.refresh_token for answer in answers} == {token}
    assert (await one.grants.of(ALICE))[0].value.last_used_at == world.clock.now


async def test_tokens_of_before_the_keys_changed_are_still_good(world: World) -> None:
    one, two, token = await start(world)
    await one.identity.keyring.rotate()
    world.clock.tick(hours=2)  # the new key has been announced for long enough
    new = await refreshed(two, world, token)
    assert await refreshed(one, world, token) == new
    keys = one.identity.keyring.derived(refresh_tokens.PURPOSE)
    assert len(keys) == 2
    presented, record = refresh_tokens.read(new), (await one.grants.of(ALICE))[0]
    assert presented is not None
    assert refresh_tokens.is_genuine(presented, record.value.salt, keys[:1])
    assert not refresh_tokens.is_genuine(presented, record.value.salt, keys[1:])


@pytest.mark.parametrize(
    "token",
    [
        "",
        "genet-rt-",
        f"genet-rt-{'a' * 26}.0.{'b' * 43}",
        f"genet-rt-{'a' * 26}.01.{'b' * 43}",
        f"genet-rt-{'a' * 26}.1.{'b' * 43}",
        f"genet-rt-{'a' * 26}.{'9' * 10}.{'b' * 43}",
        f"genet-rt-{'a' * 26}.\u0661.{'b' * 43}",
        f"genet-rt-../x.1.{'b' * 43}",
        f"genet-ac-{'a' * 26}.{'b' * 43}",
    ],
)
async def test_what_is_no_refresh_token_is_refused(world: World, token: str) -> None:
    one = await world.replica()
    await refused("invalid_grant", one.grants.refresh(token, world.client()))


async def test_what_somebody_made_up_is_no_question_to_the_api_server(world: World) -> None:
    one = await world.replica()
    await logged_in(one)
    issued = await redeemed(one, world)
    assert issued.refresh_token is not None
    real = issued.refresh_token.removeprefix("genet-rt-").partition(".")[0]
    made_up = f"{'a' if real[0] != 'a' else 'b'}{real[1:]}"
    assert world.cluster is not None
    await switch(world.cluster, "fail", status=500, times=100)
    for id_, error in ((made_up, OAuthError), (real, Unavailable)):
        with pytest.raises(error):
            await one.grants.refresh(f"genet-rt-{id_}.1.{'A' * 43}", world.client())
        with pytest.raises(error):
            await one.grants.redeem(f"genet-ac-{id_}.{'A' * 43}", world.client(), REDIRECT, VERIFIER)


async def test_whom_the_company_let_go_gets_no_old_grant_back_by_logging_in(world: World) -> None:
    one, two, old = await start(world)
    people = one.identity.people
    record = await people.live(ALICE.identifier)
    assert record is not None
    world.clock.tick(1)
    await people.replace(record, replace(record.value, let_go_at=world.clock.now))
    world.clock.tick(1)
    await logged_in(one)
    assert await one.grants.of(ALICE) == []
    for replica in (one, two):
        await refused("invalid_grant", replica.grants.refresh(old, world.client()))
    issued = await redeemed(one, world)
    assert issued.refresh_token
    await refreshed(two, world, issued.refresh_token)
