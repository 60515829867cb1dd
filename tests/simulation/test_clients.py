"""The embedded API met by the clients that people use: the official Python one, and kubectl."""

import asyncio
import os
import shutil
from typing import Any

import pytest
from kubernetes.aio import client
from kubernetes.aio.stream import WsApiClient

from genet.simulation.cluster import Cluster
from tests.simulation.serving import PODS, pod, serving

KUBECTL = shutil.which("kubectl") or ""
needs_kubectl = pytest.mark.skipif(not KUBECTL, reason="kubectl is not installed")


@pytest.fixture
async def kube():
    async with serving() as server:
        await server.namespace()
        yield server


async def test_the_official_client_writes_reads_and_is_refused(kube):
    async with client.ApiClient(client.Configuration(host=kube.url)) as api:
        core = client.CoreV1Api(api)
        made: Any = await core.create_namespaced_pod("ns", pod())
        assert made.spec.restart_policy == "Always"
        patched: Any = await core.patch_namespaced_pod("p", "ns", {"metadata": {"labels": {"a": "b"}}})
        assert patched.metadata.labels == {"a": "b"}
        listed: Any = await core.list_pod_for_all_namespaces(label_selector="a=b", limit=1)
        assert [item.metadata.name for item in listed.items] == ["p"]
        with pytest.raises(client.ApiException) as refused:
            await core.create_namespaced_pod("ns", pod())
        assert (refused.value.status, refused.value.reason) == (409, "Conflict")
        await core.delete_namespaced_pod("p", "ns", body=client.V1DeleteOptions(grace_period_seconds=0))


async def test_the_official_client_can_read_every_node_and_pod_of_a_scenario():
    async with Cluster("mixed") as cluster, client.ApiClient(client.Configuration(host=cluster.url)) as api:
        core: Any = client.CoreV1Api(api)
        assert (await core.list_node()).items
        assert (await core.list_pod_for_all_namespaces()).items


async def test_the_official_client_runs_commands(kube):
    await kube.ask("POST", PODS, pod(nodeName="n"))
    status = {"containerStatuses": [{"name": "main", "state": {"running": {}}}]}
    await kube.patch(f"{PODS}/p/status", {"status": status})
    async with WsApiClient(client.Configuration(host=kube.url)) as api:
        answer = await client.CoreV1Api(api).connect_get_namespaced_pod_exec(
            "p", "ns", command=["echo", "hi"], stdout=True, stderr=True, stdin=False, tty=False
        )
    assert "echo hi" in answer


class Kubectl:
    def __init__(self, kube, home):
        self.kube = kube
        self.home = home

    async def run(self, *words, stdin=""):
        process = await asyncio.create_subprocess_exec(
            KUBECTL, f"--server={self.kube.url}", f"--cache-dir={self.home}", "--namespace=ns", *words,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={"HOME": str(self.home), "KUBECONFIG": "/dev/null", "PATH": os.environ["PATH"]},
        )  # fmt: skip
        async with asyncio.timeout(30):
            out, err = await process.communicate(stdin.encode())
        return process.returncode, out.decode(), err.decode()

    async def __call__(self, *words, stdin=""):
        code, out, err = await self.run(*words, stdin=stdin)
        assert code == 0, err
        return out


@pytest.fixture
def kubectl(kube, tmp_path):
    return Kubectl(kube, tmp_path)


MANIFEST = """
apiVersion: v1
kind: Pod
metadata: {name: p}
spec: {nodeName: node, containers: [{name: main, image: busybox}]}
"""


@needs_kubectl
async def test_kubectl_creates_shows_labels_and_deletes(kubectl):
    assert await kubectl("create", "-f", "-", stdin=MANIFEST) == "pod/p created\n"
    assert (await kubectl("get", "pods")).splitlines()[1].split()[:3] == ["p", "0/1", "Pending"]
    await kubectl("label", "pod", "p", "team=red")
    await kubectl("annotate", "pod", "p", "note=hello")
    assert "p" in await kubectl("get", "pods", "-l", "team=red", "--field-selector", "spec.nodeName=node", "-o", "name")
    described = await kubectl("describe", "pod", "p")
    assert "note: hello" in described
    await kubectl("delete", "pod", "p", "--grace-period=0", "--force", "--wait=false")
    code, _, err = await kubectl.run("get", "pod", "p")
    assert (code, err) == (1, 'Error from server (NotFound): pods "p" not found\n')


@needs_kubectl
async def test_kubectl_applies_twice(kubectl):
    assert await kubectl("apply", "-f", "-", stdin=MANIFEST) == "pod/p created\n"
    assert await kubectl("apply", "-f", "-", stdin=MANIFEST.replace("busybox", "busybox:2")) == "pod/p configured\n"
    assert await kubectl("get", "pod", "p", "-o", "jsonpath={.spec.containers[0].image}") == "busybox:2"


@needs_kubectl
async def test_kubectl_sends_some_kinds_as_protobuf(kubectl):
    await kubectl("create", "namespace", "made")
    await kubectl("create", "configmap", "c", "--from-literal=a=b")
    await kubectl("create", "secret", "generic", "s", "--from-literal=a=b")
    await kubectl("create", "quota", "q", "--hard=pods=3")
    assert await kubectl("get", "secret", "s", "-o", "jsonpath={.data.a}") == "Yg=="
    assert (await kubectl("describe", "quota", "q")).splitlines()[-1].split() == ["pods", "0", "3"]
    code, _, err = await kubectl.run("create", "rolebinding", "r", "--clusterrole=view", "--user=me")
    assert code == 1
    assert "send it as JSON" in err


@needs_kubectl
async def test_kubectl_waits_follows_logs_and_runs_commands(kubectl):
    await kubectl("create", "-f", "-", stdin=MANIFEST)
    waiting = asyncio.create_task(kubectl("wait", "--for=condition=Ready", "pod/p", "--timeout=20s"))
    status = {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": "main", "ready": True, "state": {"running": {}}}],
    }
    await kubectl.kube.patch(f"{PODS}/p/status", {"status": status})
    assert await waiting == "pod/p condition met\n"
    assert await kubectl("logs", "p", "--tail=1") == "line 3\n"
    assert await kubectl("exec", "p", "-i", "--", "cat", stdin="typed") == "typed"
    code, out, _ = await kubectl.run("exec", "p", "--", "exit", "3")
    assert (code, out) == (3, "exit 3\n")


@needs_kubectl
async def test_kubectl_delete_waits_for_the_kubelet(kubectl):
    store = kubectl.kube.store
    await kubectl("create", "-f", "-", stdin=MANIFEST)
    with store.cursor("pods", store.revision) as cursor:
        deleting = asyncio.create_task(kubectl("delete", "pod", "p"))
        await asyncio.wait_for(cursor.wake.wait(), 20)
        assert store.get("pods", "ns", "p")["metadata"]["deletionGracePeriodSeconds"] == 30
        assert not deleting.done()
        store.delete("pods", "ns", "p", grace_period_seconds=0)
    assert "deleted" in await deleting
