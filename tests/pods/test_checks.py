import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genet.kube.objects import NODES
from genet.pods.checks import check
from genet.pods.model import PodRequest
from genet.pods.room import Place
from genet.settings import Settings

SETTINGS = msgspec.convert(
    {
        "auth": {"mode": "dev"},
        "gpu": {
            "availableTypes": [
                {"name": "A100", "resourceName": "nvidia.com/gpu", "maxPerPod": 4},
                {
                    "name": "H100",
                    "resourceName": "nvidia.com/gpu",
                    "nodeSelector": {"model": "H100"},
                    "tolerations": [{"operator": "Exists"}],
                },
                {"name": "shared", "resourceName": "nvidia.com/gpu", "mode": "shared", "maxPerPod": 4},
                {"name": "claimed", "resourceName": "gpu.nvidia.com", "mode": "dra", "deviceClass": "gpu.nvidia.com"},
                {"name": "cpu", "mode": "none", "nodeSelector": {"cpu": "fast"}},
            ]
        },
        "pod": {"defaults": {"cpu": "2", "memory": "8Gi"}, "max": {"cpu": "16", "memory": "64Gi"}},
    },
    Settings,
)


def node(name, capacity=None, **labels):
    status = {"capacity": capacity or {}, "allocatable": capacity or {}}
    labels = {key.replace("_", "."): value for key, value in labels.items()}
    document = {"metadata": {"name": name, "labels": labels}, "status": status}
    return NODES.one.decode(msgspec.json.encode(document))


MODE = "genet.io/gpu-mode"
NODES_KNOWN = {
    "node1": node("node1"),
    "sharing": node("sharing", {"nvidia.com/gpu": "0"}, **{MODE: "shared"}),
    "unlabelled": node("unlabelled", {"nvidia.com/gpu": "0"}),
    "advertising": node("advertising", {"nvidia.com/gpu": "4"}, **{MODE: "shared"}),
    "h1": node("h1", {"nvidia.com/gpu": "8"}, model="H100"),
    "fast": node("fast", cpu="fast"),
}
CARDS = [Place("sharing", 0, None, frozenset({0, 1, 3}))]


def bad(fields, settings=SETTINGS, places=()):
    request = msgspec.convert({"image": "debian:13", **fields}, PodRequest)
    return check(request, settings, NODES_KNOWN, places)


def bad_fields(places=(), **fields):
    return [error.field for error in bad(fields, places=places)]


def env(*names):
    return [{"name": name, "value": "x"} for name in names]


def long_env(count):
    """As many variables of 32 KiB each."""
    return [{"name": f"A{number}", "value": "x" * 32 * 1024} for number in range(count)]


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
        {"env": long_env(15)},
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
        ("gpuType", {"gpuType": "B200"}),
        ("gpuType", {"gpuCount": 1}),
        ("gpuCount", {"gpuType": "A100", "gpuCount": 5}),
        ("gpuDevices", {"gpuType": "A100", "gpuCount": 1, "gpuDevices": [0]}),
        *(("cpu", {"cpu": cpu}) for cpu in ("", "0", "-1", "17", "16001m", "lots", "1 ", "0.0001", "NaN", "1e99")),
        *(("memory", {"memory": memory}) for memory in ("", "0", "65Gi", "16 GB", "1m", "16", "1023Ki")),
        *((field, {field: "1e9999999999999999999"}) for field in ("cpu", "memory", "shmSize")),
        ("shmSize", {"shmSize": "64"}),
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
        ("env", {"env": long_env(16), "command": ["a"]}),
        ("command", {"command": ["é" * 32 * 1024] * 9}),
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
    check(request, SETTINGS, {})


SHARED = {"gpuType": "shared", "nodeName": "sharing"}


@pytest.mark.parametrize(
    "fields",
    [
        {**SHARED, "gpuCount": 2, "gpuDevices": [3, 0]},
        {"gpuType": "shared"},
        {"gpuType": "cpu"},
        {"gpuType": "cpu", "nodeName": "fast"},
        {"gpuType": "claimed", "gpuCount": 8},
        {"gpuType": "H100", "gpuCount": 1, "nodeName": "h1"},
    ],
)
def test_every_mode_takes_what_is_its_own(fields):
    places = CARDS if fields["gpuType"] == "shared" else [Place("h1", 8, 8, frozenset())]
    assert bad_fields(places, **fields) == []


