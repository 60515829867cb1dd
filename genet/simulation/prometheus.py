"""Prometheus' HTTP API on loopback, over series that are computed when asked for: no scraping, no storage.

`query` and `query_range`, in Prometheus' own envelope; history is as long as anybody asks. Answers are computed in
threads and encoded in portions: a question about 40,000 cards takes a second, and the API server's event loop is the
same one as this. What Genet itself exports is not scraped here: no series of it exist.
"""

import asyncio
import gc
import math
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import islice
from threading import Lock
from typing import Any, Final

import msgspec
from aiohttp import web
from multidict import MultiDict

from genet.simulation.prometheus_faults import PrometheusFaults
from genet.simulation.promql import QueryError, Source
from genet.simulation.promql_parser import parse, parse_duration

_MAX_POINTS: Final = 11_000
"""Prometheus' own limit of points per series."""
_PORTION: Final = 500
"""Series encoded at once."""
_AT_ONCE: Final = 2
"""Questions computed at the same time; more would only hold each other and the event loop up."""

Parameters = MultiDict[str]


@asynccontextmanager
async def served(
    source: Source, faults: PrometheusFaults, clock: Callable[[], datetime], port: int
) -> AsyncIterator[str]:
    """Answer on loopback; gives the URL. Port 0 takes a free one."""
    with ThreadPoolExecutor(_AT_ONCE, "prometheus") as pool:
        app = _application(Api(faults.spoil(source), clock), pool)
        app.middlewares.append(faults.intercept)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()
            pool.shutdown(wait=False, cancel_futures=True)


def _application(api: "Api", pool: ThreadPoolExecutor) -> web.Application:
    uncollected = _Uncollected()

    async def answer(request: web.Request) -> web.Response:
        parameters = MultiDict(request.query)
        parameters.extend((name, str(value)) for name, value in (await request.post()).items())
        question = api.query if request.path.endswith("/query") else api.query_range
        status, body = 200, b""
        try:
            body = await asyncio.get_running_loop().run_in_executor(pool, uncollected, question, parameters)
        except QueryError as error:
            refusal = {"status": "error", "errorType": "bad_data", "error": str(error)}
            status, body = 400, msgspec.json.encode(refusal)
        return web.Response(body=body, status=status, content_type="application/json")

    app = web.Application()
    for path in ("/", "/-/healthy", "/-/ready"):
        app.router.add_get(path, _healthy)
    for path in ("/api/v1/query", "/api/v1/query_range"):
        app.router.add_get(path, answer)
        app.router.add_post(path, answer)
    return app


class Api:
    """The questions, answered as JSON."""

    def __init__(self, source: Source, clock: Callable[[], datetime]) -> None:
        self._source = source
        self._clock = clock

    def query(self, parameters: Parameters) -> bytes:
        at = self._time(parameters, "time")
        found = parse(parameters.get("query", "")).series(self._source, at, at)
        values = ((series.labels, series.at(at)) for series in found)
        return _encode("vector", ({"metric": labels, "value": (at, _text(value))}
                                  for labels, value in values if value is not None))  # fmt: skip

    def query_range(self, parameters: Parameters) -> bytes:
        start, end = self._time(parameters, "start"), self._time(parameters, "end")
        step = _step(parameters.get("step", ""))
        if end < start:
            raise QueryError('invalid parameter "end": end timestamp must not be before start time')
        if (end - start) / step > _MAX_POINTS:
            raise QueryError(f"exceeded maximum resolution of {_MAX_POINTS:,} points per timeseries")
        times = [start + step * number for number in range(int((end - start) / step) + 1)]
        found = parse(parameters.get("query", "")).series(self._source, start, end)
        rows = ((series.labels, [(at, _text(value)) for at in times if (value := series.at(at)) is not None])
                for series in found)  # fmt: skip
        return _encode("matrix", ({"metric": labels, "values": values} for labels, values in rows if values))

    def _time(self, parameters: Parameters, name: str) -> float:
        text = parameters.get(name)
        if text is None:
            return round(self._clock().timestamp(), 3)
        try:
            return float(text) if re.fullmatch(r"[\d.]+", text) else datetime.fromisoformat(text).timestamp()
        except ValueError as error:
            raise QueryError(f'invalid parameter "{name}": cannot parse "{text}" to a valid timestamp') from error


class _Uncollected:
    """Asks without the garbage collector.

    It would look through a million objects of one answer, and stop everything for a second, the event loop included.
    They leave no cycles behind.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._asking = 0

    def __call__(self, question: Callable[[Parameters], bytes], parameters: Parameters) -> bytes:
        self._count(1)
        try:
            return question(parameters)
        finally:
            self._count(-1)

    def _count(self, more: int) -> None:
        with self._lock:
            self._asking += more
            (gc.disable if self._asking else gc.enable)()


async def _healthy(_: web.Request) -> web.Response:
    return web.Response(text="Prometheus Server is Healthy.\n")


def _encode(kind: str, rows: Iterable[Any]) -> bytes:
    portions = [msgspec.json.encode(portion)[1:-1] for portion in _portions(rows)]
    head = b'{"status":"success","data":{"resultType":"%s","result":[' % kind.encode()
    return b"".join((head, b",".join(portions), b"]}}"))


def _portions(rows: Iterable[Any]) -> Iterator[list[Any]]:
    rows = iter(rows)
    while portion := list(islice(rows, _PORTION)):
        yield portion


def _step(text: str) -> float:
    step = float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else parse_duration(text)
    if not step:
        raise QueryError('invalid parameter "step": zero or negative query resolution step widths are not accepted')
    return step


def _text(value: float) -> str:
    return "NaN" if math.isnan(value) else f"{value:.15g}"
