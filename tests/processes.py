"""Programs that tests start for real: `genet serve`, the embedded cluster, whatever else a test needs beside them.

Each is a process of its own, reached over loopback, ended by its own process id. Trap: a variable `GENET_…` that is no
setting stops the server, and tests have some of those; so environments are built here, never inherited.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import yaml

T = TypeVar("T")

ROOT = Path(__file__).parents[1]
GENET = (sys.executable, "-m", "genet")
_END_SECONDS = 15


def environment(**more: str) -> dict[str, str]:
    """Enough to run programs, and nothing that configures them."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ} | more


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def until(condition: Callable[[], T], *, seconds: float = 30, what: str = "") -> T:
    """What `condition` says as soon as it says something true; fails when it does not in time."""
    deadline = time.monotonic() + seconds
    while not (said := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what or condition}, but {said!r}"
        time.sleep(0.05)
    return said


@contextmanager
def program(
    command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs until the block ends; what it prints goes to `log`."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env=environment() if env is None else env, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass
class Replica:
    """One `genet serve`."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    config: Path
    kubeconfig: str
    """Of the cluster it works on."""
    _clients: dict[str | None, httpx.Client] = field(default_factory=dict)

    def client(self, user: str | None = None) -> httpx.Client:
        """Speaks for somebody; None: `dev-user`."""
        if user not in self._clients:
            params = {} if user is None else {"user": user}
            self._clients[user] = httpx.Client(base_url=self.url, params=params, trust_env=False, timeout=30)
        return self._clients[user]

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.client().get("/readyz").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


def configuration(directory: Path, kubeconfig: str, /, **settings: Any) -> Path:
    """Writes the YAML file of a server in dev mode that leaves no trace outside its port."""
    document = {
        "auth": {"mode": "dev"},
        "server": {"metricsPort": None, "drainSeconds": 0},
        "kubernetes": {"kubeconfig": kubeconfig},
        **settings,
    }
    file = directory / f"genet-{free_port()}.yaml"
    file.write_text(yaml.safe_dump(document))
    return file


@contextmanager
def serving(config: Path, **settings: str) -> Iterator[Replica]:
    """A replica that is ready; fails at its end if it met a bug on the way. `settings`: environment variables."""
    port = free_port()
    log = config.with_suffix(f".{port}.log")
    command = [*GENET, "serve", "--config", str(config), "--port", str(port)]
    with program(command, log=log, env=environment(**settings)) as process:
        kubeconfig = yaml.safe_load(config.read_text())["kubernetes"]["kubeconfig"]
        replica = Replica(f"http://127.0.0.1:{port}", process, log, config, kubeconfig)
        try:
            until(replica.is_ready, what="genet serve is ready")
            yield replica
        finally:
            replica.close()
    assert "unhandled error" not in log.read_text(), log.read_text()


@contextmanager
def embedded_cluster(scenario: str, directory: Path) -> Iterator[dict[str, str]]:
    """`server`, `prometheus` and `kubeconfig` of an embedded cluster."""
    kubeconfig = directory / "embedded.kubeconfig"
    command = [sys.executable, "-m", "genet.simulation", "--scenario", scenario, "--kubeconfig", str(kubeconfig)]
    with subprocess.Popen(
        [*command, "--until-stdin-closes"],
        env=environment(), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the embedded cluster did not start"
        yield json.loads(line)
        process.communicate()
