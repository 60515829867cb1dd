import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from genet import naming
from genet.flows.lost_node import LOST_AFTER
from genet.flows.restart_pod import SILENT_AFTER
from genet.simulation.store import timestamp
from tests.replicas import replica_of, settings, switch, until
from tests.restarts import GRANTS, secret_name, stops

NAMESPACE, POD = "user-alice-alice", "pod-alice-alice-a"
PATH = f"/api/pods/{POD}"
SECRET = secret_name(NAMESPACE, POD)
STOPS = stops(NAMESPACE, POD)
DELETES = f"/api/v1/namespaces/{NAMESPACE}/pods/{POD}"
CREATES = f"/api/v1/namespaces/{NAMESPACE}/pods"
SLEEP = ["sleep", "3600"]


class Clock:
    """The time of a replica that is ahead."""

    def __init__(self):
        self.ahead = timedelta()

    def __call__(self):
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def configuration(kubeconfig):
    return settings(kubeconfig, storage={"volumes": []})


@pytest.fixture
async def replica(configuration):
    async with replica_of(configuration) as one:
        await one.synced()
        yield one


def pod(cluster, name=POD):
    return cluster.store.find("pods", NAMESPACE, name)


def uid(cluster):
    found = pod(cluster)
    return found and found["metadata"]["uid"]


def record(cluster):
    return cluster.store.find("secrets", GRANTS, SECRET)


def reservations(cluster):
    annotations = cluster.store.get("namespaces", "", NAMESPACE)["metadata"]["annotations"]
    return annotations.get(naming.RESERVATIONS, "[]")


def heard(replica):
    """The phase of the pod as the replica's cache has it."""
    known = replica.services.pods._pods.get(POD, NAMESPACE)
    return known and known.status.phase


async def running(cluster):
    await until(lambda: pod(cluster)["status"].get("phase") == "Running")


async def made(replica, cluster, **request):
    assert (await replica.create(name="a", command=SLEEP, **request)).status_code == 201
    await running(cluster)
    return uid(cluster)


async def restart(replica, **params):
    return await replica.ask("POST", f"{PATH}/restart", params=params)


def leave(replica):
    """As if the process had been killed: what it was at goes no further."""
    room = replica.services.restart_pod
    for _, task in list(room._driven.values()):
        task.cancel()
    room._restarts.all = list


async def over(cluster, before):
    """Until the restart is done."""
    await until(lambda: uid(cluster) not in (None, before) and record(cluster) is None)


async def says(asking, expected):
    """What is asked for may be a moment behind."""
    async with asyncio.timeout(5):
        while await asking() != expected:  # noqa: ASYNC110 # seen from outside
            await asyncio.sleep(0.02)


async def status(replica):
    return (await replica.ask("GET", PATH)).json()["status"]


async def listed(replica):
    answer = (await replica.ask("GET", "/api/pods")).json()
    return {seen["id"]: seen["status"] for seen in answer["pods"]}, answer["quota"]


def same(found):
    """What a restart keeps."""
    meta, spec = found["metadata"], dict(found["spec"])
    spec.pop("nodeName", None)
    return meta["name"], meta["labels"], meta.get("annotations", {}), spec


async def test_it_comes_back_as_it_was(replica, cluster):
    await replica.create(name="a", command=SLEEP, env=[{"name": "X", "value": "1"}], shmSize="1Gi", workingDir="/srv")
    await replica.ask("POST", f"{PATH}/extend", json={"hours": 5})
    await running(cluster)
    before, first = uid(cluster), same(pod(cluster))
    answer = await restart(replica)
    assert (answer.status_code, answer.json()["status"]) == (202, "Restarting"), answer.text
    await over(cluster, before)
    assert same(pod(cluster)) == first
    assert naming.RESTART not in pod(cluster)["metadata"]["annotations"]
    await until(lambda: reservations(cluster) == "[]")
    await running(cluster)
    await says(lambda: status(replica), "Running")


