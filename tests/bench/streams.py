"""How soon streams know, and what they cost."""

import statistics
import time
from typing import Any

import httpx

from genet.demo import Embedded
from tests.bench.table import Table, most
from tests.bench.world import COLUMNAR, Server, asked, started

_STREAM = COLUMNAR.replace("?", "/stream?")
_CLIENTS = 200
_PODS = 70
_EVENTS = 30
_EVENT_SECONDS = 0.1


def idle(table: Table, cluster: Embedded, server: Server) -> None:
    table.head("from a pod's binding to the event at a stream client (the API server's time included)")
    told = asked("bindings", cluster.server, server.port, _STREAM, _PODS, server.reader or 0)
    _latency(table, "1 client", told["pods"])
    table.row("bytes of an event, plain", f"{told['event']:.0f}")
    server.await_round()
    with started("listeners", server.port, _STREAM, 1) as one:
        _ready(one)
        _events(table, cluster, server, "1 client")


def crowded(table: Table, cluster: Embedded, server: Server) -> None:
    with started("listeners", server.port, _STREAM, _CLIENTS) as many:
        _ready(many)
        told = asked("bindings", cluster.server, server.port, _STREAM, _PODS, server.reader or 0)
        _latency(table, f"{_CLIENTS + 1} clients", told["pods"])
        server.await_round()
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
    """A node that is cordoned and uncordoned is one event each time."""
    with httpx.Client(base_url=cluster.server) as api:
        name = api.get("/api/v1/nodes", params={"limit": 1}).json()["items"][0]["metadata"]["name"]
        before = server.cpu()
        time.sleep(_EVENTS * _EVENT_SECONDS)
        quiet = server.cpu() - before
        before = server.cpu()
        for number in range(_EVENTS):
            began = time.monotonic()
            api.patch(
                f"/api/v1/nodes/{name}",
                json={"spec": {"unschedulable": number % 2 == 0}},
                headers={"Content-Type": "application/merge-patch+json"},
            ).raise_for_status()
            time.sleep(max(0.0, _EVENT_SECONDS - (time.monotonic() - began)))
        spent = server.cpu() - before - quiet
    table.row(
        f"processor time of an event, {who}",
        f"{spent / _EVENTS * 1e3:.1f} ms",
        f"without events {quiet / _EVENTS / _EVENT_SECONDS * 100:.1f} % of a core",
    )
