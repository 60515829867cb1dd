"""Why a pod does not run, provoked for real: in the scheduler's, the kubelet's and containerd's own words."""

import json
import os
from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.e2e.conftest import GPU, GPU_TYPE, IMAGE, POD_LIMIT, SETTINGS, Kubectl, Person, missing
from tests.processes import Replica, configuration, serving, until

pytestmark = pytest.mark.e2e

REGISTRY: Final = os.environ.get("REGISTRY", "127.0.0.1:5000").removeprefix("http://")
SMALL: Final = {"cpu": "50m", "memory": "32Mi"}


class Diagnosed:
    """A person's pods, and what is said of them."""

    def __init__(self, replica: Replica, kubectl: Kubectl, person: Person) -> None:
        self.http = replica.client(person.name)
        self.person = person
        self._kubectl = kubectl

    def asks(self, name: str, **request: Any) -> str:
        answer = self.http.post("/api/pods", json={"image": IMAGE, "name": name, **request})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def makes(self, kind: str, name: str, spec: dict[str, Any], api_version: str = "v1") -> str:
        """What Genet itself would not make, as an administrator with kubectl."""
        manifest = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}
        self._kubectl.create_in(self.person.namespace, manifest)
        return name

    def reasons(self, pod: str, code: str, *, seconds: float = 60, language: str = "en") -> dict[str, dict[str, Any]]:
        """By code, as soon as this one is among them."""

        def ask() -> dict[str, dict[str, Any]]:
            answer = self.http.get(f"/api/pods/{pod}/describe", headers={"accept-language": language})
            assert answer.status_code == 200, answer.text
            found = {reason["code"]: reason for reason in answer.json()["reasons"]}
            return found if code in found else {}

        try:
            found = until(ask, seconds=seconds, what=code)
        except AssertionError:
            pytest.fail(self.http.get(f"/api/pods/{pod}/describe").json()["text"])
        print(json.dumps(list(found.values()), ensure_ascii=False))
        return found


@pytest.fixture
def diagnosed(replica: Replica, kubectl: Kubectl, new_person: Callable[[], Person]) -> Callable[[], Diagnosed]:
    def somebody() -> Diagnosed:
        found = Diagnosed(replica, kubectl, new_person())
        # a pod that nothing comes of makes the namespace; it goes with it
        found.asks("first", gpuType="nowhere", gpuCount=1)
        return found

    return somebody


def container(**more: Any) -> dict[str, Any]:
    resources = {"requests": {"cpu": "1m", "memory": "8Mi"}, "limits": SMALL}
    return {"name": "main", "image": IMAGE, "command": ["sh", "-c", "sleep 3600"], "resources": resources, **more}


def test_short_of_gpus_by_how_many_where_and_who_has_them(diagnosed, gpu_node):
    holder, waiting = diagnosed(), diagnosed()
    held = holder.asks("held", gpuType=GPU_TYPE, gpuCount=3)
    until(lambda: holder.http.get(f"/api/pods/{held}").json()["status"] == "Running", seconds=90)
    pod = waiting.asks("wants", gpuType=GPU_TYPE, gpuCount=3)
    found = waiting.reasons(pod, "no_node_fits")
    params, text = found["no_node_fits"]["params"], found["no_node_fits"]["text"]
    assert params["resource"] == GPU
    assert (params["asked"], params["free"], params["short"]) == (3, 1, 2)
    assert params["node"] == gpu_node
    assert f"No node has 3 {GPU} free for this pod. {gpu_node} comes nearest with 1 {GPU}; missing: 2" in text
    held_by = found["gpus_held"]["params"]
    assert f"{holder.person.identifier} (3)" in held_by["holders"]
    assert held_by["endsAt"] == holder.http.get(f"/api/pods/{held}").json()["deletesAt"]
    chinese = waiting.reasons(pod, "no_node_fits", language="zh-CN")["no_node_fits"]["text"]
    assert f"还差 2 个 {GPU}" in chinese


def test_more_than_any_node_has(diagnosed):
    someone = diagnosed()
    pod = someone.makes(
        "Pod", "huge", {"containers": [container(resources={"limits": {"cpu": "1", "memory": "400Gi"}})]}
    )
    found = someone.reasons(pod, "too_large")["too_large"]
    assert found["params"]["asked"] == 400 * 2**30
    assert "asks for 400 GiB of memory" in found["text"]
    assert f"ask for {round(found['params']['largest'] / 2**30, 1):g} GiB of memory at most" in found["text"]


