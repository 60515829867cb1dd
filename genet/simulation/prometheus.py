"""Prometheus' HTTP API on loopback, over series that are computed when asked for: there is no scraping and no storage.

`/api/v1/query`, `query_range`, `series`, `labels` and `label/{name}/values`, with GET and with POST forms, in
Prometheus' own envelope. History is as long as anybody asks, since values are a function of time.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from aiohttp import web
from multidict import MultiDict

from genet.simulation.promql import Labels, QueryError, Selector, Source, evaluate_range, parse, parse_duration

_MAX_POINTS: Final = 11_000
"""Prometheus' own limit of points per series."""
_LOOK_BACK_SECONDS: Final = 300

Parameters = MultiDict[str]


def application(source: Source, clock: Callable[[], datetime]) -> web.Application:
    api = _Api(source, clock)
    app = web.Application()
    for path in ("/", "/-/healthy", "/-/ready"):
        app.router.add_get(path, _healthy)
    answers: Mapping[str, Callable[[Parameters], Any]] = {
        "query": api.query,
        "query_range": api.query_range,
        "series": api.series,
        "labels": api.labels,
        "label/{name}/values": api.label_values,
    }
    for path, answer in answers.items():
        app.router.add_get(f"/api/v1/{path}", _enveloped(answer))
        app.router.add_post(f"/api/v1/{path}", _enveloped(answer))
    return app


class _Api:
    def __init__(self, source: Source, clock: Callable[[], datetime]) -> None:
        self._source = source
        self._clock = clock

    def query(self, parameters: Parameters) -> Any:
        at = self._time(parameters, "time")
        samples = parse(parameters.get("query", "")).evaluate(self._source, at)
        result = [{"metric": labels, "value": (at, _text(value))} for labels, value in samples]
        return {"resultType": "vector", "result": result}

    def query_range(self, parameters: Parameters) -> Any:
        start, end = self._time(parameters, "start"), self._time(parameters, "end")
        step = _step(parameters.get("step", ""))
        if end < start:
            raise QueryError('invalid parameter "end": end timestamp must not be before start time')
        if (end - start) / step > _MAX_POINTS:
            raise QueryError(f"exceeded maximum resolution of {_MAX_POINTS:,} points per timeseries")
        times = [start + step * number for number in range(int((end - start) / step) + 1)]
        rows = evaluate_range(parse(parameters.get("query", "")), self._source, times)
        result = [{"metric": labels, "values": [(at, _text(value)) for at, value in points]} for labels, points in rows]
        return {"resultType": "matrix", "result": result}

    def series(self, parameters: Parameters) -> list[Labels]:
        end = self._time(parameters, "end")
        start = self._time(parameters, "start") if "start" in parameters else end - _LOOK_BACK_SECONDS
        found: dict[frozenset[tuple[str, str]], Labels] = {}
        for text in parameters.getall("match[]", ['{__name__=~".+"}']):
            selector = parse(text)
            if not isinstance(selector, Selector):
                raise QueryError('invalid parameter "match[]": a series selector is needed')
            for series in self._source.series(selector.matchers, start, end):
                found[frozenset(series.labels.items())] = series.labels
        return list(found.values())

    def labels(self, parameters: Parameters) -> list[str]:
        return sorted({name for labels in self.series(parameters) for name in labels})

    def label_values(self, parameters: Parameters) -> list[str]:
        name = parameters["name"]
        return sorted({labels[name] for labels in self.series(parameters) if name in labels})

    def _time(self, parameters: Parameters, name: str) -> float:
        text = parameters.get(name)
        if text is None:
            return self._clock().timestamp()
        try:
            return float(text) if re.fullmatch(r"[\d.]+", text) else datetime.fromisoformat(text).timestamp()
        except ValueError as error:
            raise QueryError(f'invalid parameter "{name}": cannot parse "{text}" to a valid timestamp') from error


async def _healthy(_: web.Request) -> web.Response:
    return web.Response(text="Prometheus Server is Healthy.\n")


def _enveloped(answer: Callable[[Parameters], Any]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        parameters = MultiDict(request.query)
        parameters.extend((name, str(value)) for name, value in (await request.post()).items())
        parameters.extend(request.match_info)
        try:
            body, status = {"status": "success", "data": answer(parameters)}, 200
        except QueryError as error:
            body, status = {"status": "error", "errorType": "bad_data", "error": str(error)}, 400
        return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")

    return handle


def _step(text: str) -> float:
    try:
        step = float(text) if re.fullmatch(r"[\d.]+", text) else parse_duration(text)
    except ValueError as error:
        raise QueryError(f'invalid parameter "step": cannot parse "{text}" to a valid duration') from error
    if not step:
        raise QueryError('invalid parameter "step": zero or negative query resolution step widths are not accepted')
    return step


def _text(value: float) -> str:
    return f"{value:.12g}"
