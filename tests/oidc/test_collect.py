"""What is over is taken away, in small calls, by one replica, and nothing else is."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry, generate_latest

from genet import naming
from genet.errors import Unavailable
from genet.kube.objects import SECRETS
from genet.kube.records import RECORD
from genet.oidc import codes
from genet.oidc.collect import EVERY, LEASE, MOST_DELETES, PAGE, Collect, Collecting
from genet.oidc.device import LIFETIME, Devices
from genet.oidc.grant import GRANT, Grant
from genet.oidc.lease import DURATION, Leadership
from tests.oidc.grant_world import (
    ALICE,
    REDIRECT,
    VERIFIER,
    Replica,
    World,
    any_world,
    begun,
    logged_in,
    redeemed,
    world,
)
from tests.oidc.test_codes import refused
from tests.oidc.wire import WATCHED, Wire

__all__ = ["any_world", "world"]

AN_HOUR = 3600


def grant(world: World, **changes: Any) -> Grant:
    now = world.clock.now
    plain = Grant(
        user="alice-alice",
        epoch=1,
        client="kube",
        scope=("openid", "email", "groups", "offline_access"),
        status="active",
        created_at=now,
        last_used_at=now,
        expires_at=now + timedelta(days=30),
        auth_time=now,
        user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        code_hash="0" * 64,
        code_challenge="c" * 43,
        code_expires_at=now + timedelta(seconds=60),
        nonce="n" * 32,
        can_refresh=True,
        salt="s" * 32,
        written_by="w" * 16,
    )
    return replace(plain, **changes)


def fill(world: World, count: int, value: Grant) -> None:
    """Puts grants straight into the embedded cluster's store."""
    assert world.cluster is not None
    for _ in range(count):
        labels = {naming.MANAGED: "true", RECORD: GRANT.name, naming.USER: value.user}
        metadata = {"name": GRANT.secret_name(codes.new_id([b""])), "namespace": world.namespace, "labels": labels}
        data = {"record": msgspec.to_builtins(msgspec.json.encode(value))}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "genet.io/grant", "data": data}
        world.cluster.store.create("secrets", secret)


async def names(replica: Replica) -> set[str]:
    held = [page async for page in replica.identity.records.held(("grant", "session", "token", "device"))]
    return {secret.metadata.name for page in held for secret in page}


def collect_of(replica: Replica, world: World, **changes: Any) -> Collect:
    return Collect(replica.identity.records, world.settings.oidc_provider.ttl, clock=world.clock, **changes)


def collecting_of(replica: Replica, world: World, name: str) -> Collecting:
    leadership = Leadership(replica.kube, LEASE, world.namespace, identity=name, clock=world.clock)
    return Collecting(collect_of(replica, world), leadership, clock=world.clock)


async def test_ten_thousand_grants_go_in_small_calls_and_a_bounded_number_at_a_time(world: World) -> None:
    one = await world.replica(Wire)
    await logged_in(one)
    fill(world, 10_000, grant(world, user="bob-bob"))
    world.clock.tick(days=7, seconds=AN_HOUR - 10)
    kept = await redeemed(one, world)
    world.clock.tick(10)
    WATCHED.set("collector")
    assert isinstance(one.kube, Wire)
    collect, sweeps = collect_of(one, world), 0
    while True:
        one.kube.calls.clear()
        done = await collect.sweep()
        sweeps += 1
        lists = [call for call in one.kube.calls if call.method == "GET"]
        deletes = [call for call in one.kube.calls if call.method == "DELETE"]
        assert all(call.query["limit"] == PAGE for call in lists)
        assert len(deletes) <= MOST_DELETES
        assert max(call.size for call in lists) < 300_000
        assert all(call.size < 4_000 for call in deletes)
        if sweeps == 1:
            print(f"one sweep: {len(lists)} lists of {PAGE}, at most {max(call.size for call in lists)} bytes each, ")
            print(f"{len(deletes)} deletes, at most {max(call.size for call in deletes)} bytes each")
            assert not done.is_complete
        if done.is_complete:
            break
    assert 10 <= sweeps <= 11
    assert await names(one) == {GRANT.secret_name(kept.grant_id)}
    await one.grants.userinfo(kept.access_token)


