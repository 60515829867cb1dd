"""resource.k8s.io as clusters of different age serve it: read alike, followed alike, missed without harm."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import aiohttp
import msgspec
import pytest

from genet.errors import Forbidden
from genet.gpus.dynamic import DynamicResources
from genet.kube.client import KubeClient
from genet.kube.objects import NAMESPACES
from genet.kube.resource_api import GROUP, VERSIONS, claims, slices
from genet.settings import Kubernetes


@contextmanager
def cluster(dra: str, kubeconfig: str) -> Iterator[str]:
    """The address of an embedded cluster with devices of all kinds."""
    command = [sys.executable, "-m", "genet.simulation", "--scenario", "mixed", "--dra", dra, "--until-stdin-closes"]
    with subprocess.Popen(
        [*command, "--kubeconfig", kubeconfig], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["server"]
        process.communicate()


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Callable[[str], tuple[str, str]]]:
    """Address and kubeconfig of a cluster by what `--dra` says; each is started once."""
    known: dict[str, tuple[str, str]] = {}
    with ExitStack() as stack:

        def start(dra: str) -> tuple[str, str]:
            if dra not in known:
                path = str(tmp_path_factory.mktemp("dra") / dra)
                known[dra] = stack.enter_context(cluster(dra, path)), path
            return known[dra]

        yield start


async def read(served, version):
    async with KubeClient.connect(Kubernetes(kubeconfig=served(version)[1]), {}) as kube:
        assert version in await kube.versions(GROUP)
        found = (await kube.list(slices(version))).items, (await kube.list(claims(version))).items
    return [{one.metadata.name: msgspec.structs.replace(one, metadata=None) for one in listed} for listed in found]


@pytest.mark.parametrize("version", VERSIONS[1:])
async def test_every_version_is_read_as_the_newest_is(served, version):
    newest = await read(served, VERSIONS[0])
    assert await read(served, version) == newest
    found_slices, found_claims = newest
    devices = [device for found in found_slices.values() for device in found.spec.devices]
    assert any(device.attributes for device in devices)
    assert any(device.capacity for device in devices)
    assert any(found.status.allocation and found.status.reserved_for for found in found_claims.values())


@contextmanager
def following(dynamic):
    running = asyncio.create_task(dynamic.group.run())
    try:
        yield
    finally:
        running.cancel()


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_changes_is_followed_in_every_version(tmp_path, until, version):
    path = str(tmp_path / "kubeconfig")
    with cluster(version, path):
        async with KubeClient.connect(Kubernetes(kubeconfig=path), {}) as kube:
            dynamic = DynamicResources(kube)
            with following(dynamic):
                await until(lambda: dynamic.slices.is_ready and dynamic.claims.is_ready)
                assert dynamic.group.is_served
                gone = next(found.metadata for found in dynamic.claims.all() if found.metadata.name == "all-gpus")
                await kube.delete(NAMESPACES, gone.namespace)  # older versions are for reading alone in this cluster
                await until(lambda: dynamic.claims.get(gone.name, gone.namespace) is None)


async def test_a_cluster_without_the_group_serves_no_version_of_it(served, until):
    async with KubeClient.connect(Kubernetes(kubeconfig=served("off")[1]), {}) as kube:
        assert not await kube.versions(GROUP)
        dynamic = DynamicResources(kube)
        with following(dynamic):
            await until(lambda: dynamic.group.is_served is not None)
            assert dynamic.group.is_served is False


async def test_a_missing_right_is_told_and_what_is_known_stays(served, until):
    server, path = served("v1")
    async with KubeClient.connect(Kubernetes(kubeconfig=path), {}) as kube, aiohttp.ClientSession() as session:

        async def refuse(path: str) -> None:
            refused = {"status": 403, "times": 1_000, "path": path}
            (await session.post(f"{server}/simulation/fail", json=refused)).raise_for_status()

        dynamic = DynamicResources(kube)
        with following(dynamic):
            await until(lambda: dynamic.claims.is_ready)
            known = len(dynamic.claims.all())
            await refuse("/apis/resource.k8s.io/v1/resourceclaims")
            with pytest.raises(Forbidden):
                await kube.list(claims("v1"))
            (await session.post(f"{server}/simulation/drop")).raise_for_status()
            await until(lambda: dynamic.claims.staleness().refused)
            assert len(dynamic.claims.all()) == known > 0


async def test_dra_is_followed_where_it_is_served_and_off_where_not(kube, until):
    dynamic = DynamicResources(kube)
    with following(dynamic):
        await until(lambda: dynamic.group.is_served is not None)
        assert dynamic.group.is_served is any(version in VERSIONS for version in await kube.versions(GROUP))
        if dynamic.group.is_served:
            await until(lambda: dynamic.slices.is_ready and dynamic.claims.is_ready)


async def test_versions_of_a_group_are_told(kube):
    assert "v1" in await kube.versions("batch")
    assert not await kube.versions("no-such-group.example.org")
