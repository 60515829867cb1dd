"""One record for each person, and the epoch by which everything of theirs ends at once, on every replica."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from genet.auth.people import PERSON, UpstreamLink
from genet.errors import Forbidden, NotFound, Unavailable
from tests.identities import ANN, BOB, NAMESPACE, ends, identity_of, log_in, make_token
from tests.replicas import until

SOMEBODY_ELSE = replace(ANN, owner="https://login.example.org|666")
"""Of the same name and mail."""


async def prove(identity, user=ANN, token=None):
    return await identity.people.logged_in(user, email_verified=True, upstream_refresh_token=token)


def stored(cluster, kind):
    secrets = cluster.store.list("secrets", NAMESPACE)
    return [secret for secret in secrets if secret["metadata"]["labels"]["genet.io/record"] == kind]


async def test_a_login_is_remembered(identity, clock):
    person = await prove(identity)
    assert (person.identifier, person.owner, person.groups) == (ANN.identifier, ANN.owner, ANN.groups)
    assert (person.email_verified, person.created_at, person.last_login_at) == (True, clock(), clock())
    assert identity.people.known(ANN.identifier) == person
    assert identity.people.user_of(person) == ANN


async def test_a_later_login_brings_what_the_provider_says_now(identity, clock):
    first = await prove(identity)
    clock.advance(days=1)
    person = await prove(identity, replace(ANN, groups=("gpu-admins",)))
    assert (person.groups, person.last_login_at) == (("gpu-admins",), clock())
    assert (person.created_at, person.epoch) == (first.created_at, first.epoch)


async def test_twelve_first_logins_at_once_make_one_person(identity, other, cluster):
    people = await asyncio.gather(*(prove(replica) for _ in range(6) for replica in (identity, other)))
    assert len({person.epoch for person in people}) == 1
    assert len(stored(cluster, "person")) == 1


async def test_another_account_of_the_same_name_is_refused(identity):
    await prove(identity)
    for attempt in (prove(identity, SOMEBODY_ELSE), identity.people.seen(SOMEBODY_ELSE)):
        with pytest.raises(Forbidden, match="another account"):
            await attempt
    with pytest.raises(Forbidden, match="another account"):
        identity.people.check(SOMEBODY_ELSE)
    record = await identity.people.live(ANN.identifier)
    assert record.value.owner == ANN.owner


async def test_another_account_is_refused_by_a_replica_that_has_not_heard_of_the_first(identity, kubeconfig, clock):
    await prove(identity)
    async with identity_of(kubeconfig, clock, ready=False) as fresh:
        await fresh.keyring.load()
        with pytest.raises(Forbidden, match="another account"):
            await prove(fresh, SOMEBODY_ELSE)


@pytest.mark.parametrize(
    "changes", [{"username": "system:admin"}, {"groups": ("system:masters",)}, {"identifier": "system:x"}]
)
async def test_nobody_comes_in_under_a_name_of_kubernetes(identity, cluster, changes):
    for come in (prove, lambda identity, user: identity.people.seen(user)):
        with pytest.raises(Forbidden, match="system:"):
            await come(identity, replace(ANN, **changes))
    assert stored(cluster, "person") == []


async def test_administrators_are_those_of_the_settings(kubeconfig, clock):
    admins = {"users": ["bob-bob"], "groups": ["staff"]}
    async with identity_of(kubeconfig, clock, auth={"mode": "oauth", "admins": admins}) as identity:
        for user, expected in ((ANN, True), (BOB, True), (replace(BOB, identifier="eve-eve"), False)):
            assert identity.people.user_of(await prove(identity, user)).is_admin is expected


async def test_who_is_vouched_for_is_made_a_person_once(kubeconfig, cluster, clock):
    async with identity_of(kubeconfig, clock, auth={"mode": "proxy"}) as identity:
        seen = await asyncio.gather(*(identity.people.seen(ANN) for _ in range(12)))
        assert len({person.epoch for person in seen}) == 1
        (secret,) = stored(cluster, "person")
        clock.advance(days=1)
        await identity.people.seen(ANN)
        assert stored(cluster, "person") == [secret]
        assert (await identity.people.seen(replace(ANN, groups=()))).groups == ()


async def test_what_a_session_knows_of_its_person_changes_nothing(identity, cluster):
    with pytest.raises(Forbidden, match="not known"):
        await identity.people.seen(ANN)
    assert stored(cluster, "person") == []
    person = await prove(identity)
    assert await identity.people.seen(replace(ANN, groups=("gpu-admins",))) == person
    assert (await identity.people.live(ANN.identifier)).value == person


# --- the provider's refresh token


async def test_the_providers_refresh_token_is_kept_sealed(identity, other, cluster):
    person = await prove(identity, token="rt-s3cret")
    assert identity.people.upstream_token(person) == "rt-s3cret"
    assert b"rt-s3cret" not in msgspec.json.encode(stored(cluster, "person"))
    assert "rt-s3cret" not in repr(person)
    await until(lambda: other.people.known(ANN.identifier))
    assert other.people.upstream_token(other.people.known(ANN.identifier)) == "rt-s3cret"


async def test_a_login_without_a_refresh_token_keeps_the_one_from_before(identity, clock):
    await prove(identity, token="rt")
    clock.advance(hours=1)
    person = await prove(identity)
    assert identity.people.upstream_token(person) == "rt"
    assert person.upstream.checked_at == clock()


async def test_a_refused_refresh_token_is_not_kept(identity, clock):
    await prove(identity, token="rt")
    record = await identity.people.live(ANN.identifier)
    link = UpstreamLink(record.value.upstream.refresh_token, clock(), refused_at=clock())
    await identity.people.replace(record, msgspec.structs.replace(record.value, upstream=link))
    assert (await prove(identity)).upstream is None


async def test_a_refresh_token_in_anothers_place_cannot_be_read(identity, clock):
    cookie = await log_in(identity)
    person = msgspec.structs.replace(identity.people.known(ANN.identifier), upstream=UpstreamLink(cookie, clock()))
    assert identity.people.upstream_token(person) is None


# --- ending everything


async def test_everything_ends_at_once_on_every_replica(identity, other, cluster):
    cookies = [await log_in(identity), await log_in(other)]
    tokens = [await make_token(identity), await make_token(other)]
    await log_in(identity, BOB)
    for kind in ("grant", "device"):
        labels = {"genet.io/record": kind, "genet.io/user": ANN.identifier}
        cluster.store.create("secrets", {"metadata": {"name": kind, "namespace": NAMESPACE, "labels": labels}})
    ended = await identity.people.end_everything(ANN.identifier)
    assert ended == {"session": 2, "token": 2, "grant": 1, "device": 1}
    assert [await identity.sessions.find(cookie) for cookie in cookies] == [None, None]
    assert [await identity.tokens.find(token) for token in tokens] == [None, None]
    await ends(other.sessions.find, *cookies)
    await ends(other.tokens.find, *tokens)
    assert [len(stored(cluster, kind)) for kind in ("session", "token", "grant", "device")] == [1, 0, 0, 0]


async def test_what_was_left_over_counts_no_more_than_what_was_deleted(identity, other):
    """One write ends everything: the deletions may fail, and be done by the collector."""
    cookie, token = await log_in(identity), await make_token(identity)
    record = await identity.people.live(ANN.identifier)
    assert await other.sessions.find(cookie)
    await identity.people.replace(record, msgspec.structs.replace(record.value, epoch=record.value.epoch + 1))
    assert await identity.sessions.find(cookie) is None
    assert await identity.tokens.find(token) is None
    await ends(other.sessions.find, cookie)
    await ends(other.tokens.find, token)


async def test_who_logs_in_after_the_end_is_in_everywhere(identity, other):
    await log_in(identity)
    await other.people.live(ANN.identifier)
    await identity.people.end_everything(ANN.identifier)
    cookie = await log_in(identity)
    assert await identity.sessions.find(cookie)
    assert await other.sessions.find(cookie), "whatever the other replica has heard of the new epoch"


async def test_the_disabled_are_out_and_stay_out_until_enabled(identity, other):
    cookie, token = await log_in(identity), await make_token(identity)
    await identity.people.disable(ANN.identifier)
    assert await identity.people.is_disabled(ANN.identifier)
    assert await identity.sessions.find(cookie) is None
    assert await identity.tokens.find(token) is None
    attempts = [prove(identity), prove(other), other.people.seen(ANN), make_token(identity)]
    for attempt in attempts:
        with pytest.raises(Forbidden, match="disabled"):
            await attempt
    with pytest.raises(Forbidden, match="disabled"):
        await identity.sessions.start(ANN, authenticated_at=identity.people._clock(), user_agent="")
    with pytest.raises(Forbidden, match="disabled"):
        identity.people.check(ANN)
    await identity.people.enable(ANN.identifier)
    assert await identity.sessions.find(cookie) is None
    assert await identity.sessions.find(await log_in(identity))


async def test_the_disabled_do_not_come_back_under_another_name(identity, other):
    """Their own to choose at many providers; issuer and subject stay."""
    renamed = replace(ANN, username="nina", email="nina@example.org", identifier="nina-nina")
    before = await log_in(identity, renamed)
    await log_in(identity)
    await identity.people.disable(ANN.identifier)
    await until(lambda: other.people.known(ANN.identifier).is_disabled)
    for replica in (identity, other):
        assert await replica.sessions.find(before) is None, "nor stay under one that they had before"
        with pytest.raises(Forbidden, match="disabled"):
            await prove(replica, renamed)
        with pytest.raises(Forbidden, match="disabled"):
            await prove(replica, replace(renamed, identifier="ann2-ann"))
    assert await identity.sessions.find(await log_in(identity, BOB)), "others are not concerned"
    await identity.people.enable(ANN.identifier)
    assert await identity.sessions.find(await log_in(identity, renamed))


async def test_the_disabled_flag_counts_by_itself(identity):
    """Not only by the epoch that changes with it: somebody may set it by hand."""
    cookie, token = await log_in(identity), await make_token(identity)
    record = await identity.people.live(ANN.identifier)
    await identity.people.replace(record, msgspec.structs.replace(record.value, is_disabled=True))
    assert await identity.sessions.find(cookie) is None
    assert await identity.tokens.find(token) is None


async def test_a_person_made_anew_does_not_revive_what_was_made_before(identity, cluster, clock):
    cookie = await log_in(identity)
    cluster.store.delete("secrets", NAMESPACE, PERSON.secret_name(ANN.identifier))
    await until(lambda: identity.people.known(ANN.identifier) is None)
    assert await identity.sessions.find(cookie) is None
    clock.advance(seconds=1)
    await prove(identity, SOMEBODY_ELSE)
    assert await identity.sessions.find(cookie) is None


async def test_nobody_unknown_is_ended(identity, cluster):
    people = identity.people
    for act in (people.disable, people.enable, people.end_everything):
        with pytest.raises(NotFound):
            await act("nobody-here")
    assert stored(cluster, "person") == []
    assert not await people.is_disabled("nobody-here")


async def test_a_refresh_token_is_no_older_than_a_grant_may_be(identity, clock):
    person = await prove(identity, token="rt")
    clock.advance(seconds=timedelta(days=30).total_seconds() - 1)
    assert identity.people.upstream_token(person) == "rt"
    clock.advance(seconds=1)
    assert identity.people.upstream_token(person) is None


async def test_who_is_vouched_for_waits_until_it_is_known_who_is_disabled(identity, kubeconfig, clock):
    await prove(identity)
    await identity.people.disable(ANN.identifier)
    async with identity_of(kubeconfig, clock, ready=False, auth={"mode": "proxy"}) as fresh:
        with pytest.raises(Unavailable):
            fresh.people.check(ANN)
        await fresh.wait_ready()
        with pytest.raises(Forbidden):
            fresh.people.check(ANN)
