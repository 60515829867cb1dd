"""Nodes of the real API server without a kubelet, one for each way to use GPUs, their pods, and their exporters."""

import json
from typing import Any

from tests.e2e.conftest import GPU, IMAGE
from tests.e2e.exporter import Card, Exporter, Holder, Page, Slice
from tests.e2e.other_exporters import AmdCard, AmdExporter, HamiCard, HamiMonitor, HamiScheduler, Npu, NpuExporter

MIG, AMD, NPU = "nvidia.com/mig-1g.5gb", "amd.com/gpu", "huawei.com/Ascend910"
A100 = "NVIDIA A100-SXM4-40GB"
INSTANCES = {"npu": "10.98.0.5:8082", "hami-monitor": "10.98.0.6:31992"}
"""Targets of exporters that have no label for their node, as a cluster has them: by the node's address."""


def card(index: int, utilization: int, used: int, holder: Holder | None = None) -> Card:
    memory = {"DCGM_FI_DEV_FB_USED": used, "DCGM_FI_DEV_FB_FREE": 40960 - used}
    return Card(index, f"GPU-{index:08x}", {"DCGM_FI_DEV_GPU_UTIL": utilization, **memory}, holder)


def mig_row(instance: int, share: float, used: int, holder: Holder | None = None) -> Card:
    values = {"DCGM_FI_PROF_GR_ENGINE_ACTIVE": share, "DCGM_FI_DEV_FB_USED": used, "DCGM_FI_DEV_FB_FREE": 4864 - used}
    return Card(0, "GPU-mig", {**values, "DCGM_FI_DEV_POWER_USAGE": 88.25}, holder, Slice("1g.5gb", instance))


def pages(prefix: str, namespace: str) -> dict[str, Page]:
    """By the exporter's name."""
    ann, bob = Holder(namespace, "ann"), Holder(namespace, "bob")
    shared = HamiCard(0, "GPU-hami-0", 55, 9000, 40960, {Holder(namespace, "h1"): 8192, Holder(namespace, "h2"): 4096})
    hami = [shared, HamiCard(1, "GPU-hami-1", 0, 0, 40960, {})]
    sliced = [mig_row(7, 0.0, 12), mig_row(9, 0.5, 2048, Holder(namespace, "m1")), mig_row(11, 0.25, 1024)]
    sliced[2].holder = Holder(namespace, "m2")
    turns = [card(0, 90, 30000, ann), card(1, 0, 4)]
    old = [card(0, 0, 4), card(1, 61, 20000, Holder(namespace, "old"))]
    return {
        "mig": Exporter(f"{prefix}-mig", sliced, "hostname", A100),
        "turns": Exporter(f"{prefix}-turns", turns, "Hostname", A100),
        "old": Exporter(f"{prefix}-old", old, "old namespace", A100),
        "amd": AmdExporter(f"{prefix}-amd", [AmdCard(0, "S0", 0, 300), AmdCard(1, "S1", 77, 98304, bob)]),
        "npu": NpuExporter([Npu(0, "V0", 12, 4096, Holder(namespace, "npu")), Npu(1, "V1", 0, 3000, health=0)]),
        "hami-scheduler": HamiScheduler(f"{prefix}-hami", hami),
        "hami-monitor": HamiMonitor(hami),
    }


def node(
    name: str, address: str, capacity: dict[str, str], labels: dict[str, str], annotations: dict[str, str] | None = None
) -> dict[str, Any]:
    amounts = {"cpu": "128", "memory": "1024Gi", "pods": "110", **capacity}
    ready = {"type": "Ready", "status": "True", "reason": "Hollow"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": annotations or {},
        },
        "spec": {"taints": [{"key": "hollow", "effect": "NoSchedule"}]},
        "status": {
            "capacity": amounts,
            "allocatable": amounts,
            "conditions": [ready],
            "addresses": [{"type": "InternalIP", "address": address}],
        },
    }


def pod(name: str, on: str, limits: dict[str, str], annotations: dict[str, str] | None = None) -> dict[str, Any]:
    container = {"name": "main", "image": IMAGE, "resources": {"limits": limits}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "annotations": annotations or {}},
        "spec": {"nodeName": on, "containers": [container]},
    }


def nodes(prefix: str) -> list[dict[str, Any]]:
    product = {"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-40GB", "nvidia.com/gpu.memory": "40960"}
    turns = {**product, "nvidia.com/gpu.product": "NVIDIA-A100-SXM4-40GB-SHARED", "nvidia.com/gpu.count": "2"}
    turns |= {"nvidia.com/gpu.replicas": "4", "nvidia.com/gpu.sharing-strategy": "time-slicing"}
    mig = {**product, "nvidia.com/mig.strategy": "mixed", "nvidia.com/gpu.count": "1"}
    card = {"count": 10, "devmem": 40960, "devcore": 100, "type": "NVIDIA-NVIDIA A100-SXM4-40GB", "health": True}
    cards = [{"id": f"GPU-hami-{index}", "index": index, "mode": "hami-core", "numa": 0, **card} for index in (0, 1)]
    register = {"hami.io/node-nvidia-register": json.dumps(cards)}
    return [
        node(f"{prefix}-mig", "10.98.0.1", {GPU: "0", MIG: "3"}, mig),
        node(f"{prefix}-turns", "10.98.0.2", {GPU: "8"}, turns),
        node(f"{prefix}-old", "10.98.0.3", {GPU: "2"}, {**product, "nvidia.com/gpu.count": "2"}),
        node(f"{prefix}-amd", "10.98.0.4", {AMD: "2"}, {"amd.com/gpu.product-name": "AMD_Instinct_MI300X_OAM"}),
        node(f"{prefix}-npu", "10.98.0.5", {NPU: "2"}, {}),
        node(f"{prefix}-hami", "10.98.0.6", {GPU: "20"}, {}, register),
    ]


def pods(prefix: str) -> list[dict[str, Any]]:
    def hami(name: str, mib: int) -> dict[str, Any]:
        given = {
            "hami.io/vgpu-node": f"{prefix}-hami",
            "hami.io/vgpu-devices-allocated": f"GPU-hami-0,NVIDIA,{mib},0:;",
        }
        return pod(name, f"{prefix}-hami", {GPU: "1", "nvidia.com/gpumem": str(mib)}, given)

    return [
        *(pod(name, f"{prefix}-mig", {MIG: "1"}) for name in ("m1", "m2")),
        *(pod(name, f"{prefix}-turns", {GPU: "1"}) for name in ("ann", "cid")),
        pod("old", f"{prefix}-old", {GPU: "1"}),
        pod("bob", f"{prefix}-amd", {AMD: "1"}),
        pod("npu", f"{prefix}-npu", {NPU: "1"}),
        hami("h1", 8192),
        hami("h2", 4096),
    ]
