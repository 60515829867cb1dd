import pytest

from genet.simulation.errors import ApiError
from genet.simulation.resources import KINDS
from tests.simulation.world import World, settle

SPEC = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}}
NO_CLASS = {**SPEC, "storageClassName": ""}
CLAIMS, VOLUMES = "persistentvolumeclaims", "persistentvolumes"


def volume(world: World, name="disk", *, size="10Gi", policy="Retain", **spec):
    made = {"accessModes": ["ReadWriteOnce", "ReadWriteMany"], "capacity": {"storage": size}, "storageClassName": ""}
    made |= {"hostPath": {"path": "/srv"}, "persistentVolumeReclaimPolicy": policy}
    return world.create(VOLUMES, name, made | spec)


def to(claim, namespace="default", **uid):
    return {"claimRef": {"kind": "PersistentVolumeClaim", "namespace": namespace, "name": claim, **uid}}


def storage_class(world: World, name, **fields):
    return world.create("storageclasses", name, provisioner="genet.io/simulation", **fields)


def phase(world: World, name, plural=CLAIMS):
    return world.store.get(plural, "" if plural == VOLUMES else "default", name)["status"]["phase"]


def messages(world: World, name):
    return [e["message"] for e in world.store.list("events") if e["involvedObject"]["name"] == name]


def update(world: World, plural, obj, **spec):
    """As a request would."""
    old = world.store.get(plural, obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
    changed = {**old, "spec": {**old["spec"], **spec}}
    return world.store.update(plural, world.cluster.api.admission.update(KINDS[plural], changed, old))


def asking(size):
    return {"resources": {"requests": {"storage": size}}}


async def test_a_claim_gets_a_volume_of_the_default_class_and_takes_it_along(empty: World):
    empty.create("persistentvolumeclaims", "data", SPEC)
    claim = empty.get("data", "persistentvolumeclaims")
    assert claim["status"] == {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "5Gi"}}
    volume = empty.store.get("persistentvolumes", "", claim["spec"]["volumeName"])
    assert volume["status"]["phase"] == "Bound"
    assert volume["spec"]["claimRef"]["uid"] == claim["metadata"]["uid"]
    empty.store.delete("persistentvolumeclaims", "default", "data")
    assert empty.store.list("persistentvolumes") == []


async def test_a_claim_of_an_unknown_class_waits_and_says_so_until_the_class_is_there(empty: World):
    empty.create("persistentvolumeclaims", "data", {**SPEC, "storageClassName": "gold"})
    assert empty.get("data", "persistentvolumeclaims")["status"] == {"phase": "Pending"}
    assert messages(empty, "data") == ['storageclass.storage.k8s.io "gold" not found']
    storage_class(empty, "gold")
    assert phase(empty, "data") == "Bound"


async def test_without_a_class_and_a_volume_it_says_so(empty: World):
    empty.create(CLAIMS, "data", NO_CLASS)
    assert messages(empty, "data") == ["no persistent volumes available for this claim and no storage class is set"]


async def test_without_a_class_it_takes_the_smallest_that_will_do(empty: World):
    for name, size in (("large", "20Gi"), ("fits", "6Gi"), ("small", "1Gi")):
        volume(empty, name, size=size)
    empty.create(CLAIMS, "data", NO_CLASS)
    claim = empty.get("data", CLAIMS)
    assert claim["spec"]["volumeName"] == "fits"
    assert claim["status"]["capacity"] == {"storage": "6Gi"}
    assert [phase(empty, name, VOLUMES) for name in ("large", "fits", "small")] == ["Available", "Bound", "Available"]


async def test_a_volume_that_names_a_claim_is_kept_for_it(empty: World):
    volume(empty, **to("mine"))
    empty.create(CLAIMS, "data", NO_CLASS)
    assert phase(empty, "data") == "Pending"
    empty.create(CLAIMS, "mine", NO_CLASS)
    assert phase(empty, "mine") == "Bound"
    assert (
        empty.store.get(VOLUMES, "", "disk")["spec"]["claimRef"]["uid"] == empty.get("mine", CLAIMS)["metadata"]["uid"]
    )


