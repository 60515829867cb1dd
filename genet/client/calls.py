"""Requests to the server: bounded in time and size, never redirected, and what is read is what was expected.

A redirect is an answer like any other: followed, it would take the credential to wherever it leads.

Trap: TLS is checked with the system's authorities and with those that httpx brings, since Pythons of some systems come
without any; where a file of authorities is named, with these alone.
"""

import base64
import binascii
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, Self, TypeVar

import httpx
import msgspec

from genet.client.addresses import is_loopback, origin
from genet.client.errors import ClientError, OAuthRefused, Unreachable, printable

T = TypeVar("T")

_LONGEST: Final = 1024 * 1024
_WHOLE_SECONDS: Final = 30.0
_SILENCE_SECONDS: Final = 15.0
_CONNECT_SECONDS: Final = 10.0
_HINTS: Final = {
    "CERTIFICATE_VERIFY_FAILED": "If its certificate comes from your own authority, name that with --ca-file.",
    "WRONG_VERSION_NUMBER": "It seems to speak plain HTTP: name it with http:// in front, if it is on this machine.",
}
"""What to do, by a word of what OpenSSL says."""
_TIMEOUT: Final = httpx.Timeout(_SILENCE_SECONDS, connect=_CONNECT_SECONDS)


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class _Refusal(msgspec.Struct):
    error: str
    error_description: str = ""


class _Problem(msgspec.Struct):
    detail: str


class Calls:
    """Requests of one command.

    Args:
        ca_data: base64 of PEM authorities; None: the system's.
    """

    def __init__(self, ca_data: str | None) -> None:
        self._tls = tls_context(ca_data)
        self._clients: dict[bool, httpx.Client] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients.values():
            client.close()

    def get(self, url: str, expected: type[T], *, bearer: str | None = None) -> T:
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        return _decoded(url, self.send("GET", url, headers=headers), expected)

    def post(self, url: str, form: Mapping[str, str], expected: type[T]) -> T:
        """Sends a form, as OAuth does; raises OAuthRefused for its error answers."""
        return _decoded(url, self.send("POST", url, data=dict(form)), expected)

    def send(
        self, method: str, url: str, *, longest: int = _LONGEST, seconds: float = _WHOLE_SECONDS, **more: Any
    ) -> Answer:
        """Whatever is answered, whole: of `longest` bytes at most, and within `seconds`.

        Raises:
            Unreachable: there is no answer, or too much of one.
        """
        deadline = time.monotonic() + seconds
        body = bytearray()
        timeout = httpx.Timeout(max(_SILENCE_SECONDS, seconds), connect=_CONNECT_SECONDS)
        with self.open(method, url, timeout=timeout if seconds > _WHOLE_SECONDS else _TIMEOUT, **more) as answer:
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > longest or time.monotonic() > deadline:
                    raise Unreachable(f"{origin(url)} answers with too much, or too slowly")
            return Answer(answer.status_code, answer.headers, bytes(body))

    @contextmanager
    def open(self, method: str, url: str, **more: Any) -> Iterator[httpx.Response]:
        """An answer whose head has come; what goes wrong while it is read is Unreachable as well."""
        try:
            with self._client(url).stream(method, url, **more) as answer:
                yield answer
        except httpx.HTTPError as error:
            reason = printable(str(error)) or type(error).__name__
            hint = next((hint for word, hint in _HINTS.items() if word in reason), "")
            raise Unreachable(f"cannot reach {origin(url)}: {reason}", hint=hint) from None

    def _client(self, url: str) -> httpx.Client:
        """Proxies of the environment are for what is elsewhere."""
        near = is_loopback(url)
        if near not in self._clients:
            self._clients[near] = httpx.Client(
                verify=self._tls,
                trust_env=not near,
                timeout=_TIMEOUT,
                follow_redirects=False,
                headers={"User-Agent": "genet command line", "Accept": "application/json"},
            )
        return self._clients[near]


def tls_context(ca_data: str | None) -> ssl.SSLContext:
    """Raises ClientError for what is not base64 of PEM certificates."""
    if ca_data is None:
        context = httpx.create_ssl_context()
        context.load_default_certs()
    else:
        try:
            # an empty text would mean the system's authorities
            authorities = base64.b64decode(ca_data, validate=True).decode("ascii") or "none"
            context = ssl.create_default_context(cadata=authorities)
        except (binascii.Error, ValueError, ssl.SSLError):
            raise ClientError("the authorities (--ca-file, --ca-data) are no PEM certificates") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _decoded(url: str, answer: Answer, expected: type[T]) -> T:
    status, body = answer.status, answer.body
    if status == httpx.codes.OK:
        if expected is type(None):
            return None
        try:
            return msgspec.json.decode(body, type=expected)
        except msgspec.DecodeError as error:
            raise Unreachable(f"{origin(url)} answers something else than expected ({printable(str(error))})") from None
    if status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.TOO_MANY_REQUESTS:
        raise Unreachable(f"{origin(url)} answers {status}{_detail(body)}")
    try:
        refusal = msgspec.json.decode(body, type=_Refusal)
    except msgspec.DecodeError:
        raise Unreachable(f"{origin(url)} answers {status}{_detail(body)}") from None
    raise OAuthRefused(refusal.error, refusal.error_description)


def _detail(body: bytes) -> str:
    try:
        return f": {printable(msgspec.json.decode(body, type=_Problem).detail)}"
    except msgspec.DecodeError:
        return ""
