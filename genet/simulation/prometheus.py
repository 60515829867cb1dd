"""Prometheus' instant queries on loopback, over series that are computed when asked for: no scraping, no storage.

Only the present is simulated, so a `time` is refused rather than answered wrongly.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec
from aiohttp import web
from multidict import MultiDict

from genet.simulation.exporter import Exporter
from genet.simulation.promql import QueryError, evaluate

_SCRAPE_SECONDS: Final = 15


def application(exporter: Exporter, clock: Callable[[], datetime]) -> web.Application:
    async def query(request: web.Request) -> web.Response:
        parameters = MultiDict(request.query)
        parameters.extend((name, str(value)) for name, value in (await request.post()).items())
        now = clock().timestamp()
        scraped = now // _SCRAPE_SECONDS * _SCRAPE_SECONDS
        if "time" in parameters:
            return _refusal('invalid parameter "time": the simulation knows the present only')
        try:
            samples = evaluate(parameters.get("query", ""), lambda matchers: exporter.samples(matchers, scraped))
        except QueryError as error:
            return _refusal(str(error))
        result = [{"metric": labels, "value": (now, f"{value:.12g}")} for labels, value in samples]
        body = {"status": "success", "data": {"resultType": "vector", "result": result}}
        return web.Response(body=msgspec.json.encode(body), content_type="application/json")

    app = web.Application()
    for path in ("/", "/-/healthy", "/-/ready"):
        app.router.add_get(path, _healthy)
    app.router.add_route("GET", "/api/v1/query", query)
    app.router.add_route("POST", "/api/v1/query", query)
    return app


def _refusal(why: str) -> web.Response:
    body = {"status": "error", "errorType": "bad_data", "error": why}
    return web.Response(body=msgspec.json.encode(body), status=400, content_type="application/json")


async def _healthy(_: web.Request) -> web.Response:
    return web.Response(text="Prometheus Server is Healthy.\n")
