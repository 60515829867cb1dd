"""What people have given leave for: their own list, and its end."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from genet.auth.people import PERSON
from genet.errors import Forbidden, NotFound, Unavailable
from genet.oidc import codes
from tests.oidc.grant_world import ALICE, REDIRECT, SCOPE, VERIFIER, World, begun, logged_in, person, redeemed, world
from tests.oidc.test_codes import refused
from tests.oidc.wire import WATCHED, Wire

__all__ = ["world"]

BOB = person("bob")


async def test_people_see_their_own_newest_first_and_nothing_that_is_over(world: World) -> None:
    one, two = await world.replica(), await world.replica()
    await logged_in(one)
    await logged_in(one, BOB)
    first = await redeemed(one, world)
    world.clock.tick(60)
    second = await redeemed(one, world)
    await redeemed(one, world, BOB)
    await begun(one, world.clock)
    found = await two.grants.of(ALICE)
    assert [record.id for record in found] == [second.grant_id, first.grant_id]
    assert found[0].value.user_agent == "Firefox"
    assert two.grants.ends_at(found[0].value) == world.clock.now + timedelta(days=7)
    world.clock.tick(days=7)
    assert await two.grants.of(ALICE) == []


async def test_what_was_ended_and_is_not_deleted_yet_is_not_shown(world: World) -> None:
    one = await world.replica()
    await logged_in(one)
    await redeemed(one, world)
    assert await one.grants.of(ALICE)
    await one.identity.records.change(PERSON, ALICE.identifier, lambda known: known and replace(known, epoch=1))
    assert await one.grants.of(ALICE) == []


async def test_nobody_ends_anybody_elses(world: World) -> None:
    one = await world.replica()
    await logged_in(one)
    await logged_in(one, BOB)
    issued = await redeemed(one, world)
    for id_ in (issued.grant_id, codes.new_id([b""]), "../../secrets/x", ""):
        with pytest.raises(NotFound):
            await one.grants.end(BOB, id_)
    await one.grants.userinfo(issued.access_token)
    await one.grants.end(ALICE, issued.grant_id)
    with pytest.raises(NotFound):
        await one.grants.end(ALICE, issued.grant_id)


async def test_revocation_is_for_the_clients_own_tokens_and_says_nothing_of_others(world: World) -> None:
    one, two = await world.replica(), await world.replica()
    await logged_in(one)
    issued = await redeemed(one, world)
    token = issued.refresh_token or ""
    for unknown in ("", "x", issued.id_token, f"genet-rt-{'a' * 26}.1.{'b' * 43}", token[:-1] + "_"):
        await one.grants.revoke(unknown, world.client())
    for foreign in ("other", "grafana"):
        await one.grants.revoke(token, world.client(foreign))
        await one.grants.revoke(issued.access_token, world.client(foreign))
    await two.grants.userinfo(issued.access_token)
    await two.grants.revoke(issued.access_token, world.client())
    await refused("invalid_grant", one.grants.refresh(token, world.client()))


async def test_an_older_refresh_token_still_revokes(world: World) -> None:
    one = await world.replica()
    await logged_in(one)
    issued = await redeemed(one, world)
    new = await one.grants.refresh(issued.refresh_token or "", world.client())
    await one.grants.revoke(issued.refresh_token or "", world.client())
    await refused("invalid_grant", one.grants.refresh(new.refresh_token or "", world.client()))


async def test_one_grant_too_many_ends_what_idles_longest_and_codes_before_that(world: World) -> None:
    world.configuration["grantsPerUser"] = 3
    one, two = await world.replica(), await world.replica()
    await logged_in(one)
    idle = await redeemed(one, world)
    world.clock.tick(60)
    busy = await redeemed(one, world)
    world.clock.tick(60)
    idle = await one.grants.refresh(idle.refresh_token or "", world.client())  # now the other idles
    code = await begun(one, world.clock)
    newest = await redeemed(two, world)  # in the place of the code
    await refused("invalid_grant", one.grants.redeem(code, world.client(), REDIRECT, VERIFIER))
    assert {record.id for record in await two.grants.of(ALICE)} == {idle.grant_id, busy.grant_id, newest.grant_id}
    last = await redeemed(two, world)
    assert {record.id for record in await two.grants.of(ALICE)} == {idle.grant_id, newest.grant_id, last.grant_id}
    await logged_in(one, BOB)
    await redeemed(one, world, BOB)
    assert len(await two.grants.of(ALICE)) == 3


async def test_a_grant_for_a_kubeconfig_carries_the_name_it_was_given(world: World) -> None:
    one, two = await world.replica(), await world.replica()
    await logged_in(one)
    issued = await one.grants.issue(ALICE, "kube", SCOPE, name="laptop", auth_time=world.clock.now)
    assert [record.value.user_agent for record in await two.grants.of(ALICE)] == ["laptop"]
    claims = await two.claims(await two.grants.refresh(issued.refresh_token or "", world.client()))
    assert claims["sub"] == "alice-alice"


async def test_what_was_agreed_to_before_everything_was_ended_is_not_issued(world: World) -> None:
    one = await world.replica()
    await logged_in(one)
    record = await one.identity.people.live(ALICE.identifier)
    assert record is not None
    await one.identity.people.end_everything(ALICE.identifier)
    issuing = one.grants.issue(ALICE, "kube", SCOPE, name="tv", auth_time=world.clock.now, epoch=record.value.epoch)
    await refused("invalid_grant", issuing)
    assert await one.grants.of(ALICE) == []


async def test_nothing_is_issued_in_a_session_that_was_ended_elsewhere(world: World) -> None:
    one, two = await world.replica(), await world.replica()
    await logged_in(one)
    cookie, _ = await one.identity.sessions.start(ALICE, authenticated_at=world.clock.now, user_agent="Firefox")
    caller = await one.identity.sessions.find(cookie)
    assert caller is not None

    async def issue() -> object:
        session = caller.credential_id
        return await one.grants.issue(ALICE, "kube", SCOPE, name="laptop", auth_time=None, session_id=session)

    await issue()
    await two.identity.people.end_everything(ALICE.identifier)
    await refused("access_denied", issue())


async def test_nothing_is_issued_to_whom_the_company_let_go_or_where_it_cannot_be_asked(world: World) -> None:
    one = await world.replica()
    await logged_in(one)
    for error in (Forbidden("gone"), Unavailable("away")):
        one.word.says = error
        with pytest.raises(type(error)):
            await one.grants.issue(ALICE, "kube", SCOPE, name="laptop", auth_time=None)
    assert await one.grants.of(ALICE) == []


async def test_somebody_of_the_same_name_at_another_provider_gets_nothing(world: World) -> None:
    from dataclasses import replace

    one = await world.replica()
    await logged_in(one)
    with pytest.raises(Forbidden):
        await begun(one, world.clock, replace(ALICE, owner="https://other|alice"))


async def test_grants_are_read_from_the_api_server_each_time(world: World) -> None:
    """No cache, no `resourceVersion=0`: what another replica did a moment ago counts."""
    one = await world.replica(Wire)
    await logged_in(one)
    issued = await redeemed(one, world)
    assert isinstance(one.kube, Wire)
    WATCHED.set("it")
    for _ in range(2):
        one.kube.calls.clear()
        await one.grants.userinfo(issued.access_token)
        reads = [call for call in one.kube.calls if "genet-grant-" in call.path]
        assert [(call.method, dict(call.query)) for call in reads] == [("GET", {})]


async def test_so_they_are_before_a_code_or_a_refresh_token_is_taken(world: World) -> None:
    one = await world.replica(Wire)
    await logged_in(one)
    code = await begun(one, world.clock)
    assert isinstance(one.kube, Wire)
    WATCHED.set("it")
    one.kube.calls.clear()
    issued = await one.grants.redeem(code, world.client(), REDIRECT, VERIFIER)
    redeeming = [call for call in one.kube.calls if "genet-grant-" in call.path]
    one.kube.calls.clear()
    await one.grants.refresh(issued.refresh_token or "", world.client())
    refreshing = [call for call in one.kube.calls if "genet-grant-" in call.path]
    for calls in (redeeming, refreshing):
        assert [(call.method, dict(call.query)) for call in calls] == [("GET", {}), ("PUT", {})]
