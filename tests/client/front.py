"""The API server as kubectl meets it: https, and nobody comes in without a token that Genet signed.

What is behind it is the embedded cluster, which believes everybody. The tokens are checked as the API server would:
signature by the published keys, issuer, audience, time.
"""

import http.client
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt

Claims = dict[str, Any]


class Front:
    def __init__(self, port: int) -> None:
        self.url = f"https://127.0.0.1:{port}"
        self.seen: list[Claims | None] = []
        """Of every request: whose token it was, None: no good one."""


@contextmanager
def fronting(server: str, issuer: str, certificate: tuple[Path, Path], issuer_ca: Path) -> Iterator[Front]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    listening = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    listening.socket = context.wrap_socket(listening.socket, server_side=True)
    listening.daemon_threads = True
    front = Front(listening.server_port)
    listening.RequestHandlerClass = _handler(front, server, issuer, issuer_ca)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield front
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


def _handler(front: Front, server: str, issuer: str, issuer_ca: Path) -> type[BaseHTTPRequestHandler]:
    keys = jwt.PyJWKClient(f"{issuer}/oidc/jwks", ssl_context=ssl.create_default_context(cafile=str(issuer_ca)))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            claims = self._claims()
            front.seen.append(claims)
            if claims is None:
                self._say(401, b'{"kind":"Status","apiVersion":"v1","status":"Failure","code":401}', "application/json")
                return
            behind = http.client.HTTPConnection(urlsplit(server).netloc)
            behind.request("GET", self.path, headers={"Accept": self.headers["Accept"] or "*/*"})
            answer = behind.getresponse()
            self._say(answer.status, answer.read(), answer.headers["Content-Type"])
            behind.close()

        def _claims(self) -> Claims | None:
            scheme, _, token = (self.headers["Authorization"] or "").partition(" ")
            if scheme != "Bearer":
                return None
            try:
                key = keys.get_signing_key_from_jwt(token).key
                claims: Claims = jwt.decode(token, key, algorithms=["RS256"], audience="kube", issuer=issuer)
            except jwt.PyJWTError:
                return None
            return claims

        def _say(self, status: int, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
