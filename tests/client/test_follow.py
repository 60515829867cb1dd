"""A log that is followed goes on where it broke off."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from genet.client.api import Api
from genet.client.calls import Calls
from genet.client.endpoint import Endpoint
from genet.client.errors import Refused, Unreachable
from genet.client.follow import events, follow
from tests.client.loopback_server import Quiet, answering


@contextmanager
def streaming(*answers: bytes | int) -> Iterator[tuple[str, list[str | None]]]:
    """A server that gives one answer after the other, and what it was asked to go on from."""
    asked: list[str | None] = []

    class Handler(Quiet):
        def do_GET(self) -> None:  # noqa: N802 # the name that is called
            asked.append(self.headers["Last-Event-ID"])
            answer = answers[min(len(asked), len(answers)) - 1]
            if isinstance(answer, int):
                body = json.dumps({"code": "not_found", "detail": "no such pod", "status": answer}).encode()
                self.send_response(answer)
                self.send_header("Content-Type", "application/problem+json")
            else:
                body = answer
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self.wfile.write(body)

    with answering(Handler) as url:
        yield url, asked


def line(number: int) -> bytes:
    data = json.dumps({"time": "2026-01-31T08:00:00Z", "line": f"line {number}\r"})
    return f"id: {number}\nevent: log\ndata: {data}\n\n".encode()


END = b'event: end\ndata: {"reason": "exited"}\n\n'


def followed(url: str, pauses: list[float]) -> list[str]:
    with Calls(None) as calls:
        return list(follow(Api(Endpoint(url, None, None), calls), "/logs", {}, pauses.append))


def test_what_broke_off_goes_on_after_the_last_line():
    pauses: list[float] = []
    with streaming(b": hello\n\n" + line(1) + line(2), line(3)[:20], line(3) + END) as (url, asked):
        assert followed(url, pauses) == ["line 1\r", "line 2\r", "line 3\r"]
    assert asked == [None, "2", "2"]
    assert pauses == [0.5, 1.0]


def test_a_pod_that_is_gone_is_said_and_not_asked_for_again():
    with streaming(line(1), 404) as (url, asked), pytest.raises(Refused, match="no such pod"):
        followed(url, [])
    assert len(asked) == 2


def test_a_server_that_only_hangs_up_is_left_in_the_end():
    pauses: list[float] = []
    with streaming(b"") as (url, asked), pytest.raises(Unreachable, match="again and again"):
        followed(url, pauses)
    assert len(asked) == len(pauses) + 1 == 9


def test_events_are_read_as_browsers_read_them():
    told = ["data: a", "data:b", "", "event: x", "", ": y", "id: 7", "event: log", "data: {}", "", "data: cut"]
    assert list(events(told)) == [("message", "a\nb", None), ("log", "{}", "7")]
