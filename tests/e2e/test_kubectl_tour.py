"""The same tour with real kubectl on the real cluster and on the embedded one; what differs needs a reason.

Masked before comparing: what is different on two clusters by nature, or from one run to the next.
"""

import re
import secrets
import subprocess
from difflib import unified_diff
from functools import partial
from pathlib import Path

import pytest

from tests.differences import reasons
from tests.e2e.conftest import IMAGE, Kubectl, installed
from tests.processes import embedded_cluster, environment, until

pytestmark = pytest.mark.e2e

TOUR = Path(__file__).with_name("kubectl_tour.sh")

MASKS = [
    # kubectl's own log: a watch that ends while `kubectl wait` does is a line or none, as it happens
    (r"(?m)^I\d{4} [\d:.]+ +\d+ reflector\.go.*\n", ""),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
    (r"\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+\d{4}", "TIME"),
    (r"\b\d{1,3}(\.\d{1,3}){3}\b", "ADDRESS"),
    (r"containerd://[0-9a-f]{64}|sha256:[0-9a-f]{64}", "DIGEST"),
    (r'(resourceVersion: )"\d+"', r"\1VERSION"),
    (r"\bdefault-token-[a-z0-9]{5}\b|\bkube-api-access-[a-z0-9]{5}\b", "TOKEN"),
    (r"\.[0-9a-f]{16}\b", ".EVENT"),
    (r"\b(\d+m)?\d+s\b|<unknown>", "AGE"),
    (r"\b\d+/\d+ nodes", "N/N nodes"),
]


class Tour:
    """The masked output of each step."""

    def __init__(self, kubeconfig: str, namespace: str, scratch: Path) -> None:
        env = environment(KUBECONFIG=kubeconfig, NAMESPACE=namespace, IMAGE=IMAGE, SCRATCH=str(scratch))
        done = subprocess.run(
            [installed("bash"), str(TOUR)], env=env, capture_output=True, text=True, check=True, timeout=180
        )
        nodes = Kubectl(kubeconfig)("get", "nodes", "-o", "jsonpath={.items[*].metadata.name}").split()
        self.steps: dict[str, list[str]] = {}
        for part in done.stdout.split("### ")[1::2]:
            name, _, output = part.partition("\n")
            self.steps[name] = masked(output, namespace, nodes)
        for name, part in zip(self.steps, done.stdout.split("### ")[2::2], strict=True):
            self.steps[name].append(part.strip())


def masked(output: str, namespace: str, nodes: list[str]) -> list[str]:
    for name in (namespace, *nodes):
        output = re.sub(rf"\b{re.escape(name)}\b", "NAMESPACE" if name == namespace else "NODE", output)
    for pattern, mask in MASKS:
        output = re.sub(pattern, mask, output)
    # columns are as wide as their widest cell
    return [re.sub(r"(?<=\S) {2,}", "  ", line).rstrip() for line in output.splitlines()]


@pytest.fixture(scope="module")
def tours(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tour, Tour]:
    """On the real cluster, and on the embedded one."""
    directory = tmp_path_factory.mktemp("tour")
    with embedded_cluster("empty", directory) as embedded:
        found = []
        for kubeconfig in (kubectl.kubeconfig, embedded["kubeconfig"]):
            on, namespace = Kubectl(kubeconfig), f"genet-tour-{secrets.token_hex(4)}"
            on("create", "namespace", namespace)
            until(partial(accounts, on, namespace), what="pods can be made in the namespace")
            try:
                found.append(Tour(kubeconfig, namespace, directory / "watched"))
            finally:
                on("delete", "namespace", namespace, "--wait=false")
    return found[0], found[1]


def accounts(kubectl: Kubectl, namespace: str) -> bool:
    return bool(kubectl.read("serviceaccounts", "-n", namespace)["items"])


def test_the_tour_goes_well_on_the_real_cluster(tours):
    exits = {step: lines[-1] for step, lines in tours[0].steps.items()}
    wrong = {"create-again", "create-bad", "get-missing", "annotate-stale", "field-selector-bad", "patch-forbidden"}
    wrong |= {"quota-exceeded", "delete-again"}
    assert {step for step, end in exits.items() if end != "exit 0"} == wrong | {"exec-exit"}
    assert exits["exec-exit"] == "exit 7"


def test_the_embedded_cluster_answers_alike_but_for_what_has_its_reason(tours):
    real, embedded = tours
    assert list(real.steps) == list(embedded.steps)
    different = {
        step: "\n".join(unified_diff(real.steps[step], embedded.steps[step], "real", "embedded", lineterm="", n=1))
        for step in real.steps
        if real.steps[step] != embedded.steps[step]
    }
    for step, difference in different.items():
        print(f"\n--- {step}\n{difference}")
    assert {f"tour/{step}" for step in different} <= reasons().keys()
