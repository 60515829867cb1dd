"""`make bench`: what things cost, as ratios against the plain alternative measured in the same run.

Nothing is asserted: machines differ and are shared. The embedded cluster, the server and the load are processes of
their own; where the machine has two cores or more, the server gets one and the rest share the others.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec

from genet.kube.objects import PODS
from tests.processes import environment, free_port, until

SCENARIO = sys.argv[1] if len(sys.argv) > 1 else "large"
SECONDS = 3.0


def main() -> None:
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, scenario {SCENARIO}\n")
    start_up()
    with embedded() as cluster:
        decode(cluster["server"])
        with server(cluster) as (url, process, ready_seconds):
            print(f"caches ready after                {ready_seconds:8.2f} s")
            overview(url, cluster["server"])
            print(f"resident memory of the server     {memory_mb(process.pid):8.0f} MB (peak)")


def start_up() -> None:
    bare = median(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True))
    command = [sys.executable, "-m", "genet", "--version"]
    version = median(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
    print(f"genet --version                   {version:8.3f} s, {version / bare:5.1f} times a bare interpreter")


def decode(api: str) -> None:
    page = httpx.get(f"{api}/api/v1/pods", params={"limit": 5000}, timeout=60).content
    ours = median(lambda: PODS.page.decode(page))
    plain = median(lambda: json.loads(page))
    generic = median(lambda: msgspec.json.decode(page))
    print(f"decode of {len(page) / 1e6:4.1f} MB of pods          {ours * 1e3:8.1f} ms, ", end="")
    print(f"json.loads {plain / ours:.1f} times as long, msgspec without types {generic / ours:.1f} times")


def overview(url: str, api: str) -> None:
    with httpx.Client(base_url=url, timeout=60) as client:
        answer = client.get("/api/cluster/gpu-overview")
        etag = {"If-None-Match": answer.headers["ETag"]}
        full = median(lambda: client.get("/api/cluster/gpu-overview").content)
        unchanged = median(lambda: client.get("/api/cluster/gpu-overview", headers=etag).content)
        nothing = median(lambda: client.get("/healthz").content)
    naive = median(lambda: list_everything(api), most=3)
    print(f"overview, {len(answer.content) / 1e6:5.2f} MB               {full * 1e3:8.1f} ms")
    print(f"overview, 304                     {unchanged * 1e3:8.1f} ms, {unchanged / nothing:.1f} times /healthz")
    print(f"listing nodes and pods instead    {naive * 1e3:8.1f} ms, ", end="")
    print(f"{naive / unchanged:.0f} times a 304, {naive / full:.0f} times the whole")


def list_everything(api: str) -> None:
    """What an answer would cost that asks the API server each time: lists alone, before any merge."""
    for plural in ("nodes", "pods"):
        query: dict[str, str] = {"limit": "500"}
        while True:
            page = json.loads(httpx.get(f"{api}/api/v1/{plural}", params=query, timeout=60).content)
            if not page["metadata"].get("continue"):
                break
            query["continue"] = page["metadata"]["continue"]


def median(call: Callable[[], object], *, most: int = 200) -> float:
    """Seconds of one call, the median of as many as fit."""
    taken: list[float] = []
    end = time.perf_counter() + SECONDS
    while not taken or (time.perf_counter() < end and len(taken) < most):
        before = time.perf_counter()
        call()
        taken.append(time.perf_counter() - before)
    return statistics.median(taken)


def memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))


@contextmanager
def embedded() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, "-m", "genet.simulation", "--scenario", SCENARIO, "--until-stdin-closes"]
        command += ["--kubeconfig", f"{directory}/kubeconfig"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            try:
                yield json.loads(process.stdout.readline())
            finally:
                process.stdin.close()


@contextmanager
def server(cluster: dict[str, str]) -> Iterator[tuple[str, "subprocess.Popen[bytes]", float]]:
    port = free_port()
    settings = {
        "GENET_AUTH__MODE": "dev",
        "GENET_KUBERNETES__KUBECONFIG": cluster["kubeconfig"],
        "GENET_SERVER__METRICS_PORT": "null",
        "GENET_SERVER__DRAIN_SECONDS": "0",
    }
    before = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "genet", "serve", "--port", str(port)], env=environment(**settings)
    ) as process:
        if (os.cpu_count() or 1) > 1:
            os.sched_setaffinity(process.pid, {0})
        url = f"http://127.0.0.1:{port}"
        try:
            until(lambda: answers(f"{url}/readyz"), seconds=120)
            yield url, process, time.perf_counter() - before
        finally:
            process.terminate()


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    main()
