"""What belongs to one pod: made with it, completed by any replica, released and owned again, gone with it."""

import base64
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from genet.errors import Conflict
from genet.flows.companions import Companions
from genet.flows.unfinished import ORPHAN_AFTER, RELEASED_AT
from genet.kube.objects import PODS
from tests.replicas import replica_of, settings, switch, until

NAMESPACE, POD = "user-alice-alice", "pod-alice-alice-a"
CORE = f"/api/v1/namespaces/{NAMESPACE}"


class Clock:
    def __init__(self):
        self.now = datetime.now(UTC)

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def made(replica):
    """The pod as the API shows it."""
    answer = await replica.create(name="a")
    assert answer.status_code == 201, answer.text
    return answer.json()


class Interposed:
    """The API server, with something that happens right after an answer to one kind of call, once for each kind."""

    def __init__(self, kube, call, happens):
        self._kube = kube
        self._call = call
        self._happens = happens
        self._seen = set()

    def __getattr__(self, name):
        return getattr(self._kube, name)

    async def get(self, resource, *arguments):
        return self._then("get", resource, await self._kube.get(resource, *arguments))

    async def patch(self, resource, name, patch, *arguments):
        answer = await self._kube.patch(resource, name, patch, *arguments)
        return self._then("look" if patch == {"metadata": {}} else "patch", resource, answer)

    def _then(self, call, resource, answer):
        if call == self._call and resource.plural not in self._seen:
            self._seen.add(resource.plural)
            self._happens(resource.plural, answer.metadata.name)
        return answer


def companions_of(replica, clock, kube=None, **more):
    """Another replica's, as far as this room goes; time is the test's."""
    services = replica.services
    return Companions(
        kube or services.pods._kube,
        services.settings,
        pods=services.pods._pods,
        namespaces=services.namespaces,
        keys=services.ssh_keys,
        clock=clock,
        **more,
    )


def live(replica):
    return replica.services.pods._pods.get(POD, NAMESPACE)


def service(cluster):
    return cluster.store.find("services", NAMESPACE, POD)


def host_secret(cluster):
    return cluster.store.find("secrets", NAMESPACE, f"{POD}-ssh")


def owners(obj):
    return [reference["uid"] for reference in obj["metadata"].get("ownerReferences") or ()]


def uid(cluster):
    return cluster.store.get("pods", NAMESPACE, POD)["metadata"]["uid"]


def remove_quietly(cluster, plural, name):
    cluster.store.delete(plural, NAMESPACE, name)


async def test_a_new_pod_comes_with_its_port_and_its_host_key(made, cluster):
    spec = service(cluster)["spec"]
    assert spec["type"] == "NodePort"
    assert spec["selector"] == {
        "genet.io/managed": "true",
        "genet.io/created-by": "genet",
        "genet.io/pod": POD,
    }
    assert made["sshPort"] == spec["ports"][0]["nodePort"]
    assert made["connection"]["hostKeyFingerprints"][0].startswith("SHA256:")
    assert owners(service(cluster)) == owners(host_secret(cluster)) == [uid(cluster)]
    data = host_secret(cluster)["data"]
    assert data.keys() == {"ssh_host_ed25519_key", "sshd_config", "start"}


async def test_the_selector_meets_this_pod_alone(replica, made, cluster):
    await replica.create(name="b")
    selector = service(cluster)["spec"]["selector"].items()
    pods = cluster.store.list("pods", NAMESPACE)
    assert [p["metadata"]["name"] for p in pods if selector <= p["metadata"]["labels"].items()] == [POD]


async def test_they_go_with_the_pod(replica, made, cluster):
    await replica.ask("DELETE", f"/api/pods/{POD}")
    await until(lambda: cluster.store.find("pods", NAMESPACE, POD) is None)
    assert (service(cluster), host_secret(cluster)) == (None, None)


async def test_made_again_they_are_the_same(replica, made, cluster, clock):
    before = service(cluster)["spec"], host_secret(cluster)["data"]
    pod = await companions_of(replica, clock).make(live(replica))
    assert (service(cluster)["spec"], host_secret(cluster)["data"]) == before
    assert pod.metadata.annotations["genet.io/ssh-port"] == str(made["sshPort"])


