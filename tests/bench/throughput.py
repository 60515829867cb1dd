"""How many answers a second, beside constant bytes of the same size from the same application, and from none."""

import statistics
from pathlib import Path

import httpx

from genet.demo import Embedded
from tests.bench.table import Table, least
from tests.bench.world import COLUMNAR, OVERVIEW, Server, asked, bare, beside_constants, request

_CONNECTIONS = 16
_SECONDS = 0.7
_TIMES = 3
_GZIP = {"Accept-Encoding": "gzip"}


def report(table: Table, cluster: Embedded, scenario: str, directory: Path) -> None:
    table.head(f"answers a second, {_CONNECTIONS} connections (and for each second of the server's processor time)")
    with beside_constants(cluster, scenario, directory) as server, bare(directory) as nothing:
        server.await_round()
        with httpx.Client(base_url=server.url, timeout=60) as client:
            for what, path in (("columnar gzip", COLUMNAR), ("object gzip", OVERVIEW)):
                told = client.get(path)
                size = int(told.headers["Content-Length"])
                constant = f"/bench/constant?user=bench&size={size}"
                _compare(
                    table,
                    f"{what}, {size / 1e3:.0f} KB",
                    server,
                    request(path, _GZIP),
                    (server, constant),
                    (nothing, f"/?size={size}"),
                )
            told = client.get(COLUMNAR)
            unchanged = request(COLUMNAR, {**_GZIP, "If-None-Match": told.headers["ETag"]})
            _compare(
                table,
                "unchanged (304)",
                server,
                unchanged,
                (server, "/bench/constant?user=bench&status=304"),
                (nothing, "/?size=0"),
            )


def _compare(table: Table, what: str, server: Server, ours: str, *ceilings: tuple[Server, str]) -> None:
    """In turns, so that what the machine does besides hits all alike."""
    asks = [(server, ours), *((other, request(path, _GZIP)) for other, path in ceilings)]
    rates: list[list[tuple[float, float]]] = [[] for _ in asks]
    for _ in range(_TIMES):
        for known, (asked_of, sent) in zip(rates, asks, strict=True):
            known.append(rate(asked_of, sent))
    own, same, least_possible = ([statistics.median(column) for column in zip(*known, strict=True)] for known in rates)
    share = 100 * min(own[0] / same[0], own[1] / same[1])
    table.row(
        what,
        f"{own[0]:.0f} ({own[1]:.0f})",
        f"{100 * own[0] / same[0]:.0f} % ({100 * own[1] / same[1]:.0f} %) of constant bytes",
        least(share, 70, "%") if what.startswith("columnar") else None,
    )
    table.row(
        "", "", f"{100 * own[0] / least_possible[0]:.0f} % ({100 * own[1] / least_possible[1]:.0f} %) of a bare Granian"
    )


def rate(server: Server, sent: str) -> tuple[float, float]:
    cpu = server.cpu()
    told = asked("load", server.port, sent, _CONNECTIONS, _SECONDS)
    return told["answers"] / told["seconds"], told["answers"] / (server.cpu() - cpu)
