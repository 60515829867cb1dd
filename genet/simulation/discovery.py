"""What the embedded API server serves, told the way clients ask for it: /version, /api, /apis and just enough OpenAPI.

kubectl reads OpenAPI v3 before it sends manifests, only to learn that the server validates fields itself; so each PATCH
is described with its `fieldValidation` parameter, and no schema is.
"""

from typing import Any

from aiohttp import web

from genet.simulation.paths import EVENTS_GROUP
from genet.simulation.resources import KINDS, Kind

VERSION = {
    "major": "1", "minor": "34", "gitVersion": "v1.34.0+genet", "gitCommit": "", "gitTreeState": "clean",
    "buildDate": "2025-08-27T00:00:00Z", "goVersion": "", "compiler": "", "platform": "linux/amd64",
}  # fmt: skip

VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
REVIEWS = {
    "selfsubjectaccessreviews": ("authorization.k8s.io", "SelfSubjectAccessReview", {"allowed": True}),
    "selfsubjectreviews": ("authentication.k8s.io", "SelfSubjectReview", {
        "userInfo": {"username": "kubernetes-admin", "groups": ["system:masters", "system:authenticated"]},
    }),
}  # fmt: skip
"""Questions asked by POST: plural -> group, kind, the status answered. Whoever asks is the admin."""


def documents() -> dict[str, dict[str, Any]]:
    """Every discovery document, by its path."""
    groups = _groups()
    found: dict[str, dict[str, Any]] = {
        "/version": VERSION,
        "/api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name) for name in groups if name]},
        "/openapi/v3": {"paths": {_path(name): {"serverRelativeURL": f"/openapi/v3/{_path(name)}"} for name in groups}},
    }
    for name, resources in groups.items():
        version = f"{name}/v1" if name else "v1"
        listed = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources}
        found[f"/{_path(name)}"] = listed
        found[f"/openapi/v3/{_path(name)}"] = _openapi(name)
        if name:
            found[f"/apis/{name}"] = {"kind": "APIGroup", "apiVersion": "v1", **_group(name)}
    return found


async def healthy(_: web.Request) -> web.Response:
    return web.Response(text="ok")


def _groups() -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for kind in KINDS.values():
        groups.setdefault(kind.group, []).extend(_resources(kind))
    groups[EVENTS_GROUP] = _resources(KINDS["events"])
    for plural, (group, name, _) in REVIEWS.items():
        entry = {"name": plural, "singularName": name.lower(), "namespaced": False, "kind": name, "verbs": ["create"]}
        groups.setdefault(group, []).append(entry)
    return groups


def _resources(kind: Kind) -> list[dict[str, Any]]:
    entry: dict[str, Any] = {
        "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.kind,
        "verbs": VERBS,
    }  # fmt: skip
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    parts = [
        {"name": f"{kind.plural}/{part}", "singularName": "", "namespaced": kind.namespaced, "kind": kind.kind,
         "verbs": ["get", "patch", "update"]}
        for part in kind.subresources
    ]  # fmt: skip
    if kind.plural == "pods":
        common = {"singularName": "", "namespaced": True}
        parts.append({"name": "pods/log", "kind": "Pod", "verbs": ["get"], **common})
        parts.append({"name": "pods/exec", "kind": "PodExecOptions", "verbs": ["create", "get"], **common})
        parts.append(
            {
                "name": "pods/eviction",
                "kind": "Eviction",
                "group": "policy",
                "version": "v1",
                "verbs": ["create"],
                **common,
            }
        )
    return [entry, *parts]


def _group(name: str) -> dict[str, Any]:
    version = {"groupVersion": f"{name}/v1", "version": "v1"}
    return {"name": name, "versions": [version], "preferredVersion": version}


def _path(group: str) -> str:
    return f"apis/{group}/v1" if group else "api/v1"


def _openapi(group: str) -> dict[str, Any]:
    validation = {"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}
    paths = {}
    for kind in KINDS.values():
        if kind.group == group:
            patch = {
                "parameters": [validation],
                "x-kubernetes-action": "patch",
                "x-kubernetes-group-version-kind": {"group": group, "version": kind.version, "kind": kind.kind},
                "responses": {"200": {"description": "OK"}},
            }
            scope = "/namespaces/{namespace}" if kind.namespaced else ""
            paths[f"/{_path(group)}{scope}/{kind.plural}/{{name}}"] = {"patch": patch}
    return {"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": VERSION["gitVersion"]}, "paths": paths}
