"""The processes of a bench: the server has one side of the machine, the embedded cluster and who asks the other."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import yaml

from genet.demo import Embedded
from genet.demo import settings as settings_of_demo
from tests.bench.machine import OTHER_CORES, SERVER_CORES, child_of, cpu_seconds
from tests.bench.watched import Collection, Lag
from tests.processes import ROOT, environment, free_port, program, until

_READY_SECONDS = 120.0
_POLL_SECONDS = 0.25
_SETTLED_SECONDS = 1.0
OVERVIEW = "/api/cluster/gpu-overview?user=bench"
COLUMNAR = f"{OVERVIEW}&format=columnar"


@dataclass
class Server:
    """One server, and what can be read of it from outside."""

    port: int
    pid: int
    ready_seconds: float
    """From the start of the process to the first /readyz that said yes."""
    metrics: str = ""
    notes: Path = Path()
    """What those who watch it have written."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def reader(self) -> int | None:
        return child_of(self.pid)

    def cpu(self) -> float:
        return cpu_seconds(self.pid)

    def lags(self) -> list[Lag]:
        return [note for note in self._noted() if isinstance(note, Lag)]

    def collections(self) -> list[Collection]:
        return [note for note in self._noted() if isinstance(note, Collection)]

    def slow_samples(self) -> tuple[int, int]:
        """Of the server's own sampler: how many delays beyond 50 ms, of how many."""
        found = {}
        for line in httpx.get(self.metrics).text.splitlines():
            name, _, value = line.rpartition(" ")
            found[name] = value
        inside = float(found['genet_event_loop_lag_seconds_bucket{le="0.05"}'])
        whole = float(found["genet_event_loop_lag_seconds_count"])
        return round(whole - inside), round(whole)

    def await_round(self) -> None:
        """Returns when a round of metrics has just been taken in: the next is some seconds away."""
        last = self._checked()
        while (now := self._checked())[1] == last[1] or now[0] != "ok":
            time.sleep(_POLL_SECONDS)
        etag = ""
        while (now := self._checked())[2] != etag:
            etag = now[2]
            time.sleep(_SETTLED_SECONDS)

    def _checked(self) -> tuple[str, str | None, str]:
        """Whether Prometheus answers, when it last did, and the ETag of what is made of it."""
        answer = httpx.get(self.url + COLUMNAR, timeout=60)
        told = answer.json()["sources"]["prometheus"]
        return told["state"], told["checkedAt"], answer.headers["ETag"]

    def _noted(self) -> list[Lag | Collection]:
        decoder = msgspec.json.Decoder(Lag | Collection)
        return [decoder.decode(line) for line in self.notes.read_bytes().splitlines()]


def request(path: str, headers: Mapping[str, str]) -> str:
    """What `load` sends."""
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines) + "\r\n"


@contextmanager
def embedded(scenario: str, directory: Path) -> Iterator[Embedded]:
    command = [sys.executable, "-m", "genet.simulation", "--scenario", scenario, "--until-stdin-closes"]
    command += ["--kubeconfig", str(directory / "kubeconfig")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(), cwd=ROOT
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        os.sched_setaffinity(process.pid, OTHER_CORES)
        try:
            yield msgspec.json.decode(line, type=Embedded)
        finally:
            process.communicate()


@contextmanager
def serving(cluster: Embedded, scenario: str, directory: Path) -> Iterator[Server]:
    """`genet serve`, watched."""
    port, metrics_port, notes = free_port(), free_port(), directory / "notes"
    config = _configuration(cluster, scenario, directory, metrics_port)
    command = ["tests.bench.watched", str(notes), "serve", "--config", str(config), "--port", str(port)]
    with _pinned(command, directory / "server.log", port) as (process, seconds):
        metrics = f"http://127.0.0.1:{metrics_port}/metrics"
        yield Server(port, process.pid, seconds, metrics, notes)


@contextmanager
def beside_constants(cluster: Embedded, scenario: str, directory: Path) -> Iterator[Server]:
    """The same application with one more route; see `constant`."""
    port = free_port()
    command = ["tests.bench.constant", str(_configuration(cluster, scenario, directory, None)), str(port)]
    with _pinned(command, directory / "constant.log", port) as (process, seconds):
        yield Server(port, process.pid, seconds)


@contextmanager
def bare(directory: Path) -> Iterator[Server]:
    """Granian, and nothing but constant bytes."""
    port = free_port()
    with _pinned(["tests.bench.constant", "bare", str(port)], directory / "bare.log", port) as (process, seconds):
        yield Server(port, process.pid, seconds)


@contextmanager
def empty(directory: Path) -> Iterator[Server]:
    """Granian, the framework, and a handler that does nothing."""
    port = free_port()
    with _pinned(["tests.bench.constant", "empty", str(port)], directory / "empty.log", port) as (process, seconds):
        yield Server(port, process.pid, seconds)


def asked(module: str, *arguments: object) -> Any:
    """What a program of this package says, run to its end on the other side of the machine."""
    with started(module, *arguments) as process:
        said, _ = process.communicate()
    assert process.returncode == 0, module
    return json.loads(said)


@contextmanager
def started(module: str, *arguments: object) -> Iterator["subprocess.Popen[bytes]"]:
    """Its standard input closes at the end of the block, and it ends with that."""
    command = [sys.executable, "-m", f"tests.bench.{module}", *map(str, arguments)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(), cwd=ROOT
    ) as process:
        os.sched_setaffinity(process.pid, OTHER_CORES)
        yield process


@contextmanager
def _pinned(command: Sequence[str], log: Path, port: int) -> Iterator[tuple["subprocess.Popen[bytes]", float]]:
    """A server that is ready, on the core of servers, and how long it took to be."""
    began = time.monotonic()
    with program([sys.executable, "-m", *command], log=log) as process:
        os.sched_setaffinity(process.pid, SERVER_CORES)

        def is_ready() -> bool:
            assert process.poll() is None, log.read_text()
            try:
                return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == httpx.codes.OK
            except httpx.TransportError:
                return False

        until(is_ready, seconds=_READY_SECONDS)
        yield process, time.monotonic() - began


def _configuration(cluster: Embedded, scenario: str, directory: Path, metrics_port: int | None) -> Path:
    """The demo's, with all that a real server has."""
    document = msgspec.to_builtins(settings_of_demo(cluster, scenario))
    document["server"]["metricsPort"] = metrics_port
    file = directory / f"genet-{free_port()}.yaml"
    file.write_text(yaml.safe_dump(document))
    return file
