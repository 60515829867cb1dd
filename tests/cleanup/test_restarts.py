"""Which restarts the nightly run ends: records as a server leaves them, on the embedded cluster."""

from datetime import UTC, datetime, timedelta

import pytest

from genet import naming
from genet.cleanup import restarts
from genet.cleanup.run import Action
from genet.kube.client import KubeClient
from genet.kube.objects import PODS
from genet.kube.records import Records
from genet.pods.restarting import RESTART, Restart, record_id
from tests.replicas import cluster, kubeconfig, settings

__all__ = ["cluster", "kubeconfig"]

NAMESPACE, POD = "user-alice-alice", "pod-alice-alice-a"
NOW = datetime.now(UTC).replace(microsecond=0)
LATER, EARLIER = (NOW + timedelta(hours=1)).isoformat(), (NOW - timedelta(hours=1)).isoformat()


def manifest(until=None):
    annotations = {naming.PROTECTED_UNTIL: until, naming.PROTECTED_AT: NOW.isoformat()} if until else {}
    metadata = {"name": POD, "namespace": NAMESPACE, "labels": {}, "annotations": annotations}
    return {"metadata": metadata, "spec": {"containers": [{"name": "main", "image": "debian:13"}]}}


@pytest.fixture
async def run(kubeconfig, cluster):
    """The run over a record with this protection; what it told, noted, and left in the record."""
    labels = {naming.MANAGED: "true", naming.USER: "alice-alice"}
    cluster.store.create("namespaces", {"metadata": {"name": NAMESPACE, "labels": labels}, "spec": {}, "status": {}})
    configuration = settings(kubeconfig)

    async def run(until=None, *, pod=None, is_old=False, dry_run=False):
        told: list[Action] = []
        noted: list[tuple[str, str]] = []

        async def note(pod, verdict):
            noted.append((pod.metadata.name, verdict.reason))

        async with KubeClient.connect(configuration.kubernetes) as kube:
            uid = (await kube.create(PODS, pod, NAMESPACE)).metadata.uid if pod else ""
            records = Records(kube, configuration.kubernetes.grants_namespace)
            value = Restart(
                namespace=NAMESPACE,
                pod=POD,
                uid=uid if is_old else "old",
                mark="mark",
                manifest=manifest(until),
                gpus=0,
                node="",
                created_at=NOW,
                asked_at=NOW,
                holder="somebody",
                touched_at=NOW,
            )
            await records.create(RESTART, record_id(NAMESPACE, POD), value)
            await restarts.cancel_due(
                kube, configuration, clock=lambda: NOW, tell=told.append, note=note, dry_run=dry_run
            )
            left = await records.get(RESTART, record_id(NAMESPACE, POD))
        return [(action.action, action.name, action.reason) for action in told], noted, left.value.is_cancelled

    return run


@pytest.mark.parametrize(("until", "reason"), [(None, "unprotected"), (EARLIER, "expired")])
async def test_what_is_not_protected_does_not_come_back_and_that_is_noted(run, until, reason):
    assert await run(until) == ([("deleted", POD, reason)], [(POD, reason)], True)


async def test_what_is_protected_comes_back(run):
    assert await run(LATER) == ([], [], False)


async def test_a_dry_run_only_says_so(run):
    assert await run(dry_run=True) == ([("would-delete", POD, "unprotected")], [], False)


async def test_a_pod_that_is_there_still_is_judged_as_a_pod(run):
    """It may have been extended since its record was written."""
    assert await run(pod=manifest(LATER), is_old=True) == ([], [], False)


async def test_a_pod_that_is_there_again_goes_by_its_own_protection(run):
    assert await run(pod=manifest(LATER)) == ([], [], False)


async def test_a_pod_that_is_there_again_without_protection_goes(run):
    assert await run(LATER, pod=manifest()) == ([("deleted", POD, "unprotected")], [(POD, "unprotected")], True)


async def test_an_exempt_namespace_is_left_alone(run, cluster):
    namespace = cluster.store.get("namespaces", "", NAMESPACE)
    metadata = {**namespace["metadata"], "annotations": {naming.EXEMPT: "true"}}
    cluster.store.update("namespaces", {**namespace, "metadata": metadata})
    assert await run() == ([], [], False)
