"""NVIDIA's cards by dynamic resource allocation: slices and claims, and nothing in a node's capacity."""

from collections.abc import Mapping, Sequence
from typing import Any

from genet.simulation.devices import NVIDIA, Gpu
from genet.simulation.exporters.dcgm import Generation
from genet.simulation.scenarios.build import Obj, Scenario
from genet.simulation.scenarios.parts import A100, H100, gfd_labels, spec_of
from genet.simulation.store import timestamp

_DRIVER = "gpu.nvidia.com"
_CLASSES = {_DRIVER: "gpu", "mig.nvidia.com": "mig"}
_SLICES = {"1g.10gb": 1, "2g.20gb": 2, "3g.40gb": 4}
"""Memory slices that a profile takes."""


def cards(scenario: Scenario, alice: str, bob: str) -> None:
    """A claim for one pod, one that two share, one of a monitor that looks at all and holds none; a tainted card."""
    name = "dra-01"
    scenario.node(name, cpu=128, memory="1Ti", age="30d", labels=gfd_labels(H100, 4))
    found = scenario.cards(name, H100, 4, resource=None)
    scenario.generations[name] = Generation(dra=True, job="dcgm-exporter")
    devices = [_card(card) for card in found]
    taint = {"key": f"{_DRIVER}/unhealthy", "value": "ecc", "effect": "NoExecute", "timeAdded": timestamp(scenario.now)}
    devices[3]["taints"] = [taint]
    _slice(scenario, name, devices)
    for device_class, kind in _CLASSES.items():
        selector = f"device.driver == '{_DRIVER}' && device.attributes['{_DRIVER}'].type == '{kind}'"
        spec: Obj = {"selectors": [{"cel": {"expression": selector}}]}
        if kind == "gpu":
            spec["extendedResourceName"] = NVIDIA
        scenario.add("deviceclasses", {"metadata": {"name": device_class}, "spec": spec}, "30d")
    _claim(scenario, f"user-{alice}", "own", _result(name, "gpu-1"), [f"pod-{alice}-claimer"])
    scenario.user_pod(alice, "claimer", name, "3h", claims=["own"])
    _claim(scenario, f"user-{bob}", "both", _result(name, "gpu-2"), [f"pod-{bob}-left", f"pod-{bob}-right"])
    for pod in ("left", "right"):
        scenario.user_pod(bob, pod, name, "3h", claims=["both"])
    scenario.namespace("gpu-monitoring", "30d", labels={"resource.kubernetes.io/admin-access": "true"})
    looked_at = [_result(name, f"gpu-{card.index}", adminAccess=True) for card in found]
    _claim(scenario, "gpu-monitoring", "all-gpus", looked_at[0], ["monitor"], *looked_at[1:], adminAccess=True)
    scenario.pod(
        "gpu-monitoring", "monitor", name, "3h", image="gpu-monitor:1", command=("monitor",), claims=["all-gpus"]
    )


def partitions(scenario: Scenario, alice: str, bob: str) -> None:
    """Cards and their partitions compete for the same counters; and a pod that asks for a GPU is served by a claim."""
    name = "dra-02"
    scenario.node(name, cpu=128, memory="1Ti", age="30d", labels=gfd_labels(A100, 2))
    cut, *_ = scenario.cards(name, A100, 1, resource=None, profiles=("1g.10gb",))
    plain, *_ = scenario.cards(name, A100, 1, first=1, resource=None)
    uuids = {("1g.10gb", 0): cut.partitions[0].uuid}
    parts = [
        _partition(scenario, card, profile, start, uuids if card is cut else {})
        for card in (cut, plain)
        for profile, size in _SLICES.items()
        for start in range(0, 8 - size + 1, size)
    ]
    counters = [
        {"name": f"gpu-{card.index}-counters", "counters": {"memory-slices": {"value": "8"}}} for card in (cut, plain)
    ]
    whole = [{**_card(card), "consumesCounters": _consumes(card, 8)} for card in (cut, plain)]
    _slice(scenario, name, [*whole, *parts], sharedCounters=counters)
    _claim(scenario, f"user-{alice}", "part", _result(name, "gpu-0-mig-1g10gb-0"), [f"pod-{alice}-part"])
    scenario.user_pod(alice, "part", name, "6h", claims=["part"])
    _served_by_claim(scenario, bob, name, "gpu-1")


