"""Kubeconfigs with certificates: a real API server takes them, and its own signer is not believed.

How long a cluster's certificates last is what its controller manager was started with; so it is read off one of them.
"""

import base64
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509

from genet.errors import Forbidden, Unavailable
from genet.kube.client import KubeClient
from genet.kube.objects import SIGNING_REQUESTS
from genet.kubeconfig import certificate
from genet.kubeconfig.signing import Signing
from genet.settings import Kubernetes
from tests.e2e.conftest import Kubectl, Person, installed
from tests.helm.conftest import ACCEPTED, CHART
from tests.processes import Replica, configuration, environment, serving, until

pytestmark = pytest.mark.e2e

Start = Callable[[float], Replica]

HONOURS_EXPIRY = (1, 22)
"""Since this version."""
MOST_HOURS = 24 * 365


@pytest.fixture(scope="module")
def user_role(kubectl: Kubectl) -> Iterator[None]:
    """What the chart brings, unless it is there already."""
    if kubectl.run("get", "clusterrole", "genet-user").returncode == 0:
        yield
        return
    role = rendered("user.yaml")
    kubectl("apply", "-f", "-", stdin=role)
    yield
    kubectl("delete", "-f", "-", "--ignore-not-found", stdin=role)


@pytest.fixture(scope="module")
def start(
    kubectl: Kubectl, user_role: None, namespaces: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Start]:
    """Starts replicas that take certificates of so many hours."""
    cluster = yaml.safe_load(Path(kubectl.kubeconfig).read_text())["clusters"][0]["cluster"]
    ca_data = cluster.get("certificate-authority-data") or base64_of(cluster["certificate-authority"])
    with ExitStack() as stack:

        def make(hours: float) -> Replica:
            config = configuration(
                tmp_path_factory.mktemp("certificates"),
                kubectl.kubeconfig,
                cluster={"name": "real", "server": cluster["server"], "caData": ca_data},
                kubeconfig={"mode": "cert", "cert": {"maxHours": hours}},
                pod={"defaults": {"cpu": "50m", "memory": "32Mi"}},
            )
            return stack.enter_context(serving(config, GENET_KUBERNETES__GRANTS_NAMESPACE=namespaces[0]))

        yield make


@pytest.fixture(scope="module")
def namespaces(kubectl: Kubectl) -> Iterator[list[str]]:
    """Where the replicas of this module keep their records."""
    name = f"genet-e2e-{os.urandom(4).hex()}"
    yield [name]
    kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")


@pytest.fixture(scope="module")
def generous(start: Start) -> Replica:
    return start(MOST_HOURS)


@pytest.fixture(scope="module")
def lifetime(generous: Replica, new_person: Callable[[], Person]) -> timedelta:
    """How long the cluster's certificates last when there is no end to what is asked for."""
    return certificate_of(issued(generous, new_person())).not_valid_after_utc - datetime.now(UTC)


def issued(replica: Replica, person: Person) -> dict[str, Any]:
    answer = replica.client(person.name).post("/api/kubeconfig")
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


def certificate_of(answer: dict[str, Any]) -> x509.Certificate:
    [user] = yaml.safe_load(answer["kubeconfig"])["users"]
    return x509.load_pem_x509_certificate(base64.b64decode(user["user"]["client-certificate-data"]))


def rendered(template: str, *values: str) -> str:
    """One of the chart's files of rights."""
    command = [installed("helm"), "template", "genet", str(CHART), *ACCEPTED, *values, "--show-only"]
    done = subprocess.run(
        [*command, f"templates/rbac/{template}"],
        env=environment(), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def by_chart(kubectl: Kubectl, namespace: str, tmp_path: Path) -> Iterator[str]:
    """A kubeconfig of somebody who has the rights that the chart gives Genet for certificates, and no others."""
    role, binding = yaml.safe_load_all(rendered("certificates.yaml", "--set", "config.kubeconfig.mode=cert"))
    name = role["metadata"]["name"] = binding["metadata"]["name"] = binding["roleRef"]["name"] = namespace
    binding["subjects"] = [{"kind": "ServiceAccount", "name": "default", "namespace": namespace}]
    documents = yaml.safe_dump_all([role, binding])
    kubectl("apply", "-f", "-", stdin=documents)
    until(lambda: kubectl.run("get", "serviceaccount", "default", "-n", namespace).returncode == 0)
    config = yaml.safe_load(Path(kubectl.kubeconfig).read_text())
    config["users"] = [
        {"name": name, "user": {"token": kubectl("create", "token", "default", "-n", namespace).strip()}}
    ]
    for context in config["contexts"]:
        context["context"]["user"] = name
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(config))
    until(lambda: may_ask(str(file)))
    yield str(file)
    kubectl("delete", "-f", "-", "--ignore-not-found", stdin=documents)


