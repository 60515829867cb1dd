from datetime import UTC, datetime

import pytest

from genet.simulation.errors import ApiError
from genet.simulation.store import Store

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def store():
    return Store(lambda: NOW, seed=1)


def pod(name="p", namespace="ns", **spec):
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"containers": [], **spec}}


def test_created_objects_get_an_identity(store):
    made = store.create("pods", pod())
    assert made["kind"] == "Pod"
    assert made["apiVersion"] == "v1"
    assert made["metadata"]["creationTimestamp"] == "2026-01-02T03:04:05Z"
    assert made["metadata"]["uid"]
    assert store.get("pods", "ns", "p") is made


def test_two_objects_of_one_name_conflict(store):
    store.create("pods", pod())
    with pytest.raises(ApiError) as refused:
        store.create("pods", pod())
    assert refused.value.status()["reason"] == "AlreadyExists"
    assert refused.value.status()["details"] == {"name": "p", "kind": "pods"}


def test_generate_name_makes_different_names(store):
    names = {store.create("pods", {"metadata": {"generateName": "x-"}})["metadata"]["name"] for _ in range(20)}
    assert len(names) == 20
    assert all(name.startswith("x-") and len(name) == 7 for name in names)


def test_a_stale_update_is_refused_and_an_unconditional_one_is_not(store):
    first = store.create("pods", pod())
    store.update("pods", {**first, "metadata": {**first["metadata"], "labels": {"a": "1"}}})
    with pytest.raises(ApiError, match="the object has been modified"):
        store.update("pods", {**first, "metadata": {**first["metadata"], "labels": {"a": "2"}}})
    assert store.update("pods", pod(nodeName="n"))["spec"]["nodeName"] == "n"


def test_an_update_without_a_change_keeps_the_resource_version(store):
    first = store.create("pods", pod())
    assert store.update("pods", pod())["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    assert store.revision == int(first["metadata"]["resourceVersion"])


def test_status_and_spec_are_written_apart(store):
    store.create("pods", pod())
    store.update("pods", {**pod(nodeName="ignored"), "status": {"phase": "Running"}}, subresource="status")
    after = store.update("pods", {**pod(), "status": {"phase": "ignored"}})
    assert after["status"] == {"phase": "Running"}
    assert "nodeName" not in after["spec"]


def test_a_pod_on_a_node_waits_for_its_kubelet(store):
    store.create("pods", pod(nodeName="n", terminationGracePeriodSeconds=7))
    assert store.delete("pods", "ns", "p")["metadata"]["deletionTimestamp"] == "2026-01-02T03:04:12Z"
    store.update("pods", {**pod(), "status": {"phase": "Failed"}}, subresource="status")
    assert store.find("pods", "ns", "p")
    store.delete("pods", "ns", "p", grace_period_seconds=0)
    assert store.find("pods", "ns", "p") is None


def test_a_pod_without_a_node_goes_at_once(store):
    store.create("pods", pod())
    store.delete("pods", "ns", "p")
    assert store.find("pods", "ns", "p") is None


def test_finalizers_hold_an_object_until_the_last_is_taken_away(store):
    store.create("configmaps", {"metadata": {"name": "c", "namespace": "ns", "finalizers": ["a/b"]}})
    marked = store.delete("configmaps", "ns", "c")
    assert marked["metadata"]["deletionTimestamp"]
    store.update("configmaps", {**marked, "metadata": {**marked["metadata"], "finalizers": []}})
    assert store.find("configmaps", "ns", "c") is None


@pytest.mark.parametrize("wrong", [{"uid": "other"}, {"resourceVersion": "1"}])
def test_delete_preconditions_are_checked(store, wrong):
    made = store.create("configmaps", {"metadata": {"name": "c", "namespace": "ns"}})
    with pytest.raises(ApiError, match="precondition") as refused:
        store.delete("configmaps", "ns", "c", preconditions=wrong)
    assert refused.value.code == 409
    store.delete("configmaps", "ns", "c", preconditions={"uid": made["metadata"]["uid"]})


def test_dry_runs_change_nothing(store):
    store.create("pods", pod(), dry_run=True)
    assert store.list("pods") == []
    made = store.create("pods", pod())
    store.update("pods", {**made, "spec": {}}, dry_run=True)
    store.delete("pods", "ns", "p", dry_run=True)
    assert store.list("pods") == [made]


def test_lists_come_in_key_order_and_by_namespace(store):
    for namespace, name in (("b", "x"), ("a", "z"), ("b", "a"), ("a", "y"), ("aa", "q")):
        store.create("pods", pod(name, namespace))
    assert [key["metadata"]["name"] for key in store.list("pods")] == ["y", "z", "q", "a", "x"]
    assert [key["metadata"]["name"] for key in store.list("pods", "a")] == ["y", "z"]


def test_a_scan_at_a_revision_sees_that_moment(store):
    for name in "abcd":
        store.create("pods", pod(name))
    then = store.revision
    store.delete("pods", "ns", "c")
    store.create("pods", pod("bb"))
    store.update("pods", pod("d", nodeName="n"))
    seen = list(store.scan("pods", after=("ns", "a"), at=then))
    assert [item["metadata"]["name"] for item in seen] == ["b", "c", "d"]
    assert "nodeName" not in seen[-1]["spec"]
    store.compact()
    with pytest.raises(ApiError) as gone:
        list(store.scan("pods", at=then))
    assert gone.value.code == 410


async def test_a_cursor_tells_what_happened_since_and_is_woken_by_what_happens(store):
    store.create("pods", pod("a"))
    since = store.revision
    store.create("pods", pod("b"))
    with store.cursor("pods", since) as cursor:
        assert [event.object["metadata"]["name"] for event in store.news(cursor)] == ["b"]
        store.create("nodes", {"metadata": {"name": "n"}})
        assert not cursor.wake.is_set()
        store.delete("pods", "ns", "a")
        assert cursor.wake.is_set()
        (event,) = store.news(cursor)
        assert (event.type, event.object["metadata"]["resourceVersion"]) == ("DELETED", str(store.revision))


def test_a_cursor_behind_the_log_is_told_so():
    store = Store(lambda: NOW, log_size=2)
    for name in "abcd":
        store.create("pods", pod(name))
    with store.cursor("pods", 2) as late, pytest.raises(ApiError) as gone:
        store.news(late)
    assert gone.value.status()["reason"] == "Expired"
    with store.cursor("pods", 3) as cursor:
        assert store.news(cursor)[0].object["metadata"]["name"] == "c"


def test_a_compaction_hurts_only_cursors_that_missed_something(store):
    store.create("pods", pod("a"))
    with store.cursor("pods", store.revision) as current, store.cursor("pods", 1) as late:
        store.create("nodes", {"metadata": {"name": "n"}})
        store.compact()
        assert store.news(current) == []
        with pytest.raises(ApiError):
            store.news(late)


def test_subscribers_hear_changes_in_order_also_of_their_own(store):
    heard = []

    def follow_up(plural, type_, new, old):
        if plural == "pods" and type_ == "ADDED":
            store.create("events", {"metadata": {"name": "e", "namespace": "ns"}})

    store.subscribe(follow_up)
    store.subscribe(lambda plural, type_, new, old: heard.append((plural, type_)))
    store.create("pods", pod())
    assert heard == [("pods", "ADDED"), ("events", "ADDED")]
