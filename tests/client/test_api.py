"""The API as the command line asks it: where the credential goes, and what a refusal becomes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from genet.client.api import Api, segment
from genet.client.calls import Calls
from genet.client.endpoint import Endpoint
from genet.client.errors import ClientError, Refused, Unreachable
from tests.client.loopback_server import Quiet, answering

TOKEN = f"genet-sk-{'a' * 20}.{'x' * 43}"


@contextmanager
def serving(status: int, body: bytes = b"", **headers: str) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """A server that always says the same; of each request path and credential."""
    seen: list[tuple[str, str | None]] = []

    class Handler(Quiet):
        def do_GET(self) -> None:  # noqa: N802 # the name that is called
            seen.append((self.path, self.headers["Authorization"]))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_DELETE = do_GET  # noqa: N815 # the names that are called

    with answering(Handler) as url:
        yield url, seen


def get(url: str, path: str = "/api/pods", **query: str) -> object:
    with Calls(None) as calls:
        return Api(Endpoint(url, TOKEN, None), calls).get(path, dict[str, object], query)


def test_the_credential_is_in_a_header_and_in_no_address():
    with serving(200, b"{}") as (url, seen):
        get(url, owner="a b&c")
    assert seen == [("/api/pods?owner=a+b%26c", f"Bearer {TOKEN}")]


def test_a_redirect_is_not_followed():
    with serving(200, b"{}") as (elsewhere, seen), serving(307, Location=f"{elsewhere}/api/pods") as (url, asked):
        with pytest.raises(ClientError, match="307"):
            get(url)
        with Calls(None) as calls, pytest.raises(ClientError, match="307"):
            Api(Endpoint(url, TOKEN, None), calls).delete("/api/pods/x")
    assert len(asked) == 2
    assert seen == []


def test_a_refusal_names_every_field_and_rewrites_no_terminal():
    fields = [{"field": "gpuCount", "message": "too \x1b[2Jmany"}, {"field": "", "message": "expected an object"}]
    problem = {"code": "invalid", "detail": "bad\x1b]0;x\x07", "status": 422, "errors": fields}
    with serving(422, json.dumps(problem).encode()) as (url, _), pytest.raises(Refused) as found:
        get(url)
    assert str(found.value) == "bad?]0;x?\n  gpuCount: too ?[2Jmany\n  expected an object"
    assert (found.value.status, found.value.code) == (422, "invalid")


@pytest.mark.parametrize(("status", "body"), [(502, b"<html>"), (503, b'{"code": "unavailable", "detail": "x"}')])
def test_a_server_in_trouble_is_no_refusal(status, body):
    with serving(status, body) as (url, _), pytest.raises(Unreachable, match=str(status)):
        get(url)


@pytest.mark.parametrize("body", [b"", b"[]", b"nothing"])
def test_an_answer_of_another_kind_is_said_in_words(body):
    with serving(200, body) as (url, _), pytest.raises(Unreachable, match="something else"):
        get(url)


def test_a_name_is_no_path():
    assert segment("a/../b?c") == "a%2F..%2Fb%3Fc"
    assert (segment(".."), segment(".")) == ("%2E%2E", "%2E")
