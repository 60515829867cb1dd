"""Registry credentials in people's namespaces, and Pod Security over them: over HTTP, as their owners meet it."""

import base64
import json

import msgspec
import pytest

from genet.kube.objects import SECRETS
from genet.settings import PullSecret, Settings
from genet.tenancy import manifests, pull_secrets
from genet.tenancy.service import _digest
from tests.replicas import CONFIGURATION, replica_of, settings

NAMESPACE = "user-alice-alice"
ENFORCE = "pod-security.kubernetes.io/enforce"
REGISTRY = {"name": "lab", "registry": "registry.example.org", "username": "robot$lab", "password": "opens-sesame"}


def with_secrets(kubeconfig, *secrets):
    return settings(kubeconfig, pod={"pullSecrets": list(secrets)})


def stored(cluster):
    """User, password and registry of the credentials in alice's namespace, by the Secret's name."""
    found = {}
    for secret in cluster.store.list("secrets", NAMESPACE):
        if secret["type"] == "kubernetes.io/dockerconfigjson":
            document = json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))
            [(registry, entry)] = document["auths"].items()
            assert base64.b64decode(entry["auth"]).decode() == f"{entry['username']}:{entry['password']}"
            found[secret["metadata"]["name"]] = (registry, entry["username"], entry["password"])
    return found


async def test_pods_pull_with_the_credentials_in_their_namespace(kubeconfig, cluster):
    async with replica_of(with_secrets(kubeconfig, REGISTRY)) as replica:
        await replica.synced()
        assert (await replica.create(name="a")).status_code == 201
    assert stored(cluster) == {"genet-pull-lab": ("registry.example.org", "robot$lab", "opens-sesame")}
    pod = cluster.store.get("pods", NAMESPACE, "pod-alice-alice-a")
    assert pod["spec"]["imagePullSecrets"] == [{"name": "genet-pull-lab"}]


async def test_a_new_password_reaches_a_namespace_that_is_there(kubeconfig, cluster):
    for password in ("old", "new"):
        async with replica_of(with_secrets(kubeconfig, {**REGISTRY, "password": password})) as replica:
            await replica.synced()
            assert (await replica.create(name=password)).status_code == 201
        assert stored(cluster)["genet-pull-lab"][2] == password


async def test_the_password_is_nowhere_but_in_the_secret(kubeconfig, cluster):
    async with replica_of(with_secrets(kubeconfig, REGISTRY)) as replica:
        await replica.synced()
        await replica.create(name="a")
        shown = (await replica.ask("GET", "/api/config")).text + (await replica.ask("GET", "/api/pods")).text
    objects = [cluster.store.list(plural) for plural in ("namespaces", "pods", "events", "configmaps")]
    assert "opens-sesame" not in shown + json.dumps(objects)


def test_the_mark_of_the_credentials_is_not_a_quick_hash_of_them():
    one, other = (PullSecret(**{**REGISTRY, "password": password}) for password in ("a", "b"))
    assert pull_secrets.mark([one]) != pull_secrets.mark([other])
    assert pull_secrets.mark([one]) == pull_secrets.mark([one])
    assert pull_secrets.mark([]) == ""


def test_the_annotation_is_made_of_the_mark_alone():
    """Of two passwords with one mark it says the same, so it is of no use to whoever tries passwords out."""
    wanted = [[(SECRETS, pull_secrets.manifest(PullSecret(**{**REGISTRY, "password": word})))] for word in ("a", "b")]
    assert _digest(wanted[0], "mark") == _digest(wanted[1], "mark")
    assert _digest(wanted[0], "mark") != _digest(wanted[0], "other")


def test_docker_hub_has_the_name_that_its_clients_look_for():
    secret = PullSecret(**{**REGISTRY, "registry": "docker.io"})
    document = json.loads(base64.b64decode(pull_secrets.manifest(secret)["data"][pull_secrets.KEY]))
    assert list(document["auths"]) == ["https://index.docker.io/v1/"]


@pytest.mark.parametrize("left", [None, "privileged"])
async def test_pod_security_comes_back_where_somebody_took_it_off(replica, cluster, left):
    await replica.create(name="a")
    namespace = cluster.store.get("namespaces", "", NAMESPACE)
    labels = {key: value for key, value in namespace["metadata"]["labels"].items() if key != ENFORCE}
    labels |= {ENFORCE: left} if left else {}
    cluster.store.update("namespaces", {**namespace, "metadata": {**namespace["metadata"], "labels": labels}})
    assert (await replica.create(name="b")).status_code == 201
    assert cluster.store.get("namespaces", "", NAMESPACE)["metadata"]["labels"][ENFORCE] == "baseline"


async def test_an_administrators_stricter_level_stays(replica, cluster):
    await replica.create(name="a")
    namespace = cluster.store.get("namespaces", "", NAMESPACE)
    labels = {**namespace["metadata"]["labels"], ENFORCE: "restricted"}
    cluster.store.update("namespaces", {**namespace, "metadata": {**namespace["metadata"], "labels": labels}})
    await replica.create(name="b")
    assert cluster.store.get("namespaces", "", NAMESPACE)["metadata"]["labels"][ENFORCE] == "restricted"


def test_the_quota_knows_what_each_mode_asks_for():
    types = [
        {"name": "whole", "resourceName": "nvidia.com/gpu"},
        {"name": "both", "resourceName": "nvidia.com/gpu", "mode": "shared"},
        {"name": "npus", "resourceName": "huawei.com/Ascend910", "mode": "shared"},
        {"name": "claimed", "resourceName": "gpu.nvidia.com", "mode": "dra", "deviceClass": "gpu.nvidia.com"},
        {"name": "cpu", "mode": "none"},
    ]
    configured = msgspec.convert({**CONFIGURATION, "gpu": {"availableTypes": types}}, Settings)
    hard = manifests.resource_quota(configured, 3, 4, counts_claims=True)["spec"]["hard"]
    assert {key: value for key, value in hard.items() if "/" in key and not key.startswith("count/")} == {
        "requests.nvidia.com/gpu": "4",
        "requests.huawei.com/Ascend910": "0",
        "gpu.nvidia.com.deviceclass.resource.k8s.io/devices": "4",
    }
    assert not [key for key in manifests.resource_quota(configured, 3, 4)["spec"]["hard"] if "deviceclass" in key]
