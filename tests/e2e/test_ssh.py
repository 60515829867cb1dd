"""SSH into a pod with the real programs: ssh, a node's port, kube-proxy, a kubelet, Debian's sshd."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e import workbench
from tests.e2e.conftest import SETTINGS, Kubectl, Person, installed, missing
from tests.processes import Replica, configuration, environment, serving, until

pytestmark = pytest.mark.e2e

IN_TIME_SECONDS = 120
"""How long a kubelet may take to show a changed Secret to a running pod; mostly it is about a minute."""


class Key:
    """A pair of keys of somebody, made by ssh-keygen."""

    def __init__(self, directory: Path, name: str) -> None:
        self.path = directory / name
        keygen = [
            installed("ssh-keygen"),
            "-q",
            "-t",
            "ed25519",
            "-N",
            "",
            "-C",
            f"{name}@laptop",
            "-f",
            str(self.path),
        ]
        subprocess.run(keygen, check=True, timeout=30)
        self.public = self.path.with_suffix(".pub").read_text()


class Pod:
    """A running pod, its owner's client, and ssh to it as its `connection` says."""

    def __init__(self, http: httpx.Client, pod: dict[str, Any], directory: Path) -> None:
        self.http = http
        self.id = pod["id"]
        self.pod = pod
        self.known_hosts = directory / f"{self.id}.known"

    def ssh(self, key: Path | None, *command: str, **options: str) -> subprocess.CompletedProcess[str]:
        words = self.pod["connection"]["ssh"].split()
        assert words[0] == "ssh"
        chosen = {
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "BatchMode": "yes",
            "ConnectTimeout": "10",
            "UserKnownHostsFile": str(self.known_hosts),
            "StrictHostKeyChecking": "accept-new",
            **options,
        }
        arguments = [word for name, value in chosen.items() for word in ("-o", f"{name}={value}")]
        identity = ["-i", str(key)] if key else []
        return subprocess.run(
            [installed("ssh"), "-F", "none", *arguments, *identity, *words[1:], *command],
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def lets_in(self, key: Path) -> bool:
        return self.ssh(key, "true").returncode == 0

    def opened(self, key: Path) -> None:
        until(lambda: self.lets_in(key), seconds=IN_TIME_SECONDS, what="the key opens the pod")


@pytest.fixture(scope="module")
def image() -> str:
    tool = os.environ.get("GENET_TEST_CLUSTER") or missing("GENET_TEST_CLUSTER names no tool that makes images")
    workbench.load(tool)
    return workbench.WORKBENCH


@pytest.fixture(scope="module")
def server(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    variables = {"GREETING": "guten Tag", "HTTPS_PROXY": "http://proxy.example:3128"}
    settings = SETTINGS | {"pod": {**SETTINGS["pod"], "env": variables}, "storage": {"volumes": []}}
    with serving(configuration(tmp_path_factory.mktemp("ssh"), kubectl.kubeconfig, **settings)) as replica:
        yield replica


@pytest.fixture(scope="module")
def anns_key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return Key(tmp_path_factory.mktemp("keys"), "ann")


@pytest.fixture(scope="module")
def pod(
    server: Replica,
    new_person: Callable[[], Person],
    image: str,
    anns_key: Key,
    tmp_path_factory: pytest.TempPathFactory,
) -> Pod:
    """Ann's, who added her key before she made it."""
    http = server.client(new_person().name)
    added = http.post("/api/profile/ssh-keys", json={"key": anns_key.public})
    assert (added.status_code, added.json()["name"]) == (201, "ann@laptop"), added.text
    return running(http, image, tmp_path_factory.mktemp("hosts"))


def running(http: httpx.Client, image: str, directory: Path) -> Pod:
    created = http.post("/api/pods", json={"image": image, "name": "desk", "cpu": "300m", "memory": "64Mi"})
    assert created.status_code == 201, created.text
    address = f"/api/pods/{created.json()['id']}"

    def seen() -> dict[str, Any]:
        answer: dict[str, Any] = http.get(address).json()
        return answer if answer["status"] == "Running" and answer["connection"]["ssh"] else {}

    return Pod(http, until(seen, seconds=90, what="the pod runs and says how to get in"), directory)


def test_a_key_opens_the_pod_at_the_port_that_is_shown(pod, anns_key):
    pod.opened(anns_key.path)
    done = pod.ssh(anns_key.path, "id -un; cat /etc/hostname")
    assert done.stdout.split() == ["root", pod.id]
    assert str(pod.pod["sshPort"]) in pod.pod["connection"]["ssh"]


def test_the_session_has_the_environment_of_the_container(pod, anns_key, kubectl):
    done = pod.ssh(anns_key.path, "env")
    seen = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert (seen["GREETING"], seen["HTTPS_PROXY"]) == ("guten Tag", "http://proxy.example:3128")
    assert seen["NVIDIA_VISIBLE_DEVICES"] == "void"
    container = kubectl("exec", "-n", pod.pod["namespace"], pod.id, "--", "sh", "-c", "echo $PATH").strip()
    assert seen["PATH"] == container
    assert pod.ssh(anns_key.path, "bash -lc 'echo $PATH'").stdout.strip() == container, "in a login shell, too"


def test_the_host_key_is_the_one_that_is_shown(pod, anns_key):
    pod.opened(anns_key.path)
    listed = subprocess.run(
        ["ssh-keygen", "-lf", str(pod.known_hosts)], capture_output=True, text=True, check=True, timeout=30
    ).stdout
    assert {line.split()[1] for line in listed.splitlines()} == set(pod.pod["connection"]["hostKeyFingerprints"])


def test_another_persons_key_does_not_open_it(pod, tmp_path):
    done = pod.ssh(Key(tmp_path, "bob").path, "true")
    assert done.returncode != 0
    assert "Permission denied (publickey)." in done.stderr


def test_a_password_does_not_open_it_whatever_the_image_says(pod):
    done = pod.ssh(None, "true", PreferredAuthentications="password,keyboard-interactive,none")
    assert "Permission denied (publickey)." in done.stderr


def test_files_and_ports_go_through(pod, anns_key, tmp_path):
    batch = tmp_path / "batch"
    batch.write_text(f"put {tmp_path / 'batch'} /tmp/batch\nget /tmp/batch {tmp_path / 'back'}\n")
    host, port = pod.pod["connection"]["ssh"].split("@")[1].split(" -p ")
    subprocess.run(
        [installed("sftp"), "-F", "none", "-b", str(batch), "-i", str(anns_key.path), "-P", port,
         "-o", f"UserKnownHostsFile={pod.known_hosts}", "-o", "StrictHostKeyChecking=accept-new", f"root@{host}"],
        check=True, timeout=60, capture_output=True,
    )  # fmt: skip
    assert (tmp_path / "back").read_text() == batch.read_text()


def test_a_key_reaches_a_running_pod_and_leaves_it_again(pod, anns_key, tmp_path):
    second = Key(tmp_path, "second")
    assert not pod.lets_in(second.path)
    added = pod.http.post("/api/profile/ssh-keys", json={"key": second.public, "name": "second"})
    assert added.status_code == 201, added.text
    pod.opened(second.path)
    assert pod.http.delete(f"/api/profile/ssh-keys/{added.json()['id']}").status_code == 204
    until(lambda: not pod.lets_in(second.path), seconds=IN_TIME_SECONDS, what="the key opens nothing any more")
    assert pod.lets_in(anns_key.path), "the other one does"


def test_an_sshd_that_ended_comes_back(pod, anns_key, kubectl):
    pod.opened(anns_key.path)
    pod.ssh(anns_key.path, "pkill -o -x sshd")
    pod.opened(anns_key.path)
    assert "genet: sshd ended" in kubectl("logs", "-n", pod.pod["namespace"], pod.id)


def test_the_port_goes_with_the_pod(server, new_person, image, kubectl, tmp_path):
    http = server.client(new_person().name)
    short = running(http, image, tmp_path)
    namespace = short.pod["namespace"]
    assert kubectl.read("service", short.id, "-n", namespace)["spec"]["type"] == "NodePort"
    assert http.delete(f"/api/pods/{short.id}").status_code == 204
    until(
        lambda: not kubectl("get", "service,secret", "-n", namespace, "-l", f"genet.io/pod={short.id}", "-o", "name"),
        seconds=90,
        what="Service and host key are gone",
    )


def test_host_key_and_port_outlive_a_restart(pod, anns_key):
    pod.opened(anns_key.path)
    answer = pod.http.post(f"/api/pods/{pod.id}/restart")
    assert answer.status_code == 202, answer.text

    def again() -> dict[str, Any]:
        seen: dict[str, Any] = pod.http.get(f"/api/pods/{pod.id}").json()
        is_new = seen.get("createdAt", "") != pod.pod["createdAt"]
        return seen if is_new and seen["status"] == "Running" and seen["connection"]["ssh"] else {}

    after = until(again, seconds=150, what="the pod runs again")
    assert after["sshPort"] == pod.pod["sshPort"]
    assert after["connection"]["hostKeyFingerprints"] == pod.pod["connection"]["hostKeyFingerprints"]
    pod.pod = after
    until(
        lambda: pod.ssh(anns_key.path, "true", StrictHostKeyChecking="yes").returncode == 0,
        seconds=IN_TIME_SECONDS,
        what="ssh gets in without a word about the host key",
    )
