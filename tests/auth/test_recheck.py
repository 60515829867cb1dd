"""Whether somebody is still who they were: asked seldom, by one replica at a time, and never believed of another."""

import asyncio
from dataclasses import replace as changed
from datetime import timedelta

import pytest
from msgspec.structs import replace

from genet.auth.people import UpstreamLink
from genet.auth.proven import user_of
from genet.auth.recheck import CLAIM, Recheck, is_claimed
from genet.auth.upstream import Upstream
from genet.auth.upstream_calls import TIMEOUT_SECONDS
from genet.errors import Forbidden, Unavailable
from genet.settings import Allow, Auth, Settings
from tests.auth.company import company
from tests.replicas import switch, until

AUTH = Auth(mode="oauth")


@pytest.fixture
async def provider(clock):
    async with company() as one:
        one.clock = clock.now
        yield one


def recheck_of(identity, provider, clock, auth=AUTH):
    settings = Settings(auth=auth, oauth=provider.settings())
    return Recheck(identity.people, Upstream(settings.oauth, clock), settings, clock)


@pytest.fixture
def recheck(identity, provider, clock):
    return recheck_of(identity, provider, clock)


@pytest.fixture
async def alice(identity, provider, clock):
    """Logged in at the provider a while ago, so that it has to be asked again."""
    who = await Upstream(provider.settings(), clock).refresh("at the login")
    user = user_of(who, AUTH)
    await identity.people.logged_in(user, email_verified=True, upstream_refresh_token="rt-1")
    provider.asked.clear()
    clock.advance(seconds=601)
    provider.clock = clock.now
    return user.identifier


def sent(provider):
    return [form["refresh_token"] for path, form, _ in provider.asked if path == "/token"]


async def link(identity, identifier):
    record = await identity.people.live(identifier)
    return record.value.upstream


async def test_what_is_young_enough_is_not_asked_again(recheck, provider, identity, alice, clock):
    await recheck.current(alice)
    assert sent(provider) == ["rt-1"]
    clock.advance(seconds=599)
    await recheck.current(alice)
    assert sent(provider) == ["rt-1"]


async def test_what_changed_is_learnt_and_the_next_token_is_used_next(recheck, provider, identity, alice, clock):
    provider.claims, provider.tokens = {"groups": ["ops"]}, {"refresh_token": "rt-2"}
    assert (await recheck.current(alice)).groups == ("ops",)
    assert identity.people.known(alice).groups == ("ops",)
    assert (await link(identity, alice)).claimed_until is None
    clock.advance(seconds=601)
    provider.clock = clock.now
    provider.tokens = {"refresh_token": None}  # then the present one stays good
    await recheck.current(alice)
    clock.advance(seconds=601)
    provider.clock = clock.now
    await recheck.current(alice)
    assert sent(provider) == ["rt-1", "rt-2", "rt-2"]


async def test_many_ask_and_the_provider_is_asked_once(recheck, provider, other, alice, clock):
    elsewhere = recheck_of(other, provider, clock)
    users = await asyncio.gather(*(one.current(alice) for one in (recheck, elsewhere) * 4))
    assert {user.identifier for user in users} == {alice}
    assert sent(provider) == ["rt-1"]


async def test_who_hangs_up_does_not_lose_the_answer(recheck, provider, identity, alice):
    provider.delay = asyncio.Event()
    provider.tokens = {"refresh_token": "rt-2"}
    asking = asyncio.create_task(recheck.current(alice))
    await until(lambda: provider.count("/token"))
    asking.cancel()
    provider.delay.set()
    await recheck.current(alice)
    assert sent(provider) == ["rt-1"]
    assert identity.people.upstream_token((await identity.people.live(alice)).value) == "rt-2"


@pytest.mark.parametrize(
    "change",
    [
        {"sub": "sub-of-another-alice"},
        {"preferred_username": "alicia"},
        {"email": "alice.new@example.org"},
        {"iss": "https://evil.example"},
        {"aud": "other"},
    ],
)
async def test_another_identity_or_name_is_somebody_else(recheck, provider, identity, alice, change):
    provider.claims = change
    for _ in range(2):
        with pytest.raises(Forbidden):
            await recheck.current(alice)
    assert len(sent(provider)) == 1
    assert (await link(identity, alice)).refused_at is not None


async def test_whom_the_provider_gives_up_is_gone_until_the_next_login(recheck, provider, identity, alice, clock):
    provider.error = 400, {"error": "invalid_grant"}
    for _ in range(2):
        with pytest.raises(Forbidden, match="log in again"):
            await recheck.current(alice)
    assert len(sent(provider)) == 1
    person = identity.people.known(alice)
    await identity.people.logged_in(identity.people.user_of(person), email_verified=True, upstream_refresh_token="rt-9")
    assert (await recheck.current(alice)).identifier == alice
    assert identity.people.known(alice).let_go_at == clock.now, "what was there before stays ended"


