from tests.simulation.world import World

SPEC = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}}


async def test_a_claim_gets_a_volume_of_the_default_class_and_takes_it_along(empty: World):
    empty.create("persistentvolumeclaims", "data", SPEC)
    claim = empty.get("data", "persistentvolumeclaims")
    assert claim["status"] == {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "5Gi"}}
    volume = empty.store.get("persistentvolumes", "", claim["spec"]["volumeName"])
    assert volume["status"]["phase"] == "Bound"
    assert volume["spec"]["claimRef"]["uid"] == claim["metadata"]["uid"]
    empty.store.delete("persistentvolumeclaims", "default", "data")
    assert empty.store.list("persistentvolumes") == []


async def test_a_claim_of_an_unknown_class_waits(empty: World):
    empty.create("persistentvolumeclaims", "data", {**SPEC, "storageClassName": "gold"})
    assert empty.get("data", "persistentvolumeclaims")["status"] == {"phase": "Pending"}