async def test_a_claim_that_names_a_volume_gets_no_other_and_waits_for_it(empty: World):
    volume(empty, "other")
    empty.create(CLAIMS, "data", {**NO_CLASS, "volumeName": "disk"})
    assert phase(empty, "data") == "Pending"
    volume(empty, "disk", **to("data"))
    assert phase(empty, "data") == "Bound"
    assert phase(empty, "other", VOLUMES) == "Available"


@pytest.mark.parametrize("reference", [to("data", "elsewhere"), to("else"), to("data", uid="of-an-older-claim")])
async def test_a_volume_of_another_claim_is_not_bound(empty: World, reference):
    volume(empty, **reference)
    empty.create(CLAIMS, "data", {**NO_CLASS, "volumeName": "disk"})
    assert phase(empty, "data") == "Pending"
    assert messages(empty, "data") == ['volume "disk" already bound to a different claim.']


async def test_a_volume_that_does_not_fit_is_named(empty: World):
    volume(empty, size="1Gi")
    empty.create(CLAIMS, "data", {**NO_CLASS, "volumeName": "disk"})
    assert messages(empty, "data") == ['Cannot bind to requested volume "disk": requested PV is too small']


async def test_a_volume_outlives_its_claim_and_is_nobodys_until_it_is_let_go(empty: World):
    volume(empty, **to("data"))
    empty.create(CLAIMS, "data", NO_CLASS)
    empty.store.delete(CLAIMS, "default", "data")
    assert phase(empty, "disk", VOLUMES) == "Released"
    empty.create(CLAIMS, "data", {**NO_CLASS, "volumeName": "disk"})
    assert phase(empty, "data") == "Pending"
    released = empty.store.get(VOLUMES, "", "disk")
    update(empty, VOLUMES, released, **to("data"))
    assert (phase(empty, "data"), phase(empty, "disk", VOLUMES)) == ("Bound", "Bound")


async def test_a_volume_that_is_to_be_deleted_goes_with_its_claim(empty: World):
    volume(empty, policy="Delete", **to("data"))
    empty.create(CLAIMS, "data", NO_CLASS)
    empty.store.delete(CLAIMS, "default", "data")
    assert empty.store.list(VOLUMES) == []


async def test_a_bound_volume_that_is_deleted_waits_for_its_claim(empty: World):
    volume(empty, **to("data"))
    empty.create(CLAIMS, "data", NO_CLASS)
    empty.store.delete(VOLUMES, "", "disk")
    assert "deletionTimestamp" in empty.store.get(VOLUMES, "", "disk")["metadata"]
    empty.store.delete(CLAIMS, "default", "data")
    assert empty.store.list(VOLUMES) == []


async def test_a_claim_whose_volume_is_gone_is_lost(empty: World):
    made = volume(empty, **to("data"))
    empty.create(CLAIMS, "data", NO_CLASS)
    bound = empty.store.get(VOLUMES, "", "disk")
    empty.store.update(VOLUMES, {**bound, "metadata": {**made["metadata"], "finalizers": []}, "spec": bound["spec"]} | {
        "metadata": {"name": "disk"}})  # fmt: skip
    empty.store.delete(VOLUMES, "", "disk")
    update(empty, CLAIMS, empty.get("data", CLAIMS))
    found = empty.get("data", CLAIMS)
    empty.store.update(CLAIMS, {**found, "metadata": {**found["metadata"], "labels": {"look": "again"}}})
    assert phase(empty, "data") == "Lost"


async def test_a_class_that_waits_provisions_where_the_first_pod_goes(empty: World):
    storage_class(empty, "late", volumeBindingMode="WaitForFirstConsumer")
    empty.create(CLAIMS, "data", {**SPEC, "storageClassName": "late"})
    assert phase(empty, "data") == "Pending"
    assert messages(empty, "data") == ["waiting for first consumer to be created before binding"]
    empty.pod("one", volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}])
    await settle()
    assert phase(empty, "data") == "Bound"
    node = empty.get("one")["spec"]["nodeName"]
    assert empty.get("data", CLAIMS)["metadata"]["annotations"]["volume.kubernetes.io/selected-node"] == node


