"""The verbs of the Kubernetes API, typed by `Resource`; every call is bounded in time.

Reads are decoded straight into projections (`objects`): the official typed models take about 48 times as long. Writes
take manifests and patches as plain data, because a projection does not hold the whole object.

What a call raises, always `from` its cause: NotFound, AlreadyExists, Conflict, Forbidden, QuotaRefused, Invalid, Gone,
Unavailable (no answer, 401, 429, 5xx; a write may have been done all the same).
"""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any, Generic, Self, TypeVar
from urllib.parse import quote

import msgspec

from genet.errors import Gone, Invalid, NotFound, Unavailable
from genet.kube import config
from genet.kube.exec import Execution, executing
from genet.kube.projection import Resource, T
from genet.kube.transport import Transport
from genet.settings import Kubernetes

MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"

Decoded = TypeVar("Decoded")


@dataclass(frozen=True)
class Listing(Generic[T]):
    """A list as it was at `resource_version`."""

    items: list[T]
    resource_version: str
    continues: bool = False
    """Whether this is one of its pages and not the last; the next one is of the same moment."""


class KubeClient:
    """Use `async with KubeClient.connect(settings.kubernetes) as kube:`; one per process."""

    def __init__(self, transport: Transport, timeout_seconds: float) -> None:
        self._transport = transport
        self._timeout_seconds = timeout_seconds

    @classmethod
    @asynccontextmanager
    async def connect(cls, settings: Kubernetes, environ: Mapping[str, str] = os.environ) -> AsyncIterator[Self]:
        """Nothing is read or sent before the first call."""
        transport = Transport(partial(config.load, settings, environ))
        try:
            yield cls(transport, settings.request_timeout_seconds)
        finally:
            await transport.close()

    async def versions(self, group: str) -> Collection[str]:
        """In which versions an API group is served; in none where it is not served at all."""
        try:
            answer = await self._call("GET", f"/apis/{quote(group, safe='')}")
        except NotFound:
            return ()
        return {served.version for served in _decode(_GROUP, answer).versions}

    async def resources(self, api_version: str) -> Collection[str]:
        """Plurals of what a version of an API group (`apps/v1`) serves; nothing where it is not served at all."""
        try:
            answer = await self._call("GET", f"/apis/{quote(api_version)}")
        except NotFound:
            return ()
        return {served.name for served in _decode(_RESOURCES, answer).resources}

    async def get(self, resource: Resource[T], name: str, namespace: str | None = None) -> T:
        return _decode(resource.one, await self._call("GET", _path(resource, namespace, name)))

    async def whole(self, resource: Resource[Any], name: str, namespace: str | None = None) -> dict[str, Any]:
        """An object with all its fields, as plain data: for what is made again from it."""
        return _decode(_WHOLE, await self._call("GET", _path(resource, namespace, name)))

    async def list(
        self,
        resource: Resource[T],
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        page_size: int = 500,
    ) -> Listing[T]:
        """All objects of one moment, complete or an error; without `namespace` those of every namespace.

        A list whose continue token grows too old on the way starts over once.
        """

        async def whole() -> Listing[T]:
            items: list[T] = []
            version = ""
            pages = self.pages(
                resource,
                namespace,
                label_selector=label_selector,
                field_selector=field_selector,
                page_size=page_size,
            )
            async with aclosing(pages):
                async for page in pages:
                    items += page.items
                    version = page.resource_version
            return Listing(items, version)

        try:
            return await whole()
        except Gone:
            return await whole()

    async def pages(
        self,
        resource: Resource[T],
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        page_size: int = 500,
    ) -> AsyncGenerator[Listing[T], None]:
        """A list page by page; Gone if it takes so long that the API server does not remember its moment any more."""
        query: dict[str, str | int] = {"limit": page_size, **_selectors(label_selector, field_selector)}
        path = _path(resource, namespace)
        more: dict[str, str] = {}
        while True:
            page = _decode(resource.page, await self._call("GET", path, query | more))
            more = {"continue": page.metadata.continue_}
            yield Listing(page.items, page.metadata.resource_version, continues=bool(page.metadata.continue_))
            if not page.metadata.continue_:
                return

    async def create(
        self, resource: Resource[T], manifest: Mapping[str, Any], namespace: str | None = None, *, dry_run: bool = False
    ) -> T:
        query = {"dryRun": "All"} if dry_run else {}
        return _decode(resource.one, await self._call("POST", _path(resource, namespace), query, manifest))

    async def replace(
        self, resource: Resource[T], manifest: Mapping[str, Any], namespace: str | None = None, *, subresource: str = ""
    ) -> T:
        """With `metadata.resourceVersion` in the manifest this is compare-and-set: Conflict if it changed since."""
        path = _path(resource, namespace, manifest["metadata"]["name"]) + (f"/{subresource}" if subresource else "")
        return _decode(resource.one, await self._call("PUT", path, body=manifest))

    async def patch(
        self,
        resource: Resource[T],
        name: str,
        patch: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        namespace: str | None = None,
        *,
        dry_run: bool = False,
    ) -> T:
        """A mapping is a JSON merge patch (RFC 7386), a sequence a JSON patch (RFC 6902)."""
        content_type = MERGE_PATCH if isinstance(patch, Mapping) else JSON_PATCH
        path, query = _path(resource, namespace, name), {"dryRun": "All"} if dry_run else {}
        return _decode(resource.one, await self._call("PATCH", path, query, body=patch, content_type=content_type))

    async def delete(
        self,
        resource: Resource[T],
        name: str,
        namespace: str | None = None,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
        grace_period_seconds: int | None = None,
    ) -> T | None:
        """Ask for deletion; with `uid` or `resource_version` only of the object that was judged, else Conflict.

        Returns:
            The object as it is now, for those that end gracefully (pods) or have finalizers; None if it is gone.
        """
        options: dict[str, Any] = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "propagationPolicy": "Background",
            "preconditions": {"uid": uid, "resourceVersion": resource_version},
            "gracePeriodSeconds": grace_period_seconds,
        }
        answer = await self._call("DELETE", _path(resource, namespace, name), body=options)
        if _decode(_KIND, answer).kind == "Status":
            return None
        left = _decode(resource.one, answer)
        # a pod that never ran ends at once, and the answer shows it as it was
        return left if left.metadata.deletion_timestamp is not None else None

    @asynccontextmanager
    async def log_stream(
        self,
        namespace: str,
        pod: str,
        *,
        container: str,
        follow: bool = False,
        tail_lines: int | None = None,
        since: datetime | int | None = None,
        previous: bool = False,
        timestamps: bool = False,
        idle_seconds: float,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """A container's log as bytes, no faster than they are read: what is not read stays with the kubelet.

        A read that is cancelled loses nothing. With `timestamps` see `genet.pods.log_lines` for how to read it.

        Args:
            namespace: the pod's.
            pod: its name.
            container: its name in the pod.
            follow: go on until the container ends.
            tail_lines: the last ones only, as the kubelet counts them: a long line is several.
            since: a moment, of which the API server keeps whole seconds, or seconds before now.
            previous: of the container that ran before the present one.
            timestamps: put before each line when it was printed.
            idle_seconds: silence of that length is Unavailable.

        Raises:
            Invalid: it has not started.
            NotFound: the pod is gone.
        """
        query = {
            "container": container,
            "follow": "true" if follow else None,
            "tailLines": tail_lines,
            "sinceSeconds": since if isinstance(since, int) else None,
            "sinceTime": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(since, datetime) else None,
            "previous": "true" if previous else None,
            "timestamps": "true" if timestamps else None,
        }
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(pod, safe='')}/log"
        given = {key: value for key, value in query.items() if value is not None}
        opened = self._transport.open("GET", path, query=given, idle_seconds=idle_seconds)
        async with AsyncExitStack() as stack:
            async with self._bounded():
                response = await stack.enter_async_context(opened)
            if response.status == HTTPStatus.NO_CONTENT:
                raise Invalid(f"pod {pod} has no node yet")
            yield response.content.iter_any()

    def exec(
        self,
        namespace: str,
        pod: str,
        command: Sequence[str],
        *,
        container: str,
        stdin: bool = False,
        tty: bool = False,
    ) -> AbstractAsyncContextManager[Execution]:
        """Start a process in a container; see `genet.kube.exec`."""
        return executing(
            self._transport,
            namespace,
            pod,
            command,
            container=container,
            stdin=stdin,
            tty=tty,
            connect_seconds=self._timeout_seconds,
        )

    @asynccontextmanager
    async def watch(
        self,
        resource: Resource[T],
        namespace: str | None = None,
        *,
        resource_version: str,
        label_selector: str = "",
        field_selector: str = "",
        timeout_seconds: int,
        idle_seconds: float,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The raw bytes of one watch stream: see `genet.kube.watch` for what to do with them.

        The server is asked to end it after `timeout_seconds`; silence of `idle_seconds` is Unavailable.
        """
        query: dict[str, str | int] = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": timeout_seconds,
            **_selectors(label_selector, field_selector),
        }
        opened = self._transport.open("GET", _path(resource, namespace), query=query, idle_seconds=idle_seconds)
        async with AsyncExitStack() as stack:
            async with self._bounded():
                response = await stack.enter_async_context(opened)
            yield response.content.iter_any()

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> bytes:
        opened = self._transport.open(
            method,
            path,
            query=query or {},
            idle_seconds=self._timeout_seconds,
            body=body,
            content_type=content_type,
        )
        async with self._bounded(), opened as response:
            return await response.read()

    @asynccontextmanager
    async def _bounded(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                yield
        except TimeoutError as error:
            raise Unavailable(f"the Kubernetes API took longer than {self._timeout_seconds:g} s") from error


class _Kind(msgspec.Struct):
    kind: str = ""


class _Served(msgspec.Struct):
    version: str


class _Group(msgspec.Struct):
    versions: tuple[_Served, ...]


class _ServedResource(msgspec.Struct):
    name: str


class _ResourceList(msgspec.Struct):
    resources: tuple[_ServedResource, ...]


_RESOURCES = msgspec.json.Decoder(_ResourceList)
_KIND = msgspec.json.Decoder(_Kind)
_WHOLE = msgspec.json.Decoder(dict[str, Any])
_GROUP = msgspec.json.Decoder(_Group)


def _decode(decoder: msgspec.json.Decoder[Decoded], answer: bytes) -> Decoded:
    try:
        return decoder.decode(answer)
    except msgspec.DecodeError as error:
        raise Unavailable(f"the Kubernetes API sent what cannot be read: {error}") from error


def _path(resource: Resource[Any], namespace: str | None, name: str | None = None) -> str:
    parts = ["api" if resource.api_version == "v1" else "apis", *resource.api_version.split("/")]
    if resource.namespaced and namespace is not None:
        parts += ["namespaces", quote(namespace, safe="")]
    parts.append(resource.plural)
    if name is not None:
        parts.append(quote(name, safe=""))
    return "/" + "/".join(parts)


def _selectors(label_selector: str, field_selector: str) -> dict[str, str]:
    selectors = {"labelSelector": label_selector, "fieldSelector": field_selector}
    return {key: value for key, value in selectors.items() if value}
