import pytest

from tests.simulation.serving import PODS, pod, serving

NAMESPACE = "/api/v1/namespaces/ns"


@pytest.fixture
async def kube():
    async with serving() as client:
        await client.namespace()
        yield client


def asking(name="p", *, requests=None, limits=None):
    resources = {"requests": requests or {}, "limits": limits or {}}
    return pod(name, containers=[{"name": "main", "image": "busybox", "resources": resources}])


async def quota(kube, **hard):
    body = {"metadata": {"name": "genet"}, "spec": {"hard": hard}}
    return await kube.ask("POST", f"{NAMESPACE}/resourcequotas", body)


async def used(kube):
    return (await kube.ask("GET", f"{NAMESPACE}/resourcequotas/genet"))["status"]["used"]


async def test_a_pod_beyond_the_quota_is_refused_in_the_words_of_the_real_server(kube):
    await quota(kube, **{"requests.nvidia.com/gpu": "2", "pods": "5"})
    await kube.ask("POST", PODS, asking("a", limits={"nvidia.com/gpu": "1"}))
    refused = await kube.ask("POST", PODS, asking("b", limits={"nvidia.com/gpu": 2}))
    assert refused["message"] == (
        'pods "b" is forbidden: exceeded quota: genet, requested: requests.nvidia.com/gpu=2, '
        "used: requests.nvidia.com/gpu=1, limited: requests.nvidia.com/gpu=2"
    )
    assert (refused["code"], refused["reason"], refused["details"]) == (403, "Forbidden", {"name": "b", "kind": "pods"})
    assert len(kube.store.list("pods")) == 1


async def test_the_quota_s_usage_follows_creation_end_and_deletion(kube):
    await kube.ask("POST", PODS, asking("early", limits={"memory": "512Mi", "cpu": "250m"}))
    await quota(kube, **{"pods": "5", "requests.memory": "2Gi", "cpu": "4", "count/pods": "9"})
    assert await used(kube) == {"pods": "1", "requests.memory": "512Mi", "cpu": "250m", "count/pods": "1"}
    await kube.ask("POST", PODS, asking("late", limits={"memory": "512Mi", "cpu": "750m"}))
    assert await used(kube) == {"pods": "2", "requests.memory": "1Gi", "cpu": "1", "count/pods": "2"}
    await kube.patch(f"{PODS}/early/status", {"status": {"phase": "Succeeded"}})
    assert await used(kube) == {"pods": "1", "requests.memory": "512Mi", "cpu": "750m", "count/pods": "2"}
    await kube.ask("DELETE", f"{PODS}/late")
    assert await used(kube) == {"pods": "0", "requests.memory": "0", "cpu": "0", "count/pods": "1"}


async def test_claims_are_charged_too(kube):
    await quota(kube, **{"requests.storage": "10Gi", "persistentvolumeclaims": "5"})
    claim = {"metadata": {"name": "c"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "8Gi"}},
    }}  # fmt: skip
    path = f"{NAMESPACE}/persistentvolumeclaims"
    assert (await kube.ask("POST", path, claim))["status"] == {"phase": "Pending"}
    refused = await kube.ask("POST", path, claim | {"metadata": {"name": "d"}})
    assert "used: requests.storage=8Gi" in refused["message"]


async def limit_range(kube, **item):
    body = {"metadata": {"name": "l"}, "spec": {"limits": [{"type": "Container", **item}]}}
    return await kube.ask("POST", f"{NAMESPACE}/limitranges", body)


async def test_limit_ranges_fill_in_what_containers_leave_out(kube):
    await limit_range(kube, default={"cpu": "500m", "memory": "1Gi"}, defaultRequest={"cpu": "100m"})
    made = await kube.ask("POST", PODS, pod())
    assert made["spec"]["containers"][0]["resources"] == {
        "requests": {"cpu": "100m", "memory": "1Gi"}, "limits": {"cpu": "500m", "memory": "1Gi"},
    }  # fmt: skip
    assert made["metadata"]["annotations"]["kubernetes.io/limit-ranger"] == (
        "LimitRanger plugin set: cpu, memory request for container main; cpu, memory limit for container main"
    )
    assert made["status"]["qosClass"] == "Burstable"


@pytest.mark.parametrize(
    ("requests", "limits", "message"),
    [
        ({}, {"cpu": "4"}, "maximum cpu usage per Container is 2, but limit is 4"),
        ({"cpu": "10m"}, {"cpu": "1"}, "minimum cpu usage per Container is 50m, but request is 10m"),
        ({"cpu": "10m"}, {"cpu": "4"}, "[minimum cpu usage per Container is 50m, but request is 10m, "
                                       "maximum cpu usage per Container is 2, but limit is 4]"),
    ],
)  # fmt: skip
async def test_limit_ranges_bound_containers(kube, requests, limits, message):
    await limit_range(kube, min={"cpu": "50m"}, max={"cpu": "2"})
    refused = await kube.ask("POST", PODS, asking(requests=requests, limits=limits))
    assert (refused["code"], refused["message"]) == (403, f'pods "p" is forbidden: {message}')


