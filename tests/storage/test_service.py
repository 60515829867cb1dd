"""What is there before a pod is made: claims and volumes, as the API server has them afterwards."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from genet import naming
from genet.auth.user import User
from genet.errors import Conflict, NotFound, QuotaRefused, Unavailable
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import PODS
from genet.settings import Settings
from genet.storage.reclaim import Reclaim, Reclaiming
from genet.storage.service import HOLD, Storage, VolumeTaken
from tests.replicas import CONFIGURATION, settings, switch, until

NAMESPACE = "user-alice-alice"
ALICE = User("alice", "alice@dev.invalid", "alice-alice", "dev|alice", is_admin=False)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CLAIM = "alice-alice-work"
VOLUME = "genet.alice-alice.disk"
WORK = {"name": "work", "mountPath": "/work", "size": "1Gi"}
GOES = WORK | {"reclaimPolicy": "Delete"}
DISK = {"name": "disk", "mountPath": "/disk", "type": "hostpath", "path": "/srv/{userIdentifier}"}


def configured(kubeconfig, *volumes):
    values = {"kubernetes": {"kubeconfig": str(kubeconfig)}, "storage": {"volumes": list(volumes)}}
    return msgspec.convert(CONFIGURATION | values, Settings).storage


@pytest.fixture
async def kube(kubeconfig, cluster):
    cluster.store.create("namespaces", {"metadata": {"name": NAMESPACE}, "spec": {}, "status": {"phase": "Active"}})
    async with KubeClient.connect(settings(kubeconfig).kubernetes) as client:
        yield client


@pytest.fixture
def rooms(kube, kubeconfig):
    """A replica's storage and what removes claims, over some volumes; each call is another replica."""

    def make(*volumes, now=NOW, **others):
        configuration = configured(kubeconfig, *volumes)
        storage = Storage(kube, configuration, lambda: now, **others)
        return storage, Reclaim(kube, configuration, lambda: now)

    return make


def claims(cluster):
    return {claim["metadata"]["name"]: claim for claim in cluster.store.list("persistentvolumeclaims", NAMESPACE)}


def put_pod(cluster, name="one", claim=CLAIM, **spec):
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": claim}}]
    pod = {"metadata": {"name": name, "namespace": NAMESPACE}, "spec": {"containers": [], "volumes": volumes, **spec}}
    return cluster.store.create("pods", pod)


def marks(claim):
    return [key for key in claim["metadata"].get("annotations", {}) if key.startswith(naming.HELD)]


# --- claims -----------------------------------------------------------------------------------------------------------


async def test_claims_are_made_once_for_all_pods(rooms, cluster):
    storage, _ = rooms(WORK, {"name": "scratch", "mountPath": "/s", "type": "emptyDir"})
    for _ in range(2):
        async with storage.ready(ALICE):
            pass
    assert list(claims(cluster)) == [CLAIM]


async def test_of_an_existing_claim_nothing_is_made_or_changed(rooms, cluster):
    storage, _ = rooms({"name": "old", "mountPath": "/o", "type": "existing", "claimName": "data"})
    async with storage.ready(ALICE):
        pass
    assert claims(cluster) == {}


async def test_two_replicas_at_once_make_one_claim_and_one_volume(rooms, cluster):
    async def make():
        async with rooms(WORK, DISK)[0].ready(ALICE):
            pass

    await asyncio.gather(*(make() for _ in range(8)))
    assert sorted(claims(cluster)) == ["alice-alice-disk", CLAIM]
    assert VOLUME in {volume["metadata"]["name"] for volume in cluster.store.list("persistentvolumes")}


async def test_a_quota_without_room_says_so(rooms, cluster):
    quota = {"metadata": {"name": "q", "namespace": NAMESPACE}, "spec": {"hard": {"requests.storage": "1Mi"}}}
    cluster.store.create("resourcequotas", quota)
    with pytest.raises(QuotaRefused, match="exceeded quota"):
        async with rooms(WORK)[0].ready(ALICE):
            pytest.fail("the pod must not be made")


