"""Whether the process lives, and whether traffic should come here."""

from litestar import MediaType, Response, get

from genet.web.services import Injected


@get("/healthz", name="health:live", media_type=MediaType.TEXT, include_in_schema=False)
async def live() -> str:
    return "ok"


@get("/readyz", name="health:ready", media_type=MediaType.TEXT, include_in_schema=False)
async def ready(services: Injected) -> Response[str]:
    """503 before the first sync and while draining.

    Stale caches are no reason: an API server outage would take all replicas out of service at once.
    """
    if services.draining:
        return Response("draining", status_code=503)
    if not services.synced:
        return Response("waiting for the first list of the cluster", status_code=503)
    return Response("ok")
