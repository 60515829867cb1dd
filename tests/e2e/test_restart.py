"""Restart on a real kubelet: what stays, what goes, and what a killed replica leaves to the next."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from genet import naming
from tests.e2e.conftest import SETTINGS, Kubectl, Person
from tests.processes import Replica, configuration, serving, until

pytestmark = pytest.mark.e2e

OF_THE_CLUSTER = ("creationTimestamp", "uid", "resourceVersion", "managedFields", "selfLink")


def pod(kubectl: Kubectl, person: Person, name: str) -> dict[str, Any]:
    return kubectl.read("pod", name, "-n", person.namespace)


def there(kubectl: Kubectl, person: Person, name: str) -> bool:
    return kubectl.run("get", "pod", name, "-n", person.namespace).returncode == 0


def uid(kubectl: Kubectl, person: Person, name: str) -> str | None:
    """None: there is none at this moment."""
    found = kubectl.run("get", "pod", name, "-n", person.namespace, "-o", "jsonpath={.metadata.uid}")
    return found.stdout if found.returncode == 0 else None


def kept(found: dict[str, Any]) -> dict[str, Any]:
    """All of the object but what the cluster says of itself."""
    meta = {key: value for key, value in found["metadata"].items() if key not in OF_THE_CLUSTER}
    spec = {key: value for key, value in found["spec"].items() if key != "nodeName"}
    return {"metadata": meta, "spec": spec}


def status(replica: Replica, person: Person, pod_id: str) -> str | None:
    answer = replica.client(person.name).get(f"/api/pods/{pod_id}")
    return str(answer.json()["status"]) if answer.status_code == 200 else None


def made(replica: Replica, person: Person, name: str, **more: Any) -> str:
    request = {"image": "cluster.local/busybox:1", "name": name, **more}
    created = replica.client(person.name).post("/api/pods", json=request)
    assert created.status_code == 201, created.text
    pod_id = str(created.json()["id"])
    until(lambda: status(replica, person, pod_id) == "Running", seconds=90, what=f"{pod_id} runs")
    return pod_id


def in_it(kubectl: Kubectl, person: Person, pod_id: str, script: str) -> str:
    return kubectl("exec", pod_id, "-n", person.namespace, "--", "sh", "-c", script)


def service(kubectl: Kubectl, person: Person, pod_id: str) -> tuple[str, int]:
    found = kubectl.read("service", pod_id, "-n", person.namespace)
    return found["metadata"]["uid"], found["spec"]["ports"][0]["nodePort"]


def nothing_left(kubectl: Kubectl, person: Person) -> None:
    left = kubectl("get", "secrets", "-n", "genet-grants", "-o", "name", "-l", "genet.io/record=restart").split()
    assert not [name for name in left if person.namespace in name]
    notes = kubectl.read("namespace", person.namespace)["metadata"]["annotations"]
    assert notes.get(naming.RESERVATIONS, "[]") == "[]"


def test_it_comes_back_with_its_file_its_port_and_its_protection(
    replica: Replica, kubectl: Kubectl, person: Person
) -> None:
    pod_id = made(replica, person, "train", env=[{"name": "X", "value": "1"}], shmSize="8Mi")
    client = replica.client(person.name)
    until(lambda: client.get(f"/api/pods/{pod_id}").json()["sshPort"], what="the port is known")
    client.post(f"/api/pods/{pod_id}/extend", json={"hours": 5}).raise_for_status()
    in_it(kubectl, person, pod_id, "echo kept > /workspace/file; echo lost > /file")
    first, port = pod(kubectl, person, pod_id), service(kubectl, person, pod_id)
    host_key = kubectl.read("secret", f"{pod_id}-ssh", "-n", person.namespace)["data"]

    answer = client.post(f"/api/pods/{pod_id}/restart")
    assert (answer.status_code, answer.json()["status"]) == (202, "Restarting"), answer.text
    assert client.post(f"/api/pods/{pod_id}/restart").status_code == 202, "asking again joins"
    seen = set()

    def is_back() -> bool:
        listed: dict[str, str] = {found["id"]: found["status"] for found in client.get("/api/pods").json()["pods"]}
        seen.add(listed[pod_id])
        return listed[pod_id] == "Running"

    until(is_back, seconds=120, what="it runs again")
    second = pod(kubectl, person, pod_id)
    assert "Restarting" in seen
    assert second["metadata"]["uid"] != first["metadata"]["uid"]
    assert kept(second) == kept(first)
    assert in_it(kubectl, person, pod_id, "cat /workspace/file; ls /file 2>&1 | tail -1").startswith("kept\nls:")
    assert service(kubectl, person, pod_id) == port
    assert kubectl.read("secret", f"{pod_id}-ssh", "-n", person.namespace)["data"] == host_key
    nothing_left(kubectl, person)
    print(f"\nrestarted: seen as {sorted(seen)}; Service and port {port} kept, /workspace/file kept, /file lost")
    client.delete(f"/api/pods/{pod_id}")


def test_deleted_while_it_restarts_it_does_not_come_back(replica: Replica, kubectl: Kubectl, person: Person) -> None:
    pod_id = made(replica, person, "gone")
    client = replica.client(person.name)
    assert client.post(f"/api/pods/{pod_id}/restart").status_code == 202
    assert client.delete(f"/api/pods/{pod_id}").status_code == 204
    until(lambda: client.get(f"/api/pods/{pod_id}").status_code == 404, seconds=60, what="it is gone")
    nothing_left(kubectl, person)
    until(
        lambda: kubectl.run("get", "service", pod_id, "-n", person.namespace).returncode != 0,
        what="its Service is gone",
    )
    assert not there(kubectl, person, pod_id)


def test_killed_in_the_middle_another_replica_finishes(
    replica: Replica, kubectl: Kubectl, person: Person, tmp_path: Any
) -> None:
    """Killed while the old pod ends, which takes a while: its main process is slow to heed TERM."""
    with serving(configuration(tmp_path, kubectl.kubeconfig, **SETTINGS)) as victim:
        stubborn = ["sh", "-c", "trap 'sleep 10; exit 0' TERM; while true; do sleep 1; done"]
        pod_id = made(victim, person, "stubborn", command=stubborn)
        before, port = pod(kubectl, person, pod_id)["metadata"]["uid"], service(kubectl, person, pod_id)
        assert victim.client(person.name).post(f"/api/pods/{pod_id}/restart").status_code == 202
        until(lambda: "deletionTimestamp" in pod(kubectl, person, pod_id)["metadata"], what="it is ending")
        victim.process.kill()
        victim.process.wait()
    killed = datetime.now(UTC)
    until(lambda: status(replica, person, pod_id) == "Restarting", seconds=2, what="the other says it")

    def is_back() -> bool:
        return uid(kubectl, person, pod_id) not in (None, before)

    until(is_back, seconds=120, what="the other replica has made it again")
    print(f"\nfinished by the other replica {(datetime.now(UTC) - killed).total_seconds():.0f} s after the kill")
    until(lambda: status(replica, person, pod_id) == "Running", seconds=60, what="it runs")
    assert service(kubectl, person, pod_id) == port
    nothing_left(kubectl, person)
    kubectl("delete", "pod", pod_id, "-n", person.namespace, "--grace-period=0", "--force")


@pytest.fixture
def lost_node(kubectl: Kubectl, person: Person) -> Any:
    """A node without a kubelet, which says that it is ready until the test says otherwise."""
    name = f"lost-{person.name}"
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}}
    kubectl("create", "-f", "-", stdin=json.dumps(node))

    def say(ready: str, since: datetime) -> None:
        at = since.strftime("%Y-%m-%dT%H:%M:%SZ")
        beat = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        condition = {"type": "Ready", "status": ready, "lastTransitionTime": at, "lastHeartbeatTime": beat}
        amounts = {"cpu": "4", "memory": "8Gi", "pods": "10"}
        found = kubectl.read("node", name)
        found["status"] = {"capacity": amounts, "allocatable": amounts, "conditions": [condition]}
        kubectl("replace", "--raw", f"/api/v1/nodes/{name}/status", "-f", "-", stdin=json.dumps(found))

    say("True", datetime.now(UTC))
    yield name, say
    kubectl("delete", "node", name, "--wait=false")


def test_of_a_lost_node_the_same_comes_up_elsewhere(
    replica: Replica, kubectl: Kubectl, person: Person, lost_node: tuple[str, Callable[[str, datetime], None]]
) -> None:
    name, say = lost_node
    client = replica.client(person.name)
    request = {"image": "cluster.local/busybox:1", "name": "far", "nodeName": name}
    until(lambda: client.post("/api/pods", json=request).status_code == 201, seconds=5, what="the node is known")
    pod_id = f"pod-{person.identifier}-far"
    until(lambda: pod(kubectl, person, pod_id)["spec"].get("nodeName") == name, seconds=60, what="it is on that node")
    say("Unknown", datetime.now(UTC) - timedelta(minutes=10))
    before = pod(kubectl, person, pod_id)["metadata"]["uid"]
    assert client.post(f"/api/pods/{pod_id}/restart", params={"avoidNode": "true"}).status_code == 202
    until(
        lambda: uid(kubectl, person, pod_id) not in (None, before),
        seconds=60,
        what="it is made again",
    )
    until(lambda: status(replica, person, pod_id) == "Running", seconds=60, what="it runs elsewhere")
    print(f"\nfrom {name} to {pod(kubectl, person, pod_id)['spec']['nodeName']}")
    client.delete(f"/api/pods/{pod_id}")
