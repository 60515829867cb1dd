"""What befalls pods that were well: the kubelet puts them out, their node is silent or gone; in the cluster's words.

What takes the kubelet or a controller a minute is begun before the first test, and looked at by the last.
"""

import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import pytest

from tests.e2e.conftest import IMAGE, SETTINGS, Kubectl, Person
from tests.e2e.test_cleanup import clean_up
from tests.e2e.test_diagnosis import SMALL, Diagnosed, container
from tests.processes import Replica, configuration, serving, until

pytestmark = pytest.mark.e2e

FILL: Final = "dd if=/dev/zero of={path} bs=1M count=8 2>/dev/null; sleep 3600"
GROWING: Final[dict[str, Any]] = {
    "name": "cache",
    "image": IMAGE,
    "command": ["sh", "-c", FILL.format(path="/cache/file")],
}
LONG: Final = 150
"""Seconds: the kubelet measures volumes once a minute, a collector lets a node be gone for 40 s."""


class Begun(NamedTuple):
    cache: str
    """A pod that Genet made, and that writes more to its emptyDir than that may have."""
    root: str
    """One that writes more to its own file system than it may."""
    far: str
    """One on a node that was deleted."""
    node: str


@pytest.fixture(scope="module")
def server(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    volumes = [{"name": "cache", "mountPath": "/cache", "type": "emptyDir", "sizeLimit": "1Mi"}]
    settings = {**SETTINGS, "podLimitPerUser": 10, "storage": {"volumes": volumes}}
    with serving(configuration(tmp_path_factory.mktemp("mishaps"), kubectl.kubeconfig, **settings)) as replica:
        yield replica


@pytest.fixture(scope="module")
def someone(server: Replica, kubectl: Kubectl, new_person: Callable[[], Person]) -> Diagnosed:
    found = Diagnosed(server, kubectl, new_person())
    found.asks("first", gpuType="nowhere", gpuCount=1)  # makes the namespace, and goes on waiting
    return found


@pytest.fixture(scope="module")
def new_node(kubectl: Kubectl) -> Iterator[Callable[[], str]]:
    """Makes nodes without a kubelet, as `cluster hollow` does."""
    names: list[str] = []

    def make() -> str:
        name = f"genet-e2e-{secrets.token_hex(4)}"
        room = {"cpu": "8", "memory": "8Gi", "pods": "10"}
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
            "spec": {"taints": [{"key": "hollow", "effect": "NoSchedule"}]},
            "status": {"capacity": room, "allocatable": room, "conditions": [ready]},
        }
        kubectl("create", "-f", "-", stdin=json.dumps(node))
        names.append(name)
        return name

    yield make
    for name in names:
        kubectl("delete", "node", name, "--ignore-not-found", "--wait=false")


def running_on(someone: Diagnosed, kubectl: Kubectl, name: str, node: str) -> str:
    """A pod there, of which a kubelet has said that it runs."""
    someone.makes("Pod", name, {"nodeName": node, "containers": [container()]})
    began = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    main = {"name": "main", "image": IMAGE, "imageID": "", "ready": True, "restartCount": 0, "state": began}
    ready = {"type": "Ready", "status": "True"}
    status = {"phase": "Running", "conditions": [ready], "containerStatuses": [main]}
    patch(kubectl, "pod", name, {"status": status}, "-n", someone.person.namespace)
    return name


def patch(kubectl: Kubectl, kind: str, name: str, change: dict[str, Any], *where: str) -> None:
    kubectl("patch", kind, name, *where, "--subresource=status", "--type=strategic", "-p", json.dumps(change))


def force_away(someone: Diagnosed, kubectl: Kubectl, pod: str) -> None:
    kubectl("delete", "pod", pod, "-n", someone.person.namespace, "--force", "--grace-period=0", "--wait=false")


@pytest.fixture(scope="module", autouse=True)
def begun(someone: Diagnosed, kubectl: Kubectl, new_node: Callable[[], str]) -> Begun:
    limits = {**SMALL, "ephemeral-storage": "2Mi"}
    filling = container(command=["sh", "-c", FILL.format(path="/file")], resources={"limits": limits})
    cache, root = someone.asks(**GROWING), someone.makes("Pod", "root", {"containers": [filling]})
    node = new_node()
    far = running_on(someone, kubectl, "far", node)
    until(lambda: someone.http.get(f"/api/pods/{far}").json()["status"] == "Running", what="Genet knows of it")
    kubectl("delete", "node", node)
    return Begun(cache, root, far, node)