@pytest.mark.parametrize("plural", ["services", "secrets"])
async def test_a_pod_whose_rest_fails_is_there_all_the_same_and_is_completed(replica, cluster, clock, plural):
    await switch(cluster, "fail", status=500, path=f"{CORE}/{plural}", times=1)
    answer = await replica.create(name="a")
    assert answer.status_code == 201
    assert (answer.json()["sshPort"], answer.json()["connection"]["ssh"]) == (None, None)
    other = companions_of(replica, clock)
    other._unfinished.follow([(None, live(replica))])
    await other._unfinished.complete()
    assert live(replica).metadata.annotations.get("genet.io/ssh-port") is None, "it is left to who made it at first"
    clock.now += timedelta(seconds=11)
    await other._unfinished.complete()
    assert live(replica).metadata.annotations["genet.io/ssh-port"] == str(
        service(cluster)["spec"]["ports"][0]["nodePort"]
    )
    assert host_secret(cluster) is not None


async def test_what_fails_is_tried_ever_more_seldom(replica, made, cluster, clock, caplog):
    other = companions_of(replica, clock)
    await replica.services.pods._kube.patch(
        PODS, POD, {"metadata": {"annotations": {"genet.io/ssh-port": None}}}, NAMESPACE
    )
    await until(lambda: "genet.io/ssh-port" not in live(replica).metadata.annotations)
    other._unfinished.follow([(None, live(replica))])
    await switch(cluster, "fail", status=500, path=f"{CORE}/services", times=10_000)
    for _ in range(600):
        clock.now += timedelta(seconds=2)
        await other._unfinished.complete()
    assert 5 <= sum("is not complete yet" in message for message in caplog.messages) <= 25


async def test_released_they_outlive_the_pod_and_are_owned_by_the_next_one(replica, made, cluster, clock):
    other = companions_of(replica, clock)
    port, key = made["sshPort"], host_secret(cluster)["data"]["ssh_host_ed25519_key"]
    await other.release(live(replica))
    await other.release(live(replica))
    assert owners(service(cluster)) == owners(host_secret(cluster)) == []
    await replica.ask("DELETE", f"/api/pods/{POD}")
    await until(lambda: cluster.store.find("pods", NAMESPACE, POD) is None)
    assert service(cluster) is not None
    answer = (await replica.create(name="a")).json()
    assert answer["sshPort"] == port
    assert host_secret(cluster)["data"]["ssh_host_ed25519_key"] == key
    assert answer["connection"]["hostKeyFingerprints"] == made["connection"]["hostKeyFingerprints"]
    assert owners(service(cluster)) == owners(host_secret(cluster)) == [uid(cluster)]
    assert RELEASED_AT not in service(cluster)["metadata"]["annotations"]


async def left_behind(replica, cluster, clock):
    """By a restart that never ended."""
    await companions_of(replica, clock).release(live(replica))
    await replica.ask("DELETE", f"/api/pods/{POD}")
    await until(lambda: cluster.store.find("pods", NAMESPACE, POD) is None and live(replica) is None)


@pytest.mark.parametrize("late", ["make", "release", "close"])
async def test_who_is_late_does_not_touch_what_the_next_pod_of_that_name_owns(replica, made, cluster, clock, late):
    before = live(replica)
    cluster.store.delete("pods", NAMESPACE, POD)
    await until(lambda: cluster.store.find("pods", NAMESPACE, POD) is None and service(cluster) is None)
    assert (await replica.create(name="a")).status_code == 201
    kept = service(cluster), host_secret(cluster)
    with suppress(Conflict):  # the note of another pod is not written either
        await getattr(companions_of(replica, clock), late)(before)
    assert (service(cluster), host_secret(cluster)) == kept
    assert owners(kept[0]) == owners(kept[1]) == [uid(cluster)]


def given_to(cluster, plural, name, owner):
    """As if another pod had taken it over."""
    known = cluster.store.get(plural, NAMESPACE, name)
    reference = {"apiVersion": "v1", "kind": "Pod", "name": "b", "uid": owner}
    cluster.store.update(plural, {**known, "metadata": {**known["metadata"], "ownerReferences": [reference]}})


@pytest.mark.parametrize("late", ["release", "remove", "close"])
async def test_what_is_taken_over_between_the_look_and_the_write_stays(replica, made, cluster, clock, late):
    await replica.create(name="b")
    other = cluster.store.get("pods", NAMESPACE, "pod-alice-alice-b")["metadata"]["uid"]
    pod = live(replica)

    def taken(plural, name):
        given_to(cluster, plural, name, other)

    companions = companions_of(replica, clock, Interposed(replica.services.pods._kube, "look", taken))
    work = {"remove": lambda: companions.remove(NAMESPACE, POD, of={pod.metadata.uid})}
    await work.get(late, lambda: getattr(companions, late)(pod))()
    assert owners(service(cluster)) == [other]
    assert late == "close" or owners(host_secret(cluster)) == [other]


