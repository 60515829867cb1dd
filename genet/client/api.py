"""The API as the command line asks it: one server, one credential, answers decoded or an error in words.

The credential goes into a header of requests to that server, and nowhere else: not into an address, not into the
arguments of another program, not to where a redirect leads.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import httpx
import msgspec

from genet.client.addresses import origin
from genet.client.calls import Calls
from genet.client.endpoint import Endpoint
from genet.client.errors import Refused, Unreachable, printable

T = TypeVar("T")

Query = Mapping[str, str | int | None]
LONGEST: Final = 64 * 1024 * 1024
"""Of an answer (bytes): the longest log there is, each byte of it escaped in JSON."""


class _FieldError(msgspec.Struct):
    field: str
    message: str


class _Problem(msgspec.Struct):
    code: str = ""
    detail: str = ""
    title: str = ""
    errors: list[_FieldError] = []


class Api:
    """Requests to the API; `parameters` (as `owner`) go with each of them."""

    def __init__(self, endpoint: Endpoint, calls: Calls, parameters: Query | None = None) -> None:
        self.server = endpoint.server
        self._endpoint = endpoint
        self._calls = calls
        self._parameters = dict(parameters or {})

    def get(self, path: str, expected: type[T], query: Query | None = None) -> T:
        return self._decoded(self._send("GET", path, query), expected)

    def post(self, path: str, body: Any, expected: type[T], *, seconds: float = 60.0) -> T:
        return self._decoded(self._send("POST", path, None, body, seconds=seconds), expected)

    def delete(self, path: str) -> None:
        self._send("DELETE", path, None)

    @contextmanager
    def open(
        self, path: str, query: Query | None, headers: Mapping[str, str], *, expected: int, silence: float
    ) -> Iterator[httpx.Response]:
        """An answer that goes on; one of another status than expected is raised.

        Args:
            path: under the server's address.
            query: added to it; None as a value: left out.
            headers: besides the credential.
            expected: status.
            silence: for how long nothing may come (seconds).
        """
        timeout = httpx.Timeout(silence, connect=10.0)
        headers = {**self._headers(), **headers}
        with self._calls.open("GET", self._url(path, query), headers=headers, timeout=timeout) as answer:
            if answer.status_code != expected:
                raise self._refusal(answer.status_code, answer.read()[:LONGEST])
            yield answer

    def _send(self, method: str, path: str, query: Query | None, body: Any = None, *, seconds: float = 60.0) -> bytes:
        headers, more = self._headers(), {}
        if method != "GET":
            headers["Content-Type"] = "application/json"
            more = {"content": b"" if body is None else msgspec.json.encode(body)}
        answer = self._calls.send(
            method, self._url(path, query), headers=headers, longest=LONGEST, seconds=seconds, **more
        )
        if not httpx.codes.is_success(answer.status):
            raise self._refusal(answer.status, answer.body)
        return answer.body

    def _url(self, path: str, query: Query | None) -> str:
        given = {**self._parameters, **(query or {})}
        told = urlencode({name: value for name, value in given.items() if value is not None})
        return f"{self.server}{path}{'?' if told else ''}{told}"

    def _headers(self) -> dict[str, str]:
        token = self._endpoint.token
        return {} if token is None else {"Authorization": f"Bearer {token}"}

    def _decoded(self, body: bytes, expected: type[T]) -> T:
        if expected is type(None):
            return None
        try:
            return msgspec.json.decode(body, type=expected)
        except msgspec.DecodeError as error:
            why = printable(str(error))
            raise Unreachable(f"{origin(self.server)} answers something else than expected ({why})") from None

    def _refusal(self, status: int, body: bytes) -> Exception:
        try:
            problem = msgspec.json.decode(body, type=_Problem)
        except msgspec.DecodeError:
            problem = _Problem()
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or not problem.code:
            said = f": {printable(problem.detail or problem.title)}" if problem.code else ""
            return Unreachable(f"{origin(self.server)} answers {status}{said}")
        fields = [(error.field, error.message) for error in problem.errors]
        return Refused(status, problem.code, problem.detail or problem.title, fields)


def segment(text: str) -> str:
    """Part of a path; dots alone would lead elsewhere."""
    return quote(text, safe="").replace(".", "%2E") if set(text) <= {"."} else quote(text, safe="")