async def test_a_claim_that_does_not_go_keeps_pods_from_being_made(rooms, cluster):
    storage, _ = rooms(WORK, sleep=lambda _: asyncio.sleep(0))
    async with storage.ready(ALICE):
        pass
    put_pod(cluster, nodeName="n")
    cluster.store.delete("persistentvolumeclaims", NAMESPACE, CLAIM)
    with pytest.raises(Conflict, match="is being removed"):
        async with storage.ready(ALICE):
            pytest.fail("the pod must not be made")


async def test_a_claim_that_goes_is_waited_for_and_made_anew(rooms, cluster):
    storage, _ = rooms(WORK)
    async with storage.ready(ALICE):
        pass
    before = claims(cluster)[CLAIM]["metadata"]["uid"]
    put_pod(cluster, nodeName="n")
    cluster.store.delete("persistentvolumeclaims", NAMESPACE, CLAIM)
    asyncio.get_running_loop().call_later(
        0.05, lambda: cluster.store.delete("pods", NAMESPACE, "one", grace_period_seconds=0)
    )
    async with storage.ready(ALICE):
        meta = claims(cluster)[CLAIM]["metadata"]
        assert meta["uid"] != before
        assert "deletionTimestamp" not in meta


# --- volumes of Genet's own -------------------------------------------------------------------------------------------


async def test_a_volume_of_genets_own_is_there_before_its_claim(rooms, cluster):
    async with rooms(DISK)[0].ready(ALICE):
        pass
    volume = cluster.store.get("persistentvolumes", "", VOLUME)
    claim = claims(cluster)["alice-alice-disk"]
    assert int(volume["metadata"]["uid"] != "") == 1
    assert volume["spec"]["hostPath"]["path"] == "/srv/alice-alice"
    assert claim["spec"]["volumeName"] == VOLUME


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": {}},
        {"labels": {naming.MANAGED: "false"}},
        {"annotations": {}},
        {"annotations": {naming.OWNER: "dev|another-alice"}},
        {"claimRef": {"namespace": "user-bob-bob", "name": "alice-alice-disk"}},
        {"claimRef": {"namespace": NAMESPACE, "name": "alice-alice-other"}},
        {"claimRef": None},
    ],
    ids=["unlabelled", "given up", "no owner", "another account", "another namespace", "another claim", "no claim"],
)
async def test_a_volume_that_is_not_this_persons_is_never_used(rooms, cluster, changes):
    storage, _ = rooms(DISK)
    async with storage.ready(ALICE):
        pass
    volume = cluster.store.get("persistentvolumes", "", VOLUME)
    cluster.store.delete("persistentvolumeclaims", NAMESPACE, "alice-alice-disk")
    for found in cluster.store.list("persistentvolumes"):
        store_delete(cluster, found)
    spec = {**volume["spec"], "claimRef": changes.get("claimRef", volume["spec"]["claimRef"])}
    if spec["claimRef"] is None:
        del spec["claimRef"]
    metadata = {"name": VOLUME, **{key: volume["metadata"][key] for key in ("labels", "annotations")}}
    metadata |= {key: value for key, value in changes.items() if key != "claimRef"}
    before = cluster.store.create(
        "persistentvolumes", {"metadata": metadata, "spec": spec, "status": {"phase": "Available"}}
    )
    with pytest.raises(VolumeTaken):
        async with storage.ready(ALICE):
            pytest.fail("the pod must not be made")
    assert cluster.store.get("persistentvolumes", "", VOLUME)["spec"] == before["spec"]


def store_delete(cluster, volume):
    """For good, whatever protects it."""
    cluster.store.update("persistentvolumes", {**volume, "metadata": {**volume["metadata"], "finalizers": []}})
    if cluster.store.find("persistentvolumes", "", volume["metadata"]["name"]):
        cluster.store.delete("persistentvolumes", "", volume["metadata"]["name"])


async def test_a_volume_whose_claim_was_deleted_and_made_anew_is_bound_again_to_the_same_person(rooms, cluster):
    storage, _ = rooms(DISK)
    async with storage.ready(ALICE):
        pass
    first = claims(cluster)["alice-alice-disk"]["metadata"]["uid"]
    assert cluster.store.get("persistentvolumes", "", VOLUME)["spec"]["claimRef"]["uid"] == first
    cluster.store.delete("persistentvolumeclaims", NAMESPACE, "alice-alice-disk")
    assert cluster.store.get("persistentvolumes", "", VOLUME)["status"]["phase"] == "Released"
    async with storage.ready(ALICE):
        pass
    again = claims(cluster)["alice-alice-disk"]
    assert again["metadata"]["uid"] != first
    assert again["status"]["phase"] == "Bound"
    assert cluster.store.get("persistentvolumes", "", VOLUME)["spec"]["claimRef"]["uid"] == again["metadata"]["uid"]


