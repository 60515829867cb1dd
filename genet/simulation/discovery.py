"""What the embedded API server serves, told the way clients ask for it: /version, /api, /apis and just enough OpenAPI.

kubectl reads OpenAPI v3 before it sends manifests, only to learn that the server validates fields itself; so each PATCH
is described with its `fieldValidation` parameter, and no schema is.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from aiohttp import web

from genet.simulation.resources import Kind

VERSION = {
    "major": "1", "minor": "34", "gitVersion": "v1.34.0+genet", "gitCommit": "", "gitTreeState": "clean",
    "buildDate": "2025-08-27T00:00:00Z", "goVersion": "", "compiler": "", "platform": "linux/amd64",
}  # fmt: skip

VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]


def documents(kinds: Iterable[Kind]) -> dict[str, dict[str, Any]]:
    """Every discovery document, by its path."""
    groups: dict[str, list[Kind]] = defaultdict(list)
    for kind in kinds:
        groups[kind.group].append(kind)
    named = [_group(members[0]) for name, members in groups.items() if name]
    paths = [_path(members[0]) for members in groups.values()]
    found: dict[str, dict[str, Any]] = {
        "/version": VERSION,
        "/api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": named},
        "/openapi/v3": {"paths": {path: {"serverRelativeURL": f"/openapi/v3/{path}"} for path in paths}},
    }
    for name, members in groups.items():
        path = _path(members[0])
        found[f"/{path}"] = {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": members[0].api_version,
            "resources": [entry for kind in members for entry in _resources(kind)],
        }
        found[f"/openapi/v3/{path}"] = _openapi(members)
        if name:
            found[f"/apis/{name}"] = {"kind": "APIGroup", "apiVersion": "v1", **_group(members[0])}
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


def _group(kind: Kind) -> dict[str, Any]:
    version = {"groupVersion": kind.api_version, "version": kind.version}
    return {"name": kind.group, "versions": [version], "preferredVersion": version}


def _path(kind: Kind) -> str:
    return f"apis/{kind.api_version}" if kind.group else "api/v1"


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
        paths[f"/{_path(kind)}{scope}/{kind.plural}/{{name}}"] = {"patch": patch}
    return {"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": VERSION["gitVersion"]}, "paths": paths}
