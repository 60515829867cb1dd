"""The Job: what it may do, where it runs, and that nobody's words are read by a shell."""

import msgspec
import pytest

from genet import naming
from genet.images.job import Order, manifest, rescue
from genet.images.source import Source
from genet.kube.objects import JOBS
from genet.settings import Commit

SCRATCH = "/tmp"  # noqa: S108 # the Job's own
SETTINGS = Commit(
    enabled=True, repository="r.example/{userIdentifier}", image="r.example/nerdctl:2", push_secret="push"
)
ORDER = Order(
    user="alice-a",
    pod="pod-alice-a-x",
    pod_uid="u-1",
    source=Source("node1", "ab" * 32),
    target="r.example/alice-a/x:1",
)


def job(order=ORDER, **changes):
    return manifest("commit-alice-a-1", order, msgspec.structs.replace(SETTINGS, **changes))


def pod(**changes):
    return job(**changes)["spec"]["template"]["spec"]


def containers(**changes):
    spec = pod(**changes)
    return [*spec["initContainers"], *spec["containers"]]


def test_it_commits_and_then_pushes_and_says_so_word_by_word():
    commit, push = containers()
    known = [
        "--address",
        "/run/containerd/containerd.sock",
        "--namespace",
        "k8s.io",
        "--data-root",
        f"{SCRATCH}/nerdctl",
    ]
    assert commit["command"] == push["command"] == ["nerdctl"]
    assert commit["args"] == [*known, "commit", "--pause=true", "ab" * 32, "r.example/alice-a/x:1"]
    assert push["args"] == [*known, "push", "r.example/alice-a/x:1"]


def test_what_is_configured_is_said_to_nerdctl():
    changes = {"pause": False, "insecure_registry": True, "socket": "/run/k3s/c.sock", "containerd_namespace": "k3s"}
    commit, push = containers(**changes)
    known = [
        "--address",
        "/run/k3s/c.sock",
        "--namespace",
        "k3s",
        "--data-root",
        f"{SCRATCH}/nerdctl",
        "--insecure-registry",
    ]
    assert commit["args"] == [*known, "commit", "--pause=false", *commit["args"][-2:]]
    assert push["args"] == [*known, "push", push["args"][-1]]
    assert pod(**changes)["volumes"][0]["hostPath"] == {"path": "/run/k3s/c.sock", "type": "Socket"}
    assert commit["volumeMounts"][0]["mountPath"] == "/run/k3s/c.sock"


def test_it_is_the_pods_and_says_whose_and_as_what():
    made = job()
    assert made["metadata"] == {
        "name": "commit-alice-a-1",
        "labels": {
            naming.MANAGED: "true",
            naming.USER: "alice-a",
            naming.POD: "pod-alice-a-x",
            naming.POD_UID: "u-1",
        },
        "annotations": {naming.IMAGE: "r.example/alice-a/x:1"},
    }
    assert "commit-alice-a-1" not in str(made["spec"])
    of_the_pod = made["spec"]["template"]["metadata"]
    assert of_the_pod == {"labels": {naming.POD_UID: "u-1"}, "annotations": {naming.CONTAINER: "ab" * 32}}


def test_a_name_that_is_too_long_for_a_label_is_left_out():
    made = job(msgspec.structs.replace(ORDER, pod="p" * 64))
    assert naming.POD not in made["metadata"]["labels"]


def test_it_is_tried_once_within_its_time_and_forgotten_later():
    spec = job(timeout_minutes=7, keep_hours=2)["spec"]
    assert (spec["backoffLimit"], spec["template"]["spec"]["restartPolicy"]) == (0, "Never")
    assert (spec["activeDeadlineSeconds"], spec["ttlSecondsAfterFinished"]) == (420, 7200)