async def test_while_no_object_is_there_it_is_shown_and_counted_and_its_name_is_taken(replica, configuration, cluster):
    before = await made(replica, cluster, gpuType="A100", gpuCount=0)
    await switch(cluster, "fail", status=503, times=10_000, skip=1, method="POST", path=CREATES)
    await restart(replica)
    await until(lambda: pod(cluster) is None)
    async with replica_of(configuration) as other:
        await other.synced()
        for one in (replica, other):
            pods, quota = await listed(one)
            assert (pods, quota["podUsed"]) == ({POD: "Restarting"}, 1)
            shown = (await one.ask("GET", PATH)).json()
            assert (shown["status"], shown["createdAt"]) == ("Restarting", shown["createdAt"])
            assert "made again" in shown["message"]
            refused = await one.create(name="a")
            assert (refused.status_code, refused.json()["code"]) == (409, "pod_exists")
            assert (await one.ask("POST", f"{PATH}/extend", json={"hours": 1})).status_code == 409
            for refused in (
                await one.ask("GET", f"{PATH}/logs"),
                await one.ask("POST", f"{PATH}/exec", json={"command": ["true"]}),
            ):
                assert (refused.status_code, refused.json()["code"]) == (409, "not_running")
    await switch(cluster, "heal")
    await over(cluster, before)


async def test_the_quota_holds_while_pods_are_restarted(replica, configuration, cluster):
    """Three are allowed, two of three are between their end and their beginning."""
    for name in "abc":
        assert (await replica.create(name=name, command=SLEEP, cpu="10m", memory="64Mi")).status_code == 201
    names = [f"pod-alice-alice-{name}" for name in "abc"]
    await until(lambda: all(pod(cluster, name)["status"].get("phase") == "Running" for name in names))
    await switch(cluster, "delay", seconds=0.3, times=3, skip=3, method="POST", path=CREATES)
    async with replica_of(configuration) as other:
        await other.synced()
        answers = await asyncio.gather(
            *(replica.ask("POST", f"/api/pods/{name}/restart") for name in names),
            *(one.create(name=name) for one in (replica, other) for name in "defg"),
        )
    assert [answer.status_code for answer in answers[:3]] == [202] * 3
    assert {answer.status_code for answer in answers[3:]} == {403}
    await until(lambda: len(cluster.store.list("pods", NAMESPACE)) == 3 and reservations(cluster) == "[]")


async def test_asking_twice_at_two_replicas_is_one_restart(replica, configuration, cluster):
    before = await made(replica, cluster)
    creations = []
    cluster.store.subscribe(
        lambda plural, kind, new, old: creations.append(new) if (plural, kind) == ("pods", "ADDED") else None
    )
    async with replica_of(configuration) as other:
        await other.synced()
        answers = await asyncio.gather(*(restart(one) for one in (replica, other) * 3))
        assert {answer.status_code for answer in answers} == {202}
        await over(cluster, before)
    await asyncio.sleep(0.2)
    assert len(creations) == 1


async def test_who_deletes_while_it_restarts_gets_nothing_back(replica, cluster):
    await made(replica, cluster)
    await switch(cluster, "fail", status=503, times=10_000, skip=1, method="POST", path=CREATES)
    await restart(replica)
    await until(lambda: pod(cluster) is None)
    assert (await replica.ask("DELETE", PATH)).status_code == 204
    await switch(cluster, "heal")
    await until(lambda: record(cluster) is None)
    assert (await replica.ask("GET", PATH)).status_code == 404
    await asyncio.sleep(1.5)
    assert pod(cluster) is None
    assert reservations(cluster) == "[]"


