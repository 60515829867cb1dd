"""GPU types of every mode over HTTP: what is made, what is refused, and what counts, on the embedded cluster."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from genet import naming
from genet.flows.unfinished import ORPHAN_AFTER
from genet.pods.model import PodRequest
from genet.simulation.cluster import Cluster
from genet.simulation.pod_life import Pace
from genet.simulation.policies import IS_SERVED
from genet.simulation.resources import KINDS
from tests.replicas import replica_of, settings, switch, until

NAMESPACE = "user-alice-alice"
DRIVER = "gpu.nvidia.com"
GPU = "nvidia.com/gpu"
TYPES = {
    "availableTypes": [
        {"name": "whole", "resourceName": GPU, "nodeSelector": {"pool": "whole"}},
        {"name": "shared", "resourceName": GPU, "mode": "shared"},
        {"name": "claimed", "resourceName": DRIVER, "mode": "dra", "deviceClass": DRIVER},
        {"name": "cpu", "mode": "none"},
    ]
}

needs_cel = pytest.mark.skipif(not IS_SERVED, reason="a DeviceClass's selectors are judged by cel-python")


def add(cluster, plural, name, spec=None, **fields):
    obj = {"metadata": {"name": name, **fields.pop("metadata", {})}, **({"spec": spec} if spec else {}), **fields}
    return cluster.store.create(plural, cluster.api.admission.create(KINDS[plural], obj))


def node(cluster, name, gpus="0", **labels):
    known = cluster.store.get("nodes", "", "node1")["status"]
    amounts = {**known["capacity"], GPU: gpus}
    status = {**known, "capacity": amounts, "allocatable": amounts}
    labels = {key.replace("__", "/").replace("_", "-"): value for key, value in labels.items()}
    labels = {key.replace("genet-io", "genet.io").replace("nvidia-com", "nvidia.com"): v for key, v in labels.items()}
    cluster.store.create("nodes", {"metadata": {"name": name, "labels": labels}, "spec": {}, "status": status})


def furnish(cluster):
    """A node of four whole cards and one of two, one with three shared cards, and one of which a driver offers four."""
    node(cluster, "four", "4", pool="whole")
    node(cluster, "two", "2", pool="whole")
    node(cluster, "sharing", genet_io__gpu_mode="shared", **{"nvidia.com/gpu.count": "3"})
    node(cluster, "driven")
    devices = [
        {"name": f"gpu-{n}", "attributes": {"type": {"string": "gpu"}, "uuid": {"string": f"GPU-{n}"}}}
        for n in range(4)
    ]
    pool = {"name": "driven", "generation": 1, "resourceSliceCount": 1}
    spec = {"driver": DRIVER, "nodeName": "driven", "pool": pool, "devices": devices}
    add(cluster, "resourceslices", "driven", spec)
    add(cluster, "deviceclasses", DRIVER, {"selectors": [{"cel": {"expression": f"device.driver == '{DRIVER}'"}}]})


@pytest.fixture
async def modes(cluster, kubeconfig):
    furnish(cluster)
    async with replica_of(settings(kubeconfig, gpu=TYPES, gpuLimitPerUser=6)) as one:
        await one.synced()
        await until(lambda: one.services.create_pod._templates.resource() is not None)
        yield one


def fields(answer):
    assert answer.status_code == 422, answer.text
    return {error["field"]: error["message"] for error in answer.json()["errors"]}


def running(cluster, name):
    pod = cluster.store.find("pods", NAMESPACE, f"pod-alice-alice-{name}")
    return pod is not None and pod["status"].get("phase") == "Running"


@needs_cel
async def test_a_claimed_pod_gets_its_devices_and_leaves_nothing_behind(modes, cluster):
    answer = await modes.create(name="a", gpuType="claimed", gpuCount=2)
    assert (answer.status_code, answer.json()["gpuCount"], answer.json()["gpuType"]) == (201, 2, "claimed")
    await until(lambda: running(cluster, "a"))
    [claim] = cluster.store.list("resourceclaims", NAMESPACE)
    assert len(claim["status"]["allocation"]["devices"]["results"]) == 2
    [template] = cluster.store.list("resourceclaimtemplates", NAMESPACE)
    assert [owner["name"] for owner in template["metadata"]["ownerReferences"]] == ["pod-alice-alice-a"]
    assert (await modes.ask("DELETE", "/api/pods/pod-alice-alice-a")).status_code == 204
    await until(lambda: not cluster.store.list("resourceclaims", NAMESPACE))
    assert cluster.store.list("resourceclaimtemplates", NAMESPACE) == []


async def test_a_sharer_gets_the_cards_it_chose_and_others_may_choose_them_too(modes, cluster):
    for name in "ab":
        answer = await modes.create(name=name, gpuType="shared", gpuCount=2, nodeName="sharing", gpuDevices=[2, 0])
        assert answer.status_code == 201, answer.text
        assert (answer.json()["gpuCount"], answer.json()["gpuDevices"]) == (2, [0, 2])
    await until(lambda: running(cluster, "b"))
    made = cluster.store.get("pods", NAMESPACE, "pod-alice-alice-b")
    assert made["spec"]["nodeName"] == "sharing"
    env = {item["name"]: item["value"] for item in made["spec"]["containers"][0]["env"]}
    assert env["NVIDIA_VISIBLE_DEVICES"] == "0,2"
    assert env["ASCEND_VISIBLE_DEVICES"] == "void"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"nodeName": "four", "gpuDevices": [0]}, "nodeName"),
        ({"nodeName": "driven", "gpuDevices": [0]}, "nodeName"),
        ({"nodeName": "sharing", "gpuDevices": [3]}, "gpuDevices[0]"),
        ({"nodeName": "sharing"}, "gpuDevices"),
        ({"gpuDevices": [0]}, "nodeName"),
    ],
)
async def test_cards_are_shared_only_where_they_are_set_apart_and_there(modes, cluster, asked, field):
    answer = await modes.create(gpuType="shared", gpuCount=1, **asked)
    assert list(fields(answer)) == [field]
    assert cluster.store.find("namespaces", "", NAMESPACE) is None


async def test_the_sums_hold_over_all_modes(modes):
    assert (await modes.create(name="a", gpuType="whole", gpuCount=2)).status_code == 201
    shared = {"gpuType": "shared", "nodeName": "sharing"}
    assert (await modes.create(name="b", **shared, gpuCount=2, gpuDevices=[0, 1])).status_code == 201
    answer = await modes.create(name="c", gpuType="claimed", gpuCount=3)
    assert answer.json()["quota"] == {"resource": "gpus", "used": 4, "asked": 3, "limit": 6}
    assert (await modes.create(name="c", gpuType="claimed", gpuCount=2)).status_code == 201
    answer = await modes.create(name="d", **shared, gpuCount=1, gpuDevices=[0])
    assert answer.json()["code"] == "quota_exceeded"
    listed = (await modes.ask("GET", "/api/pods")).json()["quota"]
    assert (listed["podUsed"], listed["gpuUsed"]) == (3, 6)


@pytest.mark.parametrize("kind", ["shared", "claimed"])
async def test_of_many_creations_at_two_replicas_exactly_the_limit_succeeds(modes, kubeconfig, cluster, kind):
    asked = {"gpuType": kind, "gpuCount": 3}
    if kind == "shared":
        asked |= {"nodeName": "sharing", "gpuDevices": [0, 1, 2]}
    async with replica_of(settings(kubeconfig, gpu=TYPES, gpuLimitPerUser=6)) as other:
        await other.synced()
        await until(lambda: other.services.create_pod._templates.resource() is not None)
        replicas = [modes, other] * 3
        answers = await asyncio.gather(*(one.create(name=f"n{n}", **asked) for n, one in enumerate(replicas)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 403, 403, 403, 403]
    assert len(cluster.store.list("pods", NAMESPACE)) == 2


async def test_the_second_wall_counts_devices_by_class(modes, cluster):
    await modes.create(name="a")
    hard = cluster.store.get("resourcequotas", NAMESPACE, "genet")["spec"]["hard"]
    assert hard[f"{DRIVER}.deviceclass.resource.k8s.io/devices"] == "6"
    assert hard[f"requests.{GPU}"] == "6"
    assert "requests." not in hard
    assert f"requests.{DRIVER}" not in hard


async def test_what_others_hold_is_waited_for_and_the_answer_says_what_is_free_where(modes):
    assert (await modes.create(name="a", gpuType="whole", gpuCount=3)).json()["message"] is None
    answer = None
    async with asyncio.timeout(10):
        while answer is None:
            free = await modes.services.create_pod.places(modes.services.settings.gpu.available_types[0])
            if {place.node: place.free for place in free} == {"four": 1, "two": 2}:
                answer = await modes.create(name="b", gpuType="whole", gpuCount=3, user="bob")
            await asyncio.sleep(0.01)
    assert answer.status_code == 201
    assert answer.json()["message"] == "It waits for 3 of whole on one node; free now: 2 on two, 1 on four."


async def test_what_no_node_has_is_refused_from_memory_alone(modes, cluster):
    await switch(cluster, "fail", status=500, path="/", times=1000)
    assert fields(await modes.create(gpuType="whole", gpuCount=5)) == {
        "gpuCount": "no node has more than 4 of whole; free now: 4 on four, 2 on two"
    }
    assert fields(await modes.create(gpuType="whole", gpuCount=3, nodeName="two")) == {
        "nodeName": "has 2 of whole, and 3 are asked for; free now: 4 on four, 2 on two"
    }
    assert list(fields(await modes.create(gpuType="whole", gpuCount=1, nodeName="driven"))) == ["nodeName"]


async def test_a_template_that_a_dead_replica_left_is_used(modes, cluster):
    await modes.create(name="first")
    kind = next(kind for kind in modes.services.settings.gpu.available_types if kind.name == "claimed")
    await leave(modes, kind, count=2)
    assert (await modes.create(name="a", gpuType="claimed", gpuCount=2)).status_code == 201
    [template] = cluster.store.list("resourceclaimtemplates", NAMESPACE)
    assert template["metadata"]["ownerReferences"][0]["name"] == "pod-alice-alice-a"


async def test_a_template_that_a_dead_replica_left_goes_after_a_while_unless_somebody_relies_on_it(modes, cluster):
    await modes.create(name="first")
    kind = next(kind for kind in modes.services.settings.gpu.available_types if kind.name == "claimed")
    await leave(modes, kind, count=2)
    unfinished = modes.services.companions._unfinished
    now, there = unfinished._clock, lambda: len(cluster.store.list("resourceclaimtemplates", NAMESPACE))
    await unfinished.go_round()
    assert there() == 1, "it may be of a creation that is on its way"
    unfinished._clock = modes.services.create_pod._templates._clock = lambda: now() + ORPHAN_AFTER
    await leave(modes, kind, count=2)
    await unfinished.go_round()
    assert there() == 1, "a creation has found it"
    unfinished._clock = lambda: now() + 2 * ORPHAN_AFTER
    await unfinished.go_round()
    assert there() == 0


async def test_templates_of_pods_that_are_there_stay(modes, cluster):
    assert (await modes.create(name="a", gpuType="claimed", gpuCount=2)).status_code == 201
    [template] = cluster.store.list("resourceclaimtemplates", NAMESPACE)
    meta = {key: value for key, value in template["metadata"].items() if key != "ownerReferences"}
    cluster.store.update("resourceclaimtemplates", {**template, "metadata": meta})
    unfinished = modes.services.companions._unfinished
    now = unfinished._clock
    unfinished._clock = lambda: now() + ORPHAN_AFTER
    await unfinished.go_round()
    assert len(cluster.store.list("resourceclaimtemplates", NAMESPACE)) == 1


async def test_a_pod_never_gets_what_another_creation_of_its_name_asked_for(modes, cluster):
    await modes.create(name="first")
    kind = next(kind for kind in modes.services.settings.gpu.available_types if kind.name == "claimed")
    await leave(modes, kind, count=3)
    answer = await modes.create(name="a", gpuType="claimed", gpuCount=1)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    now, templates = modes.services.clock, modes.services.create_pod._templates
    templates._clock = lambda: now() + timedelta(hours=1)
    assert (await modes.create(name="a", gpuType="claimed", gpuCount=1)).status_code == 201
    [template] = cluster.store.list("resourceclaimtemplates", NAMESPACE)
    assert template["spec"]["spec"]["devices"]["requests"][0]["exactly"]["count"] == 1


async def test_a_creation_that_is_refused_leaves_no_template(modes, cluster):
    await modes.create(name="first")
    quota = cluster.store.get("resourcequotas", NAMESPACE, "genet")
    cluster.store.update("resourcequotas", {**quota, "spec": {"hard": {**quota["spec"]["hard"], "pods": "1"}}})
    assert (await modes.create(gpuType="claimed", gpuCount=1)).status_code == 403
    assert cluster.store.list("resourceclaimtemplates", NAMESPACE) == []


async def test_a_template_that_another_creation_relies_on_is_not_taken_back(modes, cluster):
    await modes.create(name="first")
    kind = next(kind for kind in modes.services.settings.gpu.available_types if kind.name == "claimed")
    made = await leave(modes, kind, count=1)
    assert await leave(modes, kind, count=1) is None
    await modes.services.create_pod._templates.take_back(made)
    assert len(cluster.store.list("resourceclaimtemplates", NAMESPACE)) == 1


async def leave(replica, kind, count):
    request = msgspec.convert({"image": "a", "gpuType": kind.name, "gpuCount": count}, PodRequest)
    return await replica.services.create_pod._templates.make(kind, request, "alice-alice", "pod-alice-alice-a")


async def test_where_claims_are_not_served_their_types_are_refused(tmp_path):
    async with Cluster("empty", pace=Pace(0, 0, 0), dra="off") as old:
        old.write_kubeconfig(tmp_path / "old")
        async with replica_of(settings(tmp_path / "old", gpu=TYPES)) as one:
            await one.synced()
            assert list(fields(await one.create(gpuType="claimed", gpuCount=1))) == ["gpuType"]
            assert (await one.create(name="a")).status_code == 201
            hard = old.store.get("resourcequotas", NAMESPACE, "genet")["spec"]["hard"]
    assert not [key for key in hard if "deviceclass" in key]


async def test_the_configuration_tells_of_all_modes(modes):
    types = {kind["name"]: kind for kind in (await modes.ask("GET", "/api/config")).json()["gpuTypes"]}
    assert {name: (kind["mode"], kind["maxPerPod"], kind["gpusPerNode"]) for name, kind in types.items()} == {
        "whole": ("exclusive", 8, 4),
        "shared": ("shared", 8, 3),
        "claimed": ("dra", 8, 4),
        "cpu": ("none", 0, None),
    }


async def test_annotations_count_only_on_pods_that_genet_made(modes, cluster):
    await modes.create(name="a")
    made = cluster.store.get("pods", NAMESPACE, "pod-alice-alice-a")
    spec = {"containers": [{"name": "c", "image": "a"}]}
    metadata = {"name": "own", "namespace": NAMESPACE, "annotations": {naming.GPU_DEVICES: "0,1"}}
    cluster.store.create("pods", {**made, "metadata": metadata, "spec": spec})
    await until(lambda: modes.services.pods._pods.get("own", NAMESPACE))
    assert (await modes.ask("GET", "/api/pods")).json()["quota"]["gpuUsed"] == 0


@needs_cel
async def test_a_restart_keeps_the_template_and_gets_devices_again(modes, cluster):
    await modes.create(name="a", gpuType="claimed", gpuCount=2)
    await until(lambda: running(cluster, "a"))
    before = cluster.store.get("pods", NAMESPACE, "pod-alice-alice-a")["metadata"]["uid"]
    assert (await modes.ask("POST", "/api/pods/pod-alice-alice-a/restart")).status_code == 202

    def is_again() -> bool:
        pod = cluster.store.find("pods", NAMESPACE, "pod-alice-alice-a")
        return pod is not None and pod["metadata"]["uid"] != before and pod["status"].get("phase") == "Running"

    await until(is_again)
    [claim] = cluster.store.list("resourceclaims", NAMESPACE)
    assert len(claim["status"]["allocation"]["devices"]["results"]) == 2
    assert (await modes.ask("GET", "/api/pods")).json()["quota"]["gpuUsed"] == 2
