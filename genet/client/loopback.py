"""Waits on a free port of this machine for the browser to come back with the answer (RFC 8252, 7.3).

Threads, because browsers open connections ahead and say nothing on them. Whatever is no answer to this login gets an
error and waiting goes on: otherwise any page or program could end somebody's login by a request of its own.
"""

import html
import os
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from genet.client.attempt import Attempt, NotOurs
from genet.client.errors import ClientError
from genet.client.terminal import tell

HOST: Final = "127.0.0.1"
_READ_SECONDS: Final = 10.0
_LINE_BYTES: Final = 64 * 1024
_PAGE: Final = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Genet</title>"
    '<body style="font:1.1rem sans-serif;margin:3rem"><h1>{title}</h1><p>{text}</p>'
)
_HEADERS: Final = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Connection": "close",
}


class Listener:
    """A port that is being listened on; see `listening`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._attempt: Attempt | None = None
        self._outcome: str | ClientError | None = None
        self._woken, self._waking = socket.socketpair()
        self.server = ThreadingHTTPServer((HOST, 0), self._handler())
        self.redirect_uri = f"http://{HOST}:{self.server.server_port}/"

    def expect(self, attempt: Attempt) -> None:
        """From now on its answer is known; before the browser is sent away."""
        with self._lock:
            self._attempt = attempt

    def wait(self, attempt: Attempt, *, seconds: float, pasted: int | None = None) -> str:
        """The code that answers the attempt; raises ClientError where the server refuses or time is over.

        Args:
            attempt: that was expected.
            seconds: how long.
            pasted: file descriptor of a terminal where somebody may type the address instead.
        """
        ends = time.monotonic() + seconds
        typed = b""
        while True:
            with self._lock:
                outcome = self._outcome
            if isinstance(outcome, ClientError):
                raise outcome
            if outcome is not None:
                return outcome
            watched: list[int] = [self._woken.fileno(), *([] if pasted is None else [pasted])]
            ready, _, _ = select.select(watched, [], [], max(0.0, ends - time.monotonic()))
            if not ready:
                raise ClientError(
                    f"nobody logged in within {seconds:g} seconds", hint="Start again when you are ready."
                )
            if pasted in ready and pasted is not None:
                piece = os.read(pasted, _LINE_BYTES)
                typed += piece
                if not piece or len(typed) > _LINE_BYTES:
                    pasted = None
                while b"\n" in typed:
                    line, _, typed = typed.partition(b"\n")
                    self._take_typed(attempt, line.decode(errors="replace"))

    def close(self) -> None:
        self.server.server_close()
        self._woken.close()
        self._waking.close()

    def _take_typed(self, attempt: Attempt, line: str) -> None:
        try:
            code = attempt.pasted_code(line)
        except NotOurs:
            if line.strip():
                tell("That address answers no login that began here; the right one begins with")
                tell(f"  {attempt.redirect_uri}?")
        except ClientError as refusal:
            self._decide(refusal)
        else:
            self._decide(code)

    def _take(self, query: str) -> str | None:
        """What to tell the person in the browser; raises NotOurs."""
        with self._lock:
            attempt = self._attempt
        if attempt is None:
            raise NotOurs
        try:
            code = attempt.code(query)
        except ClientError as refusal:
            self._decide(refusal)
            return str(refusal)
        self._decide(code)
        return None

    def _decide(self, outcome: str | ClientError) -> None:
        """The first answer counts."""
        with self._lock:
            if self._outcome is None:
                self._outcome = outcome
        self._waking.send(b".")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        listener = self

        class Handler(BaseHTTPRequestHandler):
            timeout = _READ_SECONDS
            protocol_version = "HTTP/1.1"
            server_version, sys_version = "genet", ""

            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                if self.headers.get_all("Host") != [f"{HOST}:{listener.server.server_port}"]:
                    self._say(400, "Not here", "This port is not known by that name.")
                elif path != "/":
                    self._say(404, "Not found", "Nothing is here.")
                else:
                    self._answer(query)

            def _answer(self, query: str) -> None:
                try:
                    refusal = listener._take(query)
                except NotOurs:
                    self._say(400, "Not this login", "The address answers no login that waits here.")
                    return
                if refusal is None:
                    self._say(200, "Back to the terminal", "It has the answer. You may close this page.")
                else:
                    self._say(400, "Not logged in", f"{refusal} You may close this page.")

            def _say(self, status: int, title: str, text: str) -> None:
                body = _PAGE.format(title=title, text=html.escape(text)).encode()
                self.send_response(status)
                for name, value in {**_HEADERS, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = True

            def log_message(self, *_: Any) -> None:
                """Nothing: the line of a request holds the code."""

        return Handler


@contextmanager
def listening() -> Iterator[Listener]:
    """Listens while the block runs; raises ClientError where this machine has no port to give."""
    try:
        listener = Listener()
    except OSError as error:
        raise ClientError(f"cannot listen on {HOST}: {error.strerror}", hint="Use --device.") from error
    listener.server.daemon_threads = True
    listener.server.block_on_close = False
    serving = threading.Thread(target=listener.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    serving.start()
    try:
        yield listener
    finally:
        listener.server.shutdown()
        serving.join()
        listener.close()
