import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genet.pods.checks import check
from genet.pods.model import PodRequest
from genet.settings import Settings

SETTINGS = msgspec.convert(
    {
        "auth": {"mode": "dev"},
        "gpu": {"availableTypes": [{"name": "A100", "resourceName": "nvidia.com/gpu", "maxPerPod": 4}]},
        "pod": {"defaults": {"cpu": "2", "memory": "8Gi"}, "max": {"cpu": "16", "memory": "64Gi"}},
    },
    Settings,
)


def bad_fields(**fields):
    request = msgspec.convert({"image": "debian:13", **fields}, PodRequest)
    return [error.field for error in check(request, SETTINGS, {"node1"})]


def env(*names):
    return [{"name": name, "value": "x"} for name in names]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"gpuType": "A100", "gpuCount": 4},
        {"gpuType": "A100"},
        {"cpu": "500m", "memory": "0.5Gi"},
        {"cpu": "16", "memory": "64Gi"},
        {"cpu": "1e1", "memory": "1e9"},
        {"memory": "4Gi", "shmSize": "4Gi"},
        {"shmSize": "8Gi"},
        {"nodeName": "node1"},
        {"name": "a"},
        {"name": "a" * 28},
        {"name": "0-a"},
        {"command": ["sh", "-c", "echo $(x)\n"]},
        {"env": env("A", "_b.c-D", "CUDA_DEVICE_ORDER", "VISIBLE_DEVICES")},
        {"workingDir": "/work space"},
        *({"image": image} for image in ("a", "a/b:c", "localhost:5000/a", "r.example/a/b_c.d@sha256:" + "0" * 64)),
    ],
)
def test_what_is_good_passes(fields):
    assert bad_fields(**fields) == []


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        *(
            ("image", {"image": i})
            for i in ("A/B", "a b", "https://a/b", "a:", "a:b c", "a\n", "-a", "a@sha256:0", "ä")
        ),
        ("gpuType", {"gpuType": "H100"}),
        ("gpuType", {"gpuCount": 1}),
        ("gpuCount", {"gpuType": "A100", "gpuCount": 5}),
        ("gpuDevices", {"gpuType": "A100", "gpuCount": 1, "gpuDevices": [0]}),
        *(("cpu", {"cpu": cpu}) for cpu in ("", "0", "-1", "17", "16001m", "lots", "1 ", "0.0001", "NaN", "1e99")),
        *(("memory", {"memory": memory}) for memory in ("", "0", "65Gi", "16 GB", "1m")),
        ("shmSize", {"shmSize": "9Gi"}),
        ("shmSize", {"shmSize": "5Gi", "memory": "4Gi"}),
        ("nodeName", {"nodeName": "node2"}),
        ("nodeName", {"nodeName": ""}),
        *(("name", {"name": name}) for name in ("", "a" * 29, "-a", "a-", "A", "a_b", "a.b", "a\n", "ä")),
        ("command[1]", {"command": ["a", "b\0"]}),
        *(
            ("env[1].name", {"env": env("A", name)})
            for name in (
                *("NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES", "nvidia_visible_devices"),
                *("CUDA_VISIBLE_DEVICES", "AMD_VISIBLE_DEVICES", "MY_VISIBLE_DEVICES", "_VISIBLE_DEVICES"),
                *("A", "1A", "A=B", "A B", "A\n"),
            )
        ),
        ("env[0].value", {"env": [{"name": "A", "value": "\0"}]}),
        *(("workingDir", {"workingDir": where}) for where in ("", "relative", "/a\0", "/a\n")),
    ],
)
def test_what_is_bad_is_named(field, fields):
    assert bad_fields(**fields) == [field]


def test_all_bad_fields_are_named_at_once_in_their_order():
    fields = {"image": "A", "gpuCount": 1, "cpu": "x", "memory": "x", "nodeName": "x", "name": "X", "shmSize": "x"}
    expected = ["image", "gpuType", "cpu", "memory", "nodeName", "name", "workingDir", "shmSize"]
    assert bad_fields(**fields, workingDir="x") == expected


@given(
    st.builds(PodRequest, **{field: st.text(max_size=32) for field in ("image", "cpu", "memory", "shm_size", "name")})
)
def test_no_text_breaks_the_checks(request):
    check(request, SETTINGS, set())
