"""API tokens: what is kept of them, what they are good for, and that an end is an end on every replica."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from genet.auth.tokens import MOST_PER_USER, TOKEN
from genet.errors import Conflict, Forbidden, NotFound
from tests.identities import ANN, BOB, NAMESPACE, ends, make_token
from tests.replicas import switch, until

SOMEBODY_ELSE = replace(ANN, owner="https://login.example.org|666")


def tokens(cluster):
    secrets = cluster.store.list("secrets", NAMESPACE)
    return [secret for secret in secrets if secret["metadata"]["labels"]["genet.io/record"] == "token"]


def id_of(bearer):
    return bearer.removeprefix("genet-sk-").partition(".")[0]


async def last_use(identity, bearer):
    await identity.tokens.settled()
    return (await identity.records.get(TOKEN, id_of(bearer))).value.last_used_at


async def test_a_token_says_who_is_calling_and_for_what(identity, other, clock):
    bearer = await make_token(identity, scopes=("pods:read", "cluster:read"))
    for replica in (identity, other):
        caller = await replica.tokens.find(bearer)
        assert caller is not None
        assert (caller.user, caller.by, caller.credential_id) == (ANN, "token", id_of(bearer))
        assert caller.scopes == {"pods:read", "cluster:read"}
        assert caller.until == clock() + timedelta(days=90)


async def test_of_a_token_only_a_hash_is_kept(identity, cluster):
    bearer = await make_token(identity)
    kept = msgspec.json.encode(tokens(cluster))
    assert bearer.encode() not in kept
    assert bearer.partition(".")[2].encode() not in kept
    record = (await identity.records.get(TOKEN, id_of(bearer))).value
    assert len(record.hash) == 32
    assert bearer not in repr(record)


async def test_the_id_with_another_secret_is_nobody(identity):
    bearer, others = await make_token(identity), await make_token(identity, BOB)
    mixed = f"genet-sk-{id_of(bearer)}.{others.partition('.')[2]}"
    for guess in (mixed, bearer[:-1] + ("A" if bearer[-1] != "A" else "B"), bearer + "A", bearer[:-1]):
        assert await identity.tokens.find(guess) is None


@pytest.mark.parametrize(
    "bearer",
    [
        "",
        "genet-sk-",
        "genet-sk-.",
        "genet-sk-../../x." + "A" * 43,
        f"genet-sk-{'0' * 20}.",
        "é",
        "Bearer x",
        "A" * 99999,
    ],
)
async def test_rubbish_is_nobody_and_nobody_is_asked(identity, cluster, bearer):
    await switch(cluster, "fail", status=503, times=100_000)
    assert await identity.tokens.find(bearer) is None


async def test_made_up_tokens_cost_the_api_server_little(identity, cluster):
    """Once each, and no more than a few a second."""
    await switch(cluster, "fail", status=404, times=100_000)
    guesses = [f"genet-sk-{n:020x}.{'A' * 43}" for n in range(200)]
    assert [await identity.tokens.find(guess) for guess in guesses] == [None] * 200
    assert 0 < len(identity.tokens._lookup._gone) < 100


async def test_what_was_made_for_another_use_is_no_token(identity):
    """Ids are of one kind: a session's or a person's opens nothing here."""
    await make_token(identity)
    for name in (ANN.identifier, "sealing"):
        assert await identity.tokens.find(f"genet-sk-{name}.{'A' * 43}") is None


async def test_a_token_ends_with_its_time(identity, clock):
    bearer = await make_token(identity, lifetime=timedelta(days=1))
    clock.advance(days=1, seconds=-1)
    assert await identity.tokens.find(bearer)
    clock.advance(seconds=1)
    assert await identity.tokens.find(bearer) is None
    assert identity.tokens.of(ANN) == []


async def test_a_revoked_token_ends_on_every_replica(identity, other, cluster):
    bearer, kept = await make_token(identity), await make_token(identity)
    assert await other.tokens.find(bearer)
    await other.tokens.settled()
    await identity.tokens.revoke(ANN, id_of(bearer))
    assert await identity.tokens.find(bearer) is None
    await ends(other.tokens.find, bearer)
    assert await other.tokens.find(kept)
    assert len(tokens(cluster)) == 1
    with pytest.raises(NotFound):
        await other.tokens.revoke(ANN, id_of(bearer))


async def test_nobody_revokes_or_sees_what_is_anothers(identity):
    bearer = await make_token(identity)
    with pytest.raises(NotFound):
        await identity.tokens.revoke(BOB, id_of(bearer))
    with pytest.raises(Forbidden):
        await identity.tokens.revoke(SOMEBODY_ELSE, id_of(bearer))
    assert identity.tokens.of(BOB) == []
    assert identity.tokens.of(SOMEBODY_ELSE) == []
    assert await identity.tokens.find(bearer)


@pytest.mark.parametrize("token_id", ["", "..", "../../pods/x", "0" * 20, "A" * 20, "%2e"])
async def test_what_is_no_token_cannot_be_revoked(identity, token_id):
    with pytest.raises(NotFound):
        await identity.tokens.revoke(ANN, token_id)


async def test_tokens_are_listed_with_the_newest_first(identity, other, clock):
    for name in ("first", "second"):
        clock.advance(seconds=1)
        await make_token(identity, name=name)
    await make_token(identity, BOB)
    assert [record.value.name for record in identity.tokens.of(ANN)] == ["second", "first"], "at once"
    await until(lambda: len(other.tokens.of(ANN)) == 2)


async def test_nobody_has_more_tokens_than_a_few(identity, other, cluster):
    await make_token(identity, BOB)
    await asyncio.gather(*(make_token(identity) for _ in range(MOST_PER_USER - 4)))
    outcomes = await asyncio.gather(
        *(make_token(replica) for _ in range(6) for replica in (identity, other)), return_exceptions=True
    )
    assert {type(outcome) for outcome in outcomes} <= {str, Conflict}
    assert any(isinstance(outcome, Conflict) for outcome in outcomes)
    assert len(tokens(cluster)) <= MOST_PER_USER + 1
    while len(tokens(cluster)) < MOST_PER_USER + 1:
        await make_token(identity)
    with pytest.raises(Conflict, match="revoke"):
        await make_token(identity)
    assert len(tokens(cluster)) == MOST_PER_USER + 1


async def test_tokens_that_are_over_take_no_place(identity, clock):
    await asyncio.gather(*(make_token(identity, lifetime=timedelta(days=1)) for _ in range(MOST_PER_USER)))
    clock.advance(days=1)
    assert await make_token(identity)


# --- last use


async def test_a_use_is_noted_and_seen_on_other_replicas(identity, other, clock):
    bearer = await make_token(identity)
    assert await last_use(identity, bearer) is None
    clock.advance(minutes=5)
    assert await identity.tokens.find(bearer)
    assert await last_use(identity, bearer) == clock()
    await until(lambda: other.tokens.of(ANN)[0].value.last_used_at == clock())


async def test_uses_are_noted_once_an_hour(identity, clock, cluster):
    bearer = await make_token(identity)
    await identity.tokens.find(bearer)
    noted = await last_use(identity, bearer)
    (secret,) = tokens(cluster)
    for _ in range(5):
        clock.advance(minutes=11)
        assert await identity.tokens.find(bearer)
    assert await last_use(identity, bearer) == noted
    assert tokens(cluster) == [secret]
    clock.advance(minutes=11)
    await identity.tokens.find(bearer)
    assert await last_use(identity, bearer) == clock()


async def test_replicas_that_note_the_same_use_do_not_disturb_each_other(identity, other, clock):
    bearer = await make_token(identity)
    await until(lambda: other.tokens.of(ANN))
    found = await asyncio.gather(*(replica.tokens.find(bearer) for _ in range(6) for replica in (identity, other)))
    assert all(found)
    await other.tokens.settled()
    assert await last_use(identity, bearer) == clock()


async def test_a_use_that_cannot_be_noted_is_a_use_all_the_same(identity, cluster, clock):
    bearer = await make_token(identity)
    await switch(cluster, "fail", status=503, times=100_000)
    assert await identity.tokens.find(bearer)
    await identity.tokens.settled()


async def test_what_runs_on_a_token_hears_of_its_end(identity, other):
    bearer = await make_token(identity)
    caller = await other.tokens.find(bearer)
    await other.tokens.settled()
    ended: list[int] = []
    other.tokens.on_end(caller.credential_id, lambda: ended.append(1))
    await identity.tokens.revoke(ANN, caller.credential_id)
    await until(lambda: ended)
    other.tokens.on_end(caller.credential_id, lambda: ended.append(2))
    assert ended == [1, 2]