def test_a_taint_that_is_not_tolerated(diagnosed, kubectl):
    taint = {"key": "hollow", "effect": "NoSchedule"}
    hollow = [n for n in kubectl.read("nodes")["items"] if taint in n["spec"].get("taints", [])]
    if not hollow:
        missing("no node of the cluster has the taint hollow:NoSchedule")
    name = hollow[0]["metadata"]["name"]
    chosen = {"key": "metadata.name", "operator": "In", "values": [name]}
    required = {"nodeSelectorTerms": [{"matchFields": [chosen]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    someone = diagnosed()
    pod = someone.makes("Pod", "kept-out", {"containers": [container()], "affinity": affinity})
    found = someone.reasons(pod, "taints_not_tolerated")["taints_not_tolerated"]
    assert found["params"] == {"taints": ["hollow:NoSchedule"], "nodes": 1, "wouldFit": 1}
    assert "1 node: hollow:NoSchedule" in found["text"]


def test_a_node_that_is_not_there(diagnosed):
    someone = diagnosed()
    pod = someone.makes("Pod", "nowhere", {"containers": [container()], "nodeSelector": {"genet.io/nowhere": "true"}})
    found = someone.reasons(pod, "selector_matches_nothing")["selector_matches_nothing"]
    assert found["params"]["selector"] == ["genet.io/nowhere=true"]
    assert f"None of the {found['params']['nodes']} node" in found["text"]


def test_a_quota_that_lets_a_controller_make_no_more_pods(diagnosed):
    someone = diagnosed()
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container()], "nodeSelector": {"no": "where"}}}
    spec = {"replicas": POD_LIMIT + 2, "selector": {"matchLabels": labels}, "template": template}
    someone.makes("ReplicaSet", "web", spec, "apps/v1")
    pods = until(lambda: [p["id"] for p in someone.http.get("/api/pods").json()["pods"] if p["id"].startswith("web-")])
    found = someone.reasons(pods[0], "quota_refused")["quota_refused"]
    assert found["params"] == {
        "controller": "ReplicaSet web",
        "resource": "pods",
        "used": str(POD_LIMIT),
        "asked": "1",
        "limit": str(POD_LIMIT),
    }
    assert f"{POD_LIMIT} of {POD_LIMIT} pods used, 1 more asked" in found["text"]


def test_an_image_that_does_not_exist(diagnosed):
    someone, image = diagnosed(), f"{REGISTRY}/genet-e2e/nothing:1"
    found = someone.reasons(someone.asks("typo", image=image), "image_not_found")["image_not_found"]
    assert found["params"] == {"image": image, "registry": REGISTRY}
    assert found["text"].startswith(f"The image {image} does not exist in {REGISTRY}.")


def test_a_registry_that_does_not_answer(diagnosed):
    someone = diagnosed()
    pod = someone.asks("closed", image="127.0.0.1:9/team/tool:1")
    found = someone.reasons(pod, "registry_unreachable")["registry_unreachable"]
    assert found["params"]["registry"] == "127.0.0.1:9"
    assert "connection refused" in found["text"]


def test_a_crash_tells_its_exit_code_and_how_often(diagnosed):
    someone = diagnosed()
    pod = someone.asks("crash", command=["sh", "-c", "exit 3"])
    found = someone.reasons(pod, "back_off")
    assert found["exited"]["params"]["exitCode"] == 3
    assert found["exited"]["params"]["restarts"] >= 1
    restarts = found["exited"]["params"]["restarts"]
    assert f"ended with exit code 3; it was started again {restarts} time" in found["exited"]["text"]
    assert found["back_off"]["params"]["waitSeconds"] >= 10


def test_a_command_that_is_not_there(diagnosed):
    someone = diagnosed()
    pod = someone.asks("typo", command=["no-such-program"])
    found = someone.reasons(pod, "command_not_found")["command_not_found"]
    assert found["params"]["command"] == "no-such-program"
    assert "cannot find the program that it should run: no-such-program (exit code 128)" in found["text"]
    message = someone.http.get(f"/api/pods/{pod}").json()["message"]
    assert message.startswith("The container main cannot find the program")


def test_a_program_that_needs_more_memory_than_it_may_have(diagnosed):
    someone = diagnosed()
    pod = someone.asks("oom", memory="32Mi", command=["tail", "/dev/zero"])
    found = someone.reasons(pod, "oom_killed", seconds=120)["oom_killed"]
    assert found["params"]["limit"] == 32 * 2**20
    assert "more memory than its limit of 32 MiB" in found["text"]
    chinese = someone.reasons(pod, "oom_killed", language="zh")["oom_killed"]["text"]
    assert "上限 32 MiB" in chinese


