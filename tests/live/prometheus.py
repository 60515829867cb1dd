"""Prometheus servers that are wrong, each in one way."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Fault(NamedTuple):
    status: int = 200
    kind: str = "application/json"
    body: bytes = b""
    announced: int | None = None
    """Content-Length, where it is not that of the body."""
    delay_seconds: float = 0


def vector(value: str, **labels: str) -> bytes:
    """An answer with one series."""
    named = ",".join(f'"{name}":"{text}"' for name, text in labels.items())
    series = '{"metric":{' + named + '},"value":[1700000000,"' + value + '"]}'
    return ('{"status":"success","data":{"resultType":"vector","result":[' + series + "]}}").encode()


@contextmanager
def faulty(fault: Fault) -> Iterator[str]:
    """Its URL. Whoever waits for a slow answer is let go when the block ends."""
    ending = threading.Event()

    class Query(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            ending.wait(fault.delay_seconds)
            self.send_response(fault.status)
            self.send_header("Content-Type", fault.kind)
            self.send_header("Content-Length", str(fault.announced or len(fault.body)))
            self.end_headers()
            self.wfile.write(fault.body)

        def log_message(self, *_: object) -> None:
            """What goes wrong here is wanted."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """The client hangs up on what takes too long."""

    with Server(("127.0.0.1", 0), Query) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        ending.set()
        server.shutdown()
        thread.join()
