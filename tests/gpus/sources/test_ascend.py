import json

import pytest

from genet.gpus.model import NodeFacts, index_name
from genet.gpus.sources import ascend
from genet.kube import objects, projection
from tests.gpus.builders import node, pod

CHIPS = "huawei.com/Ascend910"


def info(lists=None, *, separated="", text=None):
    cfg = json.dumps({"DeviceInfo": {"DeviceList": lists or {}, "UpdateTime": 1}, "CheckCode": "x"})
    data = {"DeviceInfoCfg": cfg if text is None else text, "ManuallySeparateNPU": separated}
    return objects.ConfigMap(metadata=projection.ObjectMeta(name="mindx-dl-deviceinfo-n1"), data=data)


def facts(capacity=None, *, config=None, pods=(), annotations=None):
    on = node(
        capacity={CHIPS: "4"} if capacity is None else capacity,
        labels={"node.kubernetes.io/npu.chip.name": "910B4"},
        annotations=annotations,
    )
    return NodeFacts(node=on, pods=tuple(pods), device_info=config)


def worker(real, *, units=2, resource=CHIPS, phase="Running", **annotations):
    holder = pod("a", units, resource=resource, phase=phase)
    holder.metadata.annotations.update({"huawei.com/AscendReal": real} if real else {}, **annotations)
    return holder


def held(*pods, **kwargs):
    return [(holding.device, holding.resource) for holding in ascend.holdings(facts(pods=pods, **kwargs))]


def faults(config):
    return {seen.index: seen.fault for seen in ascend.devices(facts(config=config)) if seen.fault}


def test_chips_are_counted_from_zero():
    first, *_, last = ascend.devices(facts())
    assert (first.names, first.index, first.vendor) == ((index_name("ascend", 0),), 0, "ascend")
    assert (first.resource, first.product, first.uuid) == (CHIPS, "910B4", None)
    assert last.index == 3


def test_chips_that_the_plugin_lists_have_their_own_numbers():
    config = info({CHIPS: "Ascend910-6", f"{CHIPS}-Unhealthy": "Ascend910-7"})
    assert [seen.index for seen in ascend.devices(facts(config=config))] == [0, 1, 6, 7]


@pytest.mark.parametrize("resource", ["huawei.com/Ascend310P", "huawei.com/Ascend310", "huawei.com/npu"])
def test_each_kind_of_chip_has_its_resource(resource):
    assert {seen.resource for seen in ascend.devices(facts({resource: "2", "huawei.com/npu-core": "16"}))} == {resource}


def test_where_hami_counts_shares_the_chips_are_hami_s():
    annotations = {"hami.io/node-register-Ascend310P": "[]"}
    assert list(ascend.devices(facts({"huawei.com/Ascend310P": "28"}, annotations=annotations))) == []
    assert held(worker("Ascend910-0"), annotations=annotations) == []


def test_other_nodes_have_no_chips():
    assert list(ascend.devices(facts({"nvidia.com/gpu": "4"}))) == []


@pytest.mark.parametrize("text", ["Ascend910-0,Ascend910-3", "Ascend910-0 Ascend910-3", " Ascend910-0, Ascend910-3,"])
def test_the_annotation_names_the_chips_a_pod_has(text):
    assert held(worker(text)) == [(index_name("ascend", 0), CHIPS), (index_name("ascend", 3), CHIPS)]


def test_what_kubelet_and_scheduler_chose_is_not_what_the_pod_has():
    chosen = {"huawei.com/kltDev": "Ascend910-1", CHIPS: "Ascend910-1"}
    assert held(worker("", **chosen)) == []
    assert held(worker("Ascend910-2", **chosen)) == [(index_name("ascend", 2), CHIPS)]


def test_a_finished_pod_has_no_chips():
    assert held(worker("Ascend910-0", phase="Succeeded")) == []


def test_a_pod_that_did_not_ask_has_no_chips():
    assert held(worker("Ascend910-0", units=0)) == []


def test_a_chip_of_another_spelling_counts_against_what_was_asked():
    asked = worker("Ascend910-0", resource="huawei.com/npu")
    assert held(asked, capacity={"huawei.com/npu": "4"}) == [(index_name("ascend", 0), "huawei.com/npu")]