def test_a_storage_class_that_is_not_there(kubectl, person, tmp_path):
    volume = {"name": "workspace", "mountPath": "/workspace", "size": "1Mi", "storageClass": "no-such-class"}
    wrong = {**SETTINGS, "storage": {"volumes": [volume]}}
    with serving(configuration(tmp_path, kubectl.kubeconfig, **wrong)) as server:
        someone = Diagnosed(server, kubectl, person)
        pod = someone.asks("waits")
        found = someone.reasons(pod, "storage_class_missing")["storage_class_missing"]
        claim = f"{person.identifier}-workspace"
        assert found["params"] == {"claim": claim, "storageClass": "no-such-class"}
        assert "asks for the storage class no-such-class, which the cluster does not have" in found["text"]
        answer = someone.http.get(f"/api/pods/{pod}/describe").json()
        seen = next(volume for volume in answer["volumes"] if volume["name"] == "workspace")
        assert (seen["claim"], seen["status"], seen["size"]) == (claim, "Pending", "1Mi")


def test_a_secret_that_is_not_there(diagnosed):
    someone = diagnosed()
    mount = {"name": "keys", "mountPath": "/keys"}
    volume = {"name": "keys", "secret": {"secretName": "gone"}}
    pod = someone.makes("Pod", "waits", {"containers": [container(volumeMounts=[mount])], "volumes": [volume]})
    found = someone.reasons(pod, "secret_missing")["secret_missing"]
    assert found["params"] == {"volume": "keys", "secret": "gone"}
    assert "The Secret gone, which the volume keys is made of, does not exist" in found["text"]


def test_a_variable_from_a_secret_that_is_not_there(diagnosed):
    someone = diagnosed()
    variable = {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "gone", "key": "a"}}}
    pod = someone.makes("Pod", "waits", {"containers": [container(env=[variable])]})
    found = someone.reasons(pod, "env_secret_missing")["env_secret_missing"]
    assert found["params"] == {"container": "main", "secret": "gone"}


def test_an_init_container_that_fails(diagnosed):
    someone = diagnosed()
    setup = container(name="setup", command=["sh", "-c", "exit 5"])
    pod = someone.makes("Pod", "init", {"containers": [container()], "initContainers": [setup]})
    found = someone.reasons(pod, "init_not_done")
    assert found["init_not_done"]["params"] == {"container": "setup", "position": 1, "total": 1}
    assert found["exited"]["params"]["container"] == "setup"
    assert "container setup ended with exit code 5" in found["exited"]["text"]


def test_a_node_that_refuses_what_was_put_past_the_scheduler(diagnosed, gpu_node):
    someone = diagnosed()
    limits = {**SMALL, "ephemeral-storage": "900Ti"}
    pod = someone.makes("Pod", "pushy", {"nodeName": gpu_node, "containers": [container(resources={"limits": limits})]})
    found = someone.reasons(pod, "node_too_full")["node_too_full"]
    assert found["params"]["node"] == gpu_node
    assert found["params"]["requested"] == 900 * 2**40


def finalizers(value: str) -> str:
    return f'{{"metadata":{{"finalizers":{value}}}}}'


def test_a_pod_that_is_kept_by_a_finalizer(diagnosed, kubectl):
    someone = diagnosed()
    namespace = someone.person.namespace
    pod = someone.makes("Pod", "kept", {"containers": [container()], "terminationGracePeriodSeconds": 0})
    kubectl("patch", "pod", pod, "-n", namespace, "--type=merge", "-p", finalizers('["example.com/stuck"]'))
    until(lambda: someone.http.get(f"/api/pods/{pod}").json()["status"] == "Running", seconds=90)
    kubectl("delete", "pod", pod, "-n", namespace, "--wait=false")
    try:
        found = someone.reasons(pod, "terminating_finalizers")["terminating_finalizers"]
        assert found["params"] == {"finalizers": ["example.com/stuck"]}
    finally:
        kubectl("patch", "pod", pod, "-n", namespace, "--type=merge", "-p", finalizers("null"))


def test_a_pod_that_runs_and_is_well_has_no_reasons(diagnosed):
    someone = diagnosed()
    pod = someone.asks("well")
    until(lambda: someone.http.get(f"/api/pods/{pod}").json()["status"] == "Running", seconds=90)
    answer = someone.http.get(f"/api/pods/{pod}/describe").json()
    assert answer["reasons"] == []
    assert "Reasons:  <none>" in answer["text"]
