"""The Kubernetes API over HTTP: every request is taken apart here, and every verb but watch, log and exec answered.

Traps: items of a list carry neither kind nor apiVersion, as in the real server; deleting a Job without saying so
orphans its pods; a DELETE answers with the object while something still holds it, else (mostly) with a Status. There
are no users, but admission policies believe `Impersonate-User`: the port is on loopback, and requests that a page in a
browser could make are refused.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web

from genet.simulation import discovery, dra_versions, policies, signing, table
from genet.simulation.admission import Admission
from genet.simulation.errors import ApiError, bad_request, invalid
from genet.simulation.faults import Faults, Handler
from genet.simulation.manifests import body_of, checked, decode
from genet.simulation.patch import json_patch, merge_patch, strategic_merge_patch
from genet.simulation.paths import (
    Target,
    continue_token,
    flag,
    list_options,
    number,
    target_of,
    unknown_path,
)
from genet.simulation.pod_streams import Containers, PodStreams
from genet.simulation.resources import KINDS, Kind
from genet.simulation.selectors import parse
from genet.simulation.store import Object, Store, key_of
from genet.simulation.watching import serve_watch

logger = logging.getLogger(__name__)

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
MAX_BODY = 3 * 2**20
SUCCESS = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
OPTIONS = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions"}
PATCHES = {
    "application/json-patch+json": json_patch,
    "application/merge-patch+json": merge_patch,
    "application/strategic-merge-patch+json": strategic_merge_patch,
}


class ApiServer:
    def __init__(self, store: Store, admission: Admission, containers: Containers, *, dra: str = "v1") -> None:
        """`dra`: the version in which resource.k8s.io is served, or `off`."""
        self.store = store
        self.admission = admission
        self.faults = Faults(store)
        kinds = dra_versions.kinds(dra)
        self._kinds = {p: k for p, k in kinds.items() if policies.IS_SERVED or k.group != policies.GROUP}
        self._policies = policies.Policies(store)
        self._discovery = discovery.documents(self._kinds.values())
        self._pod_streams = PodStreams(store, containers, self.faults)

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[str]:
        """Listen on loopback; gives the URL. Port 0 takes a free one."""
        app = web.Application(middlewares=[errors_to_status, refuse_browsers, self.faults.intercept],
                              client_max_size=MAX_BODY)  # fmt: skip
        app.router.add_post("/simulation/{switch}", self.faults.switch)
        for path in ("/healthz", "/livez", "/readyz"):
            app.router.add_get(path, discovery.healthy)
        app.router.add_route("*", "/{path:.*}", self._dispatch)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", port)
            await site.start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            self.faults.drop()
            await runner.cleanup()

    async def _dispatch(self, request: web.Request) -> web.StreamResponse:
        if request.method == "GET" and request.path in self._discovery:
            return _json(self._discovery[request.path])
        target = target_of(request.path, self._kinds)
        if target.subresource not in ("", *target.kind.subresources):
            return await self._pod_subresource(request, target)
        if target.kind.version != KINDS[target.kind.plural].version and request.method != "GET":
            raise bad_request("the embedded cluster takes resource.k8s.io in v1 only")
        answer = await (self._object if target.name else self._collection)(request, target)
        if answer is None:
            raise ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
        return answer

    async def _collection(self, request: web.Request, target: Target) -> web.StreamResponse | None:
        match request.method:
            case "GET" if flag(request.query, "watch"):
                with self.faults.stream(request) as stream:
                    shape = table.form(request, target, self.store.clock)
                    return await serve_watch(request, target, self.store, stream, shape)
            case "GET":
                return self._list(request, target)
            case "POST" if target.namespace is not None:
                return await self._create(request, target)
        return None

    async def _object(self, request: web.Request, target: Target) -> web.Response | None:
        match request.method:
            case "GET":
                found = self.store.get(target.kind.plural, target.namespace or "", target.name)
                return self._answer(request, target, found)
            case "PUT":
                updated = self._update(request, target, checked(await body_of(request), target))
                return self._answer(request, target, updated)
            case "PATCH":
                return await self._patch(request, target)
            case "DELETE" if not target.subresource:
                return await self._delete(request, target)
        return None

    def _list(self, request: web.Request, target: Target) -> web.Response:
        options = list_options(request.query, self.store.revision)
        matches = parse(target.kind, options.labels, options.fields)
        revision = options.at or self.store.revision
        items: list[Object] = []
        metadata: Object = {"resourceVersion": str(revision)}
        for obj in self.store.scan(target.kind.plural, target.namespace, after=options.after, at=options.at):
            if matches(obj):
                if options.limit and len(items) == options.limit:
                    metadata["continue"] = continue_token(revision, key_of(items[-1]))
                    break
                items.append(obj)
        return _json(table.list_form(request, target, items, metadata, self.store.clock()))

    async def _create(self, request: web.Request, target: Target) -> web.Response:
        obj = checked(await body_of(request), target)
        if target.kind.plural == signing.PLURAL:
            obj = self.faults.signer.admitted(obj)
        obj = self.admission.create(target.kind, obj)
        self._policies.admit(policies.Asked(_user(request), target.kind, obj, None))
        created = self.store.create(target.kind.plural, obj, dry_run=_dry_run(request))
        return self._answer(request, target, created, 201)

    def _update(self, request: web.Request, target: Target, obj: Object) -> Object:
        plural, dry_run = target.kind.plural, _dry_run(request)
        old = self.store.get(plural, target.namespace or "", target.name)
        self._policies.admit(policies.Asked(_user(request), target.kind, obj, old, target.subresource))
        if target.subresource == "approval":
            conditions = obj.get("status", {}).get("conditions", [])
            obj = {**obj, "status": {**old.get("status", {}), "conditions": conditions}}
        if target.subresource:
            return self.store.update(plural, obj, subresource="status", dry_run=dry_run)
        return self.store.update(plural, self.admission.update(target.kind, obj, old), dry_run=dry_run)

    async def _patch(self, request: web.Request, target: Target) -> web.Response:
        apply = PATCHES.get(request.content_type)
        if apply is None:
            wanted = ", ".join(PATCHES)
            raise ApiError(415, "UnsupportedMediaType", "the body of the request was in an unknown format - "
                                                        f"accepted media types include: {wanted}")  # fmt: skip
        patch = decode(await request.read())
        old = self.store.get(target.kind.plural, target.namespace or "", target.name)
        patched = apply(old, patch)
        if not isinstance(patched, dict):
            raise bad_request("a merge patch is a JSON object")
        patched = checked(patched, target)
        return self._answer(request, target, self._update(request, target, patched))

    async def _delete(self, request: web.Request, target: Target) -> web.Response:
        options = await self._delete_options(request)
        kind, namespace = target.kind, target.namespace or ""
        deleted = self._delete_one(target, target.name, options)
        left = self.store.find(kind.plural, namespace, target.name)
        if left is not None or kind.returns_deleted:
            return self._answer(request, target, left or deleted)
        details = {"name": target.name, "group": kind.group, "kind": kind.plural, "uid": deleted["metadata"]["uid"]}
        return _json({**SUCCESS, "details": {key: value for key, value in details.items() if value}})

    def _delete_one(self, target: Target, name: str, options: Object) -> Object:
        propagation = options.get("propagationPolicy", "Orphan" if target.kind.plural == "jobs" else "Background")
        if propagation not in ("Background", "Orphan"):
            raise bad_request(f"the embedded cluster does not know the propagation policy {propagation}")
        grace = number(options, "gracePeriodSeconds") if options.get("gracePeriodSeconds") is not None else None
        return self.store.delete(
            target.kind.plural, target.namespace or "", name, preconditions=options.get("preconditions"),
            grace_period_seconds=grace, orphan=propagation == "Orphan", dry_run=bool(options.get("dryRun")),
        )  # fmt: skip

    async def _delete_options(self, request: web.Request) -> Object:
        in_query = {key: request.query[key] for key in ("gracePeriodSeconds", "propagationPolicy", "dryRun")
                    if key in request.query}  # fmt: skip
        return {**(await body_of(request) if request.can_read_body else {}), **in_query}

    async def _pod_subresource(self, request: web.Request, target: Target) -> web.StreamResponse:
        match target.kind.plural, target.subresource, request.method:
            case "pods", "log", "GET":
                return await self._pod_streams.log(request, target)
            case "pods", "exec", "GET" | "POST":
                return await self._pod_streams.exec(request, target)
        raise unknown_path()

    def _answer(self, request: web.Request, target: Target, obj: Object, code: int = 200) -> web.Response:
        return _json(table.form(request, target, self.store.clock)(obj), code)


@web.middleware
async def errors_to_status(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        response = _json(error.status(), error.code)
        if (seconds := error.details.get("retryAfterSeconds")) is not None:
            response.headers["Retry-After"] = str(seconds)
        return response
    except web.HTTPRequestEntityTooLarge:
        message = f"Request entity too large: limit is {MAX_BODY}"
        return _json(ApiError(413, "RequestEntityTooLarge", message).status(), 413)
    except (web.HTTPException, ConnectionResetError):
        raise  # the second: nobody is there to answer any more
    except Exception:
        logger.exception("%s %s", request.method, request.path)
        return _json(ApiError(500, "InternalError", "Internal error occurred").status(), 500)


@web.middleware
async def refuse_browsers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """No page may act on this cluster: neither across origins nor under a name of its own that points to loopback."""
    if request.url.host not in LOOPBACK or "Origin" in request.headers or "Sec-Fetch-Site" in request.headers:
        raise ApiError(403, "Forbidden", "the embedded cluster answers programs on this machine only")
    return await handler(request)


def _user(request: web.Request) -> str:
    """Whoever asks may be anybody; what they may do is not asked, only admission looks at it."""
    return request.headers.get("Impersonate-User", policies.ADMINISTRATOR)


def _dry_run(request: web.Request) -> bool:
    value = request.query.get("dryRun", "")
    if value not in ("", "All"):
        options = Kind("meta.k8s.io", "v1", "", OPTIONS.get(request.method, "DeleteOptions"))
        why = f'Unsupported value: []string{{"{value}"}}: supported values: "All"'
        raise invalid(options, "", [("FieldValueNotSupported", "dryRun", why)])
    return bool(value)


def _json(document: Any, code: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(document), status=code, content_type="application/json")
