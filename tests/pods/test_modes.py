"""What each mode of a GPU type does to a pod."""

from datetime import UTC, datetime

import msgspec
import pytest

from genet.accelerators import VENDORS
from genet.kube.resource_api import templates
from genet.parts import Parts
from genet.pods import modes
from genet.pods.manifest import build
from genet.pods.model import PodRequest
from genet.settings import Settings

SETTINGS = msgspec.convert(
    {
        "auth": {"mode": "dev"},
        "gpu": {
            "availableTypes": [
                {"name": "whole", "resourceName": "nvidia.com/gpu"},
                {"name": "slice", "resourceName": "nvidia.com/mig-1g.10gb", "mode": "mig"},
                {
                    "name": "shared",
                    "resourceName": "nvidia.com/gpu",
                    "mode": "shared",
                    "nodeSelector": {"genet.io/gpu-mode": "shared", "pool": "a"},
                },
                {"name": "npus", "resourceName": "huawei.com/Ascend910", "mode": "shared"},
                {
                    "name": "claimed",
                    "resourceName": "gpu.nvidia.com",
                    "mode": "dra",
                    "deviceClass": "gpu.nvidia.com",
                    "selectors": ["device.driver == 'gpu.nvidia.com'"],
                },
                {"name": "cpu", "mode": "none", "nodeSelector": {"cpu": "fast"}},
            ]
        },
    },
    Settings,
)
VARIABLES = {vendor.visible_devices for vendor in VENDORS if vendor.visible_devices}


def made(**fields):
    request = msgspec.convert({"image": "debian:13", **fields}, PodRequest)
    now = datetime(2026, 3, 1, tzinfo=UTC)
    return build(request, SETTINGS, Parts(), user="alice-alice", name="a", now=now)


def shown(pod):
    env = {variable["name"]: variable["value"] for variable in pod["spec"]["containers"][0]["env"]}
    return {name: env[name] for name in env if name in VARIABLES}


def limits(pod):
    return {name: n for name, n in pod["spec"]["containers"][0]["resources"]["limits"].items() if "/" in name}


@pytest.mark.parametrize("fields", [{}, {"gpuType": "cpu"}, {"gpuType": "whole"}, {"gpuType": "claimed"}])
def test_who_asks_for_no_device_sees_none_of_any_maker(fields):
    pod = made(**fields)
    assert shown(pod) == dict.fromkeys(VARIABLES, "void")
    assert limits(pod) == {}
    assert "resourceClaims" not in pod["spec"]


@pytest.mark.parametrize(("kind", "resource"), [("whole", "nvidia.com/gpu"), ("slice", "nvidia.com/mig-1g.10gb")])
def test_a_device_plugins_pod_asks_for_its_resource_and_leaves_the_rest_to_the_plugin(kind, resource):
    pod = made(gpuType=kind, gpuCount=2)
    assert (limits(pod), shown(pod)) == ({resource: "2"}, {})


@pytest.mark.parametrize(
    ("kind", "variable"), [("shared", "NVIDIA_VISIBLE_DEVICES"), ("npus", "ASCEND_VISIBLE_DEVICES")]
)
def test_a_sharer_sees_exactly_the_chosen_cards_and_asks_for_nothing(kind, variable):
    pod = made(gpuType=kind, gpuCount=2, gpuDevices=[3, 0], nodeName="n")
    assert shown(pod) == {**dict.fromkeys(VARIABLES, "void"), variable: "0,3"}
    assert limits(pod) == {}
    assert pod["metadata"]["annotations"]["genet.io/gpu-devices"] == "0,3"


def test_a_sharer_runs_only_where_cards_are_shared():
    for kind in ("shared", "npus"):
        assert made(gpuType=kind)["spec"]["nodeSelector"]["genet.io/gpu-mode"] == "shared"


def test_a_claiming_pod_names_a_template_of_its_own():
    pod = made(gpuType="claimed", gpuCount=2)
    assert pod["spec"]["resourceClaims"] == [{"name": "gpu", "resourceClaimTemplateName": "pod-alice-alice-a"}]
    assert pod["spec"]["containers"][0]["resources"]["claims"] == [{"name": "gpu"}]
    assert pod["metadata"]["annotations"]["genet.io/gpu-count"] == "2"
    assert (limits(pod), shown(pod)) == ({}, {})


@pytest.mark.parametrize("version", ["v1", "v1beta2", "v1beta1"])
def test_a_template_asks_for_the_class_in_every_version(version):
    kind = next(kind for kind in SETTINGS.gpu.available_types if kind.name == "claimed")
    request = PodRequest(image="a", gpu_type="claimed", gpu_count=2)
    template = modes.claim_template(kind, request, "alice-alice", "pod-alice-alice-a", version)
    [asked] = template["spec"]["spec"]["devices"]["requests"]
    assert ("exactly" in asked) is (version != "v1beta1")
    read = templates(version).one.decode(msgspec.json.encode(template)).spec.spec.devices.requests
    assert [(item.device_class_name, item.count) for item in read] == [("gpu.nvidia.com", 2)]
    assert template["metadata"]["namespace"] == "user-alice-alice"
