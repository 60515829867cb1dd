"""The chart is rendered by real helm, as an operator would."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

CHART = Path(__file__).parents[2] / "helm" / "genet"
ACCEPTED = ("--set", "config.auth.mode=dev", "--set", "config.auth.dev.allowRemote=true")
"""The least that renders: whoever installs the chart says how people log in, and of dev login that they mean it."""
SAVING = (
    "--set", "config.commit.enabled=true", "--set", "config.commit.image=registry.example.org/nerdctl:2",
    "--set", "config.commit.repository=registry.example.org/{userIdentifier}",
)  # fmt: skip
"""The least with which people save their pods as images."""

Kubectl = Callable[..., subprocess.CompletedProcess[str]]


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


class Helm:
    """`helm template` with the answers that tests ask for: objects, or the complaint."""

    def __init__(self, binary: str) -> None:
        self._binary = binary

    def run(self, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._binary, *arguments], capture_output=True, text=True, check=False, timeout=60, env=env
        )

    def template(self, *arguments: str, chart: Path = CHART, kube_version: str = "1.34.0") -> list[dict[str, Any]]:
        done = self.run(
            "template", "genet", str(chart), "--namespace", "genet-system", "--kube-version", kube_version, *arguments
        )
        assert done.returncode == 0, done.stderr
        return [document for document in yaml.safe_load_all(done.stdout) if document]

    def complaint(self, *arguments: str) -> str:
        done = self.run("template", "genet", str(CHART), *arguments)
        assert done.returncode != 0, "these values should not render"
        return done.stderr


@pytest.fixture(scope="session")
def helm() -> Helm:
    return Helm(program("helm"))


@pytest.fixture(scope="session")
def kubectl() -> Kubectl:
    kubeconfig = os.environ.get("GENET_TEST_KUBECONFIG")
    if not kubeconfig:
        pytest.skip("no real API server: GENET_TEST_KUBECONFIG is not set")
    binary = program("kubectl")

    def run(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [binary, "--kubeconfig", kubeconfig, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


@pytest.fixture(scope="module")
def namespace(kubectl):
    name = f"genet-chart-{secrets.token_hex(3)}"
    created = kubectl("create", "namespace", name)
    assert created.returncode == 0, created.stderr
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="module")
def vacant(kubectl):
    """The chart's ClusterRoles have fixed names; so its tests come before others that use the same ones."""
    if any(kubectl("get", "clusterrole", name).returncode == 0 for name in ("genet-tenant", "genet-user")):
        reason = "Genet is installed in this cluster: its ClusterRoles are not ours to replace"
        if os.environ.get("GENET_E2E_REQUIRED") == "1":
            pytest.fail(f"GENET_E2E_REQUIRED is set, but {reason}")
        pytest.skip(reason)


class Readable(yaml.SafeDumper):
    """YAML with one line of a text on one line of the file, so that a difference shows what changed."""


Readable.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def only(documents: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The one document of that kind."""
    (found,) = [document for document in documents if document["kind"] == kind]
    return found
