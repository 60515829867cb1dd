"""What containers print, over HTTP: the last lines, the whole as a file, or as it comes."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated, Literal

import msgspec
from litestar import Response, get
from litestar.params import QueryParameter

from genet.errors import FieldError, Invalid, Unavailable
from genet.pods.container_life import chosen
from genet.pods.follow import Follow
from genet.pods.log_lines import LogLine
from genet.pods.log_telling import LogEnd, LogRestart
from genet.pods.model import PodLogs
from genet.web.endings import on_end
from genet.web.event_stream import EventStream
from genet.web.guards import AnyRequest, current_caller
from genet.web.negotiation import prefers
from genet.web.openapi import Alternatives, also
from genet.web.ownership import Owner, PodId, caller, find
from genet.web.patience import LargeAnswer
from genet.web.problems import refusals
from genet.web.services import Injected
from genet.web.telemetry import UNMEASURED

_EVENTS = "text/event-stream"
_LINES = 500
_LARGE_BYTES = 256 * 1024
"""What is no longer is handed over at once."""


@get(
    "/api/pods/{pod_id:str}/logs",
    name="pods:logs",
    summary="A pod's log",
    tags=["pods"],
    opt={UNMEASURED: True},
    operation_class=Alternatives,
    responses=refusals(401, 403, 404, 409, 429, 503)
    | also(200, LogLine | LogRestart | LogEnd, _EVENTS)
    | also(200, str, "text/plain", number=2),
)
async def pod_logs(
    request: AnyRequest,
    services: Injected,
    pod_id: PodId,
    *,
    owner: Owner = None,
    tail_lines: Annotated[
        int | None, QueryParameter(name="tailLines", ge=0, le=100_000, description="500; of a file all")
    ] = None,
    since_seconds: Annotated[
        int | None, QueryParameter(name="sinceSeconds", ge=1, le=10**9, description="no older lines")
    ] = None,
    container: Annotated[str | None, QueryParameter(description="default: the main one")] = None,
    previous: Annotated[bool, QueryParameter(description="of the run before the last restart")] = False,
    follow: Annotated[bool | None, QueryParameter(description="Server-sent events; as `Accept` says")] = None,
    form: Annotated[
        Literal["json", "text"], QueryParameter(name="format", description="`text`: the log itself, as a file")
    ] = "json",
) -> Response[PodLogs]:
    """The log of one container: its last lines, all of it, or with `follow` events `log`, `restarted`, `gap`, `end`."""
    _, pod = await find(request, owner, pod_id, services)
    if follow is None:
        follow = form == "json" and not prefers(request.headers.get("Accept", ""), "application/json", _EVENTS)
        follow = follow and prefers(request.headers.get("Accept", ""), _EVENTS, "application/json")
    if follow:
        _check_follow(form, previous=previous)
        one = services.follows.open(
            pod,
            caller(request).identifier,
            container=container,
            tail_lines=_LINES if tail_lines is None else tail_lines,
            since_seconds=since_seconds,
            last_id=request.headers.get("Last-Event-ID"),
        )
        return _following(request, services, one)  # type: ignore[return-value] # a stream
    if form == "text":
        pieces = await services.logs.whole(
            pod, tail_lines=tail_lines, since_seconds=since_seconds, container=container, previous=previous
        )
        name = f"{pod_id}-{chosen(pod, container)}.log"
        return _file(request, services, pieces, name)  # type: ignore[return-value] # a stream
    seen = await services.logs.tail(
        pod,
        tail_lines=_LINES if tail_lines is None else tail_lines,
        since_seconds=since_seconds,
        container=container,
        previous=previous,
    )
    if len(seen.logs) <= _LARGE_BYTES:
        return Response(seen)
    body = await asyncio.to_thread(msgspec.json.encode, seen)
    return LargeAnswer([body], headers={}, media_type="application/json")  # type: ignore[return-value] # encoded


def _check_follow(form: str, *, previous: bool) -> None:
    errors = []
    if previous:
        errors.append(FieldError("previous", "a container that has ended prints nothing more: it cannot be followed"))
    if form == "text":
        errors.append(FieldError("format", "a log that is followed comes as events"))
    if errors:
        raise Invalid("the log cannot be followed", errors=errors)


def _following(request: AnyRequest, services: Injected, one: Follow) -> EventStream:
    stop = on_end(services, current_caller(request), one.expire)

    def ended() -> None:
        stop()
        one.close()

    return EventStream(one.chunks(), on_end=ended, headers={"Cache-Control": "no-store"})


def _file(request: AnyRequest, services: Injected, pieces: AsyncGenerator[bytes], name: str) -> EventStream:
    is_over = asyncio.Event()
    stop = on_end(services, current_caller(request), is_over.set)

    async def while_logged_in() -> AsyncGenerator[bytes]:
        try:
            async for piece in pieces:
                if is_over.is_set():
                    raise Unavailable("the session has ended")  # the file must not look complete
                yield piece
        finally:
            await pieces.aclose()

    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'}
    return EventStream(while_logged_in(), on_end=stop, headers=headers, media_type="text/plain")