def _served_by_claim(scenario: Scenario, user: str, node: str, device: str) -> None:
    """As the scheduler does it where a DeviceClass has the extended resource's name."""
    namespace, pod, request = f"user-{user}", f"pod-{user}-extended", "container-0-request-0"
    claim = f"{pod}-extended-resources-7xk2q"
    result = {**_result(node, device), "request": request}
    annotations = {"resource.kubernetes.io/extended-resource-claim": "true"}
    _claim(scenario, namespace, claim, result, [pod], annotations=annotations)
    spec = spec_of("pytorch:2.9-cuda12.8", ("python", "train.py"), {NVIDIA: 1, "cpu": "4", "memory": "16Gi"})
    made = scenario.bare_pod(namespace, pod, node, "3h", spec)
    mapping = {"containerName": "main", "resourceName": NVIDIA, "requestName": request}
    made["status"]["extendedResourceClaimStatus"] = {"resourceClaimName": claim, "requestMappings": [mapping]}


def _card(card: Gpu) -> Obj:
    return {
        "name": f"gpu-{card.index}",
        "attributes": {
            "type": {"string": "gpu"},
            "uuid": {"string": card.uuid},
            "productName": {"string": card.model},
            "pcieBusID": {"string": card.pci},
        },
        "capacity": {"memory": {"value": f"{card.memory}Mi"}},
    }


def _partition(scenario: Scenario, card: Gpu, profile: str, start: int, uuids: Mapping[tuple[str, int], str]) -> Obj:
    uuid = uuids.get((profile, start)) or scenario.uuid("MIG", card.node, card.index, profile, start)
    taken = {f"memorySlice{number}": {"value": "1"} for number in range(start, start + _SLICES[profile])}
    return {
        "name": f"gpu-{card.index}-mig-{profile.replace('.', '')}-{start}",
        "attributes": {
            "type": {"string": "mig"},
            "uuid": {"string": uuid},
            "parentUUID": {"string": card.uuid},
            "profile": {"string": profile},
            "productName": {"string": card.model},
        },
        "capacity": {"memory": {"value": f"{_SLICES[profile] * card.memory // 8}Mi"}, **taken},
        "consumesCounters": _consumes(card, _SLICES[profile]),
    }


def _consumes(card: Gpu, slices: int) -> list[Obj]:
    return [{"counterSet": f"gpu-{card.index}-counters", "counters": {"memory-slices": {"value": str(slices)}}}]


def _slice(scenario: Scenario, node: str, devices: Sequence[Obj], **more: Any) -> None:
    pool = {"name": node, "generation": 1, "resourceSliceCount": 1}
    spec = {"driver": _DRIVER, "nodeName": node, "pool": pool, "devices": devices, **more}
    scenario.add("resourceslices", {"metadata": {"name": f"{node}-{_DRIVER}-x7k2p"}, "spec": spec}, "30d")


def _result(pool: str, device: str, **more: Any) -> Obj:
    return {"request": "gpu", "driver": _DRIVER, "pool": pool, "device": device, **more}


def _claim(
    scenario: Scenario,
    namespace: str,
    name: str,
    result: Obj,
    pods: Sequence[str],
    *others: Obj,
    annotations: Mapping[str, str] | None = None,
    **request: Any,
) -> None:
    device_class = "mig.nvidia.com" if "-mig-" in result["device"] else _DRIVER
    wanted = {"deviceClassName": device_class, "allocationMode": "ExactCount", "count": 1 + len(others), **request}
    # The UIDs follow when the pods have some.
    reserved = [{"resource": "pods", "name": pod} for pod in pods]
    scenario.add(
        "resourceclaims",
        {
            "metadata": {"namespace": namespace, "name": name, "annotations": dict(annotations or {})},
            "spec": {"devices": {"requests": [{"name": result["request"], "exactly": wanted}]}},
            "status": {"allocation": {"devices": {"results": [result, *others]}}, "reservedFor": reserved},
        },
        "3h",
    )
