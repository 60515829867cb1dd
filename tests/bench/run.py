"""`make bench`: what things cost, as ratios against the plain alternative measured in the same run.

Nothing is asserted: machines differ and are shared. The embedded cluster with its Prometheus, the server and the load
are processes of their own; where the machine has two cores or more, the server and its reader share one, and the rest
has the others. Beside times stands processor time, which does not depend on who else is at work, wherever it says more.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import answers, creating, loop, merge, startup, streams, throughput
from tests.bench.machine import busy_elsewhere
from tests.bench.table import Table
from tests.bench.world import embedded, serving


def main(scenario: str) -> None:
    table = Table()
    began, (busy, stolen) = time.monotonic(), busy_elsewhere()
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, scenario {scenario}")
    startup.command(table)
    with tempfile.TemporaryDirectory(prefix="genet-bench-") as name:
        directory = Path(name)
        with embedded(scenario, directory) as cluster:
            naive = answers.naive(table, cluster)
            startup.decode(table, cluster)
            merge.report(table, cluster)
            with serving(cluster, scenario, directory) as server:
                phases = loop.Phases()
                with phases.phase("first round"):
                    startup.server(table, server)
                with phases.phase("answers"):
                    answers.report(table, server, naive)
                with phases.phase("rounds"):
                    streams.idle(table, cluster, server)
                with phases.phase("200 clients"):
                    streams.crowded(table, cluster, server)
                with phases.phase("listing again"):
                    loop.list_again(table, cluster, server)
                phases.report(table, server)
                startup.memory(table, server)
            throughput.report(table, cluster, scenario, directory)
        with embedded("small", directory) as cluster:
            creating.report(table, cluster, directory)
    took, (busy_then, stolen_then) = time.monotonic() - began, busy_elsewhere()
    cores = (busy_then - busy) / took, (stolen_then - stolen) / took
    print(
        f"\n{took:.0f} s; the machine computed on {cores[0]:.1f} cores of {os.cpu_count()}, {cores[1]:.2f} were stolen"
    )


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "large")
