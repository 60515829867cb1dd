"""Volumes on a real cluster: real binding, real mounts, and claims that go with their last pod."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import IMAGE, SETTINGS, Kubectl, Person
from tests.processes import Replica, configuration, serving

pytestmark = pytest.mark.e2e

SHELL = ["/bin/sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"]


@pytest.fixture(scope="module")
def directory() -> str:
    """On the node; left behind there, empty but for a file or two."""
    return f"/tmp/genet-e2e-{secrets.token_hex(4)}"  # noqa: S108 # of the node, which is there for tests


@pytest.fixture(scope="module")
def replicas(kubectl: Kubectl, directory: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Replica]]:
    volumes = [
        {"name": "disk", "mountPath": "/disk", "type": "hostpath", "path": directory + "/{userIdentifier}",
         "size": "1Gi", "nodeSelector": {"kubernetes.io/hostname": "node1"}},
        {"name": "scratch", "mountPath": "/scratch", "size": "1Mi", "reclaimPolicy": "Delete"},
        {"name": "cache", "mountPath": "/cache", "type": "emptyDir", "sizeLimit": "1Mi"},
    ]  # fmt: skip
    settings = {**SETTINGS, "storage": {"volumes": volumes}}
    made = configuration(tmp_path_factory.mktemp("storage"), kubectl.kubeconfig, **settings)
    with ExitStack() as stack:
        yield [stack.enter_context(serving(made)) for _ in range(2)]


@pytest.fixture
def somebody(new_person: Callable[[], Person], kubectl: Kubectl) -> Iterator[Person]:
    person = new_person()
    yield person
    kubectl("delete", "namespace", person.namespace, "--wait=false", "--ignore-not-found")
    kubectl("delete", "pv", "-l", f"genet.io/user={person.identifier}", "--wait=false", "--ignore-not-found")


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(0.2)
    return found


def asking(replica: Replica, person: Person) -> httpx.Client:
    return httpx.Client(base_url=replica.url, params={"user": person.name}, trust_env=False, timeout=30)


def made(api: httpx.Client, kubectl: Kubectl, person: Person, name: str) -> str:
    answer = api.post("/api/pods", json={"image": IMAGE, "name": name, "command": SHELL})
    assert answer.status_code == 201, answer.text
    pod = str(answer.json()["id"])
    kubectl("wait", "--for=condition=Ready", f"pod/{pod}", "-n", person.namespace, "--timeout=60s")
    return pod


def volumes(api: httpx.Client) -> dict[str, dict[str, Any]]:
    return {volume["name"]: volume for volume in api.get("/api/volumes").raise_for_status().json()["volumes"]}


def gone(kubectl: Kubectl, person: Person, kind: str, name: str) -> Callable[[], bool]:
    return lambda: "NotFound" in kubectl.run("get", kind, name, "-n", person.namespace).stderr


def test_a_file_on_the_nodes_disk_survives_the_pod_and_the_claim(
    replicas: list[Replica], kubectl: Kubectl, somebody: Person, directory: str
) -> None:
    volume = f"genet.{somebody.identifier}.disk"
    with asking(replicas[0], somebody) as api, asking(replicas[1], somebody) as other:
        pod = made(api, kubectl, somebody, "one")
        found = kubectl.read("pv", volume)
        assert found["status"]["phase"] == "Bound"
        assert found["spec"]["hostPath"]["path"] == f"{directory}/{somebody.identifier}"
        assert found["spec"]["claimRef"]["namespace"] == somebody.namespace
        kubectl("exec", "-n", somebody.namespace, pod, "--", "sh", "-c", "echo kept > /disk/file; echo x > /cache/y")
        spec = kubectl.read("pod", pod, "-n", somebody.namespace)["spec"]
        assert all("hostPath" not in item and "nfs" not in item for item in spec["volumes"])
        assert api.delete(f"/api/pods/{pod}").status_code == 204
        until(gone(kubectl, somebody, "pod", pod))

        pod = made(other, kubectl, somebody, "two")
        assert kubectl("exec", "-n", somebody.namespace, pod, "--", "cat", "/disk/file") == "kept\n"
        assert "y" not in kubectl("exec", "-n", somebody.namespace, pod, "--", "ls", "/cache")
        assert other.delete(f"/api/pods/{pod}").status_code == 204
        until(gone(kubectl, somebody, "pod", pod))

        # the claim is lost as well: the volume is released, and bound again to the same person's
        kubectl("delete", "pvc", f"{somebody.identifier}-disk", "-n", somebody.namespace)
        until(lambda: kubectl.read("pv", volume)["status"]["phase"] == "Released")
        pod = made(api, kubectl, somebody, "three")
        assert kubectl("exec", "-n", somebody.namespace, pod, "--", "cat", "/disk/file") == "kept\n"
        assert volumes(api)["disk"]["status"] == "Bound"


def test_a_volume_of_somebody_elses_of_that_name_is_not_used(
    replicas: list[Replica], kubectl: Kubectl, somebody: Person, directory: str
) -> None:
    name = f"genet.{somebody.identifier}.disk"
    manifest = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "labels": {"genet.io/user": somebody.identifier}},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteMany"],
            "storageClassName": "",
            "hostPath": {"path": f"{directory}/of-somebody-else"},
        },
    }
    kubectl("create", "-f", "-", stdin=json.dumps(manifest))
    with asking(replicas[0], somebody) as api:
        answer = api.post("/api/pods", json={"image": IMAGE, "name": "one"})
        assert (answer.status_code, answer.json()["code"]) == (409, "volume_taken")
    assert kubectl.read("pv", name)["status"]["phase"] == "Available"
    assert kubectl.read("pods", "-n", somebody.namespace)["items"] == []


def test_a_claim_that_is_to_go_goes_with_the_last_pod_and_not_before(
    replicas: list[Replica], kubectl: Kubectl, somebody: Person
) -> None:
    claim = f"{somebody.identifier}-scratch"
    with asking(replicas[0], somebody) as api, asking(replicas[1], somebody) as other:
        first, second = made(api, kubectl, somebody, "one"), made(other, kubectl, somebody, "two")
        uid = kubectl.read("pvc", claim, "-n", somebody.namespace)["metadata"]["uid"]
        assert volumes(api)["scratch"]["usedBy"] == sorted([first, second])
        assert api.delete(f"/api/pods/{first}").status_code == 204
        until(gone(kubectl, somebody, "pod", first))
        assert "deletionTimestamp" not in kubectl.read("pvc", claim, "-n", somebody.namespace)["metadata"]
        kubectl("delete", "pod", second, "-n", somebody.namespace)
        until(gone(kubectl, somebody, "pvc", claim))
        assert volumes(other)["scratch"]["status"] == "NotMade"
        # made anew for the next pod, and empty
        made(api, kubectl, somebody, "three")
        assert kubectl.read("pvc", claim, "-n", somebody.namespace)["metadata"]["uid"] != uid
        assert volumes(api)["disk"]["status"] == "Bound"


@pytest.fixture
def classes(kubectl: Kubectl, somebody: Person) -> Iterator[dict[str, str]]:
    """Of the cluster's own provisioner: one that lets its claims grow, and one that does not."""
    names = {word: f"{somebody.name}-{word}" for word in ("soft", "hard")}
    for word, name in names.items():
        manifest = {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": name},
            "provisioner": "kubernetes.io/host-path",
            "allowVolumeExpansion": word == "soft",
        }
        kubectl("create", "-f", "-", stdin=json.dumps(manifest))
    yield names
    kubectl("delete", "sc", *names.values())


