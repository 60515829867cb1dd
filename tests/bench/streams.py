"""How soon streams know, and what they cost."""

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx

from genet.demo import Embedded
from tests.bench.table import Table, most
from tests.bench.world import COLUMNAR, Server, asked, started

_STREAM = COLUMNAR.replace("?", "/stream?")
_CLIENTS = 200
_PODS = 60
_BATCHES = 4
_EVENTS = 8
_EVENT_SECONDS = 0.1


def idle(table: Table, cluster: Embedded, server: Server) -> None:
    table.head("from a pod's binding to the event at a stream client (the API server's time included)")
    told = asked("bindings", cluster.server, server.port, _STREAM, _PODS, server.reader or 0)
    _latency(table, "1 client", told["pods"])
    table.row("bytes of an event, plain", f"{told['event']:.0f}")
    with started("listeners", server.port, _STREAM, 1) as one:
        _ready(one)
        _events(table, cluster, server, "1 client")


def crowded(table: Table, cluster: Embedded, server: Server) -> None:
    with started("listeners", server.port, _STREAM, _CLIENTS) as many:
        _ready(many)
        told = asked("bindings", cluster.server, server.port, _STREAM, _PODS, server.reader or 0)
        _latency(table, f"{_CLIENTS + 1} clients", told["pods"])
        _events(table, cluster, server, f"{_CLIENTS} clients")


def _ready(listeners: Any) -> None:
    assert listeners.stdout.readline(), "the listeners did not begin"


def _latency(table: Table, who: str, told: list[dict[str, Any]]) -> None:
    for is_round, when in ((False, ""), (True, ", during a round of readings")):
        times = [one["seconds"] * 1e3 for one in told if one["is_round"] is is_round]
        if not times:
            continue
        created = statistics.median(one["created"] * 1e3 for one in told if one["is_round"] is is_round)
        middle, worst = statistics.median(times), max(times)
        table.row(
            f"{who}{when}: {len(times)} pods",
            f"{middle:.0f} ms, worst {worst:.0f}",
            f"{created:.0f} ms of it to create the pod",
            most(worst, 300, "ms"),
        )


def _events(table: Table, cluster: Embedded, server: Server, who: str) -> None:
    """A node is cordoned and uncordoned: one event each time. The least of some batches: others meet a round."""
    with httpx.Client(base_url=cluster.server) as api:
        first = api.get("/api/v1/nodes", params={"limit": 1}).json()["items"][0]
        node = f"/api/v1/nodes/{first['metadata']['name']}"
        quiet = min(_batch(server, lambda _: None) for _ in range(_BATCHES))
        busy = min(_batch(server, partial(_cordon, api, node)) for _ in range(_BATCHES))
    idle_percent = 100 * quiet / (_EVENTS * _EVENT_SECONDS)
    cost = f"{(busy - quiet) / _EVENTS * 1e3:.1f} ms"
    table.row(f"processor time of an event, {who}", cost, f"without events {idle_percent:.1f} % of a core")


def _batch(server: Server, event: Callable[[int], object]) -> float:
    """Processor time of the server while something happens every tenth of a second."""
    before = server.cpu()
    for number in range(_EVENTS):
        began = time.monotonic()
        event(number)
        time.sleep(max(0.0, _EVENT_SECONDS - (time.monotonic() - began)))
    return server.cpu() - before


def _cordon(api: httpx.Client, node: str, number: int) -> None:
    headers = {"Content-Type": "application/merge-patch+json"}
    api.patch(node, json={"spec": {"unschedulable": number % 2 == 0}}, headers=headers).raise_for_status()