async def test_who_deletes_at_another_replica_before_the_old_one_has_ended_gets_nothing_back(
    replica, configuration, cluster
):
    await made(replica, cluster)
    async with replica_of(configuration) as other:
        await other.synced()
        await switch(cluster, "freeze")  # the other does not hear of the restart
        held = pod(cluster)
        cluster.store.update("pods", {**held, "metadata": {**held["metadata"], "finalizers": ["tests/held"]}})
        await restart(replica)
        await until(lambda: "deletionTimestamp" in pod(cluster)["metadata"])
        assert (await other.ask("DELETE", PATH)).status_code == 204
        held = pod(cluster)
        cluster.store.update("pods", {**held, "metadata": {**held["metadata"], "finalizers": []}})
        await until(lambda: pod(cluster) is None and record(cluster) is None)
        await asyncio.sleep(2.5)
        assert pod(cluster) is None


@pytest.mark.parametrize("stop", STOPS)
async def test_another_replica_finishes_what_one_left_after_any_step(configuration, cluster, stop):
    """The first one is gone without a good-bye: nothing it does is heard any more."""
    clock = Clock()
    async with replica_of(configuration) as first, replica_of(configuration, clock) as other:
        await first.synced()
        await other.synced()
        await first.create(name="a", command=SLEEP)
        await first.ask("POST", f"{PATH}/extend", json={"hours": 5})
        await running(cluster)
        before, kept = uid(cluster), same(pod(cluster))
        refused = len(cluster.api.faults.refused)
        await switch(cluster, "fail", **STOPS[stop])
        assert (await restart(first)).status_code == 202
        await until(lambda: len(cluster.api.faults.refused) > refused)
        leave(first)
        await switch(cluster, "heal")
        await asyncio.sleep(0.3)
        assert record(cluster) is not None, "nobody takes it over too early"
        clock.ahead = SILENT_AFTER
        await over(cluster, before)
        await running(cluster)
        assert same(pod(cluster)) == kept
        assert reservations(cluster) == "[]"
        await until(lambda: heard(other) == "Running")
        whole = {POD: "Running"}, {"podUsed": 1, "podLimit": 3, "gpuUsed": 0, "gpuLimit": 4}
        await says(lambda: listed(other), whole)


@pytest.mark.parametrize("stop", ["room held", "released"])
async def test_of_a_pod_that_somebody_deleted_before_the_restart_did_nothing_is_left(configuration, cluster, stop):
    """What had been taken off it already is nobody's: a Service that stays would fill the quota."""
    clock = Clock()
    async with replica_of(configuration) as first, replica_of(configuration, clock) as other:
        await first.synced()
        await other.synced()
        await made(first, cluster)
        refused = len(cluster.api.faults.refused)
        await switch(cluster, "fail", **STOPS[stop])
        assert (await restart(first)).status_code == 202
        await until(lambda: len(cluster.api.faults.refused) > refused)
        leave(first)
        await switch(cluster, "heal")
        cluster.store.delete("pods", NAMESPACE, POD)
        await until(lambda: pod(cluster) is None)
        assert "ownerReferences" not in cluster.store.get("services", NAMESPACE, POD)["metadata"]
        clock.ahead = SILENT_AFTER
        await until(lambda: record(cluster) is None)
        assert cluster.store.find("services", NAMESPACE, POD) is None
        assert cluster.store.find("secrets", NAMESPACE, f"{POD}-ssh") is None
        assert reservations(cluster) == "[]"


@pytest.mark.parametrize("is_cancelled", [True, False])
async def test_who_ends_a_restart_late_leaves_what_the_next_pod_of_that_name_owns(configuration, cluster, is_cancelled):
    """The replica that was to end it dies; the pod is deleted, and before another goes on the name is taken anew."""
    clock = Clock()
    async with replica_of(configuration) as first, replica_of(configuration, clock) as other:
        await first.synced()
        await other.synced()
        await made(first, cluster)
        refused = len(cluster.api.faults.refused)
        await switch(cluster, "fail", **STOPS["asked"])
        await restart(first)
        await until(lambda: len(cluster.api.faults.refused) > refused)
        leave(first)
        await switch(cluster, "heal")
        if is_cancelled:
            found = await other.services.restart_pod._restarts.find(NAMESPACE, POD)
            assert found is not None
            await other.services.restart_pod._claim(found, is_cancelled=True)
        cluster.store.delete("pods", NAMESPACE, POD)
        await until(lambda: pod(cluster) is None and cluster.store.find("services", NAMESPACE, POD) is None)
        await made(other, cluster)
        clock.ahead = SILENT_AFTER + timedelta(seconds=1)
        await until(lambda: record(cluster) is None)
        for plural, name in (("services", POD), ("secrets", f"{POD}-ssh")):
            companion = cluster.store.get(plural, NAMESPACE, name)
            assert [owner["uid"] for owner in companion["metadata"]["ownerReferences"]] == [uid(cluster)]


