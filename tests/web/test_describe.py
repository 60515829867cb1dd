"""Why a pod does not run, over HTTP: told in the caller's language, also where something cannot be read."""

import asyncio

import pytest

from tests.replicas import switch, until

NAMESPACE, POD = "user-alice-alice", "pod-alice-alice-a"
CHINESE = {"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"}


async def describe(replica, **more):
    answer = await replica.ask("GET", f"/api/pods/{POD}/describe", **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def codes(description):
    return [reason["code"] for reason in description["reasons"]]


@pytest.fixture
def pod(cluster):
    return lambda: cluster.store.get("pods", NAMESPACE, POD)


async def seen(replica, holds):
    """What the replica's cache has once it has come so far."""
    await until(lambda: (found := replica.services.pods.of("alice-alice")) and holds(next(iter(found))))


async def test_a_pod_that_runs_has_no_reasons(replica, pod):
    await replica.create(name="a")
    await until(lambda: pod()["status"].get("phase") == "Running")
    found = await describe(replica)
    assert found["reasons"] == []
    assert found["containers"][0]["state"]["state"] == "running"
    workspace = next(volume for volume in found["volumes"] if volume["name"] == "workspace")
    assert workspace["claim"] == "alice-alice-workspace"
    assert workspace["status"] == "Bound"
    assert workspace["size"] == "10Gi"
    assert workspace["mounts"] == [{"container": "main", "path": "/workspace", "readOnly": False}]
    assert "Reasons:  <none>" in found["text"]


async def test_sentences_are_in_the_callers_language(replica, pod):
    await replica.create(name="a", command=["sh", "-c", "exit 3"])
    await until(lambda: pod()["status"].get("containerStatuses", [{}])[0].get("restartCount"))
    chinese, english = await describe(replica, headers=CHINESE), await describe(replica)
    assert codes(chinese) == codes(english)
    assert "退出码 3" in chinese["reasons"][0]["text"]
    assert "exit code 3" in english["reasons"][0]["text"]
    assert "exited: 容器 main" in chinese["text"]


async def test_the_message_in_lists_is_in_the_callers_language_too(replica, pod):
    await replica.create(name="a", image="registry/missing:1")
    await seen(replica, lambda known: known.status.container_statuses)
    for path in ("/api/pods", f"/api/pods/{POD}"):
        answer = (await replica.ask("GET", path, headers=CHINESE)).json()
        one = answer["pods"][0] if "pods" in answer else answer
        assert one["message"].startswith(("镜像 registry/missing:1", "无法拉取镜像 registry/missing:1"))


async def test_who_holds_the_gpus_is_told_with_when_the_first_of_them_ends(replica, cluster):
    node = cluster.store.get("nodes", "", "node1")
    status = node["status"]
    offered = {field: {**status[field], "nvidia.com/gpu": "4"} for field in ("capacity", "allocatable")}
    cluster.store.update("nodes", {**node, "status": {**status, **offered}}, subresource="status")
    await until(lambda: "nvidia.com/gpu" in replica.services.nodes.get("node1").status.allocatable)
    made = await replica.create(user="bob", name="b", gpuType="A100", gpuCount=3)
    await until(lambda: cluster.store.get("pods", "user-bob-bob", "pod-bob-bob-b")["spec"].get("nodeName"))
    await replica.create(name="a", gpuType="A100", gpuCount=2)
    await until(lambda: cluster.store.get("pods", NAMESPACE, POD)["status"].get("conditions"))
    found = await describe(replica)
    assert codes(found) == ["no_node_fits", "gpus_held"]
    assert found["reasons"][0]["params"] | {"label": None} == {
        "resource": "nvidia.com/gpu", "label": None, "node": "node1", "nodes": 1,
        "asked": 2, "free": 1, "short": 1, "fits": 1, "freeTotal": 1,
    }  # fmt: skip
    held = found["reasons"][1]["params"]
    assert held["holders"] == ["bob-bob (3)"]
    assert held["endsAt"] == made.json()["deletesAt"]
    for scopes, told in ((["pods:read"], False), (["pods:read", "cluster:read"], True)):
        body = {"name": "t", "scopes": scopes, "expiresInDays": 1}
        token = (await replica.ask("POST", "/api/tokens", json=body)).json()["token"]
        answer = await replica.ask("GET", f"/api/pods/{POD}/describe", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        assert ("bob" in answer.text) == told, scopes


async def test_how_many_others_wait_is_told_and_not_who(replica, cluster):
    node = cluster.store.get("nodes", "", "node1")
    status = node["status"]
    offered = {field: {**status[field], "nvidia.com/gpu": "2"} for field in ("capacity", "allocatable")}
    cluster.store.update("nodes", {**node, "status": {**status, **offered}}, subresource="status")
    await until(lambda: "nvidia.com/gpu" in replica.services.nodes.get("node1").status.allocatable)
    await replica.create(user="bob", name="b", gpuType="A100", gpuCount=2)
    await until(lambda: cluster.store.get("pods", "user-bob-bob", "pod-bob-bob-b")["spec"].get("nodeName"))
    await replica.create(user="carol", name="c", gpuType="A100", gpuCount=2)
    await replica.create(name="a", gpuType="A100", gpuCount=1)
    await until(lambda: cluster.store.get("pods", NAMESPACE, POD)["status"].get("conditions"))
    found = await describe(replica)
    assert codes(found) == ["no_node_fits", "gpus_held", "others_wait"]
    assert found["reasons"][2]["params"] | {"earlier": 0, "label": None} == {
        "resource": "nvidia.com/gpu", "label": None, "pods": 1, "asked": 2, "earlier": 0,
    }  # fmt: skip
    assert "carol" not in str(found)


async def test_values_of_variables_are_nowhere_in_the_answer(replica, pod):
    await replica.create(
        name="a", env=[{"name": "TOKEN", "value": "hunter2"}], command=["sh", "-c", "sleep 100 --token=hunter2"]
    )
    await until(lambda: pod()["status"].get("phase") == "Running")
    answer = await replica.ask("GET", f"/api/pods/{POD}/describe")
    assert "TOKEN" in answer.text
    assert "hunter2" not in answer.text


async def test_what_cannot_be_read_is_told_and_the_rest_is_answered(replica, cluster, pod):
    await replica.create(name="a", image="registry/missing:1")
    await seen(replica, lambda known: known.status.container_statuses)
    await switch(cluster, "fail", times=200, status=500)
    found = await describe(replica)
    assert codes(found)[-1] == "unread"
    assert found["reasons"][-1]["params"]["sources"] == ["pod", "events", "persistentvolumeclaim alice-alice-workspace"]
    assert codes(found)[0].startswith("image_")
    assert "Events:  <could not be read>" in found["text"]


async def test_others_pods_are_not_described(replica):
    await replica.create(name="a")
    for user in ("mallory", "admin"):
        answer = await replica.ask("GET", f"/api/pods/{POD}/describe", user=user)
        assert answer.status_code == 404
    for_alice = {"owner": "alice-alice"}
    assert (await replica.ask("GET", f"/api/pods/{POD}/describe", user="admin", params=for_alice)).status_code == 200


async def test_a_pod_that_is_gone_is_not_found(replica, cluster, pod):
    await replica.create(name="a")
    await seen(replica, lambda known: True)
    cluster.store.delete("pods", NAMESPACE, POD, grace_period_seconds=0)
    answer = await replica.ask("GET", f"/api/pods/{POD}/describe")
    assert answer.status_code == 404


async def test_a_claim_that_is_not_there_is_named(replica, cluster, pod):
    await replica.create(name="a")
    await until(lambda: pod()["status"].get("phase") == "Running")
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "nowhere"}}
    spec = {"volumes": [volume], "containers": [{"name": "c", "image": "x"}]}
    cluster.store.create("pods", {"metadata": {"name": "by-hand", "namespace": NAMESPACE}, "spec": spec})
    await until(lambda: cluster.store.get("pods", NAMESPACE, "by-hand").get("status", {}).get("conditions"))
    answer = (await replica.ask("GET", "/api/pods/by-hand/describe")).json()
    assert codes(answer) == ["claim_missing"]
    assert answer["volumes"][0]["status"] == "Missing"


