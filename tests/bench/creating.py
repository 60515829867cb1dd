"""What `POST /api/pods` costs beside its own Kubernetes calls, and how many lists of pods a second there are.

The calls of one creation are written down by a door in front of the API server; then the server without that door and a
bare client that asks the same for somebody else take turns, so that what the machine does besides hits both alike.
"""

import asyncio
import re
import statistics
from collections.abc import Iterable
from pathlib import Path

import aiohttp
import httpx
import yaml
from msgspec.structs import replace

from genet.demo import Embedded
from tests.bench.recorded import Bare, Call, Door, recording
from tests.bench.table import Table, least, most
from tests.bench.throughput import rate
from tests.bench.world import Server, beside_constants, empty, request, serving

_PAIRS = 60
_TIMES = 5
_LISTED = 5
_OWN = re.compile(r"/namespaces/(user-emil-emil|[^/]+/secrets/[^/]+$)")
_POD = {"image": "debian:13", "command": ["sleep", "99999"]}


def report(table: Table, cluster: Embedded, directory: Path) -> None:
    table.head("creating a pod, and the same Kubernetes calls by a client that does nothing else (median of pairs)")
    asyncio.run(_creation(table, cluster, directory))
    table.head("lists of pods a second, 16 connections (and for each second of the server's processor time)")
    _lists(table, cluster, directory)


async def _creation(table: Table, cluster: Embedded, directory: Path) -> None:
    async with recording(cluster.server) as door:
        calls = await asyncio.to_thread(_recorded, cluster, directory, door)
    told = ", ".join(f"{call.method} {_what(call)}" for call in calls)
    table.row("its calls", str(len(calls)), told)
    async with aiohttp.ClientSession() as session:
        with serving(cluster, "small", directory) as server:
            bare = Bare(cluster.server, session)
            ours, same = await _pairs(server, bare, calls)
    ratios = [own / plain for own, plain in zip(ours, same, strict=True)]
    table.row(
        "POST /api/pods",
        f"{1e3 * statistics.median(ours):.1f} ms",
        f"{1e3 * statistics.median(same):.1f} ms of calls",
        most(statistics.median(ratios), 1.3, "times"),
    )


async def _pairs(server: Server, bare: Bare, calls: list[Call]) -> tuple[list[float], list[float]]:
    ours: list[float] = []
    same: list[float] = []
    limits = httpx.Limits(max_keepalive_connections=1)
    async with httpx.AsyncClient(base_url=server.url, limits=limits, timeout=60, trust_env=False) as client:
        await _made(client, "dora", "warm")
        for n in range(_PAIRS):
            began = asyncio.get_running_loop().time()
            id_ = await _made(client, "dora", f"p{n}")
            ours.append(asyncio.get_running_loop().time() - began)
            name = {"pod-emil-emil-recorded": f"pod-emil-emil-q{n}"}
            same.append(await bare.ask([call.renamed(name) for call in calls]))
            for user, pod in (("dora", id_), ("emil", f"pod-emil-emil-q{n}")):
                gone = await client.delete(f"/api/pods/{pod}", params={"user": user})
                gone.raise_for_status()
            await _settled(client)
    return ours[_PAIRS // 10 :], same[_PAIRS // 10 :]


async def _settled(client: httpx.AsyncClient) -> None:
    """What was deleted is gone, or quotas would count it."""
    for user in ("dora", "emil"):
        for _ in range(200):
            pods = (await client.get("/api/pods", params={"user": user})).json()["pods"]
            if len(pods) <= 1:
                break
            await asyncio.sleep(0.02)


async def _made(client: httpx.AsyncClient, user: str, name: str) -> str:
    answer = await client.post("/api/pods", params={"user": user}, json={**_POD, "name": name})
    answer.raise_for_status()
    return str(answer.json()["id"])


def _recorded(cluster: Embedded, directory: Path, door: Door) -> list[Call]:
    document = yaml.safe_load(Path(cluster.kubeconfig).read_text())
    document["clusters"][0]["cluster"] = {"server": door.url}
    kubeconfig = directory / "door.kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(document))
    through = replace(cluster, kubeconfig=str(kubeconfig))
    with serving(through, "small", directory) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        client.post("/api/pods", params={"user": "emil"}, json={**_POD, "name": "warm"}).raise_for_status()
        before = len(door.calls)
        client.post("/api/pods", params={"user": "emil"}, json={**_POD, "name": "recorded"}).raise_for_status()
        calls = list(_own(door.calls[before:]))
        client.delete("/api/pods/pod-emil-emil-recorded", params={"user": "emil"}).raise_for_status()
    return calls


def _own(calls: Iterable[Call]) -> Iterable[Call]:
    """Those of the creation: everything else (watches, leases, the overview) is about other places."""
    return (call for call in calls if _OWN.search(call.path) and "watch=" not in call.path)


def _what(call: Call) -> str:
    parts = call.path.partition("?")[0].partition("/namespaces/")[2].split("/")
    return parts[1] if len(parts) > 1 else "namespace"


def _lists(table: Table, cluster: Embedded, directory: Path) -> None:
    with beside_constants(cluster, "small", directory) as server, empty(directory) as nothing:
        with httpx.Client(base_url=server.url, timeout=60) as client:
            for n in range(_LISTED):
                client.post("/api/pods", params={"user": "bench"}, json={**_POD, "name": f"p{n}"}).raise_for_status()
            size = len(client.get("/api/pods", params={"user": "bench"}).content)
        ours, handler = request("/api/pods?user=bench", {}), request("/", {})
        constant = request(f"/bench/constant?user=bench&size={size}", {})
        rates: list[list[tuple[float, float]]] = [[], [], []]
        for _ in range(_TIMES):
            for known, (of, sent) in zip(rates, ((server, ours), (server, constant), (nothing, handler)), strict=True):
                known.append(rate(of, sent))
    own, same, framework = ([statistics.median(column) for column in zip(*known, strict=True)] for known in rates)
    table.row(
        f"GET /api/pods, {_LISTED} pods, {size / 1e3:.1f} KB",
        f"{own[0]:.0f} ({own[1]:.0f})",
        f"constant bytes behind the same gate: {same[0]:.0f} ({same[1]:.0f})",
        least(own[1], 2000, "a second of processor time"),
    )
    table.row(
        "", "", f"the framework's empty handler: {framework[0]:.0f} ({framework[1]:.0f})",
        most(framework[1] / own[1], 2, "times less"),
    )  # fmt: skip