def test_it_runs_beside_the_pod_through_the_scheduler_whatever_the_node_repels():
    spec = pod()
    assert "nodeName" not in spec
    (term,) = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert term == {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node1"]}]}
    assert spec["tolerations"] == [{"operator": "Exists"}]


@pytest.mark.parametrize("number", [0, 1])
def test_it_has_the_socket_and_nothing_else_of_the_node(number):
    spec, container = pod(), containers()[number]
    context = container["securityContext"]
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert (context["allowPrivilegeEscalation"], context["readOnlyRootFilesystem"]) == (False, True)
    assert "privileged" not in context
    assert not {"hostPID", "hostNetwork", "hostIPC", "serviceAccountName"} & spec.keys()
    assert (spec["automountServiceAccountToken"], spec["enableServiceLinks"]) == (False, False)
    assert [one for one in spec["volumes"] if "hostPath" in one] == [
        {"name": "containerd", "hostPath": {"path": "/run/containerd/containerd.sock", "type": "Socket"}}
    ]
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {
        "/run/containerd/containerd.sock",
        SCRATCH,
        "/etc/genet/registry",
    }


def test_its_credentials_come_from_a_secret_and_stand_nowhere():
    spec = pod()
    assert spec["volumes"][-1]["secret"] == {
        "secretName": "push",
        "items": [{"key": ".dockerconfigjson", "path": "config.json"}],
        "defaultMode": 0o400,
    }
    assert spec["imagePullSecrets"] == [{"name": "push"}]
    for container in containers():
        assert {"name": "DOCKER_CONFIG", "value": "/etc/genet/registry"} in container["env"]


def test_where_the_registry_takes_everybody_there_are_no_credentials():
    spec = pod(push_secret=None)
    assert [volume["name"] for volume in spec["volumes"]] == ["containerd", "scratch"]
    assert "imagePullSecrets" not in spec
    for container in containers(push_secret=None):
        assert [variable["name"] for variable in container["env"]] == ["HOME"]


def test_it_asks_for_little_and_never_for_more_than_it_may_have():
    assert containers()[0]["resources"] == {
        "requests": {"cpu": "10m", "memory": "64Mi"},
        "limits": {"cpu": "2", "memory": "2Gi"},
    }
    assert containers(cpu="5m", memory="32Mi")[1]["resources"]["requests"] == {"cpu": "5m", "memory": "32Mi"}


def test_a_rescue_lets_the_container_go_on_where_it_is_and_asks_once():
    """Where it comes too late it would let the next save's container go on. It needs no word to any registry."""
    spec = rescue("unpause-u", ORDER.source, SETTINGS, None)["spec"]
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"]) == (0, 120)
    assert spec["ttlSecondsAfterFinished"] == job()["spec"]["ttlSecondsAfterFinished"]
    of_its_pod, of_a_save = spec["template"]["spec"], pod()
    (unpause,), push = of_its_pod.pop("containers"), of_a_save.pop("containers")[0]
    of_a_save.pop("initContainers")
    assert of_its_pod == {**of_a_save, "volumes": [each for each in of_a_save["volumes"] if "secret" not in each]}
    assert unpause == {
        **push,
        "name": "unpause",
        "args": [*push["args"][:-2], "unpause", "ab" * 32],
        "env": [{"name": "HOME", "value": SCRATCH}],
        "volumeMounts": [each for each in push["volumeMounts"] if each["name"] != "registry"],
    }


def test_a_rescue_is_no_save_and_goes_with_the_job_that_was_killed_if_that_is_there():
    alone = rescue("unpause-u", ORDER.source, SETTINGS, None)
    assert alone["metadata"] == {"name": "unpause-u", "labels": {naming.MANAGED: "true"}}
    killed = JOBS.one.decode(b'{"metadata": {"name": "commit-alice-a-1", "uid": "j"}}')
    (owner,) = rescue("unpause-u", ORDER.source, SETTINGS, killed)["metadata"]["ownerReferences"]
    assert owner == {"apiVersion": "batch/v1", "kind": "Job", "name": "commit-alice-a-1", "uid": "j"}
