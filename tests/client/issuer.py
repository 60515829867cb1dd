"""An OpenID Provider on loopback that can also lie, which no honest one does on demand.

It checks what it is asked as strictly as a server would (PKCE, redirect URI, a refresh token counts once and using it
again ends the login), and its fields say what it does wrong. The tests with honest ones are in `test_providers.py`.
"""

import base64
import hashlib
import json
import secrets
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt

PLACE = {"cluster": "lab", "server": "https://lab.example.org", "caData": None, "namespace": "user-alice-a",
         "user": "alice-a"}  # fmt: skip
_KEY = "of no use: nobody checks it, as the token comes from the token endpoint"

Form = dict[str, str]


@dataclass
class Issuer:
    url: str
    discovery: dict[str, Any] = field(default_factory=dict)
    """Added to the discovery document; None takes out."""
    answer: Callable[[Form], Form] = lambda form: form
    """What becomes of the parameters of the redirect."""
    claims: dict[str, Any] = field(default_factory=dict)
    """Added to ID tokens; None takes out."""
    tokens: dict[str, Any] = field(default_factory=dict)
    """Added to answers of the token endpoint; None takes out."""
    lifetime_seconds: int = 600
    clock: Callable[[], float] = time.time
    failing: int | None = None
    """Status that the token endpoint answers with, instead of tokens."""
    device_answers: list[str] = field(default_factory=list)
    """Errors before the device gets its tokens."""
    place: dict[str, Any] = field(default_factory=lambda: dict(PLACE))
    """What it says of the kubeconfig."""
    together: threading.Barrier | None = None
    """Refreshes wait here for each other, a while."""
    asked: list[str] = field(default_factory=list)
    """Path of every request."""
    forms: list[Form] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)
    live: set[str] = field(default_factory=set)
    """Refresh tokens that count."""
    access_tokens: set[str] = field(default_factory=set)
    id_tokens: list[str] = field(default_factory=list)
    _codes: dict[str, Form] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def refreshes(self) -> int:
        return sum(form.get("grant_type") == "refresh_token" for form in self.forms)

    def document(self) -> dict[str, Any]:
        document = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "revocation_endpoint": f"{self.url}/revoke",
            "device_authorization_endpoint": f"{self.url}/device",
            "scopes_supported": ["openid", "offline_access", "email", "groups", "profile"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
        return _changed(document, self.discovery)

    def authorize(self, query: Form) -> str:
        """Where the browser is sent."""
        assert query["response_type"] == "code"
        assert query["client_id"] == "kube"
        assert query["code_challenge_method"] == "S256"
        assert urlsplit(query["redirect_uri"]).hostname == "127.0.0.1"
        code = secrets.token_urlsafe()
        self._codes[code] = query
        parameters = self.answer({"code": code, "state": query["state"], "iss": self.url})
        return f"{query['redirect_uri']}?{urlencode(parameters)}"

    def token(self, form: Form) -> tuple[int, dict[str, Any]]:
        self.forms.append(form)
        if form["grant_type"] == "refresh_token" and self.together is not None:
            with suppress(threading.BrokenBarrierError):
                self.together.wait(1)
        with self._lock:
            return self._token(form)

    def _token(self, form: Form) -> tuple[int, dict[str, Any]]:
        assert form["client_id"] == "kube"
        if self.failing is not None:
            return self.failing, {"error": "server_error"}
        match form["grant_type"]:
            case "authorization_code":
                begun = self._codes.pop(form["code"], {})
                sent = _challenge(form["code_verifier"]), form["redirect_uri"]
                error = "" if sent == (begun.get("code_challenge"), begun.get("redirect_uri")) else "invalid_grant"
                nonce = begun.get("nonce")
            case "refresh_token":
                error = "" if form["refresh_token"] in self.live else "invalid_grant"
                self.live = self.live - {form["refresh_token"]} if not error else set()
                nonce = None
            case _:
                error = self.device_answers.pop(0) if self.device_answers else ""
                nonce = None
        return (400, {"error": error}) if error else (200, self._issued(nonce))

    def _issued(self, nonce: str | None) -> dict[str, Any]:
        now = int(self.clock())
        claims = {
            "iss": self.url,
            "sub": "alice-a",
            "aud": "kube",
            "exp": now + self.lifetime_seconds,
            "iat": now,
            "email": "a@example.org",
            "groups": ["lab"],
            "jti": secrets.token_hex(4),
            "nonce": nonce,
        }
        answer: dict[str, Any] = {
            "access_token": secrets.token_urlsafe(),
            "token_type": "Bearer",
            "expires_in": self.lifetime_seconds,
            "id_token": jwt.encode(_changed(claims, self.claims), _KEY, "HS256"),
            "refresh_token": secrets.token_urlsafe(),
        }
        self.live.add(answer["refresh_token"])
        self.access_tokens.add(answer["access_token"])
        self.id_tokens.append(answer["id_token"])
        return _changed(answer, self.tokens)


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _changed(document: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**document, **changes}.items() if value is not None}


@contextmanager
def issuing(certificate: tuple[Path, Path] | None = None, *, path: str = "") -> Iterator[Issuer]:
    """Serves while the block runs; https where a certificate and its key are given."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "http" if certificate is None else "https"
    issuer = Issuer(f"{scheme}://127.0.0.1:{server.server_port}{path}")
    server.RequestHandlerClass = _handler(issuer, path)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(issuer: Issuer, prefix: str) -> type[BaseHTTPRequestHandler]:  # noqa: C901 # one case a route
    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            path, _, query = self.path.removeprefix(prefix).partition("?")
            issuer.asked.append(path)
            match path:
                case "/.well-known/openid-configuration":
                    self._json(200, issuer.document())
                case "/authorize":
                    self._redirect(issuer.authorize(dict(parse_qsl(query))))
                case "/elsewhere/.well-known/openid-configuration":
                    self._redirect(f"{issuer.url}/.well-known/openid-configuration")
                case "/large/.well-known/openid-configuration":
                    self._json(200, {**issuer.document(), "more": "x" * 2**21})
                case "/oidc/kubeconfig" if self._bearer() in issuer.access_tokens:
                    self._json(200, issuer.place)
                case "/oidc/kubeconfig":
                    self._json(401, {"error": "invalid_token", "error_description": "not any more"})
                case _:
                    self._json(404, {"detail": "nothing is here"})

        def do_POST(self) -> None:
            path = self.path.removeprefix(prefix)
            issuer.asked.append(path)
            form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode(), strict_parsing=True))
            match path:
                case "/token":
                    self._json(*issuer.token(form))
                case "/revoke":
                    issuer.revoked.append(form["token"])
                    issuer.live.discard(form["token"])
                    self._json(200, None)
                case "/device":
                    self._json(
                        200,
                        {
                            "device_code": "d" * 40,
                            "user_code": "BCDF-GHJK",
                            "verification_uri": f"{issuer.url}/device",
                            "expires_in": 60,
                            "interval": 5,
                        },
                    )

        def _bearer(self) -> str:
            return (self.headers["Authorization"] or "").removeprefix("Bearer ")

        def _redirect(self, where: str) -> None:
            self.send_response(303)
            self.send_header("Location", where)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _json(self, status: int, document: Any) -> None:
            body = b"" if document is None else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
