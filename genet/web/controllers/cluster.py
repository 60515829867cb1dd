"""The GPU overview over HTTP: conditional, per audience, straight from memory."""

from litestar import Response, get
from litestar.openapi.datastructures import ResponseSpec

from genet.errors import Forbidden
from genet.gpus.overview import Audience, GPUOverview
from genet.web.guards import AnyRequest, current_user
from genet.web.problems import refusals
from genet.web.services import Injected, Services

UNCHANGED = {304: ResponseSpec(None, description="As the ETag says", generate_examples=False)}


@get(
    "/api/cluster/gpu-overview", name="cluster:gpu-overview", tags=["cluster"], responses=refusals(403, 503) | UNCHANGED
)
async def gpu_overview(request: AnyRequest, services: Injected) -> Response[GPUOverview]:
    """Every GPU of the cluster and who holds it."""
    seen = services.overview.overview(_audience(request, services))
    etag = f'"{seen.etag}"'
    headers = {
        "ETag": etag,
        "Vary": "Accept, Cookie, Authorization",
        "Cache-Control": "private, no-cache",
        "Genet-Updated-At": seen.updated_at.isoformat().replace("+00:00", "Z"),
    }
    if etag in _named(request.headers.get("If-None-Match", "")):
        return Response(None, status_code=304, headers=headers)  # type: ignore[arg-type] # a 304 has no body
    return Response(seen.body, headers=headers, media_type="application/json")  # type: ignore[arg-type] # encoded once


def _audience(request: AnyRequest, services: Services) -> Audience:
    if current_user(request) is not None:
        return Audience.MEMBER
    match services.settings.auth.anonymous_overview:
        case "full-shape":
            return Audience.PUBLIC
        case "summary":
            return Audience.SUMMARY
        case "off":
            raise Forbidden("log in to see the GPUs of the cluster")


def _named(if_none_match: str) -> set[str]:
    return {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
