"""The one place that asks Prometheus. What comes back are typed samples, or `Unavailable` with a plain reason.

Why so careful: utilization is an ornament of the overview, so a Prometheus that is slow, hung or wrong must cost it
nothing. Traps of prometheus-api-client (and requests below it):

- It blocks, so it runs in a thread; at most one at a time, or a hung server would pile them up.
- It retries three times with back-off unless told otherwise.
- Its time-out counts each read from the socket: a server that drips a byte a second holds a call for hours, in the
  head as well as in the body. A thread cannot be killed, so the call's sockets are shut down under it.
- It reads answers of any size, and its errors quote the whole body; neither goes further than this file.
"""

import asyncio
import contextlib
import io
import math
import socket
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError

from genet.errors import Unavailable

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""40,000 series of one metric are some 15 MB."""

_OK = 200

Answer = TypeVar("Answer")


class Sample(msgspec.Struct, frozen=True, gc=False):
    """One series at one moment."""

    labels: dict[str, str]
    """With `__name__`, the metric's name, where the query keeps it."""
    value: float
    """NaN and infinities included: Prometheus knows them."""
    timestamp: float
    """Unix seconds at which the value was taken from the series, not when the exporter measured it."""


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

    async def query(self, promql: str) -> tuple[Sample, ...]:
        """The instant vector of an expression, now.

        Raises:
            Unavailable: no answer in time, a wrong one, or the thread of an earlier question has not ended yet
                (it may hang in the resolver, which nothing can cut short).
        """
        return await self._answer(lambda connect: _samples(connect.custom_query(promql)))

    async def query_range(self, promql: str, start: datetime, end: datetime, step: timedelta) -> tuple[Series, ...]:
        """The values of an expression at `start` and every `step` from there, until `end` at the latest.

        All are whole seconds. Prometheus refuses more than 11,000 steps.

        Raises:
            Unavailable: as for `query`.
        """

        def ask(connect: PrometheusConnect) -> tuple[Series, ...]:
            every = f"{step.total_seconds():g}"
            return _series(connect.custom_query_range(promql, start, end, every), start, end, step)

        return await self._answer(ask)

    async def _answer(self, ask: Callable[[PrometheusConnect], Answer]) -> Answer:
        if self._asking is not None and not self._asking.done():
            raise Unavailable("Prometheus still owes the answer to an earlier question")
        line = _Line()
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

    def _ask(self, ask: Callable[[PrometheusConnect], Answer], line: "_Line") -> Answer:
        with _Session(_Adapter(line, self._max_bytes)) as session:
            connect = PrometheusConnect(url=self._url, session=session, timeout=self._timeout)
            try:
                return ask(connect)
            except requests.exceptions.JSONDecodeError as error:
                raise Unavailable("Prometheus answered with broken JSON") from error
            except requests.exceptions.SSLError as error:
                raise Unavailable("Prometheus' certificate is not trusted") from error
            except requests.exceptions.Timeout as error:
                raise Unavailable(f"Prometheus did not answer within {self._timeout:g} s") from error
            except (requests.exceptions.RequestException, OSError) as error:
                raise Unavailable("Prometheus cannot be reached") from error
            except (PrometheusApiClientException, msgspec.ValidationError, KeyError, TypeError, ValueError) as error:
                raise Unavailable("Prometheus answered with something else than samples") from error


class _Instant(msgspec.Struct):
    metric: dict[str, str]
    value: tuple[float, str]


class _Range(msgspec.Struct):
    metric: dict[str, str]
    values: list[tuple[float, str]]


def _samples(result: Any) -> tuple[Sample, ...]:
    found = msgspec.convert(result, list[_Instant])
    return tuple(Sample(labels=s.metric, value=float(s.value[1]), timestamp=s.value[0]) for s in found)


def _series(result: Any, start: datetime, end: datetime, step: timedelta) -> tuple[Series, ...]:
    """Prometheus leaves out the steps without a sample; here every step has its place."""
    first, every = start.timestamp(), step.total_seconds()
    places = range((end - start) // step + 1)
    series = []
    for found in msgspec.convert(result, list[_Range]):
        by_place = {round((at - first) / every): float(text) for at, text in found.values}
        values = (by_place.get(place, math.nan) for place in places)
        series.append(Series(found.metric, tuple(value if math.isfinite(value) else None for value in values)))
    return tuple(series)


def _retrieve(asked: asyncio.Future[Any]) -> None:
    """An answer nobody waits for any more is not an error to log."""
    if not asked.cancelled():
        asked.exception()


class _Line:
    """The sockets of one call, so that another thread can shut them down.

    Kept as duplicates: TLS takes the descriptor away from the socket object that connected.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._is_cut = False

    def watch(self, sock: socket.socket) -> None:
        with self._lock:
            if self._is_cut:
                sock.close()
                raise TimeoutError("the time of this call is over")
            self._sockets.append(sock.dup())

    def cut(self) -> None:
        """Wake the thread that reads from them, and let it open no other. Can be called twice."""
        with self._lock:
            self._is_cut = True
            for sock in self._sockets:
                with contextlib.suppress(OSError):  # the other side may have been faster
                    sock.shutdown(socket.SHUT_RDWR)
                sock.close()
            self._sockets.clear()


class _Session(requests.Session):
    """One adapter for everything: PrometheusConnect mounts its own, with retries, over whatever is there."""

    def __init__(self, adapter: "_Adapter") -> None:
        super().__init__()
        self._adapter = adapter

    def get_adapter(self, url: str | bytes) -> HTTPAdapter:  # noqa: ARG002  # requests' signature
        return self._adapter

    def close(self) -> None:
        super().close()
        self._adapter.close()


class _Adapter(HTTPAdapter):
    """Asks once, checks the head, and reads no more of the body than allowed."""

    def __init__(self, line: _Line, max_bytes: int) -> None:
        super().__init__(max_retries=0)
        self._line = line
        self._max_bytes = max_bytes

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = _watched(pool.ConnectionCls, self._line)
        return pool

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        response = super().send(*args, **{**kwargs, "stream": True})
        with contextlib.closing(response.raw) as raw:
            response.raw = io.BytesIO(self._body(response, raw))
        return response

    def _body(self, response: requests.Response, raw: Any) -> bytes:
        if response.status_code != _OK:
            raise Unavailable(f"Prometheus answered with HTTP status {response.status_code}")
        kind = response.headers.get("Content-Type", "nothing named").partition(";")[0]
        if kind != "application/json":
            raise Unavailable(f"Prometheus answered with {kind} instead of JSON")
        try:
            body: bytes = raw.read(self._max_bytes + 1, decode_content=True)
        except (HTTPError, OSError) as error:
            raise Unavailable("Prometheus broke off its answer") from error
        if len(body) > self._max_bytes:
            raise Unavailable(f"Prometheus answered with more than {self._max_bytes} bytes")
        return body


def _watched(connection: Any, line: _Line) -> Any:
    """The pool's class of connections, with every new socket put under watch."""

    class Watched(connection):  # type: ignore[misc]  # the base is http's or https's, known at run time only
        def _new_conn(self) -> socket.socket:
            sock: socket.socket = super()._new_conn()
            line.watch(sock)
            return sock

    return Watched
