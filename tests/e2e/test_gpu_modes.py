"""GPU types of the modes that the real cluster has (it serves no claims), and what people can do in their pods.

Pods with whole cards run on the node that has them; a node for sharing is made here, without a kubelet.
"""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import GPU, IMAGE, SETTINGS, Kubectl, Person
from tests.e2e.modes import node
from tests.processes import configuration, serving, until

pytestmark = pytest.mark.e2e

TYPES = [
    {"name": "whole", "resourceName": GPU},
    {
        "name": "shared",
        "resourceName": GPU,
        "mode": "shared",
        "tolerations": [{"key": "hollow", "operator": "Exists"}],
    },
    {"name": "claimed", "resourceName": "gpu.nvidia.com", "mode": "dra", "deviceClass": "gpu.nvidia.com"},
    {"name": "cpu", "mode": "none"},
]


@pytest.fixture(scope="module")
def server(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    directory = Path(tmp_path_factory.mktemp("modes"))
    secret = [{"name": "lab", "registry": "registry.example.org", "username": "u", "password": "opens-sesame"}]
    pod = {
        **SETTINGS["pod"],
        "pullSecrets": secret,
        "env": {"LAB": "1"},
        "allowedImages": [IMAGE, "registry.example.org/*"],
    }
    settings = {**SETTINGS, "gpu": {"availableTypes": TYPES}, "pod": pod, "storage": {}}
    proxy = {"httpProxy": "http://proxy.example.org:3128"}
    with serving(configuration(directory, kubectl.kubeconfig, **settings, proxy=proxy)) as replica:
        yield replica


@pytest.fixture
def client(server: Any, person: Person) -> httpx.Client:
    found: httpx.Client = server.client(person.name)
    return found


@pytest.fixture
def sharing(kubectl: Kubectl) -> Iterator[str]:
    """A node whose two cards are shared."""
    name = f"genet-e2e-{secrets.token_hex(3)}"
    labels = {"genet.io/gpu-mode": "shared", "nvidia.com/gpu.count": "2"}
    kubectl("create", "-f", "-", stdin=json.dumps(node(name, "10.98.1.1", {GPU: "0"}, labels)))
    yield name
    kubectl("delete", "node", name, "--wait=false")


def create(client: httpx.Client, **fields: Any) -> httpx.Response:
    return client.post("/api/pods", json={"image": IMAGE, **fields})


def is_running(kubectl: Kubectl, person: Person, name: str) -> bool:
    found = kubectl.run("get", "pod", "-n", person.namespace, f"pod-{person.identifier}-{name}", "-o", "json")
    return found.returncode == 0 and json.loads(found.stdout)["status"]["phase"] == "Running"


def inside(kubectl: Kubectl, person: Person, name: str, script: str) -> str:
    return kubectl("exec", "-n", person.namespace, f"pod-{person.identifier}-{name}", "--", "sh", "-c", script)


def test_a_pod_without_gpus_sees_none_and_has_few_rights(client, kubectl, person):
    assert create(client, name="a", env=[{"name": "LAB", "value": "2"}]).status_code == 201
    until(lambda: is_running(kubectl, person, "a"), what="the pod runs")
    env = dict(line.partition("=")[::2] for line in inside(kubectl, person, "a", "env").splitlines())
    assert {env[f"{maker}_VISIBLE_DEVICES"] for maker in ("NVIDIA", "ASCEND", "AMD")} == {"void"}
    assert (env["LAB"], env["http_proxy"]) == ("2", "http://proxy.example.org:3128")
    status = dict(
        line.split(":\t") for line in inside(kubectl, person, "a", "cat /proc/1/status").splitlines() if ":\t" in line
    )
    assert int(status["CapBnd"], 16) & 1 << 13 == 0, "NET_RAW"
    assert int(status["CapBnd"], 16) & 1 << 18 != 0, "SYS_CHROOT, which sshd needs"
    assert status["Seccomp"] == "2", "filtered"
    assert inside(kubectl, person, "a", "ls /var/run/secrets 2>/dev/null || echo none").strip() == "none"
    secret = kubectl.read("secret", "-n", person.namespace, "genet-pull-lab")
    assert secret["type"] == "kubernetes.io/dockerconfigjson"


def test_whole_cards_are_asked_for_and_what_is_left_is_told(client, kubectl, person, gpu_node):
    first = create(client, name="a", gpuType="whole", gpuCount=3, nodeName=gpu_node)
    assert (first.status_code, first.json()["gpuCount"]) == (201, 3)
    until(lambda: is_running(kubectl, person, "a"), what="the pod runs")
    assert "VISIBLE_DEVICES" not in inside(kubectl, person, "a", "env")
    assert create(client, name="b", gpuType="whole", gpuCount=1, nodeName=gpu_node).status_code == 201
    refused = create(client, name="c", gpuType="whole", gpuCount=5, nodeName=gpu_node)
    [error] = refused.json()["errors"]
    assert (refused.status_code, error["field"]) == (422, "nodeName")
    assert error["message"].startswith("has 4 of whole, and 5 are asked for; ")
    over = create(client, name="d", gpuType="whole", gpuCount=1)
    assert over.json()["quota"] == {"resource": "gpus", "used": 4, "asked": 1, "limit": 4}
    quota = kubectl.read("resourcequota", "-n", person.namespace, "genet")["spec"]["hard"]
    assert quota[f"requests.{GPU}"] == "4"
    assert not [key for key in quota if "deviceclass" in key], "the cluster serves no claims"


def test_who_has_to_wait_is_told_so(client, new_person, server, gpu_node):
    other = server.client(new_person().name)
    assert create(other, name="a", gpuType="whole", gpuCount=4, nodeName=gpu_node).status_code == 201

    def is_told() -> bool:
        found = create(client, gpuType="whole", gpuCount=1, nodeName=gpu_node).json()
        client.delete(f"/api/pods/{found['id']}")
        return str(found["message"]).startswith(f"It waits for 1 of whole on {gpu_node}; ")

    until(is_told, what="nothing is free")


def test_shared_cards_are_chosen_on_a_node_for_it(client, kubectl, person, sharing, gpu_node):
    request = {"gpuType": "shared", "gpuCount": 2, "gpuDevices": [1, 0]}
    until(lambda: create(client, **request, nodeName=sharing, name="a").status_code == 201, what="the node is known")
    made = kubectl.read("pod", "-n", person.namespace, f"pod-{person.identifier}-a")
    assert made["metadata"]["annotations"]["genet.io/gpu-devices"] == "0,1"
    assert GPU not in made["spec"]["containers"][0]["resources"]["limits"]
    until(
        lambda: kubectl.read("pod", "-n", person.namespace, f"pod-{person.identifier}-a")["spec"].get("nodeName"),
        what="the scheduler has placed it",
    )
    assert kubectl.read("pod", "-n", person.namespace, f"pod-{person.identifier}-a")["spec"]["nodeName"] == sharing
    assert client.get("/api/pods").json()["quota"]["gpuUsed"] == 2
    for fields in ({"nodeName": gpu_node}, {"nodeName": sharing, "gpuDevices": [0, 2]}):
        assert create(client, **request | fields).status_code == 422
    kubectl("delete", "pod", "-n", person.namespace, f"pod-{person.identifier}-a", "--force", "--grace-period=0")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"gpuType": "claimed", "gpuCount": 1}, "gpuType"),
        ({"image": "docker.io/library/debian:13"}, "image"),
        ({"env": [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}]}, "env[0].name"),
        ({"gpuType": "cpu", "gpuCount": 1}, "gpuCount"),
    ],
)
def test_what_cannot_be_here_is_refused_by_its_field(client, kubectl, person, fields, field):
    answer = create(client, **fields)
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])
    assert kubectl.run("get", "namespace", person.namespace).returncode != 0
