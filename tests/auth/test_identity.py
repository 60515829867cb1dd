"""When people can be served: keys and records are there, or the mode can do without."""

from contextlib import suppress

import pytest

from genet.errors import Unavailable
from tests.identities import NAMESPACE, identity_of
from tests.replicas import replica_of, settings, switch, until


async def test_people_are_served_when_there_are_keys_and_records_are_known(kubeconfig, clock, cluster):
    await switch(cluster, "fail", status=503, times=1, path=f"/api/v1/namespaces/{NAMESPACE}/secrets/genet-keys")
    async with identity_of(kubeconfig, clock, ready=False) as identity:
        assert not identity.is_ready
        await identity.cache.wait_ready()
        assert not identity.is_ready
        while not identity.is_ready:
            with suppress(Unavailable):
                await identity.wait_ready()


async def test_an_outage_takes_no_replica_away(identity, cluster):
    assert identity.is_ready
    await switch(cluster, "fail", status=503, times=100_000)
    await switch(cluster, "drop")
    await until(lambda: identity.cache.staleness().stale)
    assert identity.is_ready


async def test_dev_mode_needs_neither_and_makes_neither(kubeconfig, cluster, clock):
    async with identity_of(kubeconfig, clock, ready=False, auth={"mode": "dev"}) as identity:
        assert identity.is_ready
    async with replica_of(settings(kubeconfig)) as replica:
        await replica.synced()
        assert (await replica.ask("GET", "/readyz")).status_code == 200
    assert cluster.store.find("namespaces", "", NAMESPACE) is None


async def test_traffic_waits_until_people_can_be_served(kubeconfig, cluster):
    await switch(cluster, "fail", status=403, times=100_000, path=f"/api/v1/namespaces/{NAMESPACE}")
    without_provider = {"auth": {"mode": "proxy"}, "oidcProvider": {"enabled": False}}
    async with replica_of(settings(kubeconfig, **without_provider)) as replica:
        for cache in replica.services.caches:
            await cache.wait_ready()
        assert (await replica.ask("GET", "/readyz")).status_code == 503


async def test_what_goes_wrong_over_it_is_raised_as_it_is(kubeconfig, clock):
    with pytest.raises(LookupError, match="over it"):
        async with identity_of(kubeconfig, clock):
            raise LookupError("over it")
