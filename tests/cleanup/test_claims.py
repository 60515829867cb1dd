"""What the nightly run removes of claims: on the embedded cluster, for it needs volumes."""

from datetime import UTC, datetime, timedelta

import pytest

from genet import naming
from genet.cleanup import claims
from genet.cleanup.run import Action
from genet.kube.client import KubeClient
from tests.replicas import cluster, kubeconfig, settings

__all__ = ["cluster", "kubeconfig"]

NAMESPACE, CLAIM = "user-alice-alice", "alice-alice-work"
NOW = datetime(2026, 6, 1, 23, tzinfo=UTC)
SPEC = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}


@pytest.fixture
async def clean_up(kubeconfig, cluster):
    labels = {naming.MANAGED: "true", naming.USER: "alice-alice"}
    namespace = {"metadata": {"name": NAMESPACE, "labels": labels}, "spec": {}, "status": {"phase": "Active"}}
    cluster.store.create("namespaces", namespace)

    async def run(policy="Delete", *, now=NOW, dry_run=False):
        volume = {"name": "work", "mountPath": "/work", "reclaimPolicy": policy}
        configuration = settings(kubeconfig, storage={"volumes": [volume]})
        done: list[Action] = []
        async with KubeClient.connect(configuration.kubernetes) as kube:
            await claims.collect(kube, configuration, clock=lambda: now, tell=done.append, dry_run=dry_run)
        return [(action.action, action.kind, action.namespace, action.name, action.reason) for action in done]

    return run


def put_claim(cluster, policy="Delete", **annotations):
    labels = {naming.MANAGED: "true", naming.RECLAIM_POLICY: policy}
    metadata = {"name": CLAIM, "namespace": NAMESPACE, "labels": labels, "annotations": annotations}
    cluster.store.create("persistentvolumeclaims", {"metadata": metadata, "spec": SPEC})


def left(cluster):
    return [claim["metadata"]["name"] for claim in cluster.store.list("persistentvolumeclaims")]


async def test_what_nothing_uses_goes_and_a_dry_run_only_says_so(clean_up, cluster):
    put_claim(cluster)
    assert await clean_up(dry_run=True) == [("would-delete", "PersistentVolumeClaim", NAMESPACE, CLAIM, "unused")]
    assert left(cluster) == [CLAIM]
    assert await clean_up() == [("deleted", "PersistentVolumeClaim", NAMESPACE, CLAIM, "unused")]
    assert left(cluster) == []
    assert await clean_up() == []


@pytest.mark.parametrize(("made", "set_now"), [("Retain", "Delete"), ("Delete", "Retain"), ("Retain", "Retain")])
async def test_what_is_to_stay_stays(clean_up, cluster, made, set_now):
    put_claim(cluster, made)
    assert await clean_up(set_now) == []
    assert left(cluster) == [CLAIM]


async def test_what_a_pod_uses_stays(clean_up, cluster):
    put_claim(cluster)
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": CLAIM}}]
    cluster.store.create(
        "pods", {"metadata": {"name": "p", "namespace": NAMESPACE}, "spec": {"containers": [], "volumes": volumes}}
    )
    assert await clean_up() == []
    assert left(cluster) == [CLAIM]


async def test_what_is_held_stays_until_that_ends(clean_up, cluster):
    put_claim(cluster, **{f"{naming.HELD}x": (NOW + timedelta(minutes=1)).isoformat()})
    assert await clean_up() == []
    assert len(await clean_up(now=NOW + timedelta(minutes=2))) == 1


async def test_an_exempt_namespace_is_left_alone(clean_up, cluster):
    put_claim(cluster)
    namespace = cluster.store.get("namespaces", "", NAMESPACE)
    annotated = {**namespace["metadata"], "annotations": {naming.EXEMPT: "true"}}
    cluster.store.update("namespaces", {**namespace, "metadata": annotated})
    assert await clean_up() == []
