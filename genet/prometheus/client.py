"""The questions that Genet asks Prometheus.

Why so careful: utilization is an ornament of the overview, so a Prometheus that is slow, hung or wrong must cost it
nothing. Traps of prometheus-api-client (more of them in `transport`):

- It blocks, so it runs in a thread; at most one at a time, or a hung server would pile them up.
- Its errors quote addresses and bodies, so none of its words are passed on.
"""

import asyncio
import math
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import msgspec
import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException

from genet.errors import Unavailable
from genet.prometheus.transport import Adapter, Line, Session

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""40,000 series of one metric are some 15 MB."""

_PARTING_SECONDS = 0.5
"""What the thread of a question whose time is over may take to notice that its sockets are shut."""
_NO_SAMPLES = "Prometheus answered with something else than samples"

Answer = TypeVar("Answer")
Labels = TypeVar("Labels")


class Sample(msgspec.Struct, Generic[Labels], frozen=True, gc=False):
    """One series at one moment."""

    labels: Labels
    """With `__name__`, the metric's name, where the query keeps it."""
    value: float
    """NaN and infinities included: Prometheus knows them."""
    timestamp: float
    """Unix seconds at which the value was taken from the series, not when the exporter measured it."""


class Scan(Generic[Labels]):
    """The series of an instant vector, each decoded when its turn comes: all of them at once may be a lot of memory.

    Iterating raises Unavailable where something else than a sample comes up.
    """

    def __init__(self, series: list[msgspec.Raw], labels: type[Labels]) -> None:
        self._series = series
        self._decoder = msgspec.json.Decoder(_Instant[labels])  # type: ignore[valid-type]  # a type at run time

    def __len__(self) -> int:
        return len(self._series)

    def __iter__(self) -> Iterator[Sample[Labels]]:
        decode = self._decoder.decode
        try:
            for raw in self._series:
                found = decode(raw)
                yield Sample(found.metric, float(found.value[1]), found.value[0])
        except ValueError as error:
            raise Unavailable(_NO_SAMPLES) from error


class Series(msgspec.Struct, frozen=True, gc=False):
    """One series over a time."""

    labels: dict[str, str]
    """With `__name__` where the query keeps it."""
    values: tuple[float | None, ...]
    """One at each step, the first at the start. None: the series has no sample there, or one that is no number."""


class Prometheus:
    """An asynchronous face of one Prometheus; every question is bounded in time and size and asked once."""

    def __init__(self, url: str, *, timeout_seconds: float = 5.0, max_bytes: int = MAX_ANSWER_BYTES) -> None:
        self._url = url.rstrip("/")
        self._timeout = timeout_seconds
        self._max_bytes = max_bytes
        self._asking: asyncio.Future[Any] | None = None

    async def query(self, promql: str) -> tuple[Sample[dict[str, str]], ...]:
        """The instant vector of an expression, now, with all labels.

        Raises:
            Unavailable: as for `scan`.
        """
        return tuple(await self.scan(promql, dict[str, str]))

    async def scan(self, promql: str, labels: type[Labels]) -> Scan[Labels]:
        """The instant vector of an expression, now, with the labels that the type names.

        Raises:
            Unavailable: no answer in time, a wrong one, or the thread of an earlier question has not ended yet
                (it may hang in the resolver, which nothing can cut short).
        """

        def ask(connect: PrometheusConnect) -> Scan[Labels]:
            return Scan(msgspec.json.decode(connect.custom_query(promql), type=list[msgspec.Raw]), labels)

        return await self._answer(ask)

    async def query_range(self, promql: str, start: datetime, end: datetime, step: timedelta) -> tuple[Series, ...]:
        """The values of an expression at `start` and every `step` from there, until `end` at the latest.

        All are whole seconds. Prometheus refuses more than 11,000 steps.

        Raises:
            Unavailable: as for `scan`.
        """

        def ask(connect: PrometheusConnect) -> tuple[Series, ...]:
            every = f"{step.total_seconds():g}"
            return _series(connect.custom_query_range(promql, start, end, every), start, end, step)

        return await self._answer(ask)

    async def _answer(self, ask: Callable[[PrometheusConnect], Answer]) -> Answer:
        if self._asking is not None:
            await asyncio.wait({self._asking}, timeout=_PARTING_SECONDS)
            if not self._asking.done():
                raise Unavailable("Prometheus still owes the answer to an earlier question")
        line = Line()
        asking = asyncio.ensure_future(asyncio.to_thread(self._ask, ask, line))
        asking.add_done_callback(_retrieve)
        self._asking = asking
        try:
            await asyncio.wait({asking}, timeout=self._timeout)
            if not asking.done():
                raise Unavailable(f"Prometheus did not answer within {self._timeout:g} s")
            return asking.result()
        finally:
            line.cut()

    def _ask(self, ask: Callable[[PrometheusConnect], Answer], line: Line) -> Answer:
        with Session(Adapter(line, self._max_bytes)) as session:
            connect = PrometheusConnect(url=self._url, session=session, timeout=self._timeout)
            try:
                return ask(connect)
            except requests.exceptions.SSLError as error:
                raise Unavailable("Prometheus' certificate is not trusted") from error
            except requests.exceptions.Timeout as error:
                raise Unavailable(f"Prometheus did not answer within {self._timeout:g} s") from error
            except (requests.exceptions.RequestException, OSError) as error:
                raise Unavailable("Prometheus cannot be reached") from error
            except (PrometheusApiClientException, msgspec.ValidationError) as error:
                raise Unavailable(_NO_SAMPLES) from error
            except msgspec.DecodeError as error:
                raise Unavailable("Prometheus answered with broken JSON") from error
            except ValueError as error:
                raise Unavailable(_NO_SAMPLES) from error


class _Instant(msgspec.Struct, Generic[Labels], gc=False):
    metric: Labels
    value: tuple[float, str]


class _Range(msgspec.Struct):
    metric: dict[str, str]
    values: list[tuple[float, str]]


def _series(result: Any, start: datetime, end: datetime, step: timedelta) -> tuple[Series, ...]:
    """Prometheus leaves out the steps without a sample; here every step has its place."""
    first, every = start.timestamp(), step.total_seconds()
    places = range((end - start) // step + 1)
    series = []
    for found in msgspec.json.decode(result, type=list[_Range]):
        by_place = {round((at - first) / every): float(text) for at, text in found.values}
        values = (by_place.get(place, math.nan) for place in places)
        series.append(Series(found.metric, tuple(value if math.isfinite(value) else None for value in values)))
    return tuple(series)


def _retrieve(asked: asyncio.Future[Any]) -> None:
    """An answer nobody waits for any more is not an error to log."""
    if not asked.cancelled():
        asked.exception()