@pytest.mark.parametrize(
    ("changes", "lifetime"),
    [
        ({}, timedelta(days=7)),
        ({"status": "ended"}, timedelta(days=7)),
        ({"can_refresh": False, "expires_at": "10 minutes"}, timedelta(minutes=10)),
        ({"expires_at": "12 hours"}, timedelta(hours=12)),
    ],
)
async def test_a_grant_is_kept_as_long_as_anything_of_it_could_be_presented(
    world: World, changes: dict[str, Any], lifetime: timedelta
) -> None:
    one = await world.replica()
    if "expires_at" in changes:
        changes = changes | {"expires_at": world.clock.now + lifetime}
    fill(world, 1, grant(world, **changes))
    world.clock.tick((lifetime + timedelta(hours=1)).total_seconds() - 1)
    assert not (await collect_of(one, world).sweep()).deleted
    world.clock.tick(1)
    assert (await collect_of(one, world).sweep()).deleted == {"grant": 1}


async def test_a_code_that_nobody_presents_goes_soon(world: World) -> None:
    one = await world.replica()
    await logged_in(one)
    await begun(one, world.clock)
    world.clock.tick(119)
    assert not (await collect_of(one, world).sweep()).deleted
    world.clock.tick(1)
    assert (await collect_of(one, world).sweep()).deleted == {"grant": 1}


async def test_sessions_and_tokens_that_are_over_go_as_well(world: World) -> None:
    one = await world.replica()
    user = await logged_in(one)
    await one.identity.sessions.start(user, authenticated_at=world.clock.now, user_agent="Firefox")
    await one.identity.tokens.create(user, name="ci", scopes=["pods:read"], lifetime=timedelta(days=1))
    world.clock.tick(hours=12.9)
    assert not (await collect_of(one, world).sweep()).deleted
    world.clock.tick(hours=0.2)
    assert (await collect_of(one, world).sweep()).deleted == {"session": 1}
    world.clock.tick(hours=12)
    assert (await collect_of(one, world).sweep()).deleted == {"token": 1}
    assert await one.identity.people.live(user.identifier)


async def test_decisions_about_devices_go_as_well(world: World) -> None:
    one = await world.replica()
    user = await logged_in(one)
    devices = Devices(one.identity.records, one.identity.sealer, lambda: [b"k" * 32], world.clock)
    question, _, _ = devices.ask("kube", ("openid",), address="192.0.2.1", user_agent="kubelogin")
    await devices.decide(question, user.identifier, epoch=1, authenticated_at=None, is_approved=True)
    world.clock.tick((LIFETIME + timedelta(hours=1)).total_seconds() - 1)
    assert not (await collect_of(one, world).sweep()).deleted
    world.clock.tick(1)
    assert (await collect_of(one, world).sweep()).deleted == {"device": 1}


async def test_nothing_that_is_kept_has_a_finalizer_or_an_annotation(world: World) -> None:
    """With a finalizer every one of several deletes is answered as the one that did it."""
    one = await world.replica()
    user = await logged_in(one)
    await one.identity.sessions.start(user, authenticated_at=world.clock.now, user_agent="Firefox")
    await one.identity.tokens.create(user, name="ci", scopes=["pods:read"], lifetime=timedelta(days=1))
    devices = Devices(one.identity.records, one.identity.sealer, lambda: [b"k" * 32], world.clock)
    question, _, _ = devices.ask("kube", ("openid",), address="192.0.2.1", user_agent="kubelogin")
    await devices.decide(question, user.identifier, epoch=1, authenticated_at=None, is_approved=True)
    await redeemed(one, world)
    assert world.cluster is not None
    kept = {secret["type"]: secret["metadata"] for secret in world.cluster.store.list("secrets", world.namespace)}
    kinds = ("device", "grant", "keys", "person", "session", "token")
    assert set(kept) == {f"genet.io/{kind}" for kind in kinds}
    for metadata in kept.values():
        assert not metadata.keys() & {"finalizers", "annotations", "ownerReferences"}


async def test_a_grant_that_is_used_while_it_is_judged_stays(any_world: World) -> None:
    """The delete carries the version that was judged."""
    world = any_world
    one, two = await world.replica(), await world.replica()
    await logged_in(one)
    issued = await redeemed(one, world)
    judged = asyncio.Event()

    class Late(Collect):
        async def _delete(self, records: Any, *, dry_run: bool) -> Any:
            # the list is read; before the delete arrives the person's clock still lets them refresh
            world.clock.tick(-2 * AN_HOUR)
            await two.grants.refresh(issued.refresh_token or "", world.client())
            judged.set()
            return await super()._delete(records, dry_run=dry_run)

    world.clock.tick(days=7, seconds=2 * AN_HOUR - 1)
    done = await Late(one.identity.records, world.settings.oidc_provider.ttl, clock=world.clock).sweep()
    assert judged.is_set()
    assert (done.seen, done.deleted) == ({"grant": 1}, {})
    assert len(await one.grants.of(ALICE)) == 1