async def test_a_volume_that_is_on_some_nodes_keeps_pods_from_others(empty: World):
    expression = {"key": "disk", "operator": "In", "values": ["big"]}
    volume(empty, nodeAffinity={"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}, **to("data"))
    empty.create(CLAIMS, "data", NO_CLASS)
    empty.pod("one", volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}])
    await settle()
    assert any("node(s) had volume node affinity conflict" in text for text in messages(empty, "one"))
    node = empty.store.list("nodes")[0]
    empty.store.update("nodes", {**node, "metadata": {**node["metadata"], "labels": {"disk": "big"}}})
    await settle()
    assert empty.get("one")["spec"]["nodeName"] == node["metadata"]["name"]


async def test_a_class_of_somebody_elses_waits_for_its_provisioner(empty: World):
    empty.create("storageclasses", "far", provisioner="nfs.csi.k8s.io")
    empty.create(CLAIMS, "data", {**SPEC, "storageClassName": "far"})
    assert "external provisioner 'nfs.csi.k8s.io'" in messages(empty, "data")[0]


# --- growth -----------------------------------------------------------------------------------------------------------


async def test_a_claim_grows_where_its_class_lets_it(empty: World):
    storage_class(empty, "soft", allowVolumeExpansion=True)
    claim = empty.create(CLAIMS, "data", {**SPEC, "storageClassName": "soft"})
    update(empty, CLAIMS, claim, **asking("8Gi"))
    grown = empty.get("data", CLAIMS)
    assert grown["status"]["capacity"] == {"storage": "8Gi"}
    assert empty.store.get(VOLUMES, "", grown["spec"]["volumeName"])["spec"]["capacity"] == {"storage": "8Gi"}
    with pytest.raises(ApiError, match="field can not be less than status"):
        update(empty, CLAIMS, claim, **asking("6Gi"))


async def test_a_claim_whose_class_is_somebody_elses_to_provision_waits_for_them(empty: World):
    storage_class(empty, "soft", allowVolumeExpansion=True)
    claim = empty.create(CLAIMS, "data", {**SPEC, "storageClassName": "soft"})
    made_by = empty.store.get("storageclasses", "", "soft")
    empty.store.update("storageclasses", {**made_by, "provisioner": "nfs.csi.k8s.io"})
    update(empty, CLAIMS, claim, **asking("8Gi"))
    grown = empty.get("data", CLAIMS)
    assert grown["status"]["capacity"] == {"storage": "5Gi"}
    assert any("waiting for an external controller to process this PVC" in text for text in messages(empty, "data"))


async def test_a_claim_does_not_grow_where_its_class_does_not_let_it(empty: World):
    storage_class(empty, "hard")
    claim = empty.create(CLAIMS, "data", {**SPEC, "storageClassName": "hard"})
    text = ("only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support "
            "resize")  # fmt: skip
    with pytest.raises(ApiError, match=text) as refused:
        update(empty, CLAIMS, claim, **asking("8Gi"))
    assert refused.value.code == 403


async def test_a_claim_without_a_volume_does_not_grow(empty: World):
    claim = empty.create(CLAIMS, "data", NO_CLASS)
    with pytest.raises(ApiError, match="spec is immutable after creation except"):
        update(empty, CLAIMS, claim, **asking("8Gi"))


async def test_growth_is_charged_to_the_quota(empty: World):
    storage_class(empty, "soft", allowVolumeExpansion=True)
    claim = empty.create(CLAIMS, "data", {**SPEC, "storageClassName": "soft"})
    empty.create("resourcequotas", "q", {"hard": {"requests.storage": "7Gi"}})
    text = (
        "exceeded quota: q, requested: requests.storage=3Gi, used: requests.storage=5Gi, limited: requests.storage=7Gi"
    )
    with pytest.raises(ApiError, match=text):
        update(empty, CLAIMS, claim, **asking("8Gi"))
    update(empty, CLAIMS, claim, **asking("7Gi"))


# --- what is refused --------------------------------------------------------------------------------------------------


async def test_where_a_volume_is_stays_as_it_was_made(empty: World):
    made = volume(empty)
    with pytest.raises(ApiError, match="persistentvolumesource is immutable after creation"):
        update(empty, VOLUMES, made, hostPath={"path": "/etc"})


async def test_a_volume_needs_a_source_and_leaves_no_directory(empty: World):
    with pytest.raises(ApiError, match="must specify a volume type"):
        empty.create(VOLUMES, "none", {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}})
    with pytest.raises(ApiError, match=r"must not contain '\.\.'"):
        volume(empty, hostPath={"path": "/srv/../etc"})
