"""One HTTP call to Prometheus, asked once and bounded in time and size, whatever the other side does.

Traps of requests, and of prometheus-api-client above it:

- It retries three times with back-off unless told otherwise.
- Its time-out counts each read from the socket: a server that drips a byte a second holds a call for hours, in the
  head as well as in the body. A thread cannot be killed, so the call's sockets are shut down under it.
- It reads answers of any size, and its errors quote the whole body; neither goes further than this file.
- It copies a body twice and makes a dict of every label; of forty thousand series that is a hundred megabytes.
"""

import contextlib
import io
import socket
import threading
from typing import Any

import msgspec
import requests
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError

from genet.errors import Unavailable

_OK = 200
_CHUNK_BYTES = 1 << 18


class _Data(msgspec.Struct):
    result: msgspec.Raw


class _Envelope(msgspec.Struct):
    data: _Data


class Answer(requests.Response):
    """An answer whose body is in memory, once."""

    def __init__(self, head: requests.Response, body: bytearray) -> None:
        super().__init__()
        vars(self).update(vars(head))
        self.raw = io.BytesIO()
        self._body = body

    @property
    def content(self) -> bytes:
        return b""  # requests reads it to its end before it lets go of the connection; that has been done

    def json(self, **_: Any) -> dict[str, Any]:
        """As prometheus-api-client takes it apart, with the result still undecoded."""
        return {"data": {"result": msgspec.json.decode(self._body, type=_Envelope).data.result}}


class Line:
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


class Session(requests.Session):
    """One adapter for everything: PrometheusConnect mounts its own, with retries, over whatever is there."""

    def __init__(self, adapter: "Adapter") -> None:
        super().__init__()
        self._adapter = adapter

    def get_adapter(self, url: str | bytes) -> HTTPAdapter:  # noqa: ARG002  # requests' signature
        return self._adapter

    def close(self) -> None:
        super().close()
        self._adapter.close()


class Adapter(HTTPAdapter):
    """Asks once, checks the head, and reads no more of the body than allowed."""

    def __init__(self, line: Line, max_bytes: int) -> None:
        super().__init__(max_retries=0)
        self._line = line
        self._max_bytes = max_bytes

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = watched(pool.ConnectionCls, self._line)
        return pool

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        response = super().send(*args, **{**kwargs, "stream": True})
        with contextlib.closing(response.raw) as raw:
            return Answer(response, self._body(response, raw))

    def _body(self, response: requests.Response, raw: Any) -> bytearray:
        if response.status_code != _OK:
            raise Unavailable(f"Prometheus answered with HTTP status {response.status_code}")
        kind = response.headers.get("Content-Type", "nothing named").partition(";")[0]
        if kind != "application/json":
            raise Unavailable(f"Prometheus answered with {kind} instead of JSON")
        body = bytearray()
        try:
            for chunk in raw.stream(_CHUNK_BYTES, decode_content=True):
                body += chunk
                if len(body) > self._max_bytes:
                    raise Unavailable(f"Prometheus answered with more than {self._max_bytes} bytes")
        except (HTTPError, OSError) as error:
            raise Unavailable("Prometheus broke off its answer") from error
        return body


def watched(connection: Any, line: Line) -> Any:
    """The pool's class of connections, with every new socket put under watch."""

    class Watched(connection):  # type: ignore[misc]  # the base is http's or https's, known at run time only
        def _new_conn(self) -> socket.socket:
            sock: socket.socket = super()._new_conn()
            line.watch(sock)
            return sock

    return Watched
