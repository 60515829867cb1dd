"""A proxy before a real Prometheus that can be made to misbehave, down to its sockets."""

import json
import math
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple

import httpx

from tests.processes import free_port


class Answer(NamedTuple):
    body: bytes
    status: int = 200
    kind: str = "application/json"
    after_seconds: float = 0
    per_byte_seconds: float = 0
    is_cut: bool = False
    """Half of the body, and then the end."""


Fault = Callable[[str, bytes], Answer]
"""From the query and the right answer to what is answered."""


def well(_: str, body: bytes) -> Answer:
    return Answer(body)


def slow(_: str, body: bytes) -> Answer:
    return Answer(body, after_seconds=10)


def dripping(_: str, body: bytes) -> Answer:
    return Answer(body, per_byte_seconds=0.5)


def page(_: str, __: bytes) -> Answer:
    return Answer(b"<!DOCTYPE html><title>Sign in</title>", kind="text/html")


def failing(_: str, __: bytes) -> Answer:
    return Answer(b"Internal Server Error", 500, "text/plain")


def truncated(_: str, body: bytes) -> Answer:
    return Answer(body, is_cut=True)


def broken(_: str, body: bytes) -> Answer:
    return Answer(body[: len(body) // 2])


def scalar(_: str, __: bytes) -> Answer:
    return Answer(b'{"status":"success","data":{"resultType":"scalar","result":[1700000000,"1"]}}')


def matrix(_: str, body: bytes) -> Answer:
    def ranged(result: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{"metric": series["metric"], "values": [series.get("value")]} for series in result]

    return Answer(_changed(body, ranged))


def nan(_: str, body: bytes) -> Answer:
    def spoilt(result: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**series, "value": [series["value"][0], str(math.nan)]} for series in result if "value" in series]

    return Answer(_changed(body, spoilt))


def half(_: str, body: bytes) -> Answer:
    """The same cards are missing from every answer."""
    return Answer(_changed(body, lambda result: [one for one in result if int(one["metric"].get("gpu", 0)) % 2 == 0]))


def without_memory(query: str, body: bytes) -> Answer:
    return failing(query, body) if "DCGM_FI_DEV_FB_USED" in query else well(query, body)


REFUSED: Final = "refused"
BLACKHOLED: Final = "blackholed"
"""Nobody answers when somebody wants to connect."""


class Proxy:
    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._port = free_port()
        self._end = threading.Event()
        self._close: Callable[[], None] = lambda: None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def become(self, fault: Fault | str) -> None:
        """Whoever waits for an answer is let go."""
        self.close()
        if fault == BLACKHOLED:
            self._close = _blackhole(self._port)
        elif callable(fault):
            self._serve(fault)

    def close(self) -> None:
        self._end.set()
        self._close()
        self._close = lambda: None

    def _serve(self, fault: Fault) -> None:
        upstream, end = self._upstream, threading.Event()

        class Forward(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                right = httpx.get(f"{upstream}{self.path}", trust_env=False, timeout=30)
                answer = fault(self.path, right.content)
                end.wait(answer.after_seconds)
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.kind)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                body = answer.body[: len(answer.body) // 2] if answer.is_cut else answer.body
                if answer.per_byte_seconds:
                    for byte in body:
                        self.wfile.write(bytes((byte,)))
                        if end.wait(answer.per_byte_seconds):
                            return
                else:
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """What goes wrong here is wanted."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """The client hangs up on what takes too long."""

        server = Server(("127.0.0.1", self._port), Forward)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()

        def close() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        self._end, self._close = end, close


@contextmanager
def proxying(upstream: str) -> Iterator[Proxy]:
    proxy = Proxy(upstream)
    proxy.become(well)
    try:
        yield proxy
    finally:
        proxy.close()


def _blackhole(port: int) -> Callable[[], None]:
    """A socket whose queue is full and is never emptied: the kernel drops what else wants to connect."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(0)
    callers = [socket.socket() for _ in range(4)]
    for caller in callers:
        caller.setblocking(False)
        caller.connect_ex(("127.0.0.1", port))

    def close() -> None:
        for one in (*callers, listening):
            one.close()

    return close


def _changed(body: bytes, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> bytes:
    answer = json.loads(body)
    answer["data"]["result"] = change(answer["data"]["result"])
    return json.dumps(answer).encode()
