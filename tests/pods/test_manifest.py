import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from genet.accelerators import VENDORS
from genet.parts import Parts
from genet.pods.manifest import build
from genet.pods.model import PodRequest
from genet.settings import Settings
from genet.storage import mounting

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GOLDEN = Path(__file__).parent / "golden"
DOCUMENT = {
    "auth": {"mode": "dev"},
    "gpu": {
        "availableTypes": [
            {
                "name": "A100",
                "resourceName": "nvidia.com/gpu",
                "nodeSelector": {"nvidia.com/gpu.product": "A100"},
                "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
            }
        ],
        "presetImages": [{"name": "lab", "image": "lab:1", "command": ["/lab", "start"]}],
    },
    "pod": {"command": ["/bin/idle"]},
    "storage": {
        "volumes": [{"name": "work", "mountPath": "/work"}, {"name": "data", "mountPath": "/data", "readOnly": True}]
    },
}
SETTINGS = msgspec.convert(DOCUMENT, Settings)

GPU = {
    "image": "lab:1",
    "name": "train",
    "gpuType": "A100",
    "gpuCount": 2,
    "cpu": "8",
    "memory": "32Gi",
    "nodeName": "node1",
    "command": ["python", "train.py"],
    "env": [{"name": "SEED", "value": "1"}],
    "workingDir": "/work",
    "shmSize": "16Gi",
}


def manifest(settings=SETTINGS, **fields):
    return build(
        msgspec.convert({"image": "debian:13", **fields}, PodRequest),
        settings,
        mounting.parts(settings.storage, "alice-alice"),
        user="alice-alice",
        name="train",
        now=NOW,
    )


@pytest.mark.parametrize(("name", "fields"), [("plain", {}), ("gpu", GPU)])
def test_the_whole_manifest(name, fields):
    assert manifest(**fields) == json.loads((GOLDEN / f"{name}.json").read_text())


def strings(value):
    if isinstance(value, dict):
        return {text for item in value.items() for part in item for text in strings(part)}
    if isinstance(value, list):
        return {text for item in value for text in strings(item)}
    return {value} if isinstance(value, str) else set()


def test_nothing_of_the_request_reaches_labels_annotations_or_keys():
    texts = {
        "image": "mark:1",
        "cpu": "3",
        "memory": "7Gi",
        "nodeName": "mark-node",
        "command": ["mark"],
        "workingDir": "/mark",
        "shmSize": "5Gi",
    }
    made = manifest(**texts, env=[{"name": "MARK", "value": "mark-value"}])
    marks = strings([*texts.values()]) | {"MARK", "mark-value"}
    assert strings(made["metadata"]).isdisjoint(marks)

    def keys(value):
        if isinstance(value, dict):
            return set(value) | {key for item in value.values() for key in keys(item)}
        return {key for item in value for key in keys(item)} if isinstance(value, list) else set()

    assert keys(made).isdisjoint(marks)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"image": "lab:1", "command": ["x"]}, ["x"]),
        ({"image": "lab:1"}, ["/lab", "start"]),
        ({"image": "lab:2"}, ["/bin/idle"]),
    ],
)
def test_the_request_goes_over_the_preset_over_the_configured_command(fields, expected):
    assert manifest(**fields)["spec"]["containers"][0]["command"] == expected


def environment(made):
    return {variable["name"]: variable["value"] for variable in made["spec"]["containers"][0]["env"]}


def configured(**more):
    return msgspec.convert({**DOCUMENT, **more}, Settings)


def test_a_request_goes_over_the_configuration_and_that_over_the_proxy():
    settings = configured(
        pod={"env": {"LAB": "1", "NO_PROXY": "lab"}},
        proxy={"httpProxy": "http://p:1", "httpsProxy": "http://p:2", "noProxy": ".svc"},
    )
    env = environment(manifest(settings, env=[{"name": "LAB", "value": "2"}, {"name": "https_proxy", "value": ""}]))
    assert {name: value for name, value in env.items() if not name.endswith("DEVICES")} == {
        "HTTP_PROXY": "http://p:1",
        "http_proxy": "http://p:1",
        "NO_PROXY": "lab",
        "LAB": "2",
        "https_proxy": "",
    }


def test_genets_own_variables_are_the_last_word():
    request = msgspec.convert({"image": "a", "env": [{"name": "OWN", "value": "theirs"}]}, PodRequest)
    parts = Parts(env=[{"name": "OWN", "value": "genet's"}])
    made = build(request, SETTINGS, parts, user="alice-alice", name="a", now=NOW)
    assert [item for item in made["spec"]["containers"][0]["env"] if item["name"] == "OWN"] == list(parts.env)


def test_only_the_configuration_chooses_who_schedules_and_runs_a_pod():
    settings = configured(
        pod={
            "tolerations": [{"key": "people", "operator": "Exists"}],
            "nodeSelector": {"people": "true"},
            "schedulerName": "own",
            "priorityClassName": "people",
            "runtimeClassName": "nvidia",
            "serviceAccount": "workbench",
            "mountServiceAccountToken": True,
            "pullSecrets": [{"name": "lab", "registry": "r", "username": "u", "password": "p"}],
        }
    )
    spec = manifest(settings, gpuType="A100")["spec"]
    assert [toleration["key"] for toleration in spec["tolerations"]] == ["people", "nvidia.com/gpu"]
    assert spec["nodeSelector"] == {"people": "true", "nvidia.com/gpu.product": "A100"}
    assert (spec["schedulerName"], spec["priorityClassName"], spec["runtimeClassName"]) == ("own", "people", "nvidia")
    assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == ("workbench", True)
    assert spec["imagePullSecrets"] == [{"name": "genet-pull-lab"}]
    assert not {"schedulerName", "priorityClassName", "runtimeClassName", "serviceAccountName"} & set(
        manifest()["spec"]
    )


@pytest.mark.parametrize("fields", [{}, {"gpuType": "A100"}, {"gpuType": "A100", "gpuCount": 0}])
def test_a_pod_that_asks_for_no_gpu_sees_none(fields):
    hidden = {vendor.visible_devices: "void" for vendor in VENDORS if vendor.visible_devices}
    assert environment(manifest(**fields)) == hidden
    assert "NVIDIA_VISIBLE_DEVICES" in hidden


def test_a_pod_with_gpus_leaves_the_choice_to_the_device_plugin():
    assert environment(manifest(gpuType="A100", gpuCount=1)) == {}


def test_a_node_is_asked_for_by_affinity_and_never_bound():
    spec = manifest(nodeName="node1")["spec"]
    assert "nodeName" not in spec
    [term] = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert term == {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node1"]}]}


def test_a_default_protection_is_written_at_creation():
    protecting = msgspec.convert({**DOCUMENT, "lifecycle": {"defaultProtectHours": 8}}, Settings)
    assert manifest(protecting)["metadata"]["annotations"] == {
        "genet.io/protected-until": "2026-03-01T20:00:00Z",
        "genet.io/protected-at": "2026-03-01T12:00:00Z",
    }
