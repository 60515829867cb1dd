"""Volumes that contradict themselves stop the start, with the key's path and what was expected."""

import json

import pytest

from genet.settings.sources import ConfigurationError, load

DEV = {"GENET_AUTH__MODE": "dev"}
NAMED = {"name": "work", "mountPath": "/work"}
HOST = NAMED | {"type": "hostpath", "path": "/srv/{userIdentifier}"}
NFS = NAMED | {"type": "nfs", "server": "nas.example.org", "path": "/export/{userIdentifier}"}
EXISTING = NAMED | {"type": "existing", "claimName": "{userIdentifier}-old"}
EMPTY = NAMED | {"type": "emptyDir"}


def volumes(*given):
    return load(DEV | {"GENET_STORAGE__VOLUMES": json.dumps(given)}).storage.volumes


@pytest.mark.parametrize(
    "volume",
    [
        NAMED,
        NAMED | {"size": "1Gi", "maxSize": "2Gi", "storageClass": "fast", "accessMode": "ReadWriteMany"},
        NAMED | {"reclaimPolicy": "Delete"},
        HOST,
        HOST | {"nodeSelector": {"disk": "big"}, "size": "1Ti"},
        HOST | {"path": "/srv/data", "readOnly": True},
        HOST | {"path": "/srv/data", "shared": True},
        HOST | {"path": "/var/lib/people/{userIdentifier}"},
        NFS | {"path": "/etc", "readOnly": True},
        NFS | {"mountOptions": ["nfsvers=4.1"], "server": "fd00::1"},
        EXISTING,
        EXISTING | {"claimName": "data", "readOnly": True},
        EMPTY,
        EMPTY | {"sizeLimit": "5Gi", "mountPath": "/dev-cache"},
    ],
)
def test_every_kind_can_be_configured(volume):
    assert volumes(volume)[0].type == volume.get("type", "pvc")


@pytest.mark.parametrize(
    ("volume", "key", "words"),
    [
        (EMPTY | {"size": "5Gi"}, "size", "expected sizeLimit"),
        (NAMED | {"sizeLimit": "5Gi"}, "sizeLimit", "says nothing for type pvc; expected size"),
        (NFS | {"storageClass": "fast"}, "storageClass", "expected with pvc alone"),
        (HOST | {"accessMode": "ReadWriteMany"}, "accessMode", "expected with pvc alone"),
        (HOST | {"reclaimPolicy": "Delete"}, "reclaimPolicy", "expected with pvc alone"),
        (HOST | {"server": "nas"}, "server", "expected with nfs alone"),
        (NFS | {"nodeSelector": {"a": "b"}}, "nodeSelector", "expected with hostpath alone"),
        (NAMED | {"path": "/srv/{userIdentifier}"}, "path", "expected with hostpath or nfs alone"),
        (EXISTING | {"size": "1Gi"}, "size", "says nothing for type existing"),
        (EXISTING | {"path": "/x"}, "path", "expected claimName"),
        (NAMED | {"type": "hostpath"}, "path", "required for type hostpath"),
        (NAMED | {"type": "nfs", "path": "/x/{userIdentifier}"}, "server", "required for type nfs"),
        (NAMED | {"type": "existing"}, "claimName", "required for type existing"),
        (NAMED | {"size": "2Gi", "maxSize": "1Gi"}, "maxSize", "expected no less than size"),
        (NAMED | {"size": "0"}, "size", "expected more than nothing"),
        (HOST | {"path": "srv/{userIdentifier}"}, "path", "expected an absolute path"),
        (HOST | {"path": "/srv/{userIdentifier}/../all"}, "path", "leads out"),
        (NFS | {"path": "/export/../{userIdentifier}"}, "path", "leads out"),
        (HOST | {"path": "/srv//{userIdentifier}"}, "path", "expected a directory below /"),
        (HOST | {"path": "/srv/{userIdentifier}/"}, "path", "expected a directory below /"),
        (HOST | {"path": "/srv/{username}/{userIdentifier}"}, "path", "nor braces"),
        (HOST | {"path": "/srv/data"}, "path", "expected {userIdentifier} in it, or readOnly"),
        (NFS | {"path": "/export"}, "path", "shared: true says so"),
        (HOST | {"path": "/var/run", "readOnly": True}, "path", "the node keeps there"),
        (HOST | {"path": "/var/lib/kubelet/pods", "shared": True}, "path", "the node keeps there"),
        (HOST | {"path": "/var/lib", "readOnly": True}, "path", "the node keeps there"),
        (HOST | {"shared": True}, "shared", "not both"),
        (NFS | {"server": "nas/../x"}, "server", "expected a host name"),
        (EXISTING | {"claimName": "Old_Claim"}, "claimName", "expected the name of a claim"),
        (NAMED | {"mountPath": "/proc"}, "mountPath", "expected a path outside"),
        (NAMED | {"mountPath": "/sys/fs"}, "mountPath", "expected a path outside"),
        (NAMED | {"mountPath": "/dev/pts"}, "mountPath", "expected a path outside"),
        (NAMED | {"mountPath": "/etc"}, "mountPath", "would be hidden"),
        (NAMED | {"mountPath": "/work/../etc"}, "mountPath", "leads out"),
        (NAMED | {"mountPath": "/a:b"}, "mountPath", "neither colons"),
        (NAMED | {"name": "dshm"}, "name", "Genet gives pods volumes of this name"),
    ],
)
def test_a_contradiction_stops_the_start(volume, key, words):
    with pytest.raises(ConfigurationError) as stopped:
        volumes(volume)
    assert str(stopped.value).startswith(f"storage.volumes[0].{key}: "), stopped.value
    assert words in str(stopped.value)


