"""`python -m genet.simulation`: the embedded cluster as a process of its own, for the demo, tests and benches.

Prints one JSON line when it is ready, and ends on SIGTERM, on SIGINT, or with its parent (`--until-stdin-closes`).
"""

import argparse
import asyncio
import gc
import signal
import sys
from pathlib import Path

import msgspec

from genet.simulation.cluster import Cluster
from genet.simulation.dra_versions import VERSIONS
from genet.simulation.scenarios import SCENARIOS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m genet.simulation", description="A Kubernetes cluster on loopback.")
    parser.add_argument("--scenario", choices=SCENARIOS, default="small")
    parser.add_argument("--port", type=int, default=0, help="of the Kubernetes API (0: any free one)")
    parser.add_argument("--prometheus-port", type=int, default=0, help="of the Prometheus API (0: any free one)")
    parser.add_argument("--kubeconfig", type=Path, help="write a kubeconfig there")
    parser.add_argument("--dra", choices=VERSIONS, default="v1", help="the version in which resource.k8s.io is served")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when standard input does")
    asyncio.run(_serve(parser.parse_args()))


async def _serve(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    cluster = Cluster(
        options.scenario,
        port=options.port,
        prometheus_port=options.prometheus_port,
        seed=options.seed,
        dra=options.dra,
    )
    gc.freeze()  # the scenario stays: no need to look through it again and again
    async with cluster:
        if options.kubeconfig:
            cluster.write_kubeconfig(options.kubeconfig)
        ready = {
            "server": cluster.url,
            "prometheus": cluster.prometheus_url,
            "kubeconfig": str(options.kubeconfig) if options.kubeconfig else None,
        }
        sys.stdout.write(msgspec.json.encode(ready).decode() + "\n")
        sys.stdout.flush()
        if options.until_stdin_closes:
            reader = asyncio.StreamReader()
            await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
            reading = asyncio.ensure_future(reader.read())
            reading.add_done_callback(lambda _: stop.set())
        await stop.wait()


if __name__ == "__main__":
    main()
