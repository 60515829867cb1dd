"""AMD's and Huawei's accelerators, as their device plugins hand them out."""

import random
from collections.abc import Mapping
from typing import Any

import msgspec

from genet.simulation.devices import Gpu, Partition
from genet.simulation.scenarios.build import Scenario
from genet.simulation.scenarios.parts import IDLE

_AMD = "amd.com/gpu"
_MI300X = "AMD Instinct MI300X OAM"
_VRAM = 196592
_PARTITIONS = 8
_ASCEND = "huawei.com/Ascend910"
_LABELS = {
    "amd.com/gpu.product-name": "AMD_Instinct_MI300X_OAM",
    "amd.com/gpu.vram": "192G",
    "amd.com/gpu.family": "AI",
    "amd.com/gpu.device-id": "74a1",
    "amd.com/gpu.cu-count": "304",
}


def amd(scenario: Scenario, user: str) -> None:
    scenario.node("amd-01", cpu=192, memory="2Ti", age="45d", labels=_LABELS, devices={_AMD: 8})
    for index in range(8):
        _put(scenario, "amd", "amd-01", index, _MI300X, _VRAM, resource=_AMD)
    scenario.user_pod(user, "rocm", "amd-01", "7h", image="rocm-pytorch:7.0", limits={_AMD: 3})
    scenario.user_pod(user, "rocm-notebook", "amd-01", "2d", limits={_AMD: 1}, command=IDLE)


def amd_partitioned(scenario: Scenario, user: str) -> None:
    """CPX with the plugin's usual naming: each card is eight devices of the same resource."""
    name = "amd-02"
    scenario.node(name, cpu=192, memory="2Ti", age="45d", labels=_LABELS, devices={_AMD: 2 * _PARTITIONS})
    for index in range(2):
        parts = tuple(
            Partition(number, "cpx_nps4", f"amdgpu_xcp_{index * _PARTITIONS + number}", _VRAM // _PARTITIONS, _AMD)
            for number in range(_PARTITIONS)
        )
        _put(scenario, "amd", name, index, _MI300X, _VRAM, resource=_AMD, partitions=parts)
    for number in range(3):
        scenario.user_pod(user, f"cpx-{number}", name, "4h", image="rocm-pytorch:7.0", limits={_AMD: 2})


def ascend(scenario: Scenario, user: str) -> None:
    """A chip out of order: the device plugin counts it out, and its ConfigMap says which."""
    name = "ascend-01"
    labels = {"accelerator": "huawei-Ascend910", "node.kubernetes.io/npu.chip.name": "910B4"}
    scenario.node(
        name, cpu=192, memory="1536Gi", age="45d", labels=labels, devices={_ASCEND: 8}, unhealthy={_ASCEND: 1}
    )
    for index in range(8):
        _put(scenario, "ascend", name, index, "910B4", 32768, resource=_ASCEND, xid=int(index == 7))  # noqa: PLR2004 - the last
    healthy = ",".join(f"Ascend910-{index}" for index in range(7) if index not in (0, 1))
    lists = {_ASCEND: healthy, f"{_ASCEND}-Unhealthy": "Ascend910-7", f"{_ASCEND}-NetworkUnhealthy": ""}
    info = {"DeviceInfo": {"DeviceList": lists, "UpdateTime": int(scenario.now.timestamp())}}
    config = {
        "metadata": {"namespace": "kube-system", "name": f"mindx-dl-deviceinfo-{name}"},
        "data": {"DeviceInfoCfg": msgspec.json.encode(info).decode(), "ManuallySeparateNPU": ""},
    }
    scenario.add("configmaps", config, "45d")
    annotations: Mapping[str, str] = {
        "huawei.com/AscendReal": "Ascend910-0,Ascend910-1",
        "huawei.com/kltDev": "Ascend910-2,Ascend910-3",
    }
    limits = {_ASCEND: 2}
    scenario.user_pod(user, "mindspore", name, "9h", image="mindspore:2.7", limits=limits, annotations=annotations)


def _put(  # noqa: PLR0917 - a card, as Gpu has it
    scenario: Scenario, vendor: str, node: str, index: int, model: str, memory: int, **more: Any
) -> None:
    """With a serial number of twelve digits, or a die's identifier of forty."""
    dice = random.Random(f"{scenario.seed}/{node}/{index}")  # noqa: S311 - repeatable identities
    serial = f"{dice.randrange(10**11, 10**12)}"
    if vendor == "ascend":
        serial = "-".join(f"{dice.getrandbits(32):08X}" for _ in range(5))
    scenario.gpus.append(Gpu(node, index, serial, model, memory, vendor=vendor, **more))
