"""What the embedded API server serves, told the way clients ask for it: /version, /api, /apis and just enough OpenAPI.

kubectl reads OpenAPI v3 before it sends manifests, only to learn that the server validates fields itself; so each PATCH
is described with its `fieldValidation` parameter, and no schema is.
"""

from collections import defaultdict
from typing import Any

from aiohttp import web

from genet.simulation.resources import KINDS, Kind

VERSION = {
    "major": "1", "minor": "34", "gitVersion": "v1.34.0+genet", "gitCommit": "", "gitTreeState": "clean",
    "buildDate": "2025-08-27T00:00:00Z", "goVersion": "", "compiler": "", "platform": "linux/amd64",
}  # fmt: skip

VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]


def documents() -> dict[str, dict[str, Any]]:
    """Every discovery document, by its path."""
    groups: dict[str, list[Kind]] = defaultdict(list)
    for kind in KINDS.values():
        groups[kind.group].append(kind)
    found: dict[str, dict[str, Any]] = {
        "/version": VERSION,
        "/api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name) for name in groups if name]},
        "/openapi/v3": {"paths": {_path(name): {"serverRelativeURL": f"/openapi/v3/{_path(name)}"} for name in groups}},
    }
    for name, kinds in groups.items():
        found[f"/{_path(name)}"] = {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": kinds[0].api_version,
            "resources": [entry for kind in kinds for entry in _resources(kind)],
        }
        found[f"/openapi/v3/{_path(name)}"] = _openapi(kinds)
        if name:
            found[f"/apis/{name}"] = {"kind": "APIGroup", "apiVersion": "v1", **_group(name)}
    return found


async def healthy(_: web.Request) -> web.Response:
    return web.Response(text="ok")


def _resources(kind: Kind) -> list[dict[str, Any]]:
    common = {"singularName": kind.kind.lower(), "namespaced": kind.namespaced, "kind": kind.kind}
    names = {"shortNames": list(kind.short_names)} if kind.short_names else {}
    entries: list[dict[str, Any]] = [{"name": kind.plural, "verbs": VERBS, **common, **names}]
    entries += [
        {**common, "name": f"{kind.plural}/{part}", "verbs": ["get", "patch", "update"]} for part in kind.subresources
    ]
    if kind.plural == "pods":
        entries.append({**common, "name": "pods/log", "verbs": ["get"]})
        entries.append({**common, "name": "pods/exec", "kind": "PodExecOptions", "verbs": ["create", "get"]})
    return entries


def _group(name: str) -> dict[str, Any]:
    version = {"groupVersion": f"{name}/v1", "version": "v1"}
    return {"name": name, "versions": [version], "preferredVersion": version}


def _path(group: str) -> str:
    return f"apis/{group}/v1" if group else "api/v1"


def _openapi(kinds: list[Kind]) -> dict[str, Any]:
    validation = {"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}
    paths = {}
    for kind in kinds:
        patch = {
            "parameters": [validation],
            "x-kubernetes-action": "patch",
            "x-kubernetes-group-version-kind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
            "responses": {"200": {"description": "OK"}},
        }
        scope = "/namespaces/{namespace}" if kind.namespaced else ""
        paths[f"/{_path(kind.group)}{scope}/{kind.plural}/{{name}}"] = {"patch": patch}
    return {"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": VERSION["gitVersion"]}, "paths": paths}