# --- claims that go with their last pod -------------------------------------------------------------------------------


async def test_the_claim_goes_with_the_last_pod(rooms, cluster):
    storage, reclaim = rooms(GOES)
    async with storage.ready(ALICE):
        put_pod(cluster)
    assert marks(claims(cluster)[CLAIM]) == []
    assert await reclaim.sweep(NAMESPACE) == []
    cluster.store.delete("pods", NAMESPACE, "one")
    assert await reclaim.sweep(NAMESPACE, dry_run=True) == [CLAIM]
    assert await reclaim.sweep(NAMESPACE) == [CLAIM]
    assert claims(cluster) == {}


@pytest.mark.parametrize("state", ["Pending", "Running", "Succeeded", "Failed", "Terminating"])
async def test_while_any_pod_names_it_it_stays(rooms, cluster, state):
    storage, reclaim = rooms(GOES)
    async with storage.ready(ALICE):
        put_pod(cluster, **({} if state == "Pending" else {"nodeName": "n"}))
    pod = cluster.store.get("pods", NAMESPACE, "one")
    if state == "Terminating":
        cluster.store.delete("pods", NAMESPACE, "one", grace_period_seconds=30)
    else:
        cluster.store.update("pods", {**pod, "status": {"phase": state}}, subresource="status")
    assert await reclaim.sweep(NAMESPACE) == []
    assert "deletionTimestamp" not in claims(cluster)[CLAIM]["metadata"]


async def test_while_a_pod_is_being_made_it_stays(rooms, cluster):
    storage, reclaim = rooms(GOES)
    async with storage.ready(ALICE):
        assert await reclaim.sweep(NAMESPACE) == []
        assert len(marks(claims(cluster)[CLAIM])) == 1


async def test_what_stays_stays(rooms, cluster):
    """Retain, by the settings of now or of then; and claims of others."""
    storage, _ = rooms(WORK)
    async with storage.ready(ALICE):
        pass
    assert await rooms(GOES)[1].sweep(NAMESPACE) == []  # made under Retain
    spec = claims(cluster)[CLAIM]["spec"]
    labels = {naming.MANAGED: "true", naming.RECLAIM_POLICY: "Delete"}
    for name in ("alice-alice-other", "own"):
        metadata = {"name": name, "namespace": NAMESPACE, "labels": labels}
        cluster.store.create("persistentvolumeclaims", {"metadata": metadata, "spec": spec})
    assert await rooms(GOES)[1].sweep(NAMESPACE) == []
    async with rooms(GOES | {"name": "fresh", "mountPath": "/f"})[0].ready(ALICE):
        pass
    assert await rooms(WORK | {"name": "fresh", "mountPath": "/f"})[1].sweep(NAMESPACE) == []  # Retain by now
    assert len(claims(cluster)) == 4


async def test_a_creation_that_failed_leaves_no_mark_and_tells(rooms, cluster):
    told: list[str] = []
    storage, reclaim = rooms(GOES, unused=told.append)
    with pytest.raises(NotFound):
        async with storage.ready(ALICE):
            raise NotFound("no pod")
    assert told == [NAMESPACE]
    assert await reclaim.sweep(NAMESPACE) == [CLAIM]


async def test_a_creation_of_which_nobody_heard_holds_its_claim_until_its_mark_ends(rooms, cluster):
    told: list[str] = []
    storage, reclaim = rooms(GOES, unused=told.append)
    with pytest.raises(Unavailable):
        async with storage.ready(ALICE):
            raise Unavailable("no answer")
    assert told == [NAMESPACE]
    assert await reclaim.sweep(NAMESPACE) == []
    assert await rooms(GOES, now=NOW + timedelta(minutes=6))[1].sweep(NAMESPACE) == [CLAIM]


