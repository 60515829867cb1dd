"""Browser sessions: who has the cookie, for how long, and that an end is an end on every replica."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from genet.auth.identity import Identity
from genet.auth.sealing import Purpose, Sealer
from genet.auth.sessions import SESSION, SESSION_COOKIE, SessionCookie, is_still_there
from genet.errors import Forbidden, Unavailable
from genet.kube.client import KubeClient
from genet.kube.watch import Timing, Trouble
from tests.identities import ANN, BOB, NAMESPACE, ends, identity_of, log_in
from tests.replicas import settings, switch, until


def sessions(cluster):
    secrets = cluster.store.list("secrets", NAMESPACE)
    return [secret for secret in secrets if secret["metadata"]["labels"]["genet.io/record"] == "session"]


async def test_the_cookie_says_who_is_calling(identity, clock):
    caller = await identity.sessions.find(await log_in(identity))
    assert caller is not None
    assert (caller.user, caller.by, caller.scopes) == (ANN, "session", None)
    assert caller.authenticated_at == datetime(2026, 1, 31, 7, 59, tzinfo=UTC)
    assert caller.until == clock() + timedelta(hours=12)


async def test_every_replica_knows_it_at_once(identity, other):
    for _ in range(5):
        caller = await other.sessions.find(await log_in(identity))
        assert caller is not None
        assert caller.user == ANN


async def test_a_session_ends_after_its_time_whatever_is_done_with_it(identity, clock):
    cookie = await log_in(identity)
    for _ in range(11):
        clock.advance(hours=1)
        assert await identity.sessions.find(cookie)
    clock.advance(seconds=3599)
    assert await identity.sessions.find(cookie)
    clock.advance(seconds=1)
    assert await identity.sessions.find(cookie) is None


async def test_a_record_that_is_over_does_not_count_even_if_its_cookie_would(identity, clock, cluster):
    await log_in(identity)
    (secret,) = sessions(cluster)
    id_ = secret["metadata"]["name"].removeprefix("genet-session-")
    clock.advance(hours=13)
    cookie = identity.sealer.seal(SESSION_COOKIE, SessionCookie(id_), timedelta(hours=1))
    assert await identity.sessions.find(cookie) is None


async def test_a_session_of_another_epoch_or_person_is_not_there_although_its_record_is(identity):
    """As between the write that ends everything and the deletions that follow it."""
    caller = await identity.sessions.find(await log_in(identity))
    person = (await identity.people.live(ANN.identifier)).value
    id_ = caller.credential_id
    assert await is_still_there(identity.records, id_, person)
    assert not await is_still_there(identity.records, id_, replace(person, epoch=person.epoch + 1))
    assert not await is_still_there(identity.records, id_, replace(person, identifier=BOB.identifier))


async def test_every_login_is_a_session_of_its_own(identity, cluster):
    first, second = await log_in(identity), await log_in(identity)
    assert first != second
    assert len(sessions(cluster)) == 2


async def test_what_the_cluster_shows_is_no_cookie(identity, cluster):
    await log_in(identity)
    (secret,) = sessions(cluster)
    name = secret["metadata"]["name"]
    id_ = name.removeprefix("genet-session-")
    assert len(id_) * 4 >= 128
    for guess in (id_, name, base64.urlsafe_b64encode(id_.encode()).decode(), secret["data"]["record"]):
        assert await identity.sessions.find(guess) is None


@pytest.mark.parametrize("cookie", ["", "x", "=", "é", "\0", "A" * 120, "A" * 20_000, "../person", "a.b.c"])
async def test_rubbish_is_nobody(identity, cookie):
    assert await identity.sessions.find(cookie) is None


async def test_a_cookie_that_was_changed_anywhere_is_nobody(identity):
    cookie = await log_in(identity)
    for n in range(len(cookie) - 1):  # of the last character some bits mean nothing
        changed = cookie[:n] + ("A" if cookie[n] != "A" else "B") + cookie[n + 1 :]
        assert await identity.sessions.find(changed) is None, n


async def test_what_was_sealed_for_another_use_is_no_cookie(identity, cluster):
    cookie = await log_in(identity)
    id_ = sessions(cluster)[0]["metadata"]["name"].removeprefix("genet-session-")
    assert identity.sealer.open(SESSION_COOKIE, cookie) == SessionCookie(id_)
    flow = identity.sealer.seal(Purpose("login", SessionCookie), SessionCookie(id_), timedelta(hours=1))
    assert await identity.sessions.find(flow) is None


async def test_what_another_key_sealed_is_no_cookie(identity, clock, cluster):
    await log_in(identity)
    id_ = sessions(cluster)[0]["metadata"]["name"].removeprefix("genet-session-")
    sealer = Sealer(lambda: [bytes(32)], clock)
    assert await identity.sessions.find(sealer.seal(SESSION_COOKIE, SessionCookie(id_), timedelta(hours=1))) is None


async def test_a_logout_holds_on_every_replica(identity, other, cluster):
    cookie, kept = await log_in(identity), await log_in(identity)
    caller = await other.sessions.find(cookie)
    assert caller is not None
    await identity.sessions.end(caller.credential_id)
    assert await identity.sessions.find(cookie) is None, "at once where it was done"
    await ends(other.sessions.find, cookie)
    assert len(sessions(cluster)) == 1
    assert await other.sessions.find(kept)
    await other.sessions.end(caller.credential_id)  # a second logout does no harm


@pytest.mark.parametrize("session_id", ["", "..", "../../pods/x", "A" * 40, "0" * 40, "%2e%2e"])
async def test_what_is_no_session_cannot_be_ended(identity, cluster, session_id):
    await log_in(identity)
    await identity.sessions.end(session_id)
    assert len(sessions(cluster)) == 1


async def test_one_session_too_many_ends_the_oldest(kubeconfig, clock):
    auth = {"mode": "oauth", "session": {"mostPerUser": 3}}
    async with identity_of(kubeconfig, clock, auth=auth) as identity:
        bobs = await log_in(identity, BOB)
        cookies = []
        for _ in range(5):
            clock.advance(seconds=1)
            cookies.append(await log_in(identity))
        left = [await identity.sessions.find(cookie) is not None for cookie in cookies]
        assert left == [False, False, True, True, True]
        assert await identity.sessions.find(bobs)


async def test_nobody_unknown_gets_a_session(identity, clock):
    with pytest.raises(Forbidden):
        await identity.sessions.start(ANN, authenticated_at=clock(), user_agent="")


async def test_what_browsers_say_of_themselves_is_cut_and_made_printable(identity, clock):
    await log_in(identity)
    _, session = await identity.sessions.start(ANN, authenticated_at=clock(), user_agent="a\n\x1bb" + "c" * 9999)
    assert session.user_agent == "ab" + "c" * 252


# --- what still runs on a session


async def test_a_stream_hears_that_its_session_ended_on_another_replica(identity, other):
    cookie, kept = await log_in(identity), await log_in(identity)
    ended: list[str] = []
    for name, value in (("gone", cookie), ("kept", kept)):
        caller = await other.sessions.find(value)
        other.sessions.on_end(caller.credential_id, lambda name=name: ended.append(name))
    gone = await identity.sessions.find(cookie)
    await identity.sessions.end(gone.credential_id)
    await until(lambda: ended)
    assert ended == ["gone"]


@pytest.mark.parametrize("act", ["end_everything", "disable"])
async def test_streams_hear_that_everything_ended(identity, other, act):
    mine = await other.sessions.find(await log_in(identity))
    bobs = await other.sessions.find(await log_in(identity, BOB))
    ended: list[str] = []
    other.sessions.on_end(mine.credential_id, lambda: ended.append("mine"))
    other.sessions.on_end(bobs.credential_id, lambda: ended.append("bob's"))
    await getattr(identity.people, act)(ANN.identifier)
    await until(lambda: ended)
    await until(lambda: other.people.known(ANN.identifier) == identity.people.known(ANN.identifier))
    assert ended == ["mine"]


async def test_who_does_not_listen_any_more_hears_nothing(identity):
    caller = await identity.sessions.find(await log_in(identity))
    ended: list[int] = []
    stop = identity.sessions.on_end(caller.credential_id, lambda: ended.append(1))
    stop()
    stop()
    await identity.sessions.end(caller.credential_id)
    assert ended == []


async def test_listening_to_what_has_ended_is_told_at_once(identity):
    caller = await identity.sessions.find(await log_in(identity))
    await identity.sessions.end(caller.credential_id)
    ended: list[int] = []
    identity.sessions.on_end(caller.credential_id, lambda: ended.append(1))()
    assert ended == [1]


# --- the API server is away


async def outage(cluster):
    await switch(cluster, "fail", status=503, times=100_000)
    await switch(cluster, "drop")


async def test_an_outage_of_the_api_server_logs_nobody_out(kubeconfig, clock, cluster):
    quick = Timing(first_delay=0.01, max_delay=0.02)
    async with identity_of(kubeconfig, clock, timing=quick, trusted_seconds=0) as identity:
        cookie = await log_in(identity)
        await outage(cluster)
        await until(lambda: identity.cache.staleness().stale)
        assert await identity.sessions.find(cookie)


async def test_what_a_replica_has_never_heard_of_is_not_called_logged_out_in_an_outage(identity, other, cluster):
    cookie = await log_in(identity)
    fresh = other.sealer.seal(SESSION_COOKIE, SessionCookie("0" * 40), timedelta(hours=1))
    await outage(cluster)
    assert await identity.sessions.find(cookie)
    with pytest.raises(Unavailable):
        await identity.sessions.find(fresh)


async def test_a_replica_without_news_asks_whether_somebody_was_logged_out(kubeconfig, clock, cluster):
    """Its watch does not come back, but the API server answers: then what changes things would work for it too."""
    async with identity_of(kubeconfig, clock, trusted_seconds=0) as identity:
        cookie, kept = await log_in(identity), await log_in(identity)
        gone = await identity.sessions.find(cookie)
        assert gone is not None
        await switch(cluster, "freeze")
        cluster.store.delete("secrets", NAMESPACE, SESSION.secret_name(gone.credential_id or ""))
        identity.cache.apply(Trouble(Unavailable("no news")))
        assert await identity.sessions.find(cookie) is None
        assert await identity.sessions.find(kept)


async def test_whoever_makes_up_tokens_locks_nobody_out_elsewhere(identity, kubeconfig, clock):
    """Of a replica that has not heard of the session yet."""
    cookie = await log_in(identity)
    configured = settings(kubeconfig, auth={"mode": "oauth"})
    async with KubeClient.connect(configured.kubernetes) as kube:
        deaf = Identity.over(kube, configured, clock)
        await deaf.keyring.load()
        for n in range(200):
            assert await deaf.tokens.find(f"genet-sk-{n:020x}.{'A' * 43}") is None
        assert await deaf.sessions.find(cookie)
