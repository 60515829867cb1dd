"""An embedded API server for tests, without scheduler and kubelet: containers are scripted by the test."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp

from genet.simulation.admission import Admission
from genet.simulation.apiserver import ApiServer
from genet.simulation.collector import Collector
from genet.simulation.store import Store

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Containers:
    """Logs are three lines and, followed, whatever is put into `coming`; exec knows `cat` and echoes the rest."""

    def __init__(self):
        self.coming: asyncio.Queue[str] = asyncio.Queue()

    def logs(self, pod, container, *, previous):
        return [(NOW.replace(second=second), f"{'old' if previous else 'line'} {second}") for second in (1, 2, 3)]

    async def follow(self, pod, container):
        for line in self.logs(pod, container, previous=False):
            yield line
        while line := await self.coming.get():
            yield NOW, line

    async def exec(  # noqa: PLR0917 - as the interface has it
        self, pod, container, command, stdin, screen, write_out, write_err
    ):
        if command[0] == "cat":
            async for data in stdin:
                await write_out(data)
            return 0
        await write_out(" ".join(command).encode() + b"\n")
        await write_err(b"warned\n")
        return int(command[-1]) if command[-1].isdigit() else 0


class Client:
    """Plain HTTP, so that nothing of the wire is hidden."""

    def __init__(self, session, api, url):
        self.session = session
        self.api = api
        self.store = api.store
        self.url = url

    async def ask(self, method, path, body=None, **params):
        answer, code = await self.raw(method, path, body, **params)
        return answer | ({"_code": code} if code >= 400 else {})

    async def raw(self, method, path, body=None, *, headers=None, content_type="application/json", **params):
        extra = {"Content-Type": content_type} if body is not None else {}
        async with self.session.request(
            method, self.url + path, json=body, params=params, headers=extra | (headers or {})
        ) as response:
            return (await response.json() if response.status != 204 else {}), response.status

    async def patch(self, path, body, kind="merge", **params):
        answer, code = await self.raw("PATCH", path, body, content_type=f"application/{kind}-patch+json", **params)
        return answer | ({"_code": code} if code >= 400 else {})

    async def namespace(self, name="ns", **labels):
        return await self.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})


@asynccontextmanager
async def serving(clock=lambda: NOW, **options):
    store = Store(clock, seed=1, **options)
    Collector(store)
    api = ApiServer(store, Admission(store), Containers())
    async with api.serve() as url, aiohttp.ClientSession() as session:
        yield Client(session, api, url)


def pod(name="p", *, containers=None, **spec):
    containers = containers or [{"name": "main", "image": "busybox"}]
    return {"metadata": {"name": name}, "spec": {"containers": containers, **spec}}


PODS = "/api/v1/namespaces/ns/pods"