def test_a_virtual_chip_made_before_is_a_part_that_a_resource_counts():
    template = "huawei.com/Ascend310P-2c"
    holder = worker("Ascend310P-2c-100-1", units=1, resource=template)
    capacity = {"huawei.com/Ascend310P": "3", template: "4"}
    config = info({template: "Ascend310P-2c-101-1"})
    seen = {each.index: each for each in ascend.devices(facts(capacity, config=config, pods=[holder]))}
    assert list(seen) == [0, 1, 2, 3]
    free, given = seen[1].parts
    assert (given.names, given.profile, given.resource) == (("Ascend310P-2c-100-1",), "2c", template)
    assert free.id == "Ascend310P-2c-101-1"
    assert seen[0].parts == ()
    assert held(holder, capacity=capacity) == [("Ascend310P-2c-100-1", template)]


def test_a_virtual_chip_made_on_demand_is_a_part_that_nothing_counts():
    holder = worker("Ascend310P-4c.3cpu-100-0", units=4, resource="huawei.com/npu-core")
    capacity = {"huawei.com/Ascend310P": "1", "huawei.com/npu-core": "8"}
    (seen,) = ascend.devices(facts(capacity, pods=[holder]))
    assert [(part.profile, part.resource) for part in seen.parts] == [("4c.3cpu", None)]
    assert held(holder, capacity=capacity) == [("Ascend310P-4c.3cpu-100-0", None)]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (info({f"{CHIPS}-Unhealthy": "Ascend910-3"}), {3: "the device plugin lists the chip as unhealthy"}),
        (
            info({f"{CHIPS}-NetworkUnhealthy": "Ascend910-0"}),
            {0: "the device plugin lists the chip's network as unhealthy"},
        ),
        (
            info({}, separated="Ascend910-1,Ascend910-2"),
            dict.fromkeys(
                (1, 2), "the chip has been taken out of use after repeated faults, until somebody puts it back"
            ),
        ),
        (info({f"{CHIPS}-Unhealthy": "", f"{CHIPS}-Fault": "[]"}), {}),
        (None, {}),
    ],
    ids=["unhealthy", "network", "separated", "none", "no ConfigMap"],
)
def test_the_config_map_says_which_chips_are_out_of_order(config, expected):
    assert faults(config) == expected


@pytest.mark.parametrize(
    ("level", "told"),
    [
        ("SeparateNPU", {2: "the device plugin reports fault 80E18402 (SeparateNPU)"}),
        ("RestartNPU", {2: "the device plugin reports fault 80E18402 (RestartNPU)"}),
        ("NotHandleFault", {}),
        ("SubHealthFault", {}),
        ("PreSeparateNPU", {}),
    ],
)
def test_a_fault_counts_by_its_level(level, told):
    fault = {"fault_type": "CardUnhealthy", "npu_name": "Ascend910-2", "fault_level": level, "fault_code": "80E18402"}
    assert faults(info({f"{CHIPS}-Fault": json.dumps([fault])})) == told


def test_a_chip_s_fault_and_what_the_lists_say_are_told_together():
    fault = {"npu_name": "Ascend910-2", "fault_level": "SeparateNPU", "fault_code": "80E18402"}
    config = info({f"{CHIPS}-Fault": json.dumps([fault]), f"{CHIPS}-Unhealthy": "Ascend910-2"})
    assert faults(config) == {
        2: "the device plugin reports fault 80E18402 (SeparateNPU); the device plugin lists the chip as unhealthy"
    }


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"DeviceInfo": {"DeviceList": {"a": 1}}}', '{"DeviceInfo": 3}']
)
def test_a_config_map_that_cannot_be_read_says_nothing(text):
    assert faults(info(text=text)) == {}
    assert faults(info(text=text, separated="Ascend910-1")).keys() == {1}


def test_faults_that_cannot_be_read_say_nothing():
    assert faults(info({f"{CHIPS}-Fault": "[{"})) == {}


def test_annotations_that_take_long_to_read_are_not_read():
    assert held(worker("Ascend910-1," * 2000)) == []
