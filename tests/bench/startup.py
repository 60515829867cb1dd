"""How soon the command and the server are there, and what memory the server takes."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import httpx
import msgspec

from genet.demo import Embedded
from genet.kube.objects import PODS
from tests.bench.machine import cpu_seconds, peak_mb
from tests.bench.table import Table, most
from tests.bench.world import Server

_SECONDS = 1.0


def command(table: Table) -> None:
    bare = median(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True))
    asked = [sys.executable, "-m", "genet", "--version"]
    version = median(lambda: subprocess.run(asked, check=True, stdout=subprocess.DEVNULL))
    table.head("the command")
    table.row("genet --version", f"{version * 1e3:.0f} ms", f"{version / bare:.1f} times a bare interpreter")


def decode(table: Table, cluster: Embedded) -> None:
    page = httpx.get(f"{cluster.server}/api/v1/pods", params={"limit": 5000}, timeout=60).content
    ours = median(lambda: PODS.page.decode(page))
    plain, generic = median(lambda: json.loads(page)), median(lambda: msgspec.json.decode(page))
    table.head(f"decoding {len(page) / 1e6:.1f} MB of pods")
    table.row("into projections", f"{ours * 1e3:.0f} ms", f"json.loads {plain / ours:.1f} times as long")
    table.row("", "", f"msgspec without types {generic / ours:.1f} times")


def server(table: Table, server: Server) -> None:
    """Also waits until it knows its first readings."""
    table.head("the server")
    computed = f"{server.cpu():.1f} s of processor time so far"
    table.row("start to /readyz", f"{server.ready_seconds:.1f} s", computed, most(server.ready_seconds, 15, "s"))
    began = time.monotonic() - server.ready_seconds
    server.await_round()
    table.row("start to the first readings of all GPUs", f"{time.monotonic() - began:.1f} s")
    began, cpu, reader = time.monotonic(), server.cpu(), server.reader
    reading = cpu_seconds(reader) if reader else 0.0
    server.await_round()
    spent = f"reader {cpu_seconds(reader) - reading:.1f} s" if reader else ""
    table.row(
        "a round of readings, every",
        f"{time.monotonic() - began:.1f} s",
        f"{spent}, server {server.cpu() - cpu:.1f} s of processor time",
    )


def memory(table: Table, server: Server) -> None:
    table.head("resident memory, at its peak")
    own, reader = peak_mb(server.pid), peak_mb(server.reader) if server.reader else 0.0
    table.row("server", f"{own:.0f} MB", "", most(own, 500, "MB"))
    table.row("its reader of Prometheus", f"{reader:.0f} MB", f"both {own + reader:.0f} MB")


def median(call: Callable[[], object]) -> float:
    """Seconds of one call, the median of as many as fit."""
    taken: list[float] = []
    end = time.perf_counter() + _SECONDS
    while not taken or time.perf_counter() < end:
        before = time.perf_counter()
        call()
        taken.append(time.perf_counter() - before)
    return statistics.median(taken)
