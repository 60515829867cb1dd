"""One node of every way to share or hand out accelerators, labelled and annotated as each vendor's parts do it.

MIG, time-slicing, HAMi, DRA, AMD and Ascend. The series of DCGM have the older form: `Hostname`, `exported_pod` beside
the exporter's own `pod`. AMD and Ascend cards are known to the API server only: nothing exports metrics for them.
"""

from datetime import datetime

import msgspec

from genet.simulation.devices import NVIDIA, Gpu
from genet.simulation.exporters.dcgm import Generation
from genet.simulation.scenarios.build import A100, H100, L40S, Scenario, gfd_labels

_PROFILE = "1g.10gb"
_SLICES = 7
_SPLIT = 10
_DRIVER = "gpu.nvidia.com"
_ASCEND = "huawei.com/Ascend910"


def mixed(now: datetime, seed: int) -> Scenario:
    scenario = Scenario(now, seed, generation=Generation(hostname="Hostname", honor_labels=False))
    alice, bob = scenario.user("alice"), scenario.user("bob")
    _mig(scenario, alice)
    _time_slicing(scenario, bob)
    _hami(scenario, alice, bob)
    _dra(scenario, alice, bob)
    _amd(scenario, bob)
    _ascend(scenario, alice)
    return scenario


def _mig(scenario: Scenario, user: str) -> None:
    """Strategy `single`: slices are asked for as whole GPUs, and counted as such in the labels."""
    labels = gfd_labels(A100, 2 * _SLICES, mig="single")
    labels["nvidia.com/gpu.product"] += f"-MIG-{_PROFILE}"
    scenario.node("mig-01", cpu=64, memory="512Gi", age="90d", labels=labels, devices={NVIDIA: 2 * _SLICES})
    scenario.cards("mig-01", A100, 2, profiles=[_PROFILE] * _SLICES, slice_resource=NVIDIA)
    for number in range(5):
        scenario.user_pod(user, f"slice-{number}", "mig-01", "4h", limits={NVIDIA: 1})


def _time_slicing(scenario: Scenario, user: str) -> None:
    """Renamed replicas: the resource says that they are shared, so the product does not."""
    resource = "nvidia.com/gpu.shared"
    labels = gfd_labels(L40S, 4, replicas=4, sharing="time-slicing") | {"nvidia.com/gpu.product": L40S.product}
    scenario.node("slicing-01", cpu=64, memory="512Gi", age="90d", labels=labels, devices={NVIDIA: 0, resource: 16})
    scenario.cards("slicing-01", L40S, 4, resource=resource, replicas=4)
    for number in range(6):
        scenario.user_pod(user, f"share-{number}", "slicing-01", "6h", limits={resource: 1})


def _hami(scenario: Scenario, *users: str) -> None:
    """Both forms of the register, the JSON one and the text one before it."""
    for name, as_text in (("hami-01", False), ("hami-02", True)):
        cards = scenario.cards(name, L40S, 2, replicas=_SPLIT, labelled=False)
        handshake = f"Reported_{scenario.now:%Y.%m.%d %H:%M:%S}"
        register = _register_text(cards) if as_text else _register_json(cards)
        scenario.node(
            name,
            cpu=64,
            memory="512Gi",
            age="60d",
            labels=gfd_labels(L40S, 2),
            annotations={"hami.io/node-nvidia-register": register, "hami.io/node-handshake": handshake},
            devices={NVIDIA: len(cards) * _SPLIT},
        )
        for user in users:
            annotations = {
                "hami.io/vgpu-node": name,
                "hami.io/vgpu-devices-allocated": f"{cards[0].uuid},NVIDIA,12000,30:;",
                "hami.io/vgpu-devices-to-allocate": ";",
            }
            limits = {NVIDIA: 1, "nvidia.com/gpumem": 12000, "nvidia.com/gpucores": 30}
            scenario.user_pod(user, f"vgpu-{name}", name, "5h", limits=limits, annotations=annotations)


def _register_json(cards: list[Gpu]) -> str:
    devices = [
        {
            "id": card.uuid,
            "index": card.index,
            "count": _SPLIT,
            "devmem": card.memory,
            "devcore": 100,
            "type": f"NVIDIA-{card.model}",
            "numa": 0,
            "mode": "hami-core",
            "health": True,
        }
        for card in cards
    ]
    return msgspec.json.encode(devices).decode()


def _register_text(cards: list[Gpu]) -> str:
    return "".join(f"{card.uuid},{_SPLIT},{card.memory},100,NVIDIA-{card.model},0,true:" for card in cards)


