"""Hostile text in every field of a request: what comes of it is refused, or a pod that can do nothing more than others.

Each request that passes is made into a manifest, which is held against the shape that Genet's pods have, and then
against the admission of the embedded cluster, with its Pod Security at work.
"""

import json
import re
from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from genet.accelerators import VENDORS
from genet.kube.objects import NODES
from genet.pods import checks, manifest
from genet.pods.model import PodRequest
from genet.pods.room import Place
from genet.settings import Settings
from genet.simulation.errors import ApiError
from genet.simulation.pod_security import violations
from genet.simulation.resources import KINDS
from genet.storage import mounting

GPU = "nvidia.com/gpu"
CONFIGURED = msgspec.convert(
    {
        "auth": {"mode": "dev"},
        "gpu": {
            "availableTypes": [
                {"name": "whole", "resourceName": GPU},
                {"name": "shared", "resourceName": GPU, "mode": "shared"},
                {"name": "claimed", "resourceName": "gpu.nvidia.com", "mode": "dra", "deviceClass": "gpu.nvidia.com"},
                {"name": "cpu", "mode": "none"},
            ]
        },
        "pod": {"env": {"LAB": "1"}},
        "proxy": {"httpProxy": "http://proxy.example.org:3128"},
        "storage": {"volumes": [{"name": "workspace", "mountPath": "/workspace"}]},
    },
    Settings,
)
NAMES = ["node1", "sharing"]
VARIABLES = {vendor.visible_devices for vendor in VENDORS if vendor.visible_devices}
CASES = {"made up": 0, "became pods": 0}

ATTACKS = [
    *(
        "",
        "\0",
        "\n",
        "a\nhostNetwork: true",
        "a\r\n",
        "---\nkind: Pod",
        "{{ x }}",
        "${IFS}",
        "$(NVIDIA_VISIBLE_DEVICES)",
    ),
    *(
        "../../etc",
        "/../..",
        "user-bob-bob/pod",
        "kube-system",
        "genet.io/protected-until",
        '"},"privileged":true,"x":"',
    ),
    *("registry.example/a", "a@b", "https://a", "a:1", "a" * 300, "\u202e", "\ud7ff", "é", "all", "void", "0,1"),
    *("sharing", "node1", "1e9", "1Gi", "-1", "0x1", "NaN", "9" * 31, "1m", "debian:13", "NVIDIA_VISIBLE_DEVICES"),
    *("nvidia_visible_devices", "HTTP_PROXY", "LAB", "LD_PRELOAD", "KUBERNETES_SERVICE_HOST", "/proc/1/root"),
    *(
        "*alias",
        "&anchor",
        "!!python/object",
        "<<: *x",
        "%TAG",
        "'",
        '"',
        "`id`",
        "; rm -rf /",
        "|",
        ">",
        "#",
        "? ",
        ": ",
    ),
]
TEXT = st.one_of(
    st.sampled_from(ATTACKS),
    st.text(max_size=40),
    st.builds(str.__add__, st.sampled_from(ATTACKS), st.sampled_from(ATTACKS)),
)
GPUS = st.sampled_from(
    [
        {},
        {"gpuType": "cpu"},
        {"gpuType": "whole", "gpuCount": 2, "nodeName": "node1"},
        {"gpuType": "claimed", "gpuCount": 3},
        {"gpuType": "shared", "gpuCount": 2, "gpuDevices": [3, 0], "nodeName": "sharing"},
    ]
)
NAME = st.one_of(st.sampled_from(["SEED", "PATH", "http_proxy", "LAB", "LD_PRELOAD", "A.b-c"]), TEXT)
ENV = st.builds(lambda name, value: {"name": name[:253] or "A", "value": value}, NAME, TEXT)
GOOD = {"image": "debian:13", "name": "train", "cpu": "1", "memory": "1Gi", "shmSize": "64Mi", "workingDir": "/work"}
HOSTILE = st.dictionaries(st.sampled_from([*GOOD, "nodeName", "gpuType"]), TEXT, max_size=2)
NUMBERS = st.fixed_dictionaries(
    {}, optional={"gpuCount": st.integers(0, 9), "gpuDevices": st.lists(st.integers(0, 5), max_size=4)}
)
EMPTY: dict[str, Any] = {"gpuType": None, "gpuCount": 0, "gpuDevices": [], "nodeName": None}
REQUESTS = st.builds(
    lambda gpus, hostile, numbers, words, env: {
        **EMPTY, **GOOD, **gpus, **hostile, **numbers, "command": words, "env": env,
        "image": hostile.get("image") or GOOD["image"],
    },
    GPUS, HOSTILE, st.one_of(st.just({}), st.just({}), NUMBERS), st.lists(TEXT, max_size=3), st.lists(ENV, max_size=2),
)  # fmt: skip


def node(name: str) -> Any:
    labels = {"genet.io/gpu-mode": "shared"} if name == "sharing" else {}
    amounts = {GPU: "0" if labels else "8"}
    document = {"metadata": {"name": name, "labels": labels}, "status": {"capacity": amounts, "allocatable": amounts}}
    return NODES.one.decode(msgspec.json.encode(document))


