import pytest

from genet.simulation.collector import Collector
from genet.simulation.store import Store
from tests.simulation.serving import NOW, pod

FINALIZE = {"finalizers": ["kubernetes"]}


@pytest.fixture
def store():
    store = Store(lambda: NOW, seed=1)
    Collector(store)
    store.create("namespaces", {"metadata": {"name": "ns"}, "spec": FINALIZE})
    return store


def config(store, name, *owners, **metadata):
    references = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}
        for owner in owners
    ]  # fmt: skip
    metadata |= {"ownerReferences": references} if references else {}
    return store.create("configmaps", {"metadata": {"name": name, "namespace": "ns", **metadata}})


def names(store, plural="configmaps"):
    return [obj["metadata"]["name"] for obj in store.list(plural, "ns")]


def test_dependents_go_with_their_last_owner(store):
    first, second = config(store, "first"), config(store, "second")
    config(store, "child", config(store, "middle", first, second))
    store.delete("configmaps", "ns", "first")
    assert names(store) == ["child", "middle", "second"]
    assert len(store.get("configmaps", "ns", "middle")["metadata"]["ownerReferences"]) == 1
    store.delete("configmaps", "ns", "second")
    assert names(store) == []


def test_an_object_born_to_a_dead_owner_does_not_stay(store):
    owner = config(store, "owner")
    store.delete("configmaps", "ns", "owner")
    config(store, "late", owner)
    assert names(store) == []


def test_an_owner_of_the_same_name_is_another(store):
    owner = config(store, "owner")
    config(store, "child", owner)
    store.delete("configmaps", "ns", "owner")
    config(store, "owner")
    assert names(store) == ["owner"]


def test_orphans_lose_their_owner_and_stay(store):
    config(store, "child", config(store, "owner"))
    store.delete("configmaps", "ns", "owner", orphan=True)
    assert names(store) == ["child"]
    assert store.get("configmaps", "ns", "child")["metadata"]["ownerReferences"] == []


def test_a_namespace_goes_when_it_is_empty(store):
    config(store, "c")
    store.create("pods", {**pod(nodeName="n"), "metadata": {"name": "p", "namespace": "ns"}})
    store.delete("namespaces", "", "ns")
    assert names(store) == []
    assert store.get("namespaces", "", "ns")["status"]["phase"] == "Terminating"
    store.delete("pods", "ns", "p", grace_period_seconds=0)
    assert store.find("namespaces", "", "ns") is None


def test_a_namespace_has_its_service_account(store):
    assert names(store, "serviceaccounts") == ["default"]


def test_a_claim_in_use_waits_for_its_last_pod(store):
    claim = {"name": "c", "namespace": "ns", "finalizers": ["kubernetes.io/pvc-protection"]}
    store.create("persistentvolumeclaims", {"metadata": claim, "spec": {}})
    volume = {"name": "v", "persistentVolumeClaim": {"claimName": "c"}}
    user = pod(nodeName="n", volumes=[volume])
    store.create("pods", {**user, "metadata": {"name": "p", "namespace": "ns"}})
    store.delete("persistentvolumeclaims", "ns", "c")
    assert names(store, "persistentvolumeclaims") == ["c"]
    store.delete("pods", "ns", "p", grace_period_seconds=0)
    assert names(store, "persistentvolumeclaims") == []
