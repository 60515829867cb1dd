"""Annotations, labels and ConfigMaps are written by others: whatever they hold, a source answers and never fails."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genet import naming
from genet.gpus.model import NodeFacts
from genet.gpus.sources import ascend, dra, hami, kai, shared
from genet.kube import objects, projection, resource_api
from tests.gpus.builders import GPU, node, pod

CHIPS = "huawei.com/Ascend910"
PIECES = st.sampled_from(
    ["GPU-0", "GPU-1[0-1]", "Ascend910-0", "Ascend910-2c-100-1", "true", "10", "-1", ",", ":", ";", " ", "[", "{", "0"]
)
TEXT = st.one_of(
    st.text(),
    st.lists(PIECES, max_size=12).map("".join),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["id", "index", "count", "DeviceInfo", "DeviceList"]), inner)
        ),
        max_leaves=5,
    ).map(json.dumps),
)
"""Anything, pieces of what is expected, and JSON of another shape."""


def published(text):
    attributes = {
        name: resource_api.Attribute(string=text) for name in ("uuid", "parentUUID", "pciBusID", "productName", "type")
    }
    pool = resource_api.ResourcePool(name=text)
    devices = (resource_api.Device(name="gpu-0", attributes=attributes),)
    spec = resource_api.ResourceSliceSpec(driver="gpu.nvidia.com", pool=pool, devices=devices)
    return resource_api.ResourceSlice(metadata=projection.ObjectMeta(name="s"), spec=spec)


@pytest.mark.parametrize(
    "source", [hami, ascend, shared, kai, dra], ids=lambda source: source.__name__.rpartition(".")[2]
)
@given(text=TEXT)
@example(text="\ud800")
@example(text="9" * 5000)
@example(text="٣")
def test_whatever_is_written_a_source_answers(source, text):
    holder = pod("a", 1, labels={naming.GPU_TYPE: text, "runai-gpu-group": text})
    chip = pod("b", 1, resource=CHIPS)
    reservation = pod("r", 1, namespace="kai-resource-reservation", labels={"runai-gpu-group": text})
    for each in (holder, chip, reservation):
        each.metadata.annotations.update(
            {
                "hami.io/vgpu-devices-allocated": text,
                "huawei.com/AscendReal": text,
                "run.ai/reserve_for_gpu_index": text,
                naming.GPU_DEVICES: text,
            }
        )
    annotations = {"hami.io/node-nvidia-register": text, "hami.io/node-handshake": text}
    labels = {naming.GPU_MODE: "shared", "nvidia.com/gpu.count": text, "nvidia.com/gpu.memory": text}
    lists = json.dumps({"DeviceInfo": {"DeviceList": {f"{CHIPS}-Unhealthy": text, f"{CHIPS}-Fault": text}}})
    for capacity, config in (({GPU: "0"}, text), ({GPU: "4", CHIPS: "2"}, lists)):
        facts = NodeFacts(
            node=node(capacity=capacity, labels=labels, annotations=annotations),
            pods=(holder, chip, reservation),
            slices=(published(text),),
            device_info=objects.ConfigMap(
                metadata=projection.ObjectMeta(name="info"), data={"DeviceInfoCfg": config, "ManuallySeparateNPU": text}
            ),
        )
        assert source is kai or len(list(source.devices(facts))) < 1000  # KAI describes no cards
        assert {holding.pod[1] for holding in source.holdings(facts)} <= {"a", "b", "r"}
