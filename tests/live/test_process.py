"""The server as a process: how it starts, how it ends, what a command costs."""

import signal
import subprocess
import sys
import time

import httpx
import pytest

from tests.processes import GENET, ROOT, configuration, environment, free_port, serving, until


def run(*arguments, **env):
    return subprocess.run(
        [*GENET, *arguments],
        env=environment(**env),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def serve(config, *arguments, **env):
    return run("serve", "--config", str(config), "--port", str(free_port()), *arguments, **env)


def test_sigterm_drains_and_ends_well(cluster, tmp_path):
    config = configuration(tmp_path, cluster["kubeconfig"], server={"metricsPort": None, "drainSeconds": 2})
    with serving(config) as replica:
        replica.process.send_signal(signal.SIGTERM)
        until(lambda: replica.client().get("/readyz").status_code == 503, seconds=1.5, what="it says it is draining")
        assert replica.client().get("/readyz").text == "draining"
        assert replica.client().get("/api/cluster/gpu-overview").status_code == 200, "it serves while it drains"
        assert replica.process.wait(10) == 0
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{replica.url}/healthz", trust_env=False)
    assert "Traceback" not in replica.log.read_text()


def test_ctrl_c_ends_at_once_and_well(cluster, tmp_path):
    config = configuration(tmp_path, cluster["kubeconfig"], server={"metricsPort": None, "drainSeconds": 60})
    with serving(config) as replica:
        replica.process.send_signal(signal.SIGINT)
        assert replica.process.wait(10) == 0
    assert "Traceback" not in replica.log.read_text()


def test_it_ends_well_before_it_has_reached_a_cluster(tmp_path):
    config = configuration(tmp_path, str(tmp_path / "no-such-kubeconfig"))
    port = free_port()
    process = subprocess.Popen(
        [*GENET, "serve", "--config", str(config), "--port", str(port)],
        env=environment(), cwd=ROOT, stderr=subprocess.PIPE,
    )  # fmt: skip
    with process, httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:

        def answer():
            try:
                return client.get("/readyz").status_code
            except httpx.TransportError:
                return None

        assert until(answer, what="it answers") == 503
        assert client.get("/healthz").status_code == 200
        assert client.get("/api/cluster/gpu-overview").status_code == 503, "an unknown cluster is not an empty one"
        process.terminate()
        _, said = process.communicate(timeout=10)
    assert process.returncode == 0, said


def test_dev_mode_does_not_listen_to_the_world(cluster, tmp_path):
    refused = serve(configuration(tmp_path, cluster["kubeconfig"]), "--host", "0.0.0.0")  # noqa: S104 # refused
    assert refused.returncode == 2
    assert "auth.dev.allowRemote" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("settings", "env", "words"),
    [
        ({"colour": "red"}, {}, "colour: no such setting"),
        ({"podLimitPerUser": "many"}, {}, "podLimitPerUser: "),
        ({}, {"GENET_COLOUR": "red"}, "GENET_COLOUR: no such setting"),
        ({"auth": {"mode": "trust"}}, {}, "auth.mode: "),
    ],
    ids=["unknown key", "bad value", "unknown variable", "unknown mode"],
)
def test_a_wrong_configuration_stops_the_start_with_its_key(tmp_path, settings, env, words):
    refused = serve(configuration(tmp_path, "unused", **settings), **env)
    assert (refused.returncode, "Traceback" in refused.stderr) == (2, False)
    assert words in refused.stderr


def test_the_version_costs_no_import_of_the_server():
    before = time.monotonic()
    told = run("--version")
    print(f"\ngenet --version: {time.monotonic() - before:.3f} s", file=sys.__stdout__)
    assert told.stdout.startswith("genet ")
    imported = subprocess.run(
        [sys.executable, "-X", "importtime", *GENET[1:], "--version"],
        env=environment(), cwd=ROOT, capture_output=True, text=True, check=True,
    ).stderr  # fmt: skip
    modules = {line.rpartition("|")[2].strip().partition(".")[0] for line in imported.splitlines()}
    assert "genet" in modules
    assert modules.isdisjoint({"litestar", "kubernetes", "granian", "jinja2", "msgspec", "asyncio"})
