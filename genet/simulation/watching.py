"""A watch over HTTP: one JSON document a line, until the client goes, its time is up or a fault cuts it.

An object that comes to match the selectors is ADDED, one that ceases to is DELETED, whatever happened to it. History
that is gone is an ERROR event of a 200 answer, as the real server's watch cache has it, not a 410.
"""

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec
from aiohttp import web

from genet.simulation.errors import ApiError
from genet.simulation.faults import Stream
from genet.simulation.paths import Target, flag, known_revision, number
from genet.simulation.selectors import Predicate, parse
from genet.simulation.store import Event, Object, Store

BOOKMARK_SECONDS = 60.0
INITIAL_EVENTS_END = "k8s.io/initial-events-end"

Line = tuple[str, Object]


async def serve_watch(
    request: web.Request, target: Target, store: Store, stream: Stream, form: Callable[[Object], Object]
) -> web.StreamResponse:
    """`form` gives every object the shape that the client asked for."""
    query, plural = request.query, target.kind.plural
    matches = parse(target.kind, query.get("labelSelector", ""), query.get("fieldSelector", ""))
    revision = known_revision(query.get("resourceVersion") or "0", store.revision)
    loop = asyncio.get_running_loop()
    end = loop.time() + (number(query, "timeoutSeconds") or random.uniform(1800, 3600))  # noqa: S311 - spreads load
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)

    async def write(lines: Iterable[Line]) -> None:
        for type_, obj in lines:
            await stream.passage()
            shown = obj if type_ in ("ERROR", "BOOKMARK") else form(obj)
            await response.write(msgspec.json.encode({"type": type_, "object": shown}) + b"\n")

    with store.cursor(plural, revision) as cursor:
        if revision == 0 or flag(query, "sendInitialEvents"):
            cursor.revision = store.revision
            await write([("ADDED", obj) for obj in store.scan(plural, target.namespace) if matches(obj)])
        if flag(query, "sendInitialEvents"):
            await write([_bookmark(target, cursor.revision, {INITIAL_EVENTS_END: "true"})])
        while (left := end - loop.time()) > 0:
            try:
                news = store.news(cursor)
            except ApiError as error:
                await write([("ERROR", error.status())])
                break
            await write(_lines(news, target.namespace, matches))
            try:
                async with asyncio.timeout(min(BOOKMARK_SECONDS, left)):
                    await cursor.wake.wait()
            except TimeoutError:
                if flag(query, "allowWatchBookmarks"):
                    await write([_bookmark(target, cursor.revision)])
    return response


def _bookmark(target: Target, revision: int, annotations: Mapping[str, str] | None = None) -> Line:
    metadata: Object = {"resourceVersion": str(revision), "creationTimestamp": None}
    if annotations:
        metadata["annotations"] = annotations
    return "BOOKMARK", {"kind": target.kind.kind, "apiVersion": target.kind.api_version, "metadata": metadata}


def _lines(events: Sequence[Event], namespace: str | None, matches: Predicate) -> Iterator[Line]:
    for type_, obj, old, _ in events:
        if namespace and obj["metadata"]["namespace"] != namespace:
            continue
        now, before = matches(obj), old is not None and matches(old)
        if type_ == "DELETED" or not now:
            if before:
                yield "DELETED", obj
        else:
            yield ("MODIFIED" if before else "ADDED"), obj
