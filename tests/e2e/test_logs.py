"""Logs from a real kubelet: followed without a gap across replicas, read in any size, and nobody waits for the slow."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.e2e.conftest import IMAGE, SETTINGS, Kubectl, Person
from tests.processes import Replica, configuration, serving, until

LINES = 100_000
MANY = f"i=0; while [ $i -lt {LINES} ]; do echo line $i; i=$((i+1)); done; trap 'exit 0' TERM; sleep 3600 & wait"
LARGE_MIB = 200
_PRINT = f"yes {'x' * 2000} | head -n {LARGE_MIB * 2**20 // 2001}; echo the end"
ONCE_LARGE = f"if mkdir /workspace/$HOSTNAME; then {_PRINT}; exit; fi"
"""Prints as much, and ends; started again, it does neither."""
ATTEMPTS = 5
PEAK_MIB = 80
"""The server may not grow by more while it answers with a log of more than half of `LARGE_MIB`."""


@pytest.fixture(scope="module")
def other(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    with serving(configuration(Path(tmp_path_factory.mktemp("other")), kubectl.kubeconfig, **SETTINGS)) as server:
        yield server


@pytest.fixture
def started(replica: Replica, person: Person) -> Iterator[Callable[..., str]]:
    """Starts a pod that runs a script; it is deleted after the test, or the node would be full of such."""
    client = replica.client(person.name)
    pods: list[str] = []

    def start(script: str, name: str = "log", cpu: str = "300m") -> str:
        request = {"image": IMAGE, "name": name, "command": ["sh", "-c", script], "cpu": cpu}
        made = client.post("/api/pods", json=request)
        assert made.status_code == 201, made.text
        pod_id: str = made.json()["id"]
        pods.append(pod_id)

        def has_begun() -> bool:
            return client.get(f"/api/pods/{pod_id}/logs", params={"tailLines": 1}).status_code == httpx.codes.OK

        until(has_begun, seconds=60, what="the container has started")
        return pod_id

    yield start
    for pod_id in pods:
        client.delete(f"/api/pods/{pod_id}")


@contextmanager
def following(replica: Replica, person: Person, pod_id: str, last_id: str | None = None) -> Iterator[Iterator[Any]]:
    """Events as (name, id, data)."""
    headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last_id} if last_id else {})}
    address = f"/api/pods/{pod_id}/logs"
    params: dict[str, str | int] = {"tailLines": 100_000, "user": person.name}
    with (
        httpx.Client(base_url=replica.url, trust_env=False, timeout=30) as http,
        http.stream("GET", address, params=params, headers=headers) as answer,
    ):
        assert answer.status_code == 200, answer.read()
        yield events(answer)


def events(answer: httpx.Response) -> Iterator[tuple[str, str | None, Any]]:
    fields: dict[str, str] = {}
    for line in answer.iter_lines():
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "event" in fields:
            yield fields["event"], fields.get("id"), json.loads(fields["data"])
            fields = {}


def memory_mib(replica: Replica, key: str = "VmRSS") -> float:
    text = Path(f"/proc/{replica.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith(f"{key}:"))) / 1024


def forget_peak(replica: Replica) -> None:
    """`VmHWM` is from now on."""
    Path(f"/proc/{replica.process.pid}/clear_refs").write_text("5")


def test_of_a_busy_log_no_line_is_lost_or_doubled_across_cut_connections_and_replicas(replica, other, person, started):
    pod_id = started(MANY)
    told: list[str] = []
    last_id: str | None = None
    cuts = 0
    began = time.monotonic()
    while len(told) < LINES:
        stop_at = len(told) + 17_171
        with following((replica, other)[cuts % 2], person, pod_id, last_id) as coming:
            for name, id_, data in coming:
                assert name == "log", (name, data)
                told.append(data["line"])
                last_id = id_
                if len(told) in (stop_at, LINES):
                    break
        cuts += 1
    assert told == [f"line {number}" for number in range(LINES)]
    print(f"{LINES} lines over {cuts} connections to two replicas in {time.monotonic() - began:.1f} s")


def test_the_log_before_a_crash_can_be_read_and_a_restart_is_followed(replica, person, started):
    pod_id = started("echo born; sleep 4; echo last words; exit 3")
    with following(replica, person, pod_id) as coming:
        seen = [(name, data.get("line") or data.get("exitCode")) for _, (name, _, data) in zip(range(4), coming)]  # noqa: B905
    assert seen == [("log", "born"), ("log", "last words"), ("restarted", 3), ("log", "born")]
    client = replica.client(person.name)
    before = client.get(f"/api/pods/{pod_id}/logs", params={"previous": "true"}).json()
    assert before["logs"] == "born\nlast words\n"


def test_a_large_log_never_enters_memory(replica, person, started):
    """The log of a container that has ended, which the kubelet does not cut to its 10 MiB any more.

    It looks every ten seconds at what runs, and this one prints for some: if it happened to look meanwhile, a part is
    gone, and another pod has its try. What is judged is a file of more than half of `LARGE_MIB`, or the test fails.
    """
    client = replica.client(person.name)
    for attempt in range(ATTEMPTS):
        name = f"log{attempt}"
        pod_id = started(f"{ONCE_LARGE}; trap 'exit 0' TERM; sleep 3600 & wait", name=name, cpu="1")
        address = f"/api/pods/{pod_id}/logs"

        def ended(address: str = address) -> bool:
            seen = client.get(address, params={"tailLines": 1, "previous": "true"})
            return seen.status_code == httpx.codes.OK and str(seen.json()["logs"]) == "the end\n"

        until(ended, seconds=120, what="everything is printed, and the container has started again")
        before = memory_mib(replica)
        forget_peak(replica)
        with client.stream("GET", address, params={"format": "text", "previous": "true"}) as answer:
            taken = sum(map(len, answer.iter_raw())) / 2**20
        if taken > LARGE_MIB / 2:
            break
        print(f"the kubelet has cut the log to {taken:.0f} MiB")
        client.delete(f"/api/pods/{pod_id}")
    else:
        pytest.fail(f"none of {ATTEMPTS} logs was left as large as it must be to show anything")
    seen = client.get(address, params={"tailLines": 100_000, "previous": "true"})
    assert seen.status_code == httpx.codes.OK, seen.text
    assert 7 * 2**20 < len(seen.json()["logs"]) <= 8 * 2**20
    peak = memory_mib(replica, "VmHWM")
    print(f"a log of {taken:.0f} MiB, as a file and its end: RSS before {before:.0f} MiB, peak {peak:.0f} MiB")
    assert peak - before < PEAK_MIB


def test_who_does_not_read_does_not_hold_up_who_does(replica, person, started):
    pod_id = started("yes 'a line that is not read' | head -n 2000000; trap 'exit 0' TERM; sleep 3600 & wait")
    address = urlsplit(replica.url)
    before = memory_mib(replica)
    with socket.create_connection((address.hostname, address.port)) as stalled:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        path = f"/api/pods/{pod_id}/logs?follow=true&user={person.name}"
        stalled.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        began = time.monotonic()
        with following(replica, person, pod_id) as coming:
            count = sum(1 for _ in zip(range(50_000), coming))  # noqa: B905
        took = time.monotonic() - began
        grown = memory_mib(replica) - before
    print(f"{count} lines in {took:.1f} s beside a stalled reader; the server grew by {grown:.0f} MiB")
    assert count == 50_000
    assert grown < PEAK_MIB