def may_ask(kubeconfig: str) -> bool:
    """Rights take a moment to hold, and to end."""
    return Kubectl(kubeconfig).run("auth", "can-i", "create", "certificatesigningrequests").stdout == "yes\n"


def base64_of(path: str) -> str:
    return base64.b64encode(Path(path).read_bytes()).decode()


def test_kubectl_works_with_it_in_the_own_namespace_and_nowhere_else(
    generous: Replica, new_person: Callable[[], Person], tmp_path: Path
) -> None:
    person, other = new_person(), new_person()
    issued(generous, other)
    file = tmp_path / "kubeconfig"
    file.write_text(issued(generous, person)["kubeconfig"])
    own = Kubectl(str(file))
    assert "No resources found" in own.run("get", "pods").stderr
    assert own.run("auth", "can-i", "delete", "pods").stdout == "yes\n"
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    who = own.run("create", "-o", "json", "-f", "-", stdin=json.dumps(review))
    if who.returncode == 0:  # since 1.28
        assert json.loads(who.stdout)["status"]["userInfo"]["username"] == f"genet:{person.identifier}"
    refused = [
        ("get", "pods", "-n", other.namespace),
        ("get", "pods", "-A"),
        ("get", "nodes"),
        ("get", "secrets"),
        ("create", "configmap", "mine"),
        ("get", "csr"),
    ]
    for command in refused:
        done = own.run(*command)
        assert done.returncode != 0, done.stdout
        assert f'User "genet:{person.identifier}" cannot' in done.stderr, done.stderr


def test_the_api_server_knows_the_person_by_name_alone(
    generous: Replica, kubectl: Kubectl, new_person: Callable[[], Person]
) -> None:
    person = new_person()
    answer = issued(generous, person)
    assert certificate_of(answer).subject.rfc4514_string() == f"CN=genet:{person.identifier}"
    assert kubectl.read("csr", "-l", f"genet.io/user={person.identifier}")["items"] == [], "nothing is left behind"


def test_the_clusters_own_time_may_be_shorter_than_what_is_allowed(
    start: Start, lifetime: timedelta, new_person: Callable[[], Person]
) -> None:
    hours = min(MOST_HOURS, lifetime / timedelta(hours=1) + 1)
    answer = issued(start(hours), new_person())
    latest = datetime.now(UTC) + timedelta(hours=hours, minutes=5)
    assert datetime.fromisoformat(answer["expiresAt"]) == certificate_of(answer).not_valid_after_utc < latest


def test_a_certificate_that_would_last_longer_is_never_handed_out(
    start: Start, lifetime: timedelta, kubectl: Kubectl, new_person: Callable[[], Person]
) -> None:
    hours = max(0.25, lifetime / timedelta(hours=1) / 2)
    version = json.loads(kubectl("version", "-o", "json"))["serverVersion"]
    answer = start(hours).client(new_person().name).post("/api/kubeconfig")
    if (int(version["major"]), int(version["minor"].rstrip("+"))) >= HONOURS_EXPIRY:
        assert answer.status_code == 201, answer.text
        ends = datetime.fromisoformat(answer.json()["expiresAt"])
        assert ends <= datetime.now(UTC) + timedelta(hours=hours, minutes=5)
    else:
        assert (answer.status_code, answer.json()["code"]) == (503, "signer_ignores_expiry")
        assert "CERTIFICATE" not in answer.text


async def test_the_rights_of_the_chart_are_enough(by_chart: str) -> None:
    async with KubeClient.connect(Kubernetes(kubeconfig=by_chart), {}) as kube:
        with pytest.raises(Forbidden):
            await kube.list(SIGNING_REQUESTS)
        key = certificate.new_key()
        signing = Signing(kube, lambda: datetime.now(UTC))
        issued = await signing.sign(key, "genet:nobody", timedelta(hours=MOST_HOURS), identifier="nobody")
        assert issued.not_after > datetime.now(UTC)


async def test_without_them_it_says_so(by_chart: str, kubectl: Kubectl, namespace: str) -> None:
    kubectl("delete", "clusterrolebinding", namespace)
    until(lambda: not may_ask(by_chart))
    async with KubeClient.connect(Kubernetes(kubeconfig=by_chart), {}) as kube:
        signing = Signing(kube, lambda: datetime.now(UTC))
        with pytest.raises(Unavailable, match="no right"):
            await signing.sign(certificate.new_key(), "genet:nobody", timedelta(hours=1), identifier="nobody")
