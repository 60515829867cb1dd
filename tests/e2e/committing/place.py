"""Where pods are saved: the node, as its administrator sees it, and the namespace of the Jobs."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.e2e.committing.registry import ACCOUNT, Registry, credentials
from tests.e2e.conftest import Kubectl, installed, missing

PUSH_SECRET: Final = "push"


class Node:
    """An administrator at the node."""

    def __init__(self, kubectl: Kubectl) -> None:
        self.socket = os.environ.get("CONTAINERD_ADDRESS") or missing("CONTAINERD_ADDRESS does not name a socket")
        where = os.environ.get("GENET_E2E_REGISTRY_HOSTS") or Path(kubectl.kubeconfig).parent / "registries"
        self._registry_hosts = Path(where)
        if not self._registry_hosts.is_dir():
            missing("GENET_E2E_REGISTRY_HOSTS does not say where containerd looks for hosts.toml")
        nodes = [node for node in kubectl.read("nodes")["items"] if not node["spec"].get("taints")]
        addresses = {one["type"]: one["address"] for one in nodes[0]["status"]["addresses"]}
        self.address = str(addresses["InternalIP"])

    def ctr(self, *arguments: str) -> str:
        command = [installed("ctr"), "--address", self.socket, "--namespace", "k8s.io", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def told_of(self, registry: Registry) -> Iterator[None]:
        """Until the block ends the node pulls from it over HTTP."""
        host = self._registry_hosts / registry.address
        host.mkdir()
        url = f'"http://{registry.address}"'
        # containerd 1.6 asks for HTTPS all the same if the server alone stands there
        (host / "hosts.toml").write_text(f"server = {url}\n[host.{url}]\n")
        try:
            yield
        finally:
            shutil.rmtree(host)

    def state(self, container: str) -> str:
        return next(line.split()[2] for line in self.ctr("tasks", "ls").splitlines() if line.startswith(container))

    def layers(self, image: str) -> list[str]:
        """Digests of what is in containerd of it."""
        digests = {line.split()[0]: line.split()[2] for line in self.ctr("images", "ls").splitlines()}
        return [str(one["digest"]) for one in json.loads(self.ctr("content", "get", digests[image]))["layers"]]


class Jobs:
    """Their namespace, in which are the credentials for the push."""

    def __init__(self, kubectl: Kubectl, name: str, shelf: Registry) -> None:
        self.kubectl, self.name, self.shelf = kubectl, name, shelf
        self.push_as(*ACCOUNT)

    def push_as(self, account: str, password: str) -> None:
        """From now on."""
        document = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": PUSH_SECRET, "namespace": self.name},
            "type": "kubernetes.io/dockerconfigjson",
            "stringData": {".dockerconfigjson": credentials(self.shelf.address, account, password)},
        }
        self.kubectl("apply", "-f", "-", stdin=json.dumps(document))

    def all(self) -> str:
        return self.kubectl("get", "jobs", "-n", self.name, "-o", "name")

    def reading(self, job: str) -> str:
        """The container of the Job that reads; empty: not known yet."""
        (worker,) = self.kubectl.read("pods", "-n", self.name, "-l", f"job-name={job}")["items"]
        (status,) = worker["status"].get("initContainerStatuses") or [{}]
        return str(status.get("containerID", "")).removeprefix("containerd://")
