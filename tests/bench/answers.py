"""What an answer of the overview costs the server, beside asking the API server for each."""

from dataclasses import dataclass

import httpx

from genet.demo import Embedded
from tests.bench.table import Table, least, most
from tests.bench.world import COLUMNAR, OVERVIEW, Server, asked, request

_NODES = 1000
_SECONDS = 1.0


@dataclass
class Naive:
    seconds: float
    cpu: float


def naive(table: Table, cluster: Embedded) -> Naive:
    """Extrapolated to the whole cluster: every object costs the same."""
    total = len(httpx.get(f"{cluster.server}/api/v1/nodes", timeout=60).json()["items"])
    told = asked("naive", cluster.server, _NODES)
    factor = total / told["nodes"]
    found = Naive(told["seconds"] * factor, told["cpu"] * factor)
    table.head("listing for each answer instead (official typed client, 500 a page, without any merge)")
    for what, many in (
        (f"{told['nodes']} nodes, {told['pods']} pods", 1.0),
        (f"extrapolated to {total} nodes", factor),
    ):
        cpu, seconds = told["cpu"] * many, told["seconds"] * many
        table.row(what, f"{cpu:.1f} s", f"of processor time; {seconds:.1f} s until they are there")
    return found


def report(table: Table, server: Server, naive: Naive) -> None:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        kinds = [
            (f"{what}{coding}", path, headers, client.get(path, headers=headers))
            for what, path in (("object", OVERVIEW), ("columnar", COLUMNAR))
            for coding, headers in (("", {"Accept-Encoding": "identity"}), (", gzip", {"Accept-Encoding": "gzip"}))
        ]
    table.head("bytes of the overview")
    for what, _, _, told in kinds:
        kilobytes = int(told.headers["Content-Length"]) / 1e3
        table.row(what, f"{kilobytes:.1f} KB", "", most(kilobytes, 150, "KB") if what == "columnar, gzip" else None)
    table.head("one answer of the overview: the server's processor time, and the time to one client")
    for what, path, headers, told in kinds:
        _cost(table, server, naive, what, request(path, headers))
        if "gzip" in what:
            unchanged = {**headers, "If-None-Match": told.headers["ETag"]}
            _cost(table, server, naive, f"{what}, 304", request(path, unchanged))


def _cost(table: Table, server: Server, naive: Naive, what: str, sent: str) -> None:
    cpu = server.cpu()
    told = asked("load", server.port, sent, 1, _SECONDS)
    own, seconds = (server.cpu() - cpu) / told["answers"], told["seconds"] / told["answers"]
    cheaper, sooner = naive.cpu / own, naive.seconds / seconds
    ratio = f"listing: {cheaper:,.0f} and {sooner:,.0f} times"
    table.row(what, f"{own * 1e3:.2f} ms, {seconds * 1e3:.2f} ms", ratio, least(min(cheaper, sooner), 1000, "times"))