async def test_limit_ranges_bound_claims(kube):
    await limit_range(kube, type="PersistentVolumeClaim", max={"storage": "5Gi"})
    claim = {"metadata": {"name": "c"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "8Gi"}},
    }}  # fmt: skip
    refused = await kube.ask("POST", f"{NAMESPACE}/persistentvolumeclaims", claim)
    assert "maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 8Gi" in refused["message"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (pod("A_b"), ["metadata.name"]),
        ({"metadata": {"name": "p"}, "spec": {}}, ["spec.containers"]),
        (pod(initContainers=[{"name": "main"}]), ["spec.initContainers[0].image", "spec.containers[0].name"]),
        (pod(initContainers=[{"name": "i", "image": "i", "restartPolicy": "Always"}]),
         ["spec.initContainers[0].restartPolicy"]),
        (pod(containers=[{"name": "m"}, {"name": "m", "image": "i"}]),
         ["spec.containers[0].image", "spec.containers[1].name"]),
        ({**pod(), "metadata": {"name": "p", "labels": {"a b": "c d"}}}, ["metadata.labels", "metadata.labels"]),
        (asking(requests={"nvidia.com/gpu": "1"}), ["spec.containers[0].resources.limits"]),
        (asking(requests={"nvidia.com/gpu": "1"}, limits={"nvidia.com/gpu": "2"}),
         ["spec.containers[0].resources.requests"]),
        (asking(requests={"cpu": "2"}, limits={"cpu": "1"}), ["spec.containers[0].resources.requests"]),
    ],
)  # fmt: skip
async def test_invalid_pods_name_every_bad_field(kube, body, fields):
    refused = await kube.ask("POST", PODS, body)
    assert (refused["code"], refused["reason"]) == (422, "Invalid")
    assert [cause["field"] for cause in refused["details"]["causes"]] == fields


async def test_unreadable_quantities_are_bad_requests(kube):
    assert (await kube.ask("POST", PODS, asking(requests={"cpu": "much"})))["code"] == 400


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"serviceAccountName": "nobody"}, 'serviceaccount "nobody" not found'),
        ({"priorityClassName": "nobody"}, "no PriorityClass with name nobody was found"),
    ],
)
async def test_pods_name_only_what_exists(kube, spec, why):
    refused = await kube.ask("POST", PODS, pod(**spec))
    assert refused["code"] == 403
    assert refused["message"].endswith(why)


async def test_a_namespace_that_is_not_there_takes_nothing(kube):
    refused = await kube.ask("POST", "/api/v1/namespaces/none/pods", pod())
    assert (refused["code"], refused["message"]) == (404, 'namespaces "none" not found')


async def test_a_namespace_that_is_going_takes_nothing_new(kube):
    await kube.ask("POST", PODS, pod(nodeName="n"))
    await kube.ask("DELETE", NAMESPACE)
    refused = await kube.ask("POST", PODS, pod("late"))
    assert (refused["code"], refused["details"]["causes"][0]["reason"]) == (403, "NamespaceTerminating")


async def test_a_running_pod_s_spec_stays_but_for_its_images(kube):
    await kube.ask("POST", PODS, pod())
    assert (await kube.patch(f"{PODS}/p", {"spec": {"nodeSelector": {"a": "b"}}}))["code"] == 422
    images = {"spec": {"containers": [{"name": "main", "image": "busybox:2"}]}}
    patched = await kube.patch(f"{PODS}/p", images, "strategic-merge")
    assert patched["spec"]["containers"][0]["image"] == "busybox:2"


async def test_secrets_are_stored_encoded(kube):
    path = f"{NAMESPACE}/secrets"
    made = await kube.ask("POST", path, {"metadata": {"name": "s"}, "stringData": {"a": "b"}})
    assert (made["type"], made["data"]) == ("Opaque", {"a": "Yg=="})


async def test_jobs_know_their_pods(kube):
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "m", "image": "i"}]}}
    job = {"metadata": {"generateName": "j-"}, "spec": {"template": template}}
    made = await kube.ask("POST", "/apis/batch/v1/namespaces/ns/jobs", job)
    labels = made["spec"]["template"]["metadata"]["labels"]
    assert labels["job-name"] == made["metadata"]["name"]
    assert made["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert made["metadata"]["uid"] == labels["controller-uid"]


async def test_the_default_storage_class_is_chosen(kube):
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"}
    await kube.ask("POST", "/apis/storage.k8s.io/v1/storageclasses",
                   {"metadata": {"name": "fast", "annotations": annotations}, "provisioner": "x"})  # fmt: skip
    claim = {"metadata": {"name": "c"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
    }}  # fmt: skip
    made = await kube.ask("POST", f"{NAMESPACE}/persistentvolumeclaims", claim)
    assert made["spec"]["storageClassName"] == "fast"


async def test_baseline_is_enforced_where_the_namespace_says_so(kube):
    await kube.namespace("safe", **{"pod-security.kubernetes.io/enforce": "baseline"})
    body = pod(hostNetwork=True)
    refused = await kube.ask("POST", "/api/v1/namespaces/safe/pods", body)
    assert (refused["code"], refused["message"]) == (
        403,
        'pods "p" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)',
    )
    assert "code" not in await kube.ask("POST", "/api/v1/namespaces/safe/pods", pod())
    assert "code" not in await kube.ask("POST", PODS, body)