def counted(kubectl: Kubectl, namespace: str) -> list[str]:
    quotas = kubectl.read("resourcequotas", "-n", namespace)["items"]
    used = [quota["status"].get("used", {}) for quota in quotas]
    return [str(one["pods"]) for one in used if "pods" in one]


def test_an_init_container_that_does_not_come_to_an_end(someone: Diagnosed, kubectl: Kubectl) -> None:
    pod = someone.makes("Pod", "init", {"containers": [container()], "initContainers": [container(name="setup")]})
    found = someone.reasons(pod, "init_running")["init_running"]
    assert (found["params"]["container"], found["params"]["position"], found["params"]["total"]) == ("setup", 1, 1)
    seen = someone.http.get(f"/api/pods/{pod}").json()
    assert seen["status"] == "Init:0/1"
    assert seen["message"].startswith("The init container setup is at work")
    force_away(someone, kubectl, pod)


def test_a_node_that_is_not_heard_of(someone: Diagnosed, kubectl: Kubectl, new_node: Callable[[], str]) -> None:
    node = new_node()
    pod = running_on(someone, kubectl, "silent", node)
    silent = {
        "type": "Ready",
        "status": "Unknown",
        "reason": "NodeStatusUnknown",
        "message": "Kubelet stopped posting node status.",
        "lastTransitionTime": "2026-01-02T03:04:05Z",
    }
    patch(kubectl, "node", node, {"status": {"conditions": [silent]}})
    found = someone.reasons(pod, "node_unreachable")["node_unreachable"]
    assert found["params"] == {"node": node, "since": "2026-01-02T03:04:05Z"}
    assert someone.http.delete(f"/api/pods/{pod}").status_code == 204
    found = someone.reasons(pod, "terminating_node_lost")["terminating_node_lost"]
    assert found["params"]["node"] == node
    force_away(someone, kubectl, pod)


def test_a_node_that_is_gone_takes_its_pod_along(someone: Diagnosed, begun: Begun) -> None:
    found = someone.reasons(begun.far, "node_gone")["node_gone"]
    assert found["params"] == {"node": begun.node}
    until(
        lambda: someone.http.get(f"/api/pods/{begun.far}").status_code == 404,
        seconds=LONG,
        what="the cluster has taken the pod away",
    )


def test_what_grows_beyond_its_limit_is_put_out_counts_no_more_and_can_be_made_again(
    server: Replica, someone: Diagnosed, kubectl: Kubectl, begun: Begun
) -> None:
    for pod, subject, limit in ((begun.cache, "cache", "1Mi"), (begun.root, "ephemeral-storage", "2Mi")):
        found = someone.reasons(pod, "evicted_limit", seconds=LONG)
        assert found["evicted_limit"]["params"] == {"subject": subject, "limit": limit}
        seen = someone.http.get(f"/api/pods/{pod}").json()
        assert seen["status"] == "Evicted"
        assert seen["message"] == f"This pod was ended because its files ({subject}) grew beyond the limit of {limit}."
        chinese = someone.reasons(pod, "evicted_limit", language="zh")["evicted_limit"]["text"]
        assert subject in chinese
        assert f"超过了上限 {limit}" in chinese
        events = someone.http.get(f"/api/pods/{pod}/events").json()["events"]
        assert "Evicted" in {event["reason"] for event in events}
        refused = someone.http.post(f"/api/pods/{pod}/exec", json={"command": ["true"]})
        assert (refused.status_code, refused.json()["code"]) == (409, "not_running")
        logs = someone.http.get(f"/api/pods/{pod}/logs")
        assert (logs.status_code, logs.json()["code"]) == (409, "not_running"), "this kubelet keeps none"

    told = clean_up(server, "--dry-run")
    assert told[begun.cache]["action"] == told[begun.root]["action"] == "would-delete"
    listed = someone.http.get("/api/pods").json()
    by_status = {pod["status"]: pod["id"] for pod in listed["pods"]}
    assert by_status.keys() == {"Evicted", "Pending"}
    assert (len(listed["pods"]), listed["quota"]["podUsed"]) == (3, 1)
    until(
        lambda: counted(kubectl, someone.person.namespace) == ["1"], what="the cluster's own quota counts them no more"
    )

    taken = someone.http.post("/api/pods", json=GROWING)
    assert taken.status_code == 409, taken.text
    assert someone.http.delete(f"/api/pods/{begun.cache}").status_code == 204
    until(lambda: someone.http.get(f"/api/pods/{begun.cache}").status_code == 404, what="it is gone")
    assert someone.asks(**GROWING) == begun.cache
    until(lambda: someone.http.get(f"/api/pods/{begun.cache}").json()["status"] == "Running", seconds=90)