async def test_a_replica_that_wakes_up_late_undoes_nothing(configuration, cluster):
    """It is held up while it makes the pod; another finishes the restart, and the pod is deleted."""
    clock = Clock()
    async with replica_of(configuration) as first, replica_of(configuration, clock) as other:
        await first.synced()
        await other.synced()
        before = await made(first, cluster)
        await switch(cluster, "delay", seconds=5, skip=1, method="POST", path=CREATES)
        await restart(first)
        await until(lambda: pod(cluster) is None)
        clock.ahead = SILENT_AFTER
        await over(cluster, before)
        assert (await other.ask("DELETE", PATH)).status_code == 204
        await until(lambda: pod(cluster) is None)
        await asyncio.sleep(5)
        await until(lambda: pod(cluster) is None)
        assert record(cluster) is None
        assert reservations(cluster) == "[]"


async def test_a_pod_made_after_everything_was_over_is_taken_away(replica, configuration, cluster):
    await made(replica, cluster)
    stray = pod(cluster)
    cluster.store.update("pods", {**stray, "metadata": {**stray["metadata"], "annotations": {naming.RESTART: "gone"}}})
    cluster.store.create("namespaces", {"metadata": {"name": "elsewhere"}})
    marked = {"name": POD, "namespace": "elsewhere", "annotations": {naming.RESTART: "gone"}}
    cluster.store.create("pods", {"metadata": marked, "spec": {**stray["spec"]}})
    clock = Clock()
    clock.ahead = 2 * SILENT_AFTER + timedelta(seconds=60)
    async with replica_of(configuration, clock) as other:
        await other.synced()
        await until(lambda: pod(cluster) is not None)
        clock.ahead += timedelta(seconds=60)
        await until(lambda: pod(cluster) is None)
        assert cluster.store.find("pods", "elsewhere", POD) is not None


async def test_who_extends_until_the_last_moment_is_extended(replica, cluster):
    before = await made(replica, cluster)
    await switch(cluster, "delay", seconds=0.5, method="DELETE", path=DELETES)
    await restart(replica)
    extended = await replica.ask("POST", f"{PATH}/extend", json={"hours": 7})
    await over(cluster, before)
    assert extended.status_code == 200
    assert pod(cluster)["metadata"]["annotations"][naming.PROTECTED_UNTIL] == extended.json()["protectedUntil"]


async def test_a_pod_that_is_being_deleted_is_not_restarted(replica, cluster):
    await made(replica, cluster)
    held = pod(cluster)
    cluster.store.update("pods", {**held, "metadata": {**held["metadata"], "finalizers": ["tests/held"]}})
    await replica.ask("DELETE", PATH)
    assert (await restart(replica)).status_code == 409
    assert (await replica.ask("POST", f"{PATH}/extend", json={"hours": 1})).status_code == 409
    assert record(cluster) is None


async def test_nothing_ends_that_the_cluster_would_not_take_again(replica, cluster):
    before = await made(replica, cluster)
    limits = cluster.store.list("limitranges", NAMESPACE)[0]
    spec = {"limits": [{"type": "Container", "max": {"memory": "1Mi"}}]}
    cluster.store.update("limitranges", {**limits, "spec": spec})
    answer = await restart(replica)
    assert (answer.status_code, "would not take" in answer.json()["detail"]) == (409, True)
    assert (uid(cluster), record(cluster), reservations(cluster)) == (before, None, "[]")