async def test_nothing_is_taken_for_a_pod_that_goes_between_the_look_and_the_write(replica, made, cluster, clock):
    await replica.create(name="b")
    other = cluster.store.get("pods", NAMESPACE, "pod-alice-alice-b")["metadata"]["uid"]
    pod = live(replica)
    await companions_of(replica, clock).release(pod)

    def gone(_plural, _name):
        cluster.store.delete("pods", NAMESPACE, POD, grace_period_seconds=0)
        given_to(cluster, "services", POD, other)
        given_to(cluster, "secrets", f"{POD}-ssh", other)

    companions = companions_of(replica, clock, Interposed(replica.services.pods._kube, "get", gone))
    with pytest.raises(Conflict):
        await companions.adopt(pod)
    assert owners(service(cluster)) == owners(host_secret(cluster)) == [other]


async def test_what_was_left_behind_goes_after_a_while(replica, made, cluster, clock):
    await left_behind(replica, cluster, clock)
    other = companions_of(replica, clock)
    await other._unfinished.go_round()
    assert service(cluster) is not None
    clock.now += ORPHAN_AFTER
    await other._unfinished.go_round()
    assert (service(cluster), host_secret(cluster)) == (None, None)


async def test_while_a_restart_is_under_way_nothing_goes(replica, made, cluster, clock):
    await left_behind(replica, cluster, clock)
    clock.now += 10 * ORPHAN_AFTER
    await companions_of(replica, clock, is_restarting=lambda *_: True)._unfinished.go_round()
    assert service(cluster) is not None


async def test_a_pod_that_the_cache_has_not_heard_of_keeps_its_own(replica, made, cluster, clock):
    await left_behind(replica, cluster, clock)
    await switch(cluster, "freeze")
    body = {"metadata": {"name": POD, "namespace": NAMESPACE}, "spec": {"containers": [{"name": "m", "image": "i"}]}}
    await replica.services.pods._kube.create(PODS, body, NAMESPACE)
    clock.now += ORPHAN_AFTER
    await companions_of(replica, clock)._unfinished.go_round()
    assert service(cluster) is not None


async def test_a_service_that_somebody_deleted_is_made_again(replica, made, cluster, clock):
    remove_quietly(cluster, "services", POD)
    await companions_of(replica, clock)._unfinished.go_round()
    assert service(cluster)["spec"]["ports"][0]["nodePort"] == int(
        live(replica).metadata.annotations["genet.io/ssh-port"]
    )


async def test_a_pod_that_ended_gives_its_port_back(replica, made, cluster, clock):
    pod = cluster.store.get("pods", NAMESPACE, POD)
    ended = {**pod, "status": {**pod["status"], "phase": "Failed", "reason": "Evicted"}}
    cluster.store.update("pods", ended, subresource="status")
    await until(lambda: live(replica).status.phase == "Failed")
    other = companions_of(replica, clock)
    other._unfinished.follow([(None, live(replica))])
    clock.now += timedelta(minutes=1)
    await other._unfinished.complete()
    assert service(cluster) is None
    shown = (await replica.ask("GET", f"/api/pods/{POD}")).json()
    assert (shown["sshPort"], shown["connection"]["ssh"], shown["connection"]["ports"]) == (None, None, [])


async def test_a_service_of_that_name_that_is_not_genets_stays_as_it_is(replica, made, cluster, clock):
    remove_quietly(cluster, "services", POD)
    spec = {"type": "ClusterIP", "selector": {"app": "mine"}, "ports": [{"port": 22, "protocol": "TCP"}]}
    cluster.store.create("services", {"metadata": {"name": POD, "namespace": NAMESPACE}, "spec": spec})
    with pytest.raises(Conflict, match="not Genet's"):
        await companions_of(replica, clock).adopt(live(replica))
    assert service(cluster)["spec"]["selector"] == {"app": "mine"}


