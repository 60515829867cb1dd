"""A small storm of operations on replicas that are killed, on a real cluster; the large one is in tests/live."""

import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.chaos import checks
from tests.chaos.pair import Pair
from tests.chaos.people import Person
from tests.chaos.storm import Storm
from tests.chaos.truth import Truth
from tests.e2e.conftest import GPU_LIMIT, GPU_TYPE, IMAGE, NOWHERE_TYPE, POD_LIMIT, SETTINGS, Kubectl
from tests.processes import configuration, environment, free_port, program, until

PEOPLE, OPERATIONS, KILLS = 4, 40, 2
MODES = [{}, {}, {"gpuType": GPU_TYPE, "gpuCount": 1}, {"gpuType": NOWHERE_TYPE, "gpuCount": 2}]
WAITS = ("sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait")


@pytest.fixture
def people(kubectl: Kubectl) -> Iterator[list[Person]]:
    mark = secrets.token_hex(3)
    found = [Person(f"storm{mark}{number}") for number in range(PEOPLE)]
    yield found
    for person in found:
        kubectl("delete", "namespace", person.namespace, "--wait=false", "--ignore-not-found")


@pytest.fixture
def server(kubectl: Kubectl, tmp_path: Path) -> Iterator[str]:
    """The API server by kubectl's proxy, which knows how to get there."""
    port = free_port()
    command = [kubectl.binary, "proxy", "--port", str(port)]
    with program(command, log=tmp_path / "proxy.log", env=environment(KUBECONFIG=kubectl.kubeconfig)):

        def is_there() -> bool:
            with socket.socket() as connection:
                return connection.connect_ex(("127.0.0.1", port)) == 0

        until(is_there, what="kubectl proxy listens")
        yield f"http://127.0.0.1:{port}"


def test_nothing_is_lost_or_left_on_a_real_cluster(
    kubectl: Kubectl, server: str, people: list[Person], tmp_path: Path
) -> None:
    seed = int(os.environ.get("GENET_CHAOS_SEED", "1"))
    began = time.monotonic()
    with ExitStack() as stack:
        truth = stack.enter_context(Truth(server, people, pod_limit=POD_LIMIT, gpu_limit=GPU_LIMIT))
        pair = Pair(configuration(tmp_path, kubectl.kubeconfig, **SETTINGS), stack)
        pair.wait()
        storm = Storm(pair, people, MODES, IMAGE, command=WAITS)
        storm.rage(seed, OPERATIONS, KILLS)
        pair.wait()
        raged = time.monotonic()
        checks.everything(truth, pair, storm, people)
        rested = time.monotonic()
    print(
        f"\n{OPERATIONS} operations, {pair.kills} kills in {raged - began:.0f} s, "
        f"all true {rested - raged:.0f} s later; {storm.told()}"
    )
