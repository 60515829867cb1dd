import gc
import json
from datetime import UTC, datetime

from genet.kube.objects import EVENTS, NODES, PODS, SECRETS


def decode(resource, **document):
    return resource.one.decode(json.dumps(document))


def test_a_pod_is_read_with_the_spelling_of_the_api():
    pod = decode(
        PODS,
        apiVersion="v1",
        kind="Pod",
        metadata={
            "name": "a",
            "namespace": "n",
            "resourceVersion": "7",
            "creationTimestamp": "2026-01-02T03:04:05Z",
            "managedFields": [{"manager": "kubectl"}],
            "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "u", "controller": True}],
        },
        spec={
            "nodeName": "node1",
            "containers": [
                {"name": "c", "env": [{"name": "A", "valueFrom": {"fieldRef": {}}}, {"name": "B", "value": "b"}]}
            ],
            "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "claim"}}, {"name": "e", "emptyDir": {}}],
        },
        status={
            "podIP": "10.0.0.1",
            "hostIP": "192.0.2.1",
            "containerStatuses": [
                {
                    "name": "c",
                    "restartCount": 3,
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": {"exitCode": 1, "startedAt": None}},
                    "allocatedResourcesStatus": [
                        {"name": "nvidia.com/gpu", "resources": [{"resourceID": "GPU-1", "health": "Healthy"}]}
                    ],
                }
            ],
        },
    )
    assert pod.metadata.creation_timestamp == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert pod.metadata.owner_references[0].controller
    assert [(variable.name, variable.value) for variable in pod.spec.containers[0].env] == [("A", ""), ("B", "b")]
    assert [
        volume.persistent_volume_claim and volume.persistent_volume_claim.claim_name for volume in pod.spec.volumes
    ] == [
        "claim",
        None,
    ]
    assert (pod.status.pod_ip, pod.status.host_ip) == ("10.0.0.1", "192.0.2.1")
    (container,) = pod.status.container_statuses
    assert container.state.waiting is not None
    assert container.state.waiting.reason == "CrashLoopBackOff"
    assert container.last_state.terminated is not None
    assert container.last_state.terminated.exit_code == 1
    assert container.allocated_resources_status[0].resources[0].resource_id == "GPU-1"


def test_what_go_leaves_unset_is_read_as_unset():
    event = decode(
        EVENTS, metadata={"name": "e"}, source={}, firstTimestamp=None, eventTime="2026-01-02T03:04:05.123456Z"
    )
    assert event.first_timestamp is None
    assert event.event_time == datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)
    assert decode(NODES, metadata={"name": "n"}).status.capacity == {}


def test_the_notes_of_kubectl_apply_are_dropped():
    notes = {"kubectl.kubernetes.io/last-applied-configuration": "{...}", "kept": "yes"}
    assert decode(PODS, metadata={"name": "a", "annotations": notes}).metadata.annotations == {"kept": "yes"}


def test_secrets_are_decoded_from_base64():
    assert decode(SECRETS, metadata={"name": "s"}, data={"key": "AP8="}).data == {"key": b"\x00\xff"}


def test_strings_that_thousands_of_pods_share_are_held_once():
    container = {
        "name": "main",
        "image": "cuda:12",
        "env": [{"name": "MODE", "value": "training"}],
        "resources": {"limits": {"memory": "64Gi"}, "requests": {"memory": "64Gi"}},
    }
    one, other = (
        decode(
            PODS,
            metadata={"name": name, "namespace": "user-a", "labels": {"team": "vision"}},
            spec={"nodeName": "node-1", "containers": [container]},
        )
        for name in ("a", "b")
    )
    for read in (
        lambda pod: pod.metadata.namespace,
        lambda pod: pod.metadata.labels["team"],
        lambda pod: pod.spec.node_name,
        lambda pod: pod.spec.containers[0].image,
        lambda pod: pod.spec.containers[0].env[0].value,
        lambda pod: pod.spec.containers[0].resources.limits["memory"],
    ):
        assert read(one) is read(other)


def test_the_garbage_collector_does_not_see_pods():
    pod = decode(PODS, metadata={"name": "a"})
    assert not gc.is_tracked(pod)
    assert not gc.is_tracked(pod.metadata)
