import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genet import naming
from genet.auth.user import User
from genet.settings import Storage, Volume
from genet.storage import manifests, mounting

ALICE = User("alice", "alice@dev.invalid", "alice-alice", "dev|alice", is_admin=False)
WORK = Volume(name="work", mount_path="/w")
HOST = Volume(name="disk", mount_path="/d", type="hostpath", path="/srv/{userIdentifier}/d")
NFS = Volume(name="nas", mount_path="/n", type="nfs", server="nas.example.org", path="/x/{userIdentifier}")


def changed(volume, **changes):
    return msgspec.structs.replace(volume, **changes)


@pytest.mark.parametrize(("storage_class", "expected"), [(None, {}), ("fast", {"storageClassName": "fast"})])
def test_a_claim_names_a_storage_class_only_where_one_is_configured(storage_class, expected):
    claim = manifests.claim("alice-alice", changed(WORK, storage_class=storage_class))
    assert claim["metadata"]["name"] == "alice-alice-work"
    assert claim["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "10Gi"}},
        **expected,
    }


def test_a_claim_says_whether_it_goes_with_its_pods():
    labels = [
        manifests.claim("alice-alice", changed(WORK, reclaim_policy=policy))["metadata"]["labels"]
        for policy in (None, "Retain", "Delete")
    ]
    assert [label[naming.RECLAIM_POLICY] for label in labels] == ["Retain", "Retain", "Delete"]


@pytest.mark.parametrize("volume", [HOST, NFS])
def test_a_volume_of_genets_own_and_its_claim_take_each_other_and_nothing_else(volume):
    claim = manifests.claim("alice-alice", volume)
    made = manifests.persistent_volume(ALICE, volume)
    assert claim["spec"]["volumeName"] == made["metadata"]["name"] == f"genet.alice-alice.{volume.name}"
    # the empty class: the default one would make a volume of its own
    assert (claim["spec"]["storageClassName"], made["spec"]["storageClassName"]) == ("", "")
    reference = made["spec"]["claimRef"]
    assert (reference["namespace"], reference["name"]) == ("user-alice-alice", claim["metadata"]["name"])
    assert made["spec"]["accessModes"] == claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert made["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    assert made["metadata"]["labels"][naming.MANAGED] == "true"
    assert made["metadata"]["annotations"][naming.OWNER] == "dev|alice"


def test_the_persons_identifier_stands_in_paths():
    assert manifests.persistent_volume(ALICE, HOST)["spec"]["hostPath"] == {
        "path": "/srv/alice-alice/d",
        "type": "DirectoryOrCreate",
    }
    assert manifests.persistent_volume(ALICE, NFS)["spec"]["nfs"] == {
        "server": "nas.example.org",
        "path": "/x/alice-alice",
    }


def test_what_is_only_read_is_not_made_and_an_export_is_mounted_so():
    host = manifests.persistent_volume(ALICE, changed(HOST, read_only=True))["spec"]
    assert (host["hostPath"]["type"], host["accessModes"]) == ("Directory", ["ReadOnlyMany"])
    assert manifests.persistent_volume(ALICE, changed(NFS, read_only=True))["spec"]["nfs"]["readOnly"] is True


def test_a_directory_that_is_not_on_every_node_says_where_it_is():
    spec = manifests.persistent_volume(ALICE, changed(HOST, node_selector={"disk": "big"}))["spec"]
    expression = {"key": "disk", "operator": "In", "values": ["big"]}
    assert spec["nodeAffinity"] == {"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}


def test_options_of_mounts_reach_the_volume():
    assert manifests.persistent_volume(ALICE, changed(NFS, mount_options=("hard",)))["spec"]["mountOptions"] == ["hard"]


NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?", fullmatch=True)
PEOPLE = st.tuples(st.text("ab-x", min_size=1, max_size=12), st.text("ab@", max_size=5))


@given(people=st.tuples(PEOPLE, PEOPLE), volumes=st.tuples(NAMES, NAMES))
def test_no_two_have_a_persistent_volume_of_one_name(people, volumes):
    users = [naming.user_identifier(*person) for person in people]
    names = [naming.persistent_volume(user, volume) for user, volume in zip(users, volumes, strict=True)]
    same = users[0] == users[1] and volumes[0] == volumes[1]
    assert (names[0] == names[1]) == same
    assert all(len(name) <= 253 for name in names)


def test_plain_and_hashed_identifiers_do_not_meet_in_a_volumes_name():
    """Joined by hyphens these two would be one: `a-x` with `0123456789-c`, and the hashed `a-x-0123456789` with `c`."""
    assert naming.persistent_volume("a-x", "0123456789-c") != naming.persistent_volume("a-x-0123456789", "c")


def test_pods_mount_claims_and_room_of_their_own_and_never_a_path_or_a_server():
    existing = Volume(
        name="old", mount_path="/o", type="existing", claim_name="{userIdentifier}-legacy", read_only=True
    )
    empty = Volume(name="scratch", mount_path="/s", type="emptyDir", size_limit="1Gi")
    parts = mounting.parts(Storage(volumes=(WORK, HOST, NFS, existing, empty)), "alice-alice")
    sources = {
        volume["name"]: {key: value for key, value in volume.items() if key != "name"} for volume in parts.volumes
    }
    assert sources == {
        "work": {"persistentVolumeClaim": {"claimName": "alice-alice-work"}},
        "disk": {"persistentVolumeClaim": {"claimName": "alice-alice-disk"}},
        "nas": {"persistentVolumeClaim": {"claimName": "alice-alice-nas"}},
        "old": {"persistentVolumeClaim": {"claimName": "alice-alice-legacy", "readOnly": True}},
        "scratch": {"emptyDir": {"sizeLimit": "1Gi"}},
    }
    assert [mount["readOnly"] for mount in parts.mounts] == [False, False, False, True, False]