def _dra(scenario: Scenario, alice: str, bob: str) -> None:
    """One claim for one pod, and one shared by two; nothing of it is in the node's capacity."""
    name = "dra-01"
    scenario.node(name, cpu=128, memory="1Ti", age="30d", labels=gfd_labels(H100, 4))
    cards = scenario.cards(name, H100, 4, resource=None)
    selector = f"device.driver == '{_DRIVER}' && device.attributes['{_DRIVER}'].type == 'gpu'"
    device_class = {"metadata": {"name": _DRIVER}, "spec": {"selectors": [{"cel": {"expression": selector}}]}}
    scenario.add("deviceclasses", device_class, "30d")
    devices = [
        {
            "name": f"gpu-{card.index}",
            "attributes": {
                "type": {"string": "gpu"},
                "uuid": {"string": card.uuid},
                "productName": {"string": card.model},
                "pcieBusID": {"string": f"0000:{0x18 + 0x11 * card.index:02x}:00.0"},
            },
            "capacity": {"memory": {"value": f"{card.memory}Mi"}},
        }
        for card in cards
    ]
    pool = {"name": name, "generation": 1, "resourceSliceCount": 1}
    spec = {"driver": _DRIVER, "nodeName": name, "pool": pool, "devices": devices}
    scenario.add("resourceslices", {"metadata": {"name": f"{name}-{_DRIVER}-x7k2p"}, "spec": spec}, "30d")
    _claim(scenario, alice, "own", [1], ["claimer"])
    _claim(scenario, bob, "both", [2], ["left", "right"])


def _claim(scenario: Scenario, user: str, claim: str, indexes: list[int], pods: list[str]) -> None:
    namespace, node = f"user-{user}", "dra-01"
    request = {"name": "gpu", "exactly": {"deviceClassName": _DRIVER, "allocationMode": "ExactCount", "count": 1}}
    results = [{"request": "gpu", "driver": _DRIVER, "pool": node, "device": f"gpu-{index}"} for index in indexes]
    # The UIDs follow when the pods have some.
    reserved = [{"resource": "pods", "name": f"pod-{user}-{pod}"} for pod in pods]
    scenario.add(
        "resourceclaims",
        {
            "metadata": {"namespace": namespace, "name": claim},
            "spec": {"devices": {"requests": [request]}},
            "status": {"allocation": {"devices": {"results": results}}, "reservedFor": reserved},
        },
        "3h",
    )
    for pod in pods:
        scenario.user_pod(user, pod, node, "3h", claims=[claim])


def _amd(scenario: Scenario, user: str) -> None:
    labels = {
        "amd.com/gpu.product-name": "AMD_Instinct_MI300X_OAM",
        "amd.com/gpu.vram": "192G",
        "amd.com/gpu.family": "AI",
        "amd.com/gpu.device-id": "74a1",
        "amd.com/gpu.cu-count": "304",
    }
    scenario.node("amd-01", cpu=192, memory="2Ti", age="45d", labels=labels, devices={"amd.com/gpu": 8})
    scenario.user_pod(user, "rocm", "amd-01", "7h", image="rocm-pytorch:7.0", limits={"amd.com/gpu": 3})


def _ascend(scenario: Scenario, user: str) -> None:
    """A card out of order: the device plugin counts it out, and its ConfigMap says which."""
    name = "ascend-01"
    labels = {"accelerator": "huawei-Ascend910", "node.kubernetes.io/npu.chip.name": "910B4"}
    scenario.node(
        name, cpu=192, memory="1536Gi", age="45d", labels=labels, devices={_ASCEND: 8}, unhealthy={_ASCEND: 1}
    )
    healthy = ",".join(f"Ascend910-{index}" for index in range(7) if index not in (0, 1))
    lists = {_ASCEND: healthy, f"{_ASCEND}-Unhealthy": "Ascend910-7", f"{_ASCEND}-NetworkUnhealthy": ""}
    info = {"DeviceInfo": {"DeviceList": lists, "UpdateTime": int(scenario.now.timestamp())}}
    config = {
        "metadata": {"namespace": "kube-system", "name": f"mindx-dl-deviceinfo-{name}"},
        "data": {"DeviceInfoCfg": msgspec.json.encode(info).decode(), "ManuallySeparateNPU": ""},
    }
    scenario.add("configmaps", config, "45d")
    annotations = {"huawei.com/AscendReal": "Ascend910-0,Ascend910-1", "huawei.com/kltDev": "Ascend910-2,Ascend910-3"}
    limits = {_ASCEND: 2}
    scenario.user_pod(user, "mindspore", name, "9h", image="mindspore:2.7", limits=limits, annotations=annotations)
