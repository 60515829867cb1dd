"""The bundled pages: hashed assets that never change, and two documents.

One is for every address of the page's own. The other is the reference of the API, of which the first loads nothing.
"""

from pathlib import Path, PurePosixPath

from litestar import MediaType, Response, Router, get
from litestar.datastructures import CacheControlHeader
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.static_files import create_static_files_router

from genet.web.guards import OPERATION

STATIC = Path(__file__).parent / "static"
_NOT_PAGES = frozenset({"api", "oidc", ".well-known", "assets"})
_MISSING = "<!doctype html><title>Genet</title><p>The page was not built: run <code>make frontend</code>."
_YEAR_SECONDS = 365 * 24 * 3600


def assets(directory: Path) -> list[Router]:
    """Files whose names hold a hash of their content; none where the page was not built."""
    if not (directory / "assets").is_dir():
        return []
    forever = CacheControlHeader(public=True, max_age=_YEAR_SECONDS, immutable=True)
    return [
        create_static_files_router(
            "/assets", [directory / "assets"], cache_control=forever, opt={OPERATION: "spa:asset"}
        )
    ]


def page(directory: Path) -> HTTPRouteHandler:
    """The document, read once; what looks like a file or belongs to the API is not found instead."""
    document = _document(directory / "index.html")

    @get(["/", "/{address:path}"], name="spa:page", include_in_schema=False)
    async def spa(address: FromPath[str] = "/") -> Response[str]:
        path = PurePosixPath(address)
        if path.suffix or not _NOT_PAGES.isdisjoint(path.parts[1:2]):
            raise NotFoundException("nothing is here")
        return _page(document)

    return spa


def reference(directory: Path) -> HTTPRouteHandler:
    """What the API can do, for people to read and to try; it reads `/api/openapi.json`."""
    document = _document(directory / "api-docs.html")

    @get("/api/docs", name="openapi:reference", include_in_schema=False)
    async def docs() -> Response[str]:
        return _page(document)

    return docs


def _document(file: Path) -> str:
    return file.read_text() if file.is_file() else _MISSING


def _page(document: str) -> Response[str]:
    return Response(document, media_type=MediaType.HTML, headers={"Cache-Control": "no-cache"})
