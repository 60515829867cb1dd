import pytest

from genet.gpus.model import NodeFacts, dra_name, index_name, instance_name, pci_name, quoting
from genet.gpus.sources import resource_status
from tests.gpus.builders import GPU, node, pod, told

CLAIM = "claim:c/r"
REPORTED = "the kubelet reports the device as unhealthy"


def facts(*pods, **others):
    return NodeFacts(node=node(), pods=pods, **others)


def devices(of):
    return [holding.device for holding in resource_status.holdings(of)]


@pytest.mark.parametrize(
    ("resource", "told_id", "name"),
    [
        (GPU, "GPU-0", "GPU-0"),
        (GPU, "GPU-0::3", "GPU-0"),
        ("nvidia.com/mig-1g.5gb", "MIG-7", "MIG-7"),
        ("nvidia.com/mig-1g.5gb.shared", "MIG-7::0", "MIG-7"),
        (GPU, "nvidia3", index_name("nvidia", 3)),
        (GPU, "nvidia3/vgpu1", index_name("nvidia", 3)),
        (GPU, "nvidia3/gi7/vgpu1", instance_name(index_name("nvidia", 3), "7")),
        ("amd.com/gpu", "0000:C1:00.0", pci_name("c1:00.0")),
        ("amd.com/gpu", "amdgpu_xcp_3", "amdgpu_xcp_3"),
        ("huawei.com/Ascend910", "Ascend910-3", index_name("ascend", 3)),
        ("huawei.com/Ascend310P-2c", "Ascend310P-2c-100-3", "Ascend310P-2c-100-3"),
    ],
)
def test_device_plugins_ids_become_names(resource, told_id, name):
    (holding,) = resource_status.holdings(facts(told(pod("a"), told_id, resource=resource)))
    assert (holding.device, holding.pod, holding.resource) == (name, ("user-ann-a", "a"), resource)


def test_other_devices_than_accelerators_are_left_out():
    assert devices(facts(told(pod("a"), "eth0", resource="intel.com/sriov"))) == []


def test_a_finished_pod_has_nothing():
    assert devices(facts(told(pod("a", phase="Failed"), "GPU-0"))) == []


def test_devices_of_claims_count_only_while_claims_cannot_be_read():
    device = dra_name("gpu.nvidia.com", "n1", "gpu-0")
    holder = told(pod("a"), device, resource=CLAIM)
    assert devices(facts(holder)) == []
    (holding,) = resource_status.holdings(facts(holder, claims_known=False))
    assert (holding.device, holding.resource) == (device, None)


def test_what_is_unhealthy_is_told_with_the_kubelet_s_reason_or_its_own():
    holder = told(pod("a"), "GPU-0", "GPU-1", health="Unhealthy", message="Xid 79")
    silent = told(pod("b"), "gpu.nvidia.com/n1/gpu-2", resource=CLAIM, health="Unhealthy")
    unknown = told(pod("c"), "GPU-3", health="Unknown")
    assert list(resource_status.faults(facts(holder, silent, unknown))) == [
        ("GPU-0", quoting(REPORTED, "Xid 79")),
        ("GPU-1", quoting(REPORTED, "Xid 79")),
        ("gpu.nvidia.com/n1/gpu-2", "the kubelet reports the device as unhealthy"),
    ]
