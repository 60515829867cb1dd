"""A loopback API server for pods that misbehaves on command, in ways no well-meaning cluster can be asked for."""

import asyncio
import json
from collections import deque
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

Manifest = dict[str, Any]


class FakeApi:
    """List (with paging) and watch of pods of namespace `n`, and groups; everything else is a canned answer."""

    def __init__(self) -> None:
        self.revision = 100
        self.pods: dict[str, Manifest] = {}
        self.groups: dict[str, list[str]] = {}
        """Versions by API group."""
        self.history: list[tuple[int, str, Manifest]] = []
        self.compacted = 0
        self.token: str | None = None
        self.requests: list[web.Request] = []
        self.canned: deque[web.Response] = deque()
        """Answers to the next requests, whatever they are."""
        self.hold = asyncio.Event()
        """While clear, requests are taken and not answered."""
        self.hold.set()
        self.frozen = False
        """Open watches say nothing any more."""
        self.ends_at_once = False
        """Watches are accepted and ended."""
        self.on_page = lambda: None
        self.port = 0
        self._changed = asyncio.Event()
        self._streams: set[asyncio.Transport] = set()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            self.drop()
            await self._runner.cleanup()
            self._runner = None

    def kubeconfig(self, path: Path, token: str) -> str:
        path.write_text(
            yaml.safe_dump(
                {
                    "current-context": "c",
                    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                    "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
                    "users": [{"name": "u", "user": {"token": token}}],
                }
            )
        )
        return str(path)

    def put(self, name: str, **labels: str) -> Manifest:
        self.revision += 1
        kind = "MODIFIED" if name in self.pods else "ADDED"
        uid = self.pods[name]["metadata"]["uid"] if name in self.pods else f"uid-{name}-{self.revision}"
        self.pods[name] = pod(name, self.revision, uid, labels)
        self._record(kind, self.pods[name])
        return self.pods[name]

    def delete(self, name: str) -> None:
        self.revision += 1
        gone = self.pods.pop(name)
        self._record("DELETED", pod(name, self.revision, gone["metadata"]["uid"]))

    def say(self, kind: str, obj: Manifest) -> None:
        """Have open watches say this as it is."""
        self._record(kind, obj)

    def compact(self) -> None:
        self.compacted = self.revision
        self.history.clear()

    def drop(self) -> None:
        for transport in tuple(self._streams):
            transport.abort()

    @property
    def streams(self) -> int:
        return len(self._streams)

    def _record(self, kind: str, obj: Manifest) -> None:
        self.history.append((self.revision, kind, obj))
        self._changed.set()
        self._changed = asyncio.Event()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        await self.hold.wait()
        if self.token is not None and request.headers.get("Authorization") != f"Bearer {self.token}":
            return status(401, "Unauthorized")
        if self.canned:
            return self.canned.popleft()
        if request.path in {"/api/v1/pods", "/api/v1/namespaces/n/pods"} and request.method == "GET":
            return await self._watch(request) if "watch" in request.query else self._list(request)
        if request.path.removeprefix("/apis/") in self.groups:
            versions = self.groups[request.path.removeprefix("/apis/")]
            return web.json_response({"kind": "APIGroup", "versions": [{"version": found} for found in versions]})
        return status(404, "not found")

    def _list(self, request: web.Request) -> web.Response:
        start, revision = json.loads(request.query.get("continue", f"[0, {self.revision}]"))
        if revision < self.compacted:
            return status(410, "the continue token is too old", "Expired")
        names = sorted(self.pods)
        end = start + int(request.query["limit"])
        items = [self.pods[name] for name in names[start:end]]
        more = json.dumps([end, revision]) if end < len(names) else ""
        self.on_page()
        return web.json_response({"metadata": {"resourceVersion": str(revision), "continue": more}, "items": items})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        position = int(request.query["resourceVersion"])
        if position < self.compacted:
            return status(410, "too old resource version", "Expired")
        response = web.StreamResponse()
        await response.prepare(request)
        assert request.transport is not None
        transport = request.transport
        self._streams.add(transport)
        try:
            async with asyncio.timeout(0 if self.ends_at_once else float(request.query["timeoutSeconds"])):
                while True:
                    changed = self._changed
                    for revision, kind, obj in list(self.history):
                        if revision > position and not self.frozen:
                            await response.write(json.dumps({"type": kind, "object": obj}).encode() + b"\n")
                    if not self.frozen:
                        position = self.revision
                    await changed.wait()
        except TimeoutError:
            pass
        finally:
            self._streams.discard(transport)
        return response


def pod(name: str, revision: int, uid: str, labels: dict[str, str] | None = None) -> Manifest:
    metadata = {"name": name, "namespace": "n", "uid": uid, "resourceVersion": str(revision), "labels": labels or {}}
    return {"kind": "Pod", "metadata": metadata, "spec": {"containers": []}, "status": {}}


def status(code: int, message: str, reason: str = "", headers: dict[str, str] | None = None) -> web.Response:
    body = {"kind": "Status", "status": "Failure", "code": code, "message": message, "reason": reason}
    return web.json_response(body, status=code, headers=headers)
