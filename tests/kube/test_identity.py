"""People, sessions and tokens of replicas that share a cluster: the embedded one and, unchanged, a real one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from genet.auth.identity import Identity
from genet.auth.people import PERSON
from tests.identities import ANN, BOB, Clock, ends, identity_of, log_in, make_token

AT_ONCE = 12


@pytest.fixture
async def replicas(kubeconfig: str, namespace: str) -> AsyncIterator[list[Identity]]:
    """Three that start at the same time, with a namespace in which nothing is yet."""
    clock, where = Clock(), {"kubeconfig": kubeconfig, "grantsNamespace": namespace}
    async with AsyncExitStack() as stack:
        started = [identity_of("", clock, ready=False, kubernetes=where) for _ in range(3)]
        found = [await stack.enter_async_context(one) for one in started]
        async with asyncio.timeout(20):
            await asyncio.gather(*(identity.wait_ready() for identity in found))
        yield found


async def test_replicas_that_start_at_once_share_one_key(replicas):
    assert len({tuple(identity.keyring.sealing()) for identity in replicas}) == 1


async def test_first_logins_at_once_make_one_person_with_all_the_sessions(replicas):
    cookies = await asyncio.gather(*(log_in(replicas[n % 3]) for n in range(AT_ONCE)))
    people = [record async for page in replicas[0].people.pages() for record in page]
    assert [record.id for record in people] == [ANN.identifier]
    for identity in replicas:
        assert all(await asyncio.gather(*(identity.sessions.find(cookie) for cookie in cookies)))


async def test_a_logout_holds_everywhere_within_two_seconds(replicas):
    cookie, token = await log_in(replicas[0]), await make_token(replicas[0])
    caller = await replicas[1].sessions.find(cookie)
    assert await replicas[1].tokens.find(token)
    await replicas[1].tokens.settled()
    await replicas[0].sessions.end(caller.credential_id)
    await replicas[0].tokens.revoke(ANN, (await replicas[0].tokens.find(token)).credential_id)
    for identity in replicas:
        await ends(identity.sessions.find, cookie)
        await ends(identity.tokens.find, token)


async def test_disabling_ends_everything_of_one_and_nothing_of_others(replicas):
    cookie, token, bobs = await log_in(replicas[0]), await make_token(replicas[1]), await log_in(replicas[2], BOB)
    for identity in replicas:
        assert await identity.sessions.find(cookie)
        assert await identity.tokens.find(token)
    ended = await replicas[0].people.disable(ANN.identifier)
    assert (ended["session"], ended["token"]) == (1, 1)
    for identity in replicas:
        await ends(identity.sessions.find, cookie)
        await ends(identity.tokens.find, token)
        assert await identity.sessions.find(bobs)


async def test_ends_at_once_from_everywhere_are_all_counted(replicas):
    await log_in(replicas[0])
    before = await replicas[0].records.get(PERSON, ANN.identifier)
    await asyncio.gather(*(replicas[n % 3].people.end_everything(ANN.identifier) for n in range(AT_ONCE)))
    after = await replicas[0].records.get(PERSON, ANN.identifier)
    assert after.value.epoch == before.value.epoch + AT_ONCE
