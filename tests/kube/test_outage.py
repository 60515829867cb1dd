"""The caches through trouble of a whole cluster: the embedded one's switches, and a real API server that is killed."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic

import aiohttp
import pytest
import yaml

from genet.errors import Unavailable
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import NODES, Node
from genet.kube.watch import Timing
from genet.settings import Kubernetes

LABEL = "genet.io/test"


@asynccontextmanager
async def following(path: str, timing: Timing) -> AsyncIterator[tuple[KubeClient, Cache[Node]]]:
    async with KubeClient.connect(Kubernetes(kubeconfig=path), {}) as kube:
        cache = Cache(kube, NODES, timing=timing)
        task = asyncio.create_task(cache.run())
        await cache.wait_ready()
        yield kube, cache
        task.cancel()
        await asyncio.wait([task])


def server_of(kubeconfig: str) -> str:
    return str(yaml.safe_load(Path(kubeconfig).read_text())["clusters"][0]["cluster"]["server"])


def spoil(kubeconfig: str, part: str, copy: Path) -> str:
    """Write a copy with credentials or an authority that do not fit; returns the text of the good one."""
    good = Path(kubeconfig).read_text()
    document = yaml.safe_load(good)
    if part == "credentials":
        document["users"][0]["user"] = {"token": "refused"}
    else:
        cluster = document["clusters"][0]["cluster"]
        document["clusters"][0]["cluster"] = {"server": cluster["server"]}
    copy.write_text(yaml.safe_dump(document))
    return good


async def label_a_node(kube: KubeClient, cache: Cache[Node]) -> tuple[str, str]:
    """Change something, as soon as the API server lets us."""
    name, value = min(node.metadata.name for node in cache.all()), secrets.token_hex(4)
    async with asyncio.timeout(10):
        while True:
            with suppress(Unavailable):
                await kube.patch(NODES, name, {"metadata": {"labels": {LABEL: value}}})
                return name, value
            await asyncio.sleep(0.05)


def has_label(cache: Cache[Node], name: str, value: str) -> bool:
    node = cache.get(name)
    return node is not None and node.metadata.labels.get(LABEL) == value


@pytest.mark.parametrize(
    "switches",
    [
        [("drop", {})],
        [("freeze", {})],
        [("compact", {}), ("drop", {})],
        [("fail", {"status": 429, "times": 4, "retryAfter": 1, "path": "/api/v1/nodes"}), ("drop", {})],
        [("fail", {"status": 500, "times": 3, "path": "/api/v1/nodes"}), ("compact", {}), ("drop", {})],
    ],
    ids=lambda switches: "-".join(switch for switch, _ in switches),
)
async def test_embedded_trouble_passes(embedded_kubeconfig, switches, until):
    server = server_of(embedded_kubeconfig)
    timing = Timing(stream_seconds=2, idle_seconds=3, max_delay=0.2)
    async with following(embedded_kubeconfig, timing) as (kube, cache), aiohttp.ClientSession() as session:
        nodes = len(cache.all())
        for switch, parameters in switches:
            async with session.post(f"{server}/simulation/{switch}", json=parameters) as answer:
                assert answer.ok
        name, value = await label_a_node(kube, cache)
        await until(lambda: has_label(cache, name, value) and not cache.staleness().stale)
        assert len(cache.all()) == nodes


@pytest.mark.e2e
@pytest.mark.real
async def test_a_killed_api_server_is_followed_again_within_5_s_of_its_return(until):
    path, tool = os.environ.get("GENET_TEST_KUBECONFIG"), os.environ.get("GENET_TEST_CLUSTER")
    if not path or not tool:
        pytest.skip("GENET_TEST_KUBECONFIG or GENET_TEST_CLUSTER (the program that kills API servers) is unset")

    async def api_server(action: str) -> None:
        process = await asyncio.create_subprocess_exec(tool, "apiserver", action)
        assert await process.wait() == 0

    async with following(path, Timing()) as (kube, cache):
        nodes = len(cache.all())
        await api_server("kill")
        await until(lambda: cache.staleness().stale)
        assert cache.staleness().error
        assert len(cache.all()) == nodes
        await api_server("start")
        returned = monotonic()
        await until(lambda: not cache.staleness().stale)
        name, value = await label_a_node(kube, cache)
        await until(lambda: has_label(cache, name, value))
        assert monotonic() - returned < 5
        await kube.patch(NODES, name, {"metadata": {"labels": {LABEL: None}}})
        assert len(cache.all()) == nodes


@pytest.mark.real
@pytest.mark.parametrize(
    ("part", "complaint"), [("credentials", "Unauthorized"), ("authority", "certificate verify failed")]
)
async def test_rotated_certificates_are_found(tmp_path, part, complaint):
    path = os.environ.get("GENET_TEST_KUBECONFIG")
    if not path:
        pytest.skip("GENET_TEST_KUBECONFIG names no real cluster")
    rotated = tmp_path / "kubeconfig"
    good = spoil(path, part, rotated)
    async with KubeClient.connect(Kubernetes(kubeconfig=str(rotated)), {}) as kube:
        with pytest.raises(Unavailable, match=complaint):
            await kube.list(NODES)
        rotated.write_text(good)
        assert (await kube.list(NODES)).items