async def test_an_unreadable_host_key_is_made_anew(replica, made, cluster, clock):
    broken = {**host_secret(cluster), "data": {"ssh_host_ed25519_key": base64.b64encode(b"x").decode()}}
    cluster.store.update("secrets", broken)
    pod = await companions_of(replica, clock).make(live(replica))
    assert pod.metadata.annotations["genet.io/ssh-host-key"].startswith("SHA256:")
    assert base64.b64decode(host_secret(cluster)["data"]["ssh_host_ed25519_key"]).startswith(b"-----BEGIN OPENSSH")


async def test_where_ssh_is_off_there_is_nothing_of_it(kubeconfig, cluster):
    async with replica_of(settings(kubeconfig, ssh={"enabled": False})) as replica:
        await replica.synced()
        answer = (await replica.create(name="a")).json()
    assert (answer["sshPort"], answer["connection"]["ssh"]) == (None, None)
    assert cluster.store.list("services", NAMESPACE) == []
    spec = cluster.store.get("pods", NAMESPACE, POD)["spec"]
    assert "genet-ssh" not in [volume["name"] for volume in spec["volumes"]]


async def test_where_ssh_is_off_what_failed_is_tried_again_all_the_same(replica, made, cluster, clock):
    """A claim's template, say, that the pod does not own yet."""
    other = companions_of(replica, clock)
    other._is_on = other._unfinished._is_on = False
    other._unfinished.follow([(None, live(replica))])
    assert other._unfinished._waiting == {}
    other._unfinished.put_off(live(replica))
    clock.now += timedelta(seconds=5)
    await other._unfinished.complete()
    assert other._unfinished._waiting == {}


async def test_nothing_is_made_for_a_pod_on_its_way_out(replica, made, cluster, clock):
    other = companions_of(replica, clock)
    leaving = cluster.store.get("pods", NAMESPACE, POD)
    cluster.store.update("pods", {**leaving, "metadata": {**leaving["metadata"], "finalizers": ["tests/held"]}})
    await replica.ask("DELETE", f"/api/pods/{POD}")
    await until(lambda: live(replica).metadata.deletion_timestamp is not None)
    remove_quietly(cluster, "services", POD)
    other._unfinished.put_off(live(replica))
    clock.now += timedelta(minutes=1)
    await other._unfinished.complete()
    await other._unfinished.go_round()
    assert service(cluster) is None


@pytest.mark.parametrize("phase", ["Running", "Failed"])
async def test_in_other_peoples_namespaces_its_labels_mean_nothing(replica, cluster, clock, phase):
    """Who may make pods in a namespace of their own has no hand in what Genet makes and deletes."""
    name, namespace = "pod-eve-eve-a", "user-eve-eve"
    cluster.store.create("namespaces", {"metadata": {"name": namespace}})
    labels = {"genet.io/managed": "true", "genet.io/created-by": "genet", "genet.io/pod": name}
    notes = {"genet.io/ssh-port": "30022"} if phase == "Failed" else {}
    forged = {"metadata": {"name": name, "namespace": namespace, "labels": labels, "annotations": notes},
              "spec": {"containers": [{"name": "main", "image": "debian:13"}]}}  # fmt: skip
    made = cluster.store.create("pods", forged)
    cluster.store.update("pods", {**made, "status": {"phase": phase}}, subresource="status")
    if phase == "Failed":
        cluster.store.create("services", {"metadata": {"name": name, "namespace": namespace}})
    pods = replica.services.pods._pods
    await until(lambda: (pod := pods.get(name, namespace)) is not None and pod.status.phase == phase)
    await until(lambda: replica.services.namespaces.get(namespace) is not None)
    other = companions_of(replica, clock)
    other._unfinished.follow([(None, pods.get(name, namespace))])
    clock.now += timedelta(minutes=1)
    await other._unfinished.complete()
    await other._unfinished.go_round()
    assert other._unfinished._waiting == {}
    assert len(cluster.store.list("services", namespace)) == (phase == "Failed")
    assert cluster.store.list("secrets", namespace) == []


async def test_a_pod_of_that_name_that_genet_did_not_make_gets_nothing(replica, made, cluster, clock):
    """Somebody was faster than a restart: what it left behind is not theirs."""
    await companions_of(replica, clock).release(live(replica))
    pod = cluster.store.get("pods", NAMESPACE, POD)
    cluster.store.update("pods", {**pod, "metadata": {**pod["metadata"], "labels": {}}})
    await until(lambda: not live(replica).metadata.labels)
    await companions_of(replica, clock)._unfinished.go_round()
    assert owners(service(cluster)) == []
