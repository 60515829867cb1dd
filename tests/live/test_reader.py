"""The process that reads Prometheus may die at any moment, and must not outlive its server."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.live.conftest import SETTINGS
from tests.processes import configuration, serving, until

READER = b"genet.gpus.telemetry.reader"


@pytest.fixture
def served(cluster, tmp_path):
    config = configuration(tmp_path, cluster["kubeconfig"], **SETTINGS)
    with serving(config, GENET_PROMETHEUSURL=cluster["prometheus"]) as replica:
        yield replica


def reader_of(replica):
    """Its process ID; None: there is none now."""
    pid = replica.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return next((int(child) for child in children if READER in Path(f"/proc/{child}/cmdline").read_bytes()), None)


def source(replica):
    overview = replica.client().get("/api/cluster/gpu-overview").raise_for_status().json()
    told: dict[str, str] = overview["sources"]["prometheus"]
    return told


def test_a_reader_that_is_killed_is_told_and_replaced_and_ends_with_its_server(served):
    until(lambda: source(served)["state"] == "ok", what="the first round")
    first = reader_of(served)
    os.kill(first, signal.SIGKILL)
    until(lambda: source(served)["message"] == "the reader of Prometheus ended unexpectedly", what="the loss is told")
    until(lambda: source(served)["state"] == "ok", what="another reader")
    second = reader_of(served)
    assert second not in (None, first)
    served.process.kill()
    served.process.wait()
    until(lambda: not Path(f"/proc/{second}/cmdline").exists(), seconds=5, what="the reader has ended")


def test_a_server_that_is_told_to_end_leaves_no_reader(served):
    until(lambda: source(served)["state"] == "ok", what="the first round")
    reader = reader_of(served)
    before = time.monotonic()
    served.process.terminate()
    served.process.wait(15)
    assert time.monotonic() - before < 5
    assert not Path(f"/proc/{reader}/cmdline").exists()


def test_without_prometheus_there_is_no_reader(cluster, tmp_path):
    with serving(configuration(tmp_path, cluster["kubeconfig"], **SETTINGS)) as replica:
        assert source(replica)["state"] == "off"
        assert reader_of(replica) is None