async def test_two_that_sweep_at_once_delete_each_thing_once(any_world: World) -> None:
    world = any_world
    one, two = await world.replica(), await world.replica()
    await logged_in(one)
    for _ in range(20):
        await begun(one, world.clock)
    world.clock.tick(AN_HOUR)
    sweeps = await asyncio.gather(*(collect_of(replica, world).sweep() for replica in (one, two)))
    assert sum(sweep.deleted.total() for sweep in sweeps) == 20
    assert await names(one) == set()


async def test_what_cannot_be_read_is_counted_and_left_alone(world: World) -> None:
    one = await world.replica()
    labels = {naming.MANAGED: "true", RECORD: GRANT.name}
    newer = {"metadata": {"name": "genet-grant-newer", "labels": labels}, "type": "genet.io/grant"}
    await one.kube.create(SECRETS, newer | {"stringData": {"record": '{"v": 2}'}}, world.namespace)
    world.clock.tick(days=400)
    done = await collect_of(one, world).sweep()
    assert (done.unreadable, done.deleted) == ({"grant": 1}, {})


async def test_a_dry_run_deletes_nothing(world: World) -> None:
    one = await world.replica()
    fill(world, 3, grant(world))
    world.clock.tick(days=9)
    told: list[str] = []
    done = await collect_of(one, world, tell=lambda record: told.append(record.id)).sweep(dry_run=True)
    assert (done.deleted, len(told), len(await names(one))) == ({"grant": 3}, 3, 3)


async def test_one_replica_sweeps_and_another_takes_over_when_it_is_silent(any_world: World) -> None:
    world = any_world
    one, two = await world.replica(), await world.replica()
    first, second = collecting_of(one, world, "one"), collecting_of(two, world, "two")
    sweeps = await asyncio.gather(first.look(), second.look())
    assert [sweep is None for sweep in sweeps].count(True) == 1
    leader, other = (first, second) if sweeps[0] is not None else (second, first)
    for _ in range(3):
        world.clock.tick(20)
        assert await leader.look() is None  # it holds the Lease, and a sweep is not due
        assert await other.look() is None
    world.clock.tick(DURATION.total_seconds())
    assert await other.look() is not None
    assert await leader.look() is None
    world.clock.tick(EVERY.total_seconds() / 6)
    assert await other.look() is None


async def test_an_api_server_that_fails_half_way_leaves_a_sweep_that_goes_on_later(world: World) -> None:
    one = await world.replica(Wire)
    fill(world, 250, grant(world))
    world.clock.tick(days=9)
    assert isinstance(one.kube, Wire)
    one.kube.meets(120, "lost after")
    WATCHED.set("collector")
    with pytest.raises(Unavailable):
        await collect_of(one, world).sweep()
    one.kube.fate = None
    assert (await collect_of(one, world).sweep()).is_complete
    assert await names(one) == set()


async def test_prometheus_is_told_what_there_is_and_what_went(world: World) -> None:
    one, two = await world.replica(), await world.replica()
    await logged_in(one)
    await redeemed(one, world)
    await begun(one, world.clock)
    world.clock.tick(200)
    leader, other = collecting_of(one, world, "one"), collecting_of(two, world, "two")
    await leader.look()
    await other.look()
    registry, silent = CollectorRegistry(), CollectorRegistry()
    registry.register(leader)
    silent.register(other)
    told = generate_latest(registry).decode()
    assert 'genet_records{record="grant"} 1.0' in told
    assert 'genet_records_deleted_total{record="grant"} 1.0' in told
    assert "genet_records{" not in generate_latest(silent).decode()


async def test_a_code_is_no_more_recognised_only_when_nothing_of_it_could_live(world: World) -> None:
    one = await world.replica()
    await logged_in(one)
    code = await begun(one, world.clock)
    issued = await one.grants.redeem(code, world.client(), REDIRECT, VERIFIER)
    world.clock.tick(days=7, seconds=-1)
    await collect_of(one, world).sweep()
    token = (await one.grants.refresh(issued.refresh_token or "", world.client())).refresh_token
    world.clock.tick(days=6)
    await collect_of(one, world).sweep()
    await refused("invalid_grant", one.grants.redeem(code, world.client(), REDIRECT, VERIFIER))
    await refused("invalid_grant", one.grants.refresh(token or "", world.client()))
