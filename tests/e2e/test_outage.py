"""The API server dies for 20 seconds: Genet goes on showing what it knew, says so, and is right again at its return."""

import os
import secrets
import shlex
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import GPU, IMAGE, Kubectl, missing
from tests.e2e.listener import Event, listening
from tests.processes import Replica, until

pytestmark = pytest.mark.e2e

DOWN_SECONDS = 20
RIGHT_AGAIN_SECONDS = 5


@pytest.fixture
def commands() -> tuple[list[str], list[str]]:
    """What kills the API server and what starts it again."""
    found = [os.environ.get(f"GENET_E2E_APISERVER_{verb}") for verb in ("KILL", "START")]
    if not all(found):
        missing("GENET_E2E_APISERVER_KILL and _START do not say how to restart the API server")
    kill, start = (shlex.split(command or "") for command in found)
    return kill, start


@pytest.fixture
def tainted_node(kubectl: Kubectl) -> str:
    """A node with cards to which no scheduler sends anything: a pod bound to it by hand counts at once."""
    tainted = [node for node in kubectl.read("nodes")["items"] if node["spec"].get("taints")]
    names = [node["metadata"]["name"] for node in tainted if int(node["status"]["allocatable"].get(GPU, 0))]
    if not names:
        missing(f"no tainted node of the cluster has {GPU}")
    return str(names[0])


class Observer:
    """Asks for the overview all the time, as a page does, and keeps what it was told."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self.slowest = 0.0
        self.states: set[str] = set()
        self.readiness: set[int] = set()
        self.totals: set[int] = set()
        self.latest: dict[str, Any] = {}

    def look(self) -> None:
        before = time.monotonic()
        overview = self._client.get("/api/cluster/gpu-overview").raise_for_status().json()
        self.slowest = max(self.slowest, time.monotonic() - before)
        self.readiness.add(self._client.get("/readyz").status_code)
        self.states.add(overview["sources"]["kubernetes"]["state"])
        self.totals.add(overview["summary"]["totalDevices"])
        self.latest = overview

    @property
    def state(self) -> str:
        return str(self.latest["sources"]["kubernetes"]["state"])

    def used(self, node: str) -> int:
        groups = self.latest["acceleratorGroups"]
        return sum(found["usedDevices"] for group in groups for found in group["nodes"] if found["nodeName"] == node)


@contextmanager
def observing(replica: Replica) -> Iterator[Observer]:
    observer, end = Observer(replica.client()), threading.Event()
    observer.look()

    def run() -> None:
        while not end.wait(0.1):
            observer.look()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield observer
    finally:
        end.set()
        thread.join()


def pod_bound_to(node: str) -> dict[str, Any]:
    container = {"name": "main", "image": IMAGE, "resources": {"limits": {GPU: "1"}}}
    metadata = {"name": f"after-{secrets.token_hex(3)}"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"nodeName": node, "containers": [container]},
    }


def says(state: str) -> Callable[[Event], bool]:
    return lambda event: event.name == "change" and event.data["sources"]["kubernetes"]["state"] == state


def test_the_overview_outlives_the_api_server_and_catches_up(replica, kubectl, commands, namespace, tainted_node):
    kill, start = commands
    until(lambda: kubectl.read("serviceaccounts", "-n", namespace)["items"], what="pods can be made in the namespace")
    with observing(replica) as observer, listening(replica) as listener:
        assert observer.state == "ok"
        before, used = set(observer.totals), observer.used(tainted_node)
        subprocess.run(kill, check=True)
        try:
            killed = time.monotonic()
            until(lambda: observer.state == "stale", what="the overview says that it is stale")
            noticed = time.monotonic() - killed
            told = listener.wait(says("stale"), seconds=5, what="the stream says that it is stale").at - killed
            until(lambda: time.monotonic() - killed > DOWN_SECONDS, what="the outage has lasted")
            assert observer.state == "stale"
        finally:
            subprocess.run(start, check=True)
        until(lambda: kubectl.run("get", "--raw", "/readyz").returncode == 0, seconds=60, what="the API server is back")
        returned = time.monotonic()
        kubectl.create_in(namespace, pod_bound_to(tainted_node))
        until(
            lambda: observer.state == "ok" and observer.used(tainted_node) == used + 1,
            what="the overview is right again",
        )
        took = time.monotonic() - returned
        listener.wait(lambda event: says("ok")(event) and event.used(tainted_node) == used + 1, what="so is the stream")
        assert not listener.is_over, "without a new connection"
    kubectl("delete", "pods", "-n", namespace, "--all", "--force", "--grace-period=0")
    print(
        f"\nAPI server away: stale after {noticed:.2f} s (at a stream client {told:.2f} s), "
        f"right again {took:.2f} s after its return, "
        f"slowest answer {observer.slowest:.3f} s"
    )
    assert observer.states == {"ok", "stale"}
    assert observer.readiness == {200}
    assert observer.totals == before, "no card was ever lost from sight"
    assert observer.slowest < 1
    assert took < RIGHT_AGAIN_SECONDS
