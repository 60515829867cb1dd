"""A small Kubernetes API on loopback: get, list, create, and deletes with preconditions, of any kind.

Unlike the embedded cluster it knows controllers' kinds, and can be told to fail or to change things at the worst time.
"""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

Manifest = dict[str, Any]

GROUPS = {
    "pods": "/api/v1",
    "namespaces": "/api/v1",
    "events": "/api/v1",
    "secrets": "/api/v1",
    "jobs": "/apis/batch/v1",
    "cronjobs": "/apis/batch/v1beta1",
    "replicasets": "/apis/apps/v1",
    "deployments": "/apis/apps/v1",
}


class Api:
    def __init__(self) -> None:
        self.objects: dict[str, Manifest] = {}
        self.failing: dict[str, int] = {}
        """Status code by `METHOD path`."""
        self.before_delete: Callable[[str], None] = lambda path: None
        self.writes: list[str] = []
        self.graces: list[int | None] = []
        """Seconds that each delete gave."""
        self.running = self.most_running = 0
        self.url = ""
        self._version = 100
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def kubeconfig(self, path: Path) -> Path:
        content = {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": self.url}}],
            "users": [{"name": "u", "user": {}}],
        }
        path.write_text(yaml.safe_dump(content))
        return path

    def put(self, plural: str, name: str, namespace: str = "", **parts: Any) -> Manifest:
        """Create or replace an object; keywords are its metadata, `status` and `uid` apart."""
        path = self.path(plural, name, namespace)
        self._version += 1
        self.objects[path] = {
            "metadata": {
                "name": name,
                **({"namespace": namespace} if namespace else {}),
                "uid": parts.pop("uid", f"uid-{plural}-{name}"),
                "resourceVersion": str(self._version),
                **{key: value for key, value in parts.items() if key != "status"},
            },
            "status": parts.get("status", {}),
        }
        return self.objects[path]

    def path(self, plural: str, name: str, namespace: str = "") -> str:
        inside = f"/namespaces/{namespace}" if namespace else ""
        return f"{GROUPS[plural]}{inside}/{plural}/{name}"

    def names(self, plural: str) -> set[str]:
        return {path.rpartition("/")[2] for path in self.objects if path.split("/")[-2] == plural}

    async def _serve(self, request: web.Request) -> web.Response:
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await asyncio.sleep(0)
            failure = self.failing.get(f"{request.method} {request.path}")
            if failure:
                return _status(failure, "Told to fail")
            match request.method:
                case "GET":
                    return self._get(request)
                case "POST":
                    return self._create(request.path, await request.json())
                case "DELETE":
                    return self._delete(request.path, await request.json())
            return _status(405, "MethodNotAllowed")
        finally:
            self.running -= 1

    def _get(self, request: web.Request) -> web.Response:
        if request.path in self.objects:
            return web.json_response(self.objects[request.path])
        if request.path.rpartition("/")[2] not in GROUPS:
            return _status(404, "NotFound")
        found = [obj for path, obj in self.objects.items() if path.rpartition("/")[0] == request.path]
        if selector := request.query.get("labelSelector"):
            key, _, value = selector.partition("=")
            found = [obj for obj in found if obj["metadata"].get("labels", {}).get(key) == value]
        return web.json_response({"metadata": {"resourceVersion": str(self._version)}, "items": found})

    def _create(self, path: str, manifest: Manifest) -> web.Response:
        path = f"{path}/{manifest['metadata']['name']}"
        if path in self.objects:
            return _status(409, "AlreadyExists")
        self.writes.append(f"POST {path}")
        self.objects[path] = manifest
        return web.json_response(manifest, status=201)

    def _delete(self, path: str, options: Manifest) -> web.Response:
        self.before_delete(path)
        known = self.objects.get(path)
        if known is None:
            return _status(404, "NotFound")
        wanted = {key: value for key, value in options["preconditions"].items() if value is not None}
        assert set(wanted) == {"uid", "resourceVersion"}
        if any(known["metadata"][key] != value for key, value in wanted.items()):
            return _status(409, "Conflict")
        self.writes.append(f"DELETE {path}")
        self.graces.append(options["gracePeriodSeconds"])
        del self.objects[path]
        return web.json_response({"kind": "Status", "status": "Success"})


def _status(code: int, reason: str) -> web.Response:
    return web.Response(
        status=code,
        content_type="application/json",
        text=json.dumps({"kind": "Status", "code": code, "reason": reason, "message": reason}),
    )
