from datetime import UTC, datetime

import msgspec

from genet.accelerators import counts_devices
from genet.kube.objects import EVENTS
from genet.pods.view import event_view, newest_first, view
from genet.settings import Settings
from tests.pods.builders import container, pod

NOW = datetime(2026, 3, 1, 13, tzinfo=UTC)
SETTINGS = msgspec.convert(
    {"auth": {"mode": "dev"}, "gpu": {"availableTypes": [{"name": "A100", "resourceName": "nvidia.com/gpu"}]}}, Settings
)


def seen(of, *, is_exempt=False):
    shown = view(of, SETTINGS, user="alice-alice", is_device=counts_devices([]), now=NOW, is_exempt=is_exempt)
    return msgspec.json.decode(msgspec.json.encode(shown))


def test_a_pod_of_genets_own():
    limits = {"cpu": "4", "memory": "16Gi", "nvidia.com/gpu": "2"}
    of = pod(
        metadata={
            "labels": {"genet.io/created-by": "genet", "genet.io/gpu-type": "A100"},
            "annotations": {"genet.io/protected-until": "2026-03-02T12:00:00Z"},
        },
        spec={
            "nodeName": "node1",
            "containers": [{"name": "main", "image": "debian:13", "resources": {"limits": limits, "requests": limits}}],
        },
        hostIP="10.0.0.1",
        startTime="2026-03-01T12:00:05Z",
        containerStatuses=[container(ready=True, running={}, restarts=2)],
    )
    assert seen(of) == {
        "id": "pod-alice-alice-a",
        "name": "a",
        "namespace": "user-alice-alice",
        "managed": True,
        "userIdentifier": "alice-alice",
        "status": "Running",
        "message": None,
        "image": "debian:13",
        "gpuCount": 2,
        "gpuType": "A100",
        "gpuDevices": [],
        "cpu": "4",
        "memory": "16Gi",
        "nodeName": "node1",
        "nodeIP": "10.0.0.1",
        "sshPort": None,
        "createdAt": "2026-03-01T12:00:00Z",
        "startedAt": "2026-03-01T12:00:05Z",
        "protectedUntil": "2026-03-02T12:00:00Z",
        "deletesAt": "2026-03-02T23:00:00Z",
        "restarts": 2,
        "connection": {
            "ssh": None,
            "ports": [],
            "vscode": None,
            "jetbrains": None,
            "sshConfig": None,
            "kubectlExec": "kubectl -n user-alice-alice exec -it pod-alice-alice-a -- /bin/sh",
            "portForward": "kubectl -n user-alice-alice port-forward pod-alice-alice-a 8888:8888",
            "hostKeyFingerprints": [],
        },
    }


def test_of_a_pod_that_says_nothing_the_unknown_is_null():
    shown = seen(pod(metadata={"name": "by-hand"}, phase="Pending"))
    unknown = {"cpu", "memory", "nodeName", "nodeIP", "startedAt", "protectedUntil", "gpuType", "message", "sshPort"}
    assert {key for key, value in shown.items() if value is None} == unknown
    assert (shown["managed"], shown["name"], shown["gpuCount"]) == (False, "by-hand", 0)


def test_the_type_of_a_pod_made_by_hand_is_known_by_its_resource():
    resources = {"limits": {"nvidia.com/gpu": "1"}}
    shown = seen(pod(spec={"containers": [{"name": "x", "resources": resources}]}))
    assert (shown["gpuType"], shown["gpuCount"]) == ("A100", 1)


def test_an_exempt_namespace_is_never_cleaned_up():
    assert seen(pod())["deletesAt"] == "2026-03-01T23:00:00Z"
    assert seen(pod(), is_exempt=True)["deletesAt"] is None


def test_odd_annotations_break_nothing():
    notes = {"genet.io/gpu-devices": "0,²,٣,-1,x,,5," + "9" * 5000, "genet.io/protected-until": "for ever"}
    shown = seen(pod(metadata={"annotations": notes}))
    assert (shown["gpuDevices"], shown["protectedUntil"]) == ([0, 5], None)


def event(**fields):
    document = {"metadata": {"name": "e"}, "involvedObject": {}, "reason": "Pulled", "type": "Normal", **fields}
    return msgspec.to_builtins(event_view(EVENTS.one.decode(msgspec.json.encode(document))))


def test_events_of_old_and_new_reporters_look_alike():
    old = event(
        firstTimestamp="2026-03-01T12:00:00Z",
        lastTimestamp="2026-03-01T12:05:00Z",
        eventTime=None,
        count=3,
        source={"component": "kubelet"},
    )
    new = event(
        firstTimestamp=None,
        lastTimestamp=None,
        eventTime="2026-03-01T12:00:00.000000Z",
        series={"count": 3, "lastObservedTime": "2026-03-01T12:05:00.000000Z"},
        reportingComponent="kubelet",
    )
    assert old == new
    assert (old["count"], old["lastSeen"], old["source"]) == (3, "2026-03-01T12:05:00Z", "kubelet")


def test_within_a_second_the_event_written_last_is_the_newest_however_finely_its_reporter_tells_time():
    times = [  # in the order of writing: the scheduler tells microseconds, the kubelet whole seconds
        ("Scheduled", {"eventTime": "2026-03-01T12:00:00.376095Z"}),
        ("Pulled", {"lastTimestamp": "2026-03-01T12:00:00Z"}),
        ("Started", {"lastTimestamp": "2026-03-01T12:00:01Z"}),
    ]
    written = [
        {"metadata": {"name": reason, "resourceVersion": str(number)}, "involvedObject": {}, "reason": reason, **when}
        for number, (reason, when) in enumerate(times, 98)
    ]
    shown = newest_first([EVENTS.one.decode(msgspec.json.encode(document)) for document in written])
    assert [event.reason for event in shown] == ["Started", "Pulled", "Scheduled"]
    seen = [told["lastSeen"] for told in msgspec.to_builtins(shown)]
    assert seen == ["2026-03-01T12:00:01Z", "2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"]


def test_an_event_seen_once_counts_one():
    assert event(eventTime="2026-03-01T12:00:00.000000Z")["count"] == 1
