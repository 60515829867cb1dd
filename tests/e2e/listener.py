"""A browser's part in server-sent events: one connection that is read all the time, in a thread of its own."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx

from tests.processes import Replica, until

STREAM = "/api/cluster/gpu-overview/stream"


class Event(NamedTuple):
    name: str
    id: str
    data: dict[str, Any]
    at: float
    """When it was there, by the monotonic clock."""

    def used(self, node: str) -> int | None:
        """Devices of the node that are used; None: the event does not speak of it."""
        found = [one["usedDevices"] for one in self.data.get("nodes", ()) if one["nodeName"] == node]
        return sum(found) if found else None


class Listener:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self.is_over = False
        """The connection has ended."""

    def wait(self, holds: Callable[[Event], object], *, since: int = 0, seconds: float = 30, what: str = "") -> Event:
        """The first event that is as wanted; `since`: a number of events that have been looked at."""
        return until(lambda: list(filter(holds, self.events[since:])), seconds=seconds, what=what)[0]

    def read(self, lines: Iterator[str]) -> None:
        fields: dict[str, str] = {}
        try:
            for line in lines:
                if line:
                    name, _, text = line.partition(": ")
                    fields[name] = text
                    continue
                if "event" in fields:
                    at = time.monotonic()
                    event = Event(fields["event"], fields.get("id", ""), json.loads(fields["data"]), at)
                    self.events.append(event)
                fields = {}
        except httpx.TransportError:
            """The server has gone, or the test has ended."""
        self.is_over = True


@contextmanager
def listening(replica: Replica, last_id: str | None = None) -> Iterator[Listener]:
    """Somebody who listens until the block ends."""
    listener = Listener()
    headers = {} if last_id is None else {"Last-Event-ID": last_id}
    timeout = httpx.Timeout(10, read=20)
    with (
        httpx.Client(base_url=replica.url, trust_env=False, timeout=timeout) as client,
        client.stream("GET", STREAM, headers=headers) as answer,
    ):
        assert answer.status_code == httpx.codes.OK
        thread = threading.Thread(target=listener.read, args=(answer.iter_lines(),), daemon=True)
        thread.start()
        try:
            yield listener
        finally:
            _hang_up(answer)
            thread.join(20)


def _hang_up(answer: httpx.Response) -> None:
    """Under the reading thread: closing what another thread reads from would wait for it."""
    line = answer.extensions["network_stream"].get_extra_info("socket")
    with contextlib.suppress(OSError):  # the server may have been faster
        line.shutdown(socket.SHUT_RDWR)