async def test_a_finished_pod_needs_room_like_a_new_one(replica, cluster):
    await made(replica, cluster)
    ended = pod(cluster)
    status = {**ended["status"], "phase": "Failed", "reason": "Evicted"}
    cluster.store.update("pods", {**ended, "status": status}, subresource="status")
    for name in "bcd":
        assert (await replica.create(name=name)).status_code == 201
    refused = await restart(replica)
    assert (refused.status_code, refused.json()["code"]) == (403, "quota_exceeded")
    assert (record(cluster), pod(cluster) is None) == (None, False)
    assert await replica.ask("DELETE", "/api/pods/pod-alice-alice-b")
    await until(lambda: pod(cluster, "pod-alice-alice-b") is None)
    assert (await restart(replica)).status_code == 202
    await over(cluster, ended["metadata"]["uid"])


async def test_on_a_lost_node_it_waits_and_comes_up_elsewhere_where_that_is_asked_for(configuration, cluster):
    clock = Clock()
    async with replica_of(configuration, clock) as replica:
        await replica.synced()
        was_on = cluster.store.list("nodes")[0]["metadata"]["name"]
        before = await made(replica, cluster, nodeName=was_on)
        node = cluster.store.get("nodes", "", was_on)
        labels = {**node["metadata"]["labels"], "kubernetes.io/hostname": "another"}
        cluster.store.create("nodes", {**node, "metadata": {"name": "another", "labels": labels}})
        silent = [{"type": "Ready", "status": "Unknown", "lastTransitionTime": timestamp(clock())}]
        node = cluster.store.get("nodes", "", was_on)
        status = {**node["status"], "conditions": silent}
        cluster.store.update("nodes", {**node, "status": status}, subresource="status")
        assert (await restart(replica)).status_code == 202
        await until(lambda: "deletionTimestamp" in pod(cluster)["metadata"])
        clock.ahead = LOST_AFTER + timedelta(seconds=5)
        await until(lambda: (known := replica.services.restarts.get(NAMESPACE, POD)) and known.trouble == "node")
        shown = (await replica.ask("GET", PATH)).json()
        assert (shown["status"], was_on in shown["message"]) == ("Restarting", True)
        assert uid(cluster) == before, "what may run on a silent node is given up by its owner alone"
        assert (await restart(replica, avoidNode="true")).status_code == 202
        await over(cluster, before)
        await running(cluster)
        assert pod(cluster)["spec"]["nodeName"] == "another"


async def test_a_node_that_is_only_slow_is_not_given_up(replica, cluster):
    await made(replica, cluster)
    was_on = cluster.store.list("nodes")[0]["metadata"]["name"]
    node = cluster.store.get("nodes", "", was_on)
    silent = [{"type": "Ready", "status": "Unknown", "lastTransitionTime": timestamp(datetime.now(UTC))}]
    cluster.store.update("nodes", {**node, "status": {**node["status"], "conditions": silent}}, subresource="status")
    before = uid(cluster)
    assert (await restart(replica, avoidNode="true")).status_code == 202
    await asyncio.sleep(2.5)
    assert uid(cluster) == before


async def test_only_pods_made_by_genet_restart(replica, cluster):
    await made(replica, cluster)
    foreign = {
        "metadata": {"name": "mine", "namespace": NAMESPACE},
        "spec": {"containers": [{"name": "c", "image": "debian:13"}]},
    }
    cluster.store.create("pods", foreign)
    await until(
        lambda: replica.services.pods and "mine" in {p.metadata.name for p in replica.services.pods.of("alice-alice")}
    )
    answer = await replica.ask("POST", "/api/pods/mine/restart")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert (await replica.ask("POST", f"{PATH}/restart", user="mallory")).status_code == 404
    assert (await replica.ask("POST", "/api/pods/pod-alice-alice-none/restart")).status_code == 404
    assert record(cluster) is None