@pytest.mark.parametrize(
    ("expected", "fields"),
    [
        (["gpuDevices", "nodeName"], {"gpuType": "shared", "gpuCount": 1}),
        (["gpuDevices"], {**SHARED, "gpuCount": 2, "gpuDevices": [0]}),
        (["gpuDevices"], {**SHARED, "gpuCount": 1, "gpuDevices": [0, 1]}),
        (["gpuDevices"], {**SHARED, "gpuCount": 0, "gpuDevices": [0]}),
        (["gpuDevices[1]"], {**SHARED, "gpuCount": 2, "gpuDevices": [1, 1]}),
        (["gpuDevices[0]", "gpuDevices[2]"], {**SHARED, "gpuCount": 3, "gpuDevices": [2, 1, 4]}),
        (["gpuCount"], {**SHARED, "gpuCount": 5, "gpuDevices": [0, 1, 2, 3, 4]}),
        (["nodeName"], {**SHARED, "gpuCount": 1, "gpuDevices": [0], "nodeName": "unlabelled"}),
        (["nodeName"], {**SHARED, "gpuCount": 1, "gpuDevices": [0], "nodeName": "advertising"}),
        (["nodeName"], {**SHARED, "gpuCount": 1, "gpuDevices": [0], "nodeName": "nobody-knows"}),
        (["gpuDevices"], {"gpuType": "claimed", "gpuCount": 1, "gpuDevices": [0]}),
        (["gpuDevices"], {"gpuDevices": [0]}),
        (["gpuCount"], {"gpuType": "cpu", "gpuCount": 1}),
        (["nodeName"], {"gpuType": "cpu", "nodeName": "h1"}),
        (["nodeName"], {"gpuType": "H100", "nodeName": "fast"}),
    ],
)
def test_cards_and_nodes_are_chosen_only_where_the_mode_allows_it(expected, fields):
    assert bad_fields(CARDS, **fields) == expected


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("unlabelled", "not a node whose cards are shared (genet.io/gpu-mode=shared)"),
        ("advertising", "its cards are handed out as nvidia.com/gpu, so they are not shared"),
    ],
)
def test_cards_are_shared_on_no_other_node_although_somebody_sees_cards_there(name, why):
    fields = {**SHARED, "gpuCount": 1, "gpuDevices": [0], "nodeName": name}
    [error] = bad(fields, places=[Place(name, 0, None, frozenset({0}))])
    assert (error.field, error.message) == ("nodeName", why)


def test_a_node_whose_cards_nobody_knows_shares_none():
    assert bad_fields(**SHARED, gpuCount=1, gpuDevices=[0]) == ["nodeName"]


def test_what_no_node_has_is_refused_and_the_refusal_says_where_most_is_free():
    places = [Place("a", 1, 4, frozenset()), Place("b", 2, 4, frozenset())]
    [error] = bad({"gpuType": "H100", "gpuCount": 5}, places=places)
    assert (error.field, error.message) == (
        "gpuCount",
        "no node has more than 4 of H100; free now: 2 on b, 1 on a",
    )


ALLOWING = msgspec.structs.replace(
    SETTINGS,
    pod=msgspec.structs.replace(SETTINGS.pod, allowed_images=("registry.example.org/lab/*", "debian:12*")),
    gpu=msgspec.convert({"presetImages": [{"name": "p", "image": "pytorch:2.9"}]}, type(SETTINGS.gpu)),
)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("pytorch:2.9", []),
        ("docker.io/library/pytorch:2.9", []),
        ("registry.example.org/lab/torch", []),
        ("debian:12.5", []),
        ("pytorch:2.8", ["image"]),
        ("debian:13", ["image"]),
        ("registry.example.org/other/torch", ["image"]),
    ],
)
def test_where_images_are_listed_only_these_and_the_offered_ones_run(image, expected):
    assert [error.field for error in bad({"image": image}, ALLOWING)] == expected


@pytest.mark.parametrize(
    ("unread", "fields"),
    [
        ("gpuType", {"gpuDevices": [0], "nodeName": "sharing"}),
        ("gpuCount", {"gpuType": "shared", "gpuDevices": [0], "nodeName": "sharing"}),
        ("memory", {"shmSize": "9Gi"}),
    ],
)
def test_no_field_is_judged_by_one_that_could_not_be_read(unread, fields):
    request = msgspec.convert({"image": "debian:13", **fields}, PodRequest)
    assert check(request, SETTINGS, NODES_KNOWN, CARDS, unread={unread}) == []
    assert check(request, SETTINGS, NODES_KNOWN, CARDS) != []


def test_cards_are_not_judged_by_a_type_that_is_not_there():
    assert bad_fields(gpuType="A1000", gpuCount=1, gpuDevices=[0]) == ["gpuType"]