async def test_what_a_dead_replica_was_making_is_looked_at_again_when_its_mark_ends(rooms, cluster, kube):
    """No pod goes and nobody creates one any more, so nothing else would remind of it."""
    storage, reclaim = rooms(GOES, now=datetime.now(UTC) - HOLD + timedelta(seconds=0.7))
    making = storage.ready(ALICE)
    await making.__aenter__()  # and its replica dies
    reclaim = Reclaim(kube, storage._settings, lambda: datetime.now(UTC))
    reclaiming = asyncio.create_task(Reclaiming(reclaim, pods := Cache(kube, PODS)).run())
    watching = asyncio.create_task(pods.run())
    await asyncio.sleep(0.3)
    assert CLAIM in claims(cluster)
    await until(lambda: claims(cluster) == {})
    for task in (reclaiming, watching):
        task.cancel()
    await asyncio.gather(reclaiming, watching, return_exceptions=True)


async def test_what_is_marked_between_the_judgement_and_the_delete_is_not_deleted(rooms, cluster, kube):
    """The delete is held up; meanwhile another replica begins to make a pod."""
    storage, reclaim = rooms(GOES)
    async with storage.ready(ALICE):
        pass
    path = f"/api/v1/namespaces/{NAMESPACE}/persistentvolumeclaims/{CLAIM}"
    await switch(cluster, "delay", seconds=0.2, path=path, method="DELETE")
    sweeping = asyncio.create_task(reclaim.sweep(NAMESPACE))
    await asyncio.sleep(0.1)
    async with storage.ready(ALICE):
        assert await sweeping == []
        put_pod(cluster)
    assert "deletionTimestamp" not in claims(cluster)[CLAIM]["metadata"]


async def test_a_claim_lost_because_its_creation_took_too_long_is_made_anew(rooms, cluster):
    storage, _ = rooms(GOES)
    late = rooms(GOES, now=NOW + timedelta(minutes=6))[1]
    async with storage.ready(ALICE):
        assert await late.sweep(NAMESPACE) == [CLAIM]
        put_pod(cluster)
    assert marks(claims(cluster)[CLAIM]) == []


async def test_a_hold_keeps_it_while_there_is_no_pod(rooms, cluster):
    storage, reclaim = rooms(GOES)
    async with storage.ready(ALICE):
        pass
    mine = storage.transient(NAMESPACE, [CLAIM, "something-else"])
    assert mine == [CLAIM]
    await storage.hold(NAMESPACE, [*mine, "not-there"], "restart", timedelta(hours=1))
    assert await reclaim.sweep(NAMESPACE) == []
    await storage.release(NAMESPACE, [*mine, "not-there"], "restart")
    assert await reclaim.sweep(NAMESPACE) == [CLAIM]


async def test_creating_and_removing_at_once_never_leaves_a_pod_without_its_claim(rooms, cluster):
    """Two replicas make pods, two remove claims: each round begins with a claim that nothing uses."""
    replicas = [rooms(GOES) for _ in range(2)]
    chance = random.Random(5)  # noqa: S311 # no secret
    removed, lost = 0, []

    async def create(number, steps):
        for _ in range(steps):
            await asyncio.sleep(0)
        async with replicas[number][0].ready(ALICE):
            put_pod(cluster, f"p{number}")
        found = claims(cluster).get(CLAIM)
        if found is None or "deletionTimestamp" in found["metadata"]:
            lost.append(number)

    async def remove(number, steps):
        nonlocal removed
        for _ in range(steps):
            await asyncio.sleep(0)
        removed += len(await replicas[number][1].sweep(NAMESPACE))

    async with replicas[0][0].ready(ALICE):
        pass
    for _ in range(60):
        acts = [*(create(number, chance.randrange(60)) for number in range(2)),
                *(remove(number, chance.randrange(60)) for number in range(2))]  # fmt: skip
        async with asyncio.timeout(20):
            await asyncio.gather(*acts)
        assert lost == []
        for number in range(2):
            cluster.store.delete("pods", NAMESPACE, f"p{number}", grace_period_seconds=0)
    assert 0 < removed < 60
    assert await replicas[0][1].sweep(NAMESPACE) == [CLAIM]