def test_two_volumes_have_two_places():
    with pytest.raises(ConfigurationError, match=r"storage\.volumes\[1\]\.mountPath: .* than that of 'work'"):
        volumes(NAMED, EMPTY | {"name": "other"})


@pytest.mark.parametrize("path", ["/srv", "/srv/people"])
def test_a_shared_directory_that_holds_those_of_single_people_stops_the_start(path):
    own = HOST | {"path": "/srv/people/{userIdentifier}"}
    with pytest.raises(ConfigurationError, match=r"\[1\]\.shared: 'work' keeps"):
        volumes(own, HOST | {"name": "all", "mountPath": "/all", "path": path, "shared": True})


def test_a_shared_directory_beside_those_of_single_people_is_fine():
    own = HOST | {"path": "/srv/people/{userIdentifier}"}
    assert len(volumes(own, HOST | {"name": "all", "mountPath": "/all", "path": "/srv/peop", "shared": True})) == 2


def test_a_directory_that_all_read_and_that_holds_those_of_single_people_stops_the_start():
    own = HOST | {"path": "/srv/people/{userIdentifier}"}
    with pytest.raises(ConfigurationError, match=r"\[1\]\.path: 'work' keeps"):
        volumes(own, HOST | {"name": "all", "mountPath": "/all", "path": "/srv", "readOnly": True})


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ({"path": "/srv/{userIdentifier}"}, {"path": "/srv/{userIdentifier}/cache"}),
        ({"path": "/srv/{userIdentifier}"}, {"path": "/srv/{userIdentifier}/a/{userIdentifier}"}),
        ({"path": "/srv/{userIdentifier}"}, {"path": "/srv/team-a/models", "readOnly": True}),
        ({"path": "/srv/data", "shared": True}, {"path": "/srv/data/models", "readOnly": True}),
        ({"path": "/srv/data", "shared": True}, {"path": "/srv/data/models", "shared": True}),
    ],
)
@pytest.mark.parametrize("kind", [HOST, NFS])
def test_a_directory_that_people_could_replace_by_a_link_stops_the_start(kind, outer, inner):
    """The node would follow it to its own files, and give them to whoever made the link."""
    with pytest.raises(ConfigurationError, match=r"\[1\]\.path: lies within what people write by 'work'"):
        volumes(kind | outer, kind | {"name": "inner", "mountPath": "/inner"} | inner)


def test_a_directory_within_what_nobody_writes_to_is_fine():
    models = HOST | {"path": "/srv/data", "readOnly": True}
    assert len(volumes(models, models | {"name": "inner", "mountPath": "/inner", "path": "/srv/data/models"})) == 2


def test_where_people_make_pods_they_write_to_host_paths_that_are_read():
    models = HOST | {"path": "/srv/data", "readOnly": True, "shared": True}
    inner = models | {"name": "inner", "mountPath": "/inner", "path": "/srv/data/models"}
    given = {"GENET_STORAGE__VOLUMES": json.dumps([models, inner])}
    assert load(DEV | given).storage.volumes
    with pytest.raises(ConfigurationError, match=r"\[1\]\.path: lies within"):
        load(DEV | given | {"GENET_KUBECONFIG__ALLOW_CREATE": "true"})


def test_directories_of_two_servers_lie_in_nothing_of_each_other():
    inner = NFS | {"name": "inner", "mountPath": "/inner", "server": "other", "path": "/export/{userIdentifier}/a"}
    assert len(volumes(NFS, inner)) == 2


def test_a_directory_that_could_be_somebodys_own_stops_the_start():
    team = HOST | {"name": "team", "mountPath": "/team", "path": "/srv/team-data", "shared": True}
    with pytest.raises(ConfigurationError, match=r"\[1\]\.path: somebody's userIdentifier may be so"):
        volumes(HOST, team)
    assert len(volumes(HOST, team | {"path": "/srv/teamdata"})) == 2


def test_what_only_looks_read_only_stops_the_start_where_people_make_pods():
    data = HOST | {"path": "/srv/data", "readOnly": True}
    allowed = DEV | {"GENET_KUBECONFIG__ALLOW_CREATE": "true"}
    assert load(allowed | {"GENET_STORAGE__VOLUMES": json.dumps([data | {"shared": True}])}).storage.volumes
    with pytest.raises(
        ConfigurationError, match=r"storage\.volumes\[0\]\.readOnly: holds in the pods that Genet makes"
    ):
        load(allowed | {"GENET_STORAGE__VOLUMES": json.dumps([data])})
