"""A replica that dies, or hears no answer, at any step: the client goes on, or hears the protocol's own error.

Every call of an operation to the API server meets each fate once. Killed: nobody answers the client, which comes again
at the other replica. Lost: the request goes on without that answer.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

import pytest

from genet.errors import Unavailable
from genet.oidc.issuing import Issued
from genet.oidc.messages import OAuthError
from tests.oidc.grant_world import ALICE, REDIRECT, SCOPE, VERIFIER, Replica, World, begun, logged_in, redeemed, world
from tests.oidc.wire import FATES, WATCHED, Fate, Killed, Wire
from tests.replicas import switch

__all__ = ["world"]

MOST_CALLS = 12


class Outcome(NamedTuple):
    kind: str
    """issued, done, invalid_grant, unavailable or killed."""
    issued: Issued | None = None


async def outcome_of(work: Awaitable[Issued | None]) -> Outcome:
    token = WATCHED.set("it")
    try:
        issued = await work
    except Killed:
        return Outcome("killed")
    except Unavailable:
        return Outcome("unavailable")
    except OAuthError as error:
        return Outcome(error.error)
    finally:
        WATCHED.reset(token)
    return Outcome("issued", issued) if issued is not None else Outcome("done")


async def replicas(world: World) -> tuple[Replica, Wire, Replica]:
    one, two = await world.replica(Wire), await world.replica()
    await logged_in(one)
    await one.keys.live()
    assert isinstance(one.kube, Wire)
    return one, one.kube, two


async def each_fate(
    wire: Wire, prepare: Callable[[], Awaitable[Any]], work: Callable[[Any], Awaitable[Any]]
) -> AsyncIterator[tuple[Any, int, Fate, Outcome]]:
    """What became of the work when each of its calls met each fate; the network is well again at each."""
    for fate in FATES:
        for call in range(MOST_CALLS):
            prepared = await prepare()
            wire.meets(call, fate)
            outcome = await outcome_of(work(prepared))
            wire.fate = None
            if wire._count <= call:  # it makes no more calls than this
                break
            yield prepared, call, fate, outcome
        else:
            pytest.fail("too many calls to try them all")


async def test_a_code_is_answered_once_or_refused_wherever_the_replica_dies(world: World) -> None:
    one, wire, two = await replicas(world)
    tale: Counter[str] = Counter()

    async def work(code: str) -> Issued:
        return await one.grants.redeem(code, world.client(), REDIRECT, VERIFIER)

    async for code, call, fate, first in each_fate(wire, lambda: begun(one, world.clock), work):
        if first.issued is not None:  # told the client so, so it is so
            await two.grants.userinfo(first.issued.access_token)
            await two.grants.refresh(first.issued.refresh_token or "", world.client())
            tale[f"{fate}: answered all the same"] += 1
            continue
        assert first.kind in {"killed", "unavailable"}, (call, fate, first)
        again = await outcome_of(two.grants.redeem(code, world.client(), REDIRECT, VERIFIER))
        assert again.kind in {"issued", "invalid_grant"}, (call, fate, again)
        tale[f"{fate}: {first.kind}, then {again.kind}"] += 1
    print(dict(tale))
    assert tale["killed after: killed, then invalid_grant"] == 1  # of all steps only the write that uses the code up
    assert tale["lost after: answered all the same"] >= 1


async def test_a_refresh_goes_on_within_grace_wherever_the_replica_dies(world: World) -> None:
    one, wire, two = await replicas(world)
    tale: Counter[str] = Counter()

    async def token() -> str:
        return (await redeemed(two, world)).refresh_token or ""

    async def work(token: str) -> Issued:
        return await one.grants.refresh(token, world.client())

    async for token_, call, fate, first in each_fate(wire, token, work):
        assert first.kind in {"issued", "killed", "unavailable"}, (call, fate, first)
        world.clock.tick(9)
        again = await outcome_of(two.grants.refresh(token_, world.client()))
        assert again.issued is not None, (call, fate, again)
        if first.issued is not None:
            assert again.issued.refresh_token == first.issued.refresh_token
        tale[f"{fate}: {first.kind}, then {again.kind}"] += 1
        last = await two.grants.refresh(again.issued.refresh_token or "", world.client())
        assert await one.grants.userinfo(last.access_token)
    print(dict(tale))
    assert tale["lost after: issued, then issued"] >= 1


async def test_after_grace_a_refresh_that_was_done_is_refused_and_one_that_was_not_goes_on(world: World) -> None:
    one, wire, two = await replicas(world)
    tale: Counter[str] = Counter()

    async def token() -> str:
        return (await redeemed(two, world)).refresh_token or ""

    async def work(token: str) -> Issued:
        return await one.grants.refresh(token, world.client())

    async for token_, _, fate, first in each_fate(wire, token, work):
        if first.issued is None:
            world.clock.tick(11)
            again = await outcome_of(two.grants.refresh(token_, world.client()))
            assert again.kind in {"issued", "invalid_grant"}
            tale[f"{fate}: {first.kind}, then {again.kind}"] += 1
    print(dict(tale))
    assert tale["killed after: killed, then invalid_grant"] == 1


@pytest.mark.parametrize("how", ["revoke", "end"])
async def test_an_end_that_was_told_is_an_end(world: World, how: str) -> None:
    """Fosite CVE-2020-15223: what storage could not do was reported as done."""
    one, wire, two = await replicas(world)
    tale: Counter[str] = Counter()

    async def issued() -> Issued:
        return await redeemed(two, world)

    async def work(issued: Issued) -> None:
        if how == "revoke":
            await one.grants.revoke(issued.refresh_token or "", world.client())
        else:
            await one.grants.end(ALICE, issued.grant_id)

    async for made, call, fate, first in each_fate(wire, issued, work):
        tale[f"{fate}: {first.kind}"] += 1
        if first.kind != "done":
            assert first.kind in {"killed", "unavailable"}, (call, fate, first)
            await two.grants.revoke(made.refresh_token or "", world.client())
        refused = await outcome_of(two.grants.refresh(made.refresh_token or "", world.client()))
        assert refused.kind == "invalid_grant"
    print(dict(tale))
    assert not any("done" in line for line in tale)


async def test_a_replay_that_cannot_be_written_down_is_no_success(world: World) -> None:
    one, wire, two = await replicas(world)

    async def code() -> tuple[str, Issued]:
        made = await begun(two, world.clock)
        return made, await two.grants.redeem(made, world.client(), REDIRECT, VERIFIER)

    async def work(prepared: tuple[str, Issued]) -> Issued:
        return await one.grants.redeem(prepared[0], world.client(), REDIRECT, VERIFIER)

    async for (made, issued), call, fate, first in each_fate(wire, code, work):
        assert first.kind in {"killed", "unavailable"}, (call, fate, first)
        again = await outcome_of(one.grants.redeem(made, world.client(), REDIRECT, VERIFIER))
        assert again.kind == "invalid_grant"
        assert (await outcome_of(two.grants.refresh(issued.refresh_token or "", world.client()))).kind == again.kind


async def test_a_grant_that_nobody_was_told_of_is_worth_nothing_and_ends_by_itself(world: World) -> None:
    one, wire, two = await replicas(world)
    told: list[str] = []

    async def nothing() -> None:
        return None

    async def work(_: None) -> Issued:
        return await one.grants.issue(ALICE, "kube", SCOPE, name="laptop", auth_time=world.clock.now)

    async for _, call, fate, first in each_fate(wire, nothing, work):
        if first.issued is not None:
            told.append(first.issued.grant_id)
            await two.grants.refresh(first.issued.refresh_token or "", world.client())
        else:
            assert first.kind in {"killed", "unavailable"}, (call, fate, first)
    there = {record.id for record in await two.grants.of(ALICE)}
    assert there >= set(told)
    world.clock.tick(days=8)
    assert await two.grants.of(ALICE) == []


async def test_a_connection_that_breaks_after_the_write_is_no_replay(world: World) -> None:
    """The HTTP client sends a PUT again by itself when a connection breaks: the second is refused as a conflict."""
    one, two = await world.replica(), await world.replica()
    await logged_in(one)
    await one.keys.live()
    assert world.cluster is not None
    secrets = f"/api/v1/namespaces/{world.namespace}/secrets/genet-grant-"
    for times in (1, 2):
        code = await begun(one, world.clock)
        await switch(world.cluster, "lose", times=times, method="PUT", path=secrets)
        issued = await one.grants.redeem(code, world.client(), REDIRECT, VERIFIER)
        await two.grants.userinfo(issued.access_token)
        await switch(world.cluster, "lose", times=times, method="PUT", path=secrets)
        refreshed = await one.grants.refresh(issued.refresh_token or "", world.client())
        again = await two.grants.refresh(issued.refresh_token or "", world.client())
        assert again.refresh_token == refreshed.refresh_token
        assert (await one.grant_of(issued)).value.generation == 2


async def test_an_api_server_that_refuses_everything_for_a_while_uses_nothing_up(world: World) -> None:
    one, two = await world.replica(), await world.replica()
    await logged_in(one)
    await one.keys.live()
    code = await begun(one, world.clock)
    assert world.cluster is not None
    await switch(
        world.cluster, "fail", status=503, times=6, path=f"/api/v1/namespaces/{world.namespace}/secrets/genet-g"
    )
    with pytest.raises(Unavailable):
        await one.grants.redeem(code, world.client(), REDIRECT, VERIFIER)
    for _ in range(5):
        with pytest.raises(Unavailable):
            await two.grants.redeem(code, world.client(), REDIRECT, VERIFIER)
    issued = await two.grants.redeem(code, world.client(), REDIRECT, VERIFIER)
    await one.grants.userinfo(issued.access_token)
