"""The real cluster in KUBECONFIG, real kubectl, a real Prometheus, and replicas of Genet on them.

A part that is missing skips the tests that need it; with GENET_E2E_REQUIRED=1 (CI) it fails them instead.
"""

import json
import os
import secrets
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest

from genet import naming
from tests.e2e.exporter import Exporter, exporting, idle_card
from tests.e2e.prometheus import Job, scraping
from tests.processes import Replica, configuration, environment, serving, until

IMAGE: Final = os.environ.get("GENET_E2E_IMAGE", "cluster.local/busybox:1")
GPU: Final = "nvidia.com/gpu"
GPU_TYPE: Final = "gpu"
NOWHERE_TYPE: Final = "nowhere"
"""Counts in the quota like any other, but no node has it: such pods wait, and cost the kubelet nothing."""
POD_LIMIT, GPU_LIMIT = 5, 4

SETTINGS: Final[dict[str, Any]] = {
    "podLimitPerUser": POD_LIMIT,
    "gpuLimitPerUser": GPU_LIMIT,
    "gpu": {
        "availableTypes": [
            {"name": GPU_TYPE, "resourceName": GPU},
            {"name": NOWHERE_TYPE, "resourceName": GPU, "nodeSelector": {"genet.io/nowhere": "true"}},
        ]
    },
    "pod": {"defaults": {"cpu": "50m", "memory": "32Mi"}},
    "storage": {"volumes": [{"name": "workspace", "mountPath": "/workspace", "size": "1Gi"}]},
}


def missing(reason: str) -> NoReturn:
    """End the test for want of a part."""
    if os.environ.get("GENET_E2E_REQUIRED") == "1":
        pytest.fail(f"GENET_E2E_REQUIRED is set, but {reason}")
    pytest.skip(reason)


def installed(name: str) -> str:
    return shutil.which(name) or missing(f"{name} is not installed")


class Kubectl:
    """Real kubectl on one cluster."""

    def __init__(self, kubeconfig: str) -> None:
        self.kubeconfig = kubeconfig
        self.binary = installed("kubectl")

    def run(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.binary, *arguments],
            env=environment(KUBECONFIG=self.kubeconfig),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, f"kubectl {shlex.join(arguments)}: {done.stderr}"
        return done.stdout

    def read(self, *arguments: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self("get", "-o", "json", *arguments))
        return document

    def create_in(self, namespace: str, manifest: dict[str, Any]) -> None:
        """Asks again while a namespace is so new that its service account has no token yet (before Kubernetes 1.24)."""

        def is_made() -> bool:
            done = self.run("create", "-n", namespace, "-f", "-", stdin=json.dumps(manifest))
            is_early = "retry after the token" in done.stderr
            assert is_early or done.returncode == 0, done.stderr
            return not is_early

        until(is_made, what="a pod can be made in the namespace")


class Person:
    """Somebody in dev mode, with a name nobody else has."""

    def __init__(self) -> None:
        self.name = f"e2e{secrets.token_hex(4)}"
        self.identifier = naming.user_identifier(self.name, f"{self.name}@dev.invalid")
        self.namespace = naming.namespace(self.identifier)


@pytest.fixture(scope="session")
def kubectl() -> Kubectl:
    kubeconfig = os.environ.get("KUBECONFIG")
    if not kubeconfig:
        missing("there is no real cluster: KUBECONFIG is not set")
    return Kubectl(kubeconfig)


@pytest.fixture(scope="module")
def new_person(kubectl: Kubectl) -> Iterator[Callable[[], Person]]:
    """Makes people whose namespaces are deleted afterwards."""
    people: list[Person] = []

    def make() -> Person:
        people.append(Person())
        return people[-1]

    yield make
    for person in people:
        kubectl("delete", "namespace", person.namespace, "--wait=false", "--ignore-not-found")


@pytest.fixture
def person(new_person: Callable[[], Person]) -> Person:
    return new_person()


@pytest.fixture
def namespace(kubectl: Kubectl) -> Iterator[str]:
    """One that is not Genet's."""
    name = f"genet-e2e-{secrets.token_hex(4)}"
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def gpu_node(kubectl: Kubectl) -> str:
    """A node that runs pods of anybody and has four cards or more, all of them free."""
    for node in kubectl.read("nodes")["items"]:
        name = node["metadata"]["name"]
        if int(node["status"]["allocatable"].get(GPU, 0)) >= GPU_LIMIT and not node["spec"].get("taints"):
            held = kubectl.read("pods", "-A", "--field-selector", f"spec.nodeName={name}")["items"]
            if not any(GPU in c["resources"].get("limits", {}) for pod in held for c in pod["spec"]["containers"]):
                return str(name)
    missing(f"no node of the cluster has {GPU_LIMIT} free {GPU}")


@pytest.fixture(scope="session")
def exporter(kubectl: Kubectl, gpu_node: str) -> Iterator[Exporter]:
    """The exporter of `gpu_node`, whose cards are idle until a test says otherwise."""
    count = int(kubectl.read("node", gpu_node)["status"]["allocatable"][GPU])
    with exporting(Exporter(gpu_node, [idle_card(index) for index in range(count)])) as serving_exporter:
        yield serving_exporter


@pytest.fixture(scope="session")
def replicas(kubectl: Kubectl, exporter: Exporter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Replica]]:
    """Two of one installation, but each with a Prometheus of its own kind: honor_labels on and off."""
    binary, directory = installed("prometheus"), tmp_path_factory.mktemp("e2e")
    job = Job("nvidia-dcgm-exporter", exporter.address)
    with ExitStack() as stack:
        prometheuses = [
            stack.enter_context(scraping(binary, [job], directory / f"honor-{honor}", honor_labels=honor))
            for honor in (True, False)
        ]
        yield [
            stack.enter_context(
                serving(configuration(directory, kubectl.kubeconfig, prometheusURL=prometheus, **SETTINGS))
            )
            for prometheus in prometheuses
        ]


@pytest.fixture(scope="session")
def replica(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    """One without Prometheus."""
    with serving(configuration(Path(tmp_path_factory.mktemp("replica")), kubectl.kubeconfig, **SETTINGS)) as server:
        yield server