async def test_an_api_server_that_is_slow_in_one_thing_holds_up_nothing_else(replica, cluster):
    await replica.create(name="a", image="registry/missing:1")
    await seen(replica, lambda known: known.status.container_statuses)
    await switch(cluster, "delay", seconds=60, times=1, path=f"/api/v1/namespaces/{NAMESPACE}/events")
    async with asyncio.timeout(8):
        found = await describe(replica)
    assert found["reasons"][-1]["params"]["sources"] == ["events"]
    assert found["volumes"][0]["status"] == "Bound"


async def test_what_a_person_pastes_names_who_refused_a_controllers_pods(replica, cluster):
    await replica.create(name="a")
    # stands for a controller: the embedded cluster has none that would not make pods itself
    made = cluster.store.create("configmaps", {"metadata": {"name": "train", "namespace": NAMESPACE}})
    uid = made["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "train", "uid": uid, "controller": True}
    spec = {"nodeSelector": {"no": "where"}, "containers": [{"name": "c", "image": "x"}]}
    metadata = {"name": "train-1", "namespace": NAMESPACE, "ownerReferences": [owner]}
    cluster.store.create("pods", {"metadata": metadata, "spec": spec})
    text = "exceeded quota: genet, requested: pods=1, used: pods=3, limited: pods=3"
    cluster.store.create(
        "events",
        {
            "metadata": {"name": "train.1", "namespace": NAMESPACE},
            "involvedObject": {"kind": "ConfigMap", "namespace": NAMESPACE, "name": "train", "uid": uid},
            "type": "Warning",
            "reason": "FailedCreate",
            "message": text,
        },
    )
    found = (await replica.ask("GET", "/api/pods/train-1/describe")).json()
    assert found["reasons"][0]["code"] == "quota_refused"
    assert found["reasons"][0]["params"]["limit"] == "3"
    assert "3 of 3 pods used, 1 more asked" in found["text"]
