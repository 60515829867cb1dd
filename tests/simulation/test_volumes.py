from tests.simulation.world import World

SPEC = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}}


def volume_spec(**fields: object) -> dict[str, object]:
    return {
        "accessModes": ["ReadWriteMany"],
        "capacity": {"storage": "1Ti"},
        "nfs": {"server": "nfs", "path": "/"},
        **fields,
    }


async def test_a_claim_gets_a_volume_of_the_default_class(empty: World):
    empty.create("persistentvolumeclaims", "data", SPEC)
    claim = empty.get("data", "persistentvolumeclaims")
    assert claim["status"] == {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "5Gi"}}
    volume = empty.store.get("persistentvolumes", "", claim["spec"]["volumeName"])
    assert volume["status"]["phase"] == "Bound"
    assert volume["spec"]["claimRef"]["uid"] == claim["metadata"]["uid"]


async def test_a_claim_of_an_unknown_class_waits(empty: World):
    empty.create("persistentvolumeclaims", "data", {**SPEC, "storageClassName": "gold"})
    assert empty.get("data", "persistentvolumeclaims")["status"] == {"phase": "Pending"}


async def test_a_claim_takes_the_volume_that_was_made_for_it(empty: World):
    reference = {"namespace": "default", "name": "home"}
    empty.create("persistentvolumes", "nfs-home", volume_spec(claimRef=reference))
    empty.create("persistentvolumeclaims", "home", {**SPEC, "storageClassName": ""})
    assert empty.get("home", "persistentvolumeclaims")["spec"]["volumeName"] == "nfs-home"


async def test_a_volume_may_come_after_the_claim_that_names_it(empty: World):
    empty.create("persistentvolumeclaims", "home", {**SPEC, "storageClassName": "", "volumeName": "nfs-home"})
    empty.create("persistentvolumes", "nfs-home", volume_spec(claimRef={"namespace": "default", "name": "home"}))
    assert empty.get("home", "persistentvolumeclaims")["status"]["phase"] == "Bound"


async def test_a_deleted_claim_takes_its_volume_along_unless_it_is_to_be_kept(empty: World):
    empty.create("persistentvolumeclaims", "data", SPEC)
    spec = volume_spec(claimRef={"namespace": "default", "name": "home"}, persistentVolumeReclaimPolicy="Retain")
    empty.create("persistentvolumes", "nfs-home", spec)
    empty.create("persistentvolumeclaims", "home", {**SPEC, "storageClassName": ""})
    for name in ("data", "home"):
        empty.store.delete("persistentvolumeclaims", "default", name)
    left = [(volume["metadata"]["name"], volume["status"]["phase"]) for volume in empty.store.list("persistentvolumes")]
    assert left == [("nfs-home", "Released")]
