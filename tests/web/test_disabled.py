"""Who is disabled loses what goes on as well, also where a proxy or dev mode vouches for them and no session ends."""

import asyncio
from functools import partial

import pytest

from genet.auth.dev import dev_user
from genet.auth.proxy import Proxies
from genet.auth.user import Caller
from genet.web.app import create_app
from genet.web.endings import on_end
from tests.replicas import replica_of, settings, until
from tests.served import STREAM, asked, listening
from tests.web.desk import POD, desk_of

ALICE, BOB = "alice-alice", "bob-bob"
LOGS = f"/api/pods/{POD}/logs?follow=true"
HEADERS = {"X-Auth-Request-User": "alice", "X-Auth-Request-Email": "alice@example.org"}


@pytest.fixture
async def desk(replica, cluster, kubeconfig):
    async with desk_of(replica, cluster, settings(kubeconfig), command=["sh", "-c", "echo 1; sleep 3600"]) as one:
        yield one


@pytest.fixture
async def people(desk, kubeconfig):
    """As `genet users disable` has them: on another replica."""
    async with replica_of(settings(kubeconfig)) as other:
        await other.synced()
        for name in ("alice", "bob"):
            await other.services.identity.people.seen(dev_user(name, settings(kubeconfig)))
        await until(lambda: desk.services.identity.people.known(ALICE) and desk.services.identity.people.known(BOB))
        yield other.services.identity.people


def port(desk):
    return int(desk.url.rpartition(":")[2])


async def rest(answer):
    names = []
    while (name := (await answer.event())[0]) is not None:
        names.append(name)
    return names


@pytest.mark.parametrize(("path", "first"), [(f"{STREAM}?", "snapshot"), (f"{LOGS}&", "log")])
async def test_streams_end(desk, people, path, first):
    async with asked(port(desk), f"{path}user=alice") as answer:
        await answer.data(first)
        await people.disable(ALICE)
        assert (await rest(answer))[-1:] == ["auth"]


async def test_streams_of_others_go_on(desk, people):
    async with asked(port(desk), f"{STREAM}?user=bob") as answer:
        await answer.data("snapshot")
        await people.disable(ALICE)
        await until(lambda: desk.services.identity.people.known(ALICE).is_disabled)
        desk.services.drain()
        assert "auth" not in await rest(answer)


async def test_commands_end(desk, people):
    asking = asyncio.create_task(desk.exec("sleep", "71"))
    await until(lambda: desk.runs("sleep 71"))
    await people.disable(ALICE)
    ended = (await asking).json()
    assert (ended["exitCode"], ended["timedOut"], ended["processLeft"]) == (None, False, False)


async def test_who_was_disabled_before_anybody_listened_is_not_overlooked(desk, people):
    await people.disable(ALICE)
    await until(lambda: desk.services.identity.people.known(ALICE).is_disabled)
    ended: list[str] = []
    for name in ("alice", "bob"):
        caller = Caller(dev_user(name, desk.services.settings), by="dev")
        on_end(desk.services, caller, partial(ended.append, name))()
    assert ended == ["alice"]


async def test_nobody_hears_of_it_who_does_not_listen_any_more(desk, people):
    ended: list[str] = []
    callers = [Caller(dev_user(name, desk.services.settings), by="dev") for name in ("alice", "bob")]
    stops = [on_end(desk.services, caller, lambda: ended.append("ended")) for caller in callers]
    stops[0]()
    await people.disable(ALICE)
    await people.end_everything(BOB)  # whoever still comes in needs not come again
    await until(lambda: desk.services.identity.people.known(ALICE) == people.known(ALICE))
    await until(lambda: desk.services.identity.people.known(BOB) == people.known(BOB))
    assert ended == []


async def test_streams_behind_a_proxy_end(kubeconfig):
    told = settings(kubeconfig, auth={"mode": "proxy"}, oidcProvider={"enabled": False})
    async with replica_of(told) as one, replica_of(told) as other:
        await one.synced()
        await other.synced()
        people = other.services.identity.people
        alice = Proxies(told).user("127.0.0.1", [(k.lower().encode(), v.encode()) for k, v in HEADERS.items()])
        assert alice is not None
        await people.seen(alice)
        async with listening(create_app(told, one.services)) as number, asked(number, STREAM, HEADERS) as answer:
            await answer.data("snapshot")
            await people.disable(alice.identifier)
            assert (await rest(answer))[-1:] == ["auth"]