def test_a_class_that_is_missing_is_named_and_claims_grow_where_their_class_lets_them(
    kubectl: Kubectl, somebody: Person, classes: dict[str, str], tmp_path: Path
) -> None:
    """Nobody in this cluster carries a growth out; the API server only notes it."""
    configured = [
        {"name": "gold", "mountPath": "/gold", "size": "1Mi", "storageClass": "genet-e2e-missing"},
        {"name": "soft", "mountPath": "/soft", "size": "1Mi", "maxSize": "2Mi", "storageClass": classes["soft"]},
        {"name": "hard", "mountPath": "/hard", "size": "1Mi", "maxSize": "2Mi", "storageClass": classes["hard"]},
    ]
    settings = {**SETTINGS, "storage": {"volumes": configured}}
    with serving(configuration(tmp_path, kubectl.kubeconfig, **settings)) as replica, asking(replica, somebody) as api:
        assert api.post("/api/pods", json={"image": IMAGE, "name": "one"}).status_code == 201
        gold = until(lambda: (found := volumes(api)["gold"])["reason"]["code"] != "binding" and found)
        assert gold["status"] == "Pending"
        assert gold["reason"]["code"] == "storage_class_missing"
        assert "no storage class genet-e2e-missing" in gold["message"]
        until(lambda: {volumes(api)[name]["status"] for name in ("soft", "hard")} == {"Bound"})
        assert {name: volumes(api)[name]["growable"] for name in ("soft", "hard")} == {"soft": True, "hard": False}

        refused = api.post("/api/volumes/hard/resize", json={"size": "2Mi"})
        assert (refused.status_code, refused.json()["code"]) == (409, "not_growable")
        assert f"storage class {classes['hard']!r} does not let volumes grow" in refused.json()["detail"]
        for size in ("3Mi", "1Ki"):
            answer = api.post("/api/volumes/soft/resize", json={"size": size})
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "size")

        answer = api.post("/api/volumes/soft/resize", json={"size": "2Mi"})
        assert answer.status_code == 200, answer.text
        claim = kubectl.read("pvc", f"{somebody.identifier}-soft", "-n", somebody.namespace)
        assert claim["spec"]["resources"]["requests"]["storage"] == "2Mi"
        soft = until(lambda: (found := volumes(api)["soft"])["message"] and found)
        assert (soft["requested"], soft["capacity"], soft["growable"]) == ("2Mi", "1Mi", False)
        assert f"waits for whoever provisions the storage class {classes['soft']} to make it 2Mi" in soft["message"]
