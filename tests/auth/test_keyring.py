"""The keys that replicas share: made once, turned in step, and never those of another use."""

import asyncio
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from genet.auth.keyring import ANNOUNCED, KEYS, Keyring
from genet.errors import Unavailable
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import SECRETS
from genet.kube.records import Records
from tests.identities import NAMESPACE, identity_of
from tests.replicas import settings, until

ROTATE_AFTER, KEEP = timedelta(days=30), timedelta(days=31)


@pytest.fixture
async def keyrings(kubeconfig, clock):
    """Makes keyrings whose caches hear of nothing but what they do themselves."""
    async with KubeClient.connect(settings(kubeconfig).kubernetes) as kube:

        def make():
            records = Records(kube, NAMESPACE)
            return Keyring(records, Cache(kube, SECRETS), clock, rotate_after=ROTATE_AFTER, keep=KEEP)

        yield make


async def rotated(keyring, clock, **later):
    clock.advance(**later)
    await keyring.rotate()


async def test_twelve_replicas_that_start_at_once_make_one_key(keyrings, cluster):
    made = [keyrings() for _ in range(12)]
    await asyncio.gather(*(keyring.load() for keyring in made))
    assert len({tuple(keyring.sealing()) for keyring in made}) == 1
    assert [secret["metadata"]["name"] for secret in cluster.store.list("secrets", NAMESPACE)] == ["genet-keys-sealing"]


async def test_there_is_nothing_to_seal_with_before_there_are_keys(keyrings):
    keyring = keyrings()
    assert not keyring.is_ready
    with pytest.raises(Unavailable):
        keyring.sealing()


async def test_keys_are_derived_for_each_purpose_as_rfc_5869_says(keyrings):
    keyring = keyrings()
    await keyring.load()
    (root,) = keyring._known().value.keys
    expected = HKDF(SHA256(), 32, salt=None, info=b"genet refresh token").derive(root.key)
    assert keyring.derived("refresh token") == [expected]
    assert keyring.sealing() != keyring.derived("refresh token")
    assert root.key not in keyring.sealing()


async def test_a_new_key_is_known_before_it_is_used(keyrings, clock):
    keyring = keyrings()
    await keyring.load()
    (old,) = keyring.sealing()
    await keyring.rotate()
    present, announced = keyring.sealing()
    assert present == old
    clock.advance(seconds=ANNOUNCED.total_seconds() - 1)
    assert keyring.sealing() == [old, announced]
    clock.advance(seconds=1)
    assert keyring.sealing() == [announced, old]


async def test_a_key_is_dropped_when_nothing_made_with_it_can_be_left(keyrings, clock):
    keyring = keyrings()
    await keyring.load()
    (first,) = keyring.sealing()
    await keyring.rotate()
    await rotated(keyring, clock, seconds=(ANNOUNCED + KEEP).total_seconds() - 1)
    assert first in keyring.sealing()
    await rotated(keyring, clock, seconds=1)
    assert first not in keyring.sealing()
    assert len(keyring.sealing()) == 3


async def test_of_replicas_that_find_a_rotation_due_one_turns_the_key(keyrings, clock):
    replicas = [keyrings() for _ in range(4)]
    await asyncio.gather(*(keyring.load() for keyring in replicas))
    clock.advance(days=30)
    await asyncio.gather(*(keyring.rotate(if_due=True) for keyring in replicas))
    fresh = keyrings()
    await fresh.load()
    assert len(fresh.sealing()) == 2


async def test_a_rotation_reaches_the_other_replicas(identity, other):
    before = list(other.keyring.sealing())
    await identity.keyring.rotate()
    await until(lambda: len(other.keyring.sealing()) == 2)
    assert other.keyring.sealing() == identity.keyring.sealing() != before


async def test_running_replicas_turn_keys_that_are_old(kubeconfig, clock):
    async with identity_of(kubeconfig, clock):
        pass
    clock.advance(days=30)
    async with identity_of(kubeconfig, clock) as later:
        await until(lambda: len(later.keyring.sealing()) == 2)


async def test_when_the_keys_are_deleted_all_replicas_turn_to_the_same_new_ones(identity, other, cluster):
    old = identity.keyring.sealing()
    cluster.store.delete("secrets", NAMESPACE, KEYS.secret_name("sealing"))

    def agreed():
        try:
            return identity.keyring.sealing() == other.keyring.sealing() != old
        except Unavailable:
            return False

    await until(agreed)


async def test_a_replica_that_hears_nothing_follows_all_the_same(keyrings, identity):
    """Whether the keys were rotated, or thrown away as they had leaked."""
    deaf = keyrings()
    await deaf.load()
    await identity.keyring.rotate()
    await deaf.look_again()
    old = deaf.sealing()
    assert old == identity.keyring.sealing()
    await identity.records.delete(await identity.records.get(KEYS, "sealing"))
    await deaf.look_again()
    assert not set(old) & set(deaf.sealing())
