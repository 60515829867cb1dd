"""The signing keys: published before they sign and after, changed by one of many, never shown."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from jwt import PyJWK, decode, get_unverified_header
from msgspec.structs import replace

from genet.auth.identity import Identity
from genet.errors import Conflict
from genet.oidc.key_set import (
    LONGEST_TOKEN,
    MAX_AGE,
    PUBLISHED_AFTER,
    PUBLISHED_BEFORE,
    Key,
    KeySet,
    first_set,
    make_key,
    thumbprint,
)
from genet.oidc.keys import ID, SIGNING_KEYS, SigningKeys
from tests.oidc.grant_world import Replica, World, any_world, world
from tests.replicas import switch

__all__ = ["any_world", "world"]

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SPARES = [make_key(NOW) for _ in range(3)]


def new(n: int, now: datetime) -> Key:
    return replace(SPARES[n], created_at=now, published_at=now)


def kids(keys: KeySet, now: datetime) -> list[str]:
    return [key.kid for key in keys.published(now)]


def test_the_name_of_a_key_is_its_thumbprint() -> None:
    """RFC 7638 section 3.1, its own example."""
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3ok"
        "njhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu"
        "6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8a"
        "wapJzKnqDKgw"
    )
    assert thumbprint(n, "AQAB") == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert SPARES[0].kid == thumbprint(SPARES[0].public.n, SPARES[0].public.e)


def test_the_times_fit_what_api_servers_do() -> None:
    assert timedelta(seconds=60) <= MAX_AGE <= timedelta(seconds=300)
    assert MAX_AGE + timedelta(seconds=60) <= PUBLISHED_BEFORE
    assert PUBLISHED_AFTER >= LONGEST_TOKEN + MAX_AGE


def test_the_next_key_is_published_and_signs_only_when_everybody_can_know_it() -> None:
    keys = first_set(new(0, NOW), new(1, NOW))
    assert kids(keys, NOW) == [SPARES[0].kid, SPARES[1].kid]
    early = NOW + PUBLISHED_BEFORE - timedelta(seconds=1)
    with pytest.raises(Conflict, match="2026-03-01T00:02:00Z"):
        keys.rotated(new(2, early), early)
    on_time = NOW + PUBLISHED_BEFORE
    rotated = keys.rotated(new(2, on_time), on_time)
    assert rotated.current.kid == SPARES[1].kid
    assert rotated.current.activated_at == on_time
    assert kids(rotated, on_time) == [SPARES[1].kid, SPARES[2].kid, SPARES[0].kid]


def test_the_key_before_stays_until_its_last_token_is_over_and_is_half_a_key() -> None:
    at = NOW + PUBLISHED_BEFORE
    keys = first_set(new(0, NOW), new(1, NOW)).rotated(new(2, at), at)
    assert keys.previous is not None
    assert keys.previous.private is None
    end = at + PUBLISHED_AFTER
    assert SPARES[0].kid in kids(keys, end - timedelta(seconds=1))
    assert SPARES[0].kid not in kids(keys, end)
    assert keys.tidied(end - timedelta(seconds=1)) is keys
    assert keys.tidied(end).previous is None
    # nor does another rotation push it out before
    with pytest.raises(Conflict):
        keys.rotated(new(0, end), end - timedelta(seconds=1))
    keys.rotated(new(0, end), end)


def test_the_document_has_no_private_member() -> None:
    document = msgspec.json.encode(first_set(new(0, NOW), new(1, NOW)).published(NOW))
    for key in json.loads(document):
        assert set(key) == {"kid", "kty", "use", "alg", "n", "e"}
        assert (key["kty"], key["use"], key["alg"]) == ("RSA", "sig", "RS256")
        assert PyJWK(key).key.key_size >= 2048
    assert b"PRIVATE" not in document


def test_a_key_does_not_show_its_private_half() -> None:
    assert "PRIVATE" not in repr(SPARES[0])
    assert "PRIVATE" not in repr(first_set(new(0, NOW), new(1, NOW)))


async def token(replica: Replica) -> str:
    return await replica.keys.sign({"sub": "x"})


async def assert_verifies(text: str, replica: Replica) -> None:
    kid = get_unverified_header(text)["kid"]
    key = await replica.keys.public(kid)
    assert key is not None
    assert decode(text, PyJWK(msgspec.to_builtins(key)), algorithms=["RS256"]) == {"sub": "x"}


async def test_replicas_that_start_at_once_agree_on_one_set(any_world: World) -> None:
    world = any_world
    replicas = [await world.replica() for _ in range(3)]
    sets = await asyncio.gather(*(replica.keys.live() for replica in replicas))
    assert len({keys.current.kid for keys in sets}) == 1
    for signer in replicas:
        for reader in replicas:
            await assert_verifies(await token(signer), reader)


async def test_of_replicas_that_rotate_at_once_one_does(any_world: World) -> None:
    world = any_world
    replicas = [await world.replica() for _ in range(3)]
    first = await replicas[0].keys.live()
    old = await token(replicas[1])
    with pytest.raises(Conflict):
        await replicas[0].keys.rotate()
    world.clock.tick(PUBLISHED_BEFORE.total_seconds())
    outcomes = await asyncio.gather(*(replica.keys.rotate() for replica in replicas), return_exceptions=True)
    assert sum(isinstance(outcome, KeySet) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 2
    now = await replicas[0].keys.live()
    assert now.current.kid == first.next.kid
    for replica in replicas:
        await assert_verifies(old, replica)
        async with asyncio.timeout(10):
            while (await replica.keys.known()).current.kid != now.current.kid:  # noqa: ASYNC110 # a watch's news
                await asyncio.sleep(0.005)
    new_one = await token(replicas[2])
    for replica in replicas:
        await assert_verifies(new_one, replica)


async def test_keys_change_by_themselves_when_they_are_old(world: World) -> None:
    one, two = await world.replica(), await world.replica()
    first = await one.keys.live()
    for _ in range(2):
        await asyncio.gather(one.keys.look(), two.keys.look())
    assert (await one.keys.live()).current.kid == first.current.kid
    world.clock.tick(days=30)
    await asyncio.gather(one.keys.look(), two.keys.look())
    rotated = await one.keys.live()
    assert rotated.current.kid == first.next.kid
    assert rotated.previous is not None
    world.clock.tick(PUBLISHED_AFTER.total_seconds())
    await asyncio.gather(one.keys.look(), two.keys.look())
    tidied = await one.keys.live()
    assert (tidied.previous, tidied.current.kid) == (None, rotated.current.kid)


async def test_a_leaked_key_is_replaced_with_the_one_that_was_to_follow_it(world: World) -> None:
    one = await world.replica()
    before = await one.keys.live()
    after = await one.keys.replace_leaked()
    assert after.previous is None
    assert {after.current.kid, after.next.kid}.isdisjoint({before.current.kid, before.next.kid})
    assert await one.keys.public(before.current.kid) is None
    await assert_verifies(await token(one), one)


async def test_a_key_this_replica_has_not_heard_of_is_asked_for(world: World) -> None:
    one, two = await world.replica(), await world.replica()
    await one.keys.live()
    await two.keys.known()
    record = await one.identity.records.get(SIGNING_KEYS, ID)
    spare = make_key(world.clock.now)
    # two's cache is held still by asking before the watch has had a turn
    await one.identity.records.replace(record, replace(record.value, next=spare))
    assert (await two.keys.public(spare.kid)) == spare.public
    assert await two.keys.public("no-such-key") is None


async def test_a_rotation_whose_answer_is_lost_is_told_as_done(world: World) -> None:
    one = await world.replica()
    before = await one.keys.live()
    world.clock.tick(days=1)
    assert world.cluster is not None
    secret = f"/api/v1/namespaces/{world.namespace}/secrets/{SIGNING_KEYS.secret_name(ID)}"
    await switch(world.cluster, "lose", times=2, method="PUT", path=secret)
    assert (await one.keys.rotate()).current.kid == before.next.kid
    assert (await one.keys.live()).current.kid == before.next.kid


async def test_a_replica_that_hears_nothing_follows_all_the_same(world: World) -> None:
    one = await world.replica()
    deaf = Identity.over(one.kube, world.settings, world.clock)
    keys = SigningKeys(deaf.records, deaf.cache, period=timedelta(days=30), clock=world.clock)
    before = await keys.known()
    leaked = before.current.kid
    assert await one.keys.replace_leaked() != before
    await keys.look()
    assert get_unverified_header(await keys.sign({}))["kid"] != leaked
    assert leaked not in {key.kid for key in (await keys.jwks()).keys}