KNOWN = {name: node(name) for name in NAMES}
PLACES = {
    "whole": [Place("node1", 8, 8, frozenset(range(8)))],
    "shared": [Place("sharing", 0, None, frozenset(range(4)))],
    "claimed": [Place("node1", 8, None, frozenset(range(8)))],
}
PLAIN = manifest.build(
    PodRequest(image="debian:13"), CONFIGURED, mounting.parts(CONFIGURED.storage, "alice-alice"), user="alice-alice",
    name="train", now=datetime(2026, 3, 1, tzinfo=UTC),
)  # fmt: skip
SPEC = {
    "restartPolicy", "automountServiceAccountToken", "enableServiceLinks", "terminationGracePeriodSeconds", "affinity",
    "securityContext", "containers", "volumes", "nodeSelector", "resourceClaims",
}  # fmt: skip
CONTAINER = {"name", "image", "command", "env", "resources", "securityContext", "volumeMounts", "workingDir"}


def assert_shape(made: dict[str, Any], request: dict[str, Any]) -> None:
    """Everything but the values that the request may choose is as in every other pod of Genet's."""
    meta, spec = made["metadata"], made["spec"]
    assert set(made) == {"apiVersion", "kind", "metadata", "spec"}
    name = f"pod-alice-alice-{request['name'] or 'train'}"
    assert (meta["name"], meta["namespace"]) == (name, "user-alice-alice")
    assert re.fullmatch(r"[a-z0-9-]{1,63}", name)
    kind = request["gpuType"]
    assert meta["labels"] == PLAIN["metadata"]["labels"] | {"genet.io/pod": name} | (
        {"genet.io/gpu-type": kind} if kind else {}
    )
    assert set(meta["annotations"]) <= {"genet.io/gpu-devices", "genet.io/gpu-count"}
    assert set(spec) <= SPEC
    fixed = ("restartPolicy", "automountServiceAccountToken", "enableServiceLinks", "securityContext")
    assert {key: spec[key] for key in fixed} == {key: PLAIN["spec"][key] for key in fixed}
    volumes = [volume for volume in spec["volumes"] if volume["name"] != "dshm"]
    assert json.dumps(volumes).replace(name, "pod-alice-alice-train") == json.dumps(PLAIN["spec"]["volumes"])
    assert spec.get("nodeSelector", {}) == ({"genet.io/gpu-mode": "shared"} if kind == "shared" else {})
    [container] = spec["containers"]
    assert set(container) <= CONTAINER
    plain = PLAIN["spec"]["containers"][0]
    assert container["securityContext"] == plain["securityContext"]
    assert [mount for mount in container["volumeMounts"] if mount["name"] != "dshm"] == plain["volumeMounts"]
    assert container["resources"]["limits"] == container["resources"]["requests"]
    assert set(container["resources"]["limits"]) <= {"cpu", "memory", GPU}
    assert_environment(container["env"], request)
    assert request["image"] == container["image"]
    assert json.loads(json.dumps(made)) == made


def assert_environment(env: list[dict[str, str]], request: dict[str, Any]) -> None:
    assert all(set(variable) == {"name", "value"} for variable in env)
    shown = {variable["name"]: variable["value"] for variable in env}
    assert len(shown) == len(env), "a name stands twice"
    devices = {name: value for name, value in shown.items() if name.upper().endswith("_VISIBLE_DEVICES")}
    if request["gpuCount"] and request["gpuType"] in ("whole", "claimed"):
        assert devices == {}
    else:
        cards = ",".join(map(str, sorted(request["gpuDevices"]))) if request["gpuCount"] else ""
        assert devices == dict.fromkeys(VARIABLES, "void") | ({"NVIDIA_VISIBLE_DEVICES": cards} if cards else {})


async def test_no_text_in_any_field_becomes_more_than_a_value(cluster, replica):
    """The namespace is Genet's own work; every manifest passes through the cluster's admission, and none is kept."""
    await replica.create(name="first")
    admission = cluster.api.admission

    @given(REQUESTS)
    @how(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def attack(request: dict[str, Any]) -> None:
        CASES["made up"] += 1
        try:
            wanted = msgspec.json.decode(msgspec.json.encode(request), type=PodRequest)
        except msgspec.ValidationError:
            return
        if checks.check(wanted, CONFIGURED, KNOWN, PLACES.get(request["gpuType"] or "", [])):
            return
        CASES["became pods"] += 1
        parts = mounting.parts(CONFIGURED.storage, "alice-alice")
        now = datetime(2026, 3, 1, tzinfo=UTC)
        name = wanted.name or "train"
        made = manifest.build(wanted, CONFIGURED, parts, user="alice-alice", name=name, now=now)
        assert_shape(made, request)
        assert violations("baseline", made) == []
        assert refusal(made) in ("", "the limits of the namespace")

    def refusal(made: dict[str, Any]) -> str:
        try:
            admission.create(KINDS["pods"], made)
        except ApiError as error:  # the pod is larger than all pods of one person may be together
            is_limit = "exceeded quota" in error.message or "maximum" in error.message
            return "the limits of the namespace" if is_limit else error.message
        return ""

    attack()
    print(f"hostile requests: {CASES}")
    assert CASES["became pods"] > 100