async def test_who_is_on_no_list_any_more_is_gone(identity, provider, alice, clock):
    strict = recheck_of(identity, provider, clock, Auth(mode="oauth", allow=Allow(groups=("staff",))))
    provider.claims = {"groups": ["alumni"]}
    with pytest.raises(Forbidden, match="may not log in"):
        await strict.current(alice)


async def test_a_provider_that_does_not_answer_ends_nothing_for_an_hour(recheck, provider, identity, alice, clock):
    provider.error = 503, {}
    assert (await recheck.current(alice)).identifier == alice
    assert (await link(identity, alice)).refused_at is None
    assert (await link(identity, alice)).claimed_until is None
    clock.advance(hours=1)
    with pytest.raises(Unavailable, match="too long"):
        await recheck.current(alice)
    provider.error, provider.clock = None, clock.now
    assert (await recheck.current(alice)).identifier == alice


async def test_trouble_with_the_client_is_no_refusal_of_a_person(recheck, provider, identity, alice):
    provider.error = 401, {"error": "invalid_client"}
    assert (await recheck.current(alice)).identifier == alice
    assert (await link(identity, alice)).refused_at is None


async def test_the_disabled_and_the_unknown_are_not_asked_about(recheck, provider, identity, alice):
    await identity.people.disable(alice)
    for identifier in (alice, "nobody-nobody"):
        with pytest.raises(Forbidden, match="disabled"):
            await recheck.current(identifier)
    assert sent(provider) == []


async def test_without_a_token_what_was_known_counts(recheck, provider, identity, clock, alice):
    person = identity.people.known(alice)
    bob = changed(identity.people.user_of(person), identifier="bob-bob", username="bob", owner="o|2")
    await identity.people.logged_in(bob, email_verified=True, upstream_refresh_token=None)
    clock.advance(days=2)
    assert (await recheck.current("bob-bob")).identifier == "bob-bob"
    assert sent(provider) == []


async def test_where_there_is_no_provider_what_was_known_counts(identity, alice, clock):
    settings = Settings(auth=Auth(mode="proxy"))
    assert (await Recheck(identity.people, None, settings, clock).current(alice)).identifier == alice


async def test_a_login_meanwhile_keeps_its_own_token(recheck, provider, identity, alice):
    provider.delay = asyncio.Event()
    provider.tokens = {"refresh_token": "rt-of-the-old-login"}
    asking = asyncio.create_task(recheck.current(alice))
    await until(lambda: provider.count("/token"))
    user = identity.people.user_of(identity.people.known(alice))
    await identity.people.logged_in(user, email_verified=True, upstream_refresh_token="rt-of-the-new-login")
    provider.delay.set()
    await asking
    assert identity.people.upstream_token((await identity.people.live(alice)).value) == "rt-of-the-new-login"


async def test_somebody_disabled_meanwhile_is_refused(recheck, provider, identity, alice):
    provider.delay = asyncio.Event()
    asking = asyncio.create_task(recheck.current(alice))
    await until(lambda: provider.count("/token"))
    await identity.people.disable(alice)
    provider.delay.set()
    with pytest.raises(Forbidden, match="disabled"):
        await asking


@pytest.mark.parametrize("behind", [-5, 0, 5])
@pytest.mark.parametrize("asked_for", [0, 4 * TIMEOUT_SECONDS])
def test_a_claim_holds_whatever_time_another_replica_says_it_is(clock, behind, asked_for):
    """From its beginning to the end of the longest question."""
    link = UpstreamLink(None, clock.now, claimed_until=clock.now + CLAIM)
    clock.advance(seconds=asked_for - behind)
    assert is_claimed(link, clock.now)


@pytest.mark.parametrize("off", [-CLAIM, timedelta(0), CLAIM + timedelta(minutes=1)])
def test_a_claim_of_the_past_or_of_a_far_future_holds_nobody_up(clock, off):
    assert not is_claimed(UpstreamLink(None, clock.now, claimed_until=clock.now + off), clock.now)


async def test_a_claim_whose_replica_died_is_taken_over(recheck, provider, identity, alice, clock):
    record = await identity.people.live(alice)
    held = replace(record.value.upstream, claimed_until=clock.now - timedelta(seconds=1))
    await identity.people.replace(record, replace(record.value, upstream=held))
    await recheck.current(alice)
    assert sent(provider) == ["rt-1"]


async def test_an_api_server_that_stumbles_loses_no_token_that_was_just_given(
    recheck, provider, identity, alice, cluster
):
    provider.delay, provider.tokens = asyncio.Event(), {"refresh_token": "rt-2"}
    asking = asyncio.create_task(recheck.current(alice))
    await until(lambda: provider.count("/token"))
    await switch(cluster, "fail", status=500, times=2)
    provider.delay.set()
    assert (await asking).identifier == alice
    assert identity.people.upstream_token((await identity.people.live(alice)).value) == "rt-2"
