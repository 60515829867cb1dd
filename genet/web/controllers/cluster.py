"""The GPU overview over HTTP: conditional, per form, audience and coding, straight from memory; and as a stream."""

from typing import Annotated, Literal

from litestar import Response, get
from litestar.exceptions import NotAuthorizedException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter

from genet.gpus.overview import Audience, Availability, Change, Form, GPUOverview
from genet.gpus.wire import columnar
from genet.gpus.wire.columnar import ColumnarOverview
from genet.web.endings import on_end
from genet.web.event_stream import EventStream
from genet.web.guards import AnyRequest, current_caller, current_user
from genet.web.negotiation import accepts_gzip, prefers
from genet.web.openapi import Alternatives, also
from genet.web.patience import LargeAnswer
from genet.web.problems import refusals
from genet.web.services import Injected, Services
from genet.web.telemetry import UNMEASURED

_LARGE_BYTES = 256 * 1024
"""What is no longer is handed over at once: the columnar form, compressed, of the largest clusters."""
_VARY = "Accept, Accept-Encoding, Cookie, Authorization"
_UNCHANGED = {304: ResponseSpec(None, description="As the ETag says", generate_examples=False)}

FormName = Annotated[
    Literal["object", "columnar"] | None,
    QueryParameter(name="format", description="Which form; before what `Accept` says"),
]


@get(
    "/api/cluster/gpu-overview",
    name="cluster:gpu-overview",
    summary="Every GPU of the cluster",
    tags=["cluster"],
    operation_class=Alternatives,
    responses=refusals(401, 403, 503) | _UNCHANGED | also(200, ColumnarOverview, columnar.MEDIA_TYPE),
)
async def gpu_overview(request: AnyRequest, services: Injected, form: FormName = None) -> Response[GPUOverview]:
    """Every GPU of the cluster and who holds it."""
    wanted = _form(request, form)
    seen = await services.overview.overview(wanted, _audience(request, services))
    is_gzip = accepts_gzip(request.headers.get("Accept-Encoding", ""))
    tags = {False: f'"{seen.etag}"', True: f'"{seen.etag}-gzip"'}
    headers = {
        "ETag": tags[is_gzip],
        "Vary": _VARY,
        "Cache-Control": "private, no-cache",
        "Genet-Updated-At": seen.moment.updated_at.isoformat().replace("+00:00", "Z"),
    }
    known = _named(request.headers.get("If-None-Match", "")) & {"*", *tags.values()}
    if known:
        # the tag of what the client has, in whichever coding it has that
        headers["ETag"] = next(iter(known - {"*"}), tags[is_gzip])
        return Response(None, status_code=304, headers=headers)  # type: ignore[arg-type] # a 304 has no body
    if is_gzip:
        headers["Content-Encoding"] = "gzip"
    media_type = columnar.MEDIA_TYPE if wanted is Form.COLUMNAR else "application/json"
    parts = seen.parts(gzip=is_gzip)
    if sum(map(len, parts)) > _LARGE_BYTES:
        return LargeAnswer(parts, headers=headers, media_type=media_type)  # type: ignore[return-value] # encoded once
    body = seen.gzipped if is_gzip else seen.plain
    return Response(body, headers=headers, media_type=media_type)  # type: ignore[arg-type] # encoded once


@get(
    "/api/cluster/gpu-overview/stream",
    name="cluster:gpu-overview-stream",
    summary="The overview as it changes",
    tags=["cluster"],
    media_type="text/event-stream",
    opt={UNMEASURED: True},
    operation_class=Alternatives,
    responses=refusals(401, 403, 429, 503) | also(200, Change, "text/event-stream; event=change"),
)
async def gpu_overview_stream(request: AnyRequest, services: Injected, form: FormName = None) -> EventStream:
    """The overview, and then what changes: events `snapshot` (the form asked for), `change`, `auth`."""
    caller = current_caller(request)
    listener = await services.overview.listen(
        _form(request, form),
        _audience(request, services),
        request.headers.get("Last-Event-ID"),
        caller.user.identifier if caller else None,
    )
    stop = on_end(services, caller, listener.expire)

    def ended() -> None:
        stop()
        listener.close()

    is_gzip = accepts_gzip(request.headers.get("Accept-Encoding", ""))
    headers = {"Vary": _VARY, "Cache-Control": "no-store"}
    if is_gzip:
        headers["Content-Encoding"] = "gzip"
    return EventStream(listener.chunks(gzip=is_gzip), on_end=ended, headers=headers)


@get(
    "/api/cluster/availability",
    name="cluster:availability",
    summary="What new pods could get",
    tags=["cluster"],
    responses=refusals(401, 403, 503),
)
async def availability(services: Injected) -> Availability:
    """What new pods could get now, by type."""
    return await services.overview.availability()


def _audience(request: AnyRequest, services: Services) -> Audience:
    if current_user(request) is not None:
        return Audience.MEMBER
    match services.settings.auth.anonymous_overview:
        case "full-shape":
            return Audience.PUBLIC
        case "summary":
            return Audience.SUMMARY
        case "off":
            raise NotAuthorizedException("log in to see the GPUs of the cluster")


def _form(request: AnyRequest, name: str | None) -> Form:
    if name is not None:
        return Form(name)
    is_columnar = prefers(request.headers.get("Accept", ""), columnar.MEDIA_TYPE, "application/json")
    return Form.COLUMNAR if is_columnar else Form.OBJECT


def _named(if_none_match: str) -> set[str]:
    return {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
