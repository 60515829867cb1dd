"""Settings of GPU types and of pods that contradict each other, or that nobody can use, stop the start by name."""

import pytest

from genet.settings.sources import ConfigurationError, effective, load

CLAIMED = {"name": "a", "resourceName": "gpu.nvidia.com", "mode": "dra", "deviceClass": "gpu.nvidia.com"}
WHOLE = {"name": "a", "resourceName": "nvidia.com/gpu"}
REGISTRY = {"name": "lab", "registry": "r.example", "username": "u", "password": "opens-sesame"}


def of(*types, **more):
    return load({"GENET_AUTH__MODE": "dev"}, defaults={"gpu": {"availableTypes": list(types)}, **more})


@pytest.mark.parametrize(
    "type_",
    [
        WHOLE,
        CLAIMED,
        {**CLAIMED, "selectors": ["device.driver == 'gpu.nvidia.com'"]},
        {"name": "a", "resourceName": "nvidia.com/mig-1g.10gb", "mode": "mig"},
        {**WHOLE, "mode": "shared"},
        {**WHOLE, "mode": "shared", "nodeSelector": {"genet.io/gpu-mode": "shared"}},
        {"name": "a", "mode": "none"},
        {"name": "a", "resourceName": "example.org/card"},
    ],
)
def test_every_mode_can_be_configured(type_):
    assert of(type_).gpu.available_types[0].name == "a"


@pytest.mark.parametrize(
    ("key", "type_"),
    [
        ("resourceName", {"name": "a"}),
        ("resourceName", {"name": "a", "mode": "shared"}),
        ("resourceName", {**CLAIMED, "resourceName": ""}),
        ("resourceName", {**CLAIMED, "resourceName": "nvidia.com/gpu"}),
        ("resourceName", {"name": "a", "resourceName": "cpu"}),
        ("resourceName", {"name": "a", "resourceName": "requests.kubernetes.io/x"}),
        ("resourceName", {**WHOLE, "mode": "none"}),
        ("resourceName", {"name": "a", "resourceName": "gpu.intel.com/xe", "mode": "shared"}),
        ("resourceName", {"name": "a", "resourceName": "example.org/card", "mode": "shared"}),
        ("deviceClass", {**WHOLE, "deviceClass": "gpu.nvidia.com"}),
        ("deviceClass", {"name": "a", "resourceName": "gpu.nvidia.com", "mode": "dra"}),
        ("deviceClass", {**CLAIMED, "deviceClass": "Not A Name"}),
        ("selectors", {**WHOLE, "selectors": ["true"]}),
        ("nodeSelector", {**WHOLE, "mode": "shared", "nodeSelector": {"genet.io/gpu-mode": "exclusive"}}),
        ("nodeSelector", {**WHOLE, "nodeSelector": {"a b": "c"}}),
        ("nodeSelector", {**WHOLE, "nodeSelector": {"a": "b c"}}),
    ],
)
def test_a_type_that_contradicts_its_mode_stops_the_start(key, type_):
    with pytest.raises(ConfigurationError, match=rf"^gpu\.availableTypes\[1\]\.{key}: "):
        of({"name": "z", "mode": "none"}, type_)


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("pod.allowedImages[1]", {"pod": {"allowedImages": ["a/*", "a b"]}}),
        ("gpu.presetImages[0].image", {"gpu": {"presetImages": [{"name": "a", "image": "a/../b"}]}}),
        ("pod.env.NVIDIA_VISIBLE_DEVICES", {"pod": {"env": {"NVIDIA_VISIBLE_DEVICES": "all"}}}),
        ("pod.env.a b", {"pod": {"env": {"a b": "c"}}}),
        ("pod.mountServiceAccountToken", {"pod": {"mountServiceAccountToken": True}}),
        ("pod.nodeSelector", {"pod": {"nodeSelector": {"a": "b c"}}}),
        ("pod.pullSecrets", {"pod": {"pullSecrets": [REGISTRY, REGISTRY]}}),
        ("pod.pullSecrets[0].registry", {"pod": {"pullSecrets": [{**REGISTRY, "registry": "https://r.example"}]}}),
        ("pod.pullSecrets[0].username", {"pod": {"pullSecrets": [{**REGISTRY, "username": "a:b"}]}}),
        ("pod.serviceAccount", {"pod": {"serviceAccount": "a/b"}}),
        ("proxy.httpProxy", {"proxy": {"httpProxy": "proxy.example.org:3128"}}),
        ("proxy.httpsProxy", {"proxy": {"httpsProxy": "ftp://proxy.example.org"}}),
        ("proxy.noProxy", {"proxy": {"noProxy": "a\nb"}}),
        ("proxy.httpsproxy", {"proxy": {"httpsproxy": "http://proxy.example.org"}}),
    ],
)
def test_what_nobody_can_use_stops_the_start(path, more):
    with pytest.raises(ConfigurationError) as stopped:
        load({"GENET_AUTH__MODE": "dev"}, defaults=more)
    assert str(stopped.value).startswith(f"{path}: ")


def test_nodes_that_no_node_can_be_are_noticed():
    with pytest.raises(ConfigurationError, match=r"^gpu\.availableTypes\[0\]\.nodeSelector: "):
        of({**WHOLE, "nodeSelector": {"pool": "a"}}, pod={"nodeSelector": {"pool": "b"}})


def test_credentials_are_masked_where_the_configuration_is_shown():
    proxy = {"httpProxy": "http://user:opens-sesame@proxy.example.org:3128"}
    shown = effective(of(WHOLE, pod={"pullSecrets": [REGISTRY]}, proxy=proxy))
    assert "opens-sesame" not in str(shown)
    assert shown["proxy"]["httpProxy"] == "http://********@proxy.example.org:3128"
    assert shown["pod"]["pullSecrets"][0]["registry"] == "r.example"
