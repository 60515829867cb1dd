from datetime import timedelta

import pytest

from genet.simulation.table import COLUMNS, human_duration
from tests.simulation.serving import NOW, PODS, pod, serving

TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
CREATED = (NOW - timedelta(minutes=5)).isoformat().replace("+00:00", "Z")


def cells(plural, name="x", labels=None, deleted=False, **fields):
    metadata = {"name": name, "creationTimestamp": CREATED, "labels": labels or {}}
    if deleted:
        metadata["deletionTimestamp"] = CREATED
    return COLUMNS[plural][1]({"metadata": metadata, **fields}, NOW)


def container(ready=False, last=None, restarts=0, **state):
    return {"name": "c", "ready": ready, "restartCount": restarts, "state": state, "lastState": last or {}}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"), (119, "119s"), (120, "2m"), (125, "2m5s"), (600, "10m"), (10_799, "179m"), (10_800, "3h"),
        (11_400, "3h10m"), (172_799, "47h"), (172_800, "2d"), (176_400, "2d1h"), (691_200, "8d"), (63_072_000, "2y"),
        (64_800_000, "2y20d"), (252_288_000, "8y"),
    ],
)  # fmt: skip
def test_ages_are_as_kubectl_has_them(seconds, text):
    assert human_duration(seconds) == text


@pytest.mark.parametrize(
    ("status", "deleted", "shown"),
    [
        ({"phase": "Pending"}, False, ["0/1", "Pending", "0"]),
        ({"phase": "Running", "containerStatuses": [container(ready=True, running={})]}, False,
         ["1/1", "Running", "0"]),
        ({"phase": "Running", "containerStatuses": [container(ready=True, running={})]}, True,
         ["1/1", "Terminating", "0"]),
        ({"phase": "Pending", "containerStatuses": [container(waiting={"reason": "ErrImagePull"})]}, False,
         ["0/1", "ErrImagePull", "0"]),
        ({"phase": "Pending", "initContainerStatuses": [container(terminated={"exitCode": 0}), container(running={})],
          "containerStatuses": [container(waiting={"reason": "PodInitializing"})]}, False, ["0/1", "Init:1/2", "0"]),
        ({"phase": "Failed", "initContainerStatuses": [container(terminated={"exitCode": 3, "reason": "Error"})],
          "containerStatuses": [container(waiting={"reason": "PodInitializing"})]}, False, ["0/1", "Init:Error", "0"]),
        ({"phase": "Running", "containerStatuses": [container(
            waiting={"reason": "CrashLoopBackOff"}, restarts=2, last={"terminated": {"finishedAt": CREATED}})]}, False,
         ["0/1", "CrashLoopBackOff", "2 (5m ago)"]),
        ({"phase": "Succeeded", "containerStatuses": [container(terminated={"reason": "Completed"})]}, False,
         ["0/1", "Completed", "0"]),
        ({"phase": "Failed", "containerStatuses": [container(terminated={"reason": "Error"})]}, False,
         ["0/1", "Error", "0"]),
        ({"phase": "Failed", "reason": "Evicted"}, False, ["0/1", "Evicted", "0"]),
    ],
)  # fmt: skip
def test_the_status_of_a_pod_is_what_kubectl_shows(status, deleted, shown):
    assert cells("pods", deleted=deleted, spec={"containers": [{}]}, status=status)[1:4] == shown


@pytest.mark.parametrize(
    ("spec", "conditions", "shown"),
    [
        ({}, [{"type": "Ready", "status": "True"}], "Ready"),
        ({"unschedulable": True}, [{"type": "Ready", "status": "True"}], "Ready,SchedulingDisabled"),
        ({}, [{"type": "Ready", "status": "Unknown"}], "NotReady"),
        ({}, [], "Unknown"),
    ],
)
def test_the_status_of_a_node(spec, conditions, shown):
    labels = {"node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/control-plane": ""}
    row = cells("nodes", labels=labels, spec=spec, status={"conditions": conditions})
    assert row[1:4] == [shown, "control-plane,worker", "5m"]


@pytest.mark.parametrize(
    ("plural", "fields", "shown"),
    [
        ("namespaces", {"status": {"phase": "Active"}}, ["x", "Active", "5m"]),
        ("persistentvolumeclaims", {
            "spec": {"volumeName": "v", "storageClassName": "fast", "volumeMode": "Filesystem"},
            "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]},
        }, ["x", "Bound", "v", "1Gi", "RWO", "fast", "<unset>", "5m", "Filesystem"]),
        ("resourcequotas", {"status": {"hard": {"pods": "5", "limits.cpu": "4"}, "used": {"pods": "1"}}},
         ["x", "pods: 1/5", "limits.cpu: 0/4", "5m"]),
        ("events", {"type": "Normal", "reason": "Pulled", "message": "done\n", "count": 3, "lastTimestamp": CREATED,
                    "involvedObject": {"kind": "Pod", "name": "p"}, "source": {"component": "kubelet", "host": "n"}},
         ["5m", "Normal", "Pulled", "pod/p", "", "kubelet, n", "done", "<unknown>", 3, "x"]),
    ],
)  # fmt: skip
def test_every_kind_fills_its_columns(plural, fields, shown):
    assert cells(plural, **fields) == shown
    assert len(COLUMNS[plural][0].split(",")) == len(shown)


async def test_lists_objects_and_watches_come_as_tables_to_who_asks_for_them():
    async with serving() as kube:
        await kube.namespace()
        await kube.ask("POST", PODS, pod())
        many, _ = await kube.raw("GET", PODS, headers=TABLE)
        one, _ = await kube.raw("GET", f"{PODS}/p", headers=TABLE, includeObject="Object")
        watch = {"watch": "1", "timeoutSeconds": "1"}
        async with kube.session.get(kube.url + PODS, params=watch, headers=TABLE) as seen:
            line = await seen.content.readline()
        others, _ = await kube.raw("GET", "/apis/rbac.authorization.k8s.io/v1/roles", headers=TABLE)
    assert many["kind"] == one["kind"] == "Table"
    assert [column["priority"] for column in many["columnDefinitions"]] == [0, 0, 0, 0, 0, 1, 1, 1, 1]
    assert many["rows"][0]["cells"][:3] == ["p", "0/1", "Pending"]
    assert many["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    assert one["rows"][0]["object"]["kind"] == "Pod"
    assert b'"type":"ADDED","object":{"kind":"Table"' in line
    assert [column["name"] for column in others["columnDefinitions"]] == ["Name", "Created At"]
