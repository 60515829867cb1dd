"""The command line, for people to install from the server that it is for."""

import asyncio
import html
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from litestar import MediaType, Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from genet.web.downloads import DISTRIBUTION, Wheel, installed
from genet.web.patience import LargeAnswer

PATH = "/downloads/"
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Genet: the command line</title>
<h1>The command line</h1>
<p><a href="{link}" data-requires-python="{requires}">{name}</a></p>
<p>With Python 3.11 or newer, on Linux or macOS:</p>
<pre>pip install {url}</pre>
</html>
"""
_ADDRESS = "ADDRESS-OF-THIS-FILE"
_NOTHING = "this server was not installed as a package, so it has none to offer"


def downloads(public_url: str | None, source: Callable[[], Wheel | None] = installed) -> list[HTTPRouteHandler]:
    """A page that lists the wheel as pip's `--find-links` reads it, and the wheel.

    Args:
        public_url: where people reach the server; None: they are told no address.
        source: makes the wheel, in a thread, once.
    """
    made: list[Wheel | None] = []
    making = asyncio.Lock()

    async def wheel() -> Wheel:
        async with making:
            if not made:
                made.append(await asyncio.to_thread(source))
        if made[0] is None:
            raise NotFoundException(_NOTHING)
        return made[0]

    @get(PATH, name="downloads:list", include_in_schema=False)
    async def page() -> Response[str]:
        offered = await wheel()
        document = _PAGE.format(
            link=f"{quote(offered.name)}#sha256={offered.sha256}",
            requires=html.escape(offered.requires_python),
            name=html.escape(offered.name),
            url=html.escape(f"{public_url}{PATH}{quote(offered.name)}" if public_url else _ADDRESS),
        )
        return Response(document, media_type=MediaType.HTML, headers={"Cache-Control": "no-cache"})

    @get("/downloads/{name:str}", name="downloads:file", include_in_schema=False)
    async def file(name: FromPath[str], request: Request[Any, Any, Any]) -> Response[bytes]:
        offered = await wheel()
        if name != offered.name:
            raise NotFoundException(f"this server offers {offered.name} of {DISTRIBUTION}, and nothing else")
        headers = {"ETag": f'"{offered.sha256}"', "Cache-Control": "no-cache"}
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return Response(b"", status_code=HTTPStatus.NOT_MODIFIED, headers=headers, media_type="application/zip")
        return LargeAnswer([offered.content], headers=headers, media_type="application/zip")

    return [page, file]
