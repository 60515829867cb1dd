"""NVIDIA's cards as its device plugin hands them out, whole, sliced and shared; and as HAMi, KAI and Genet do."""

import msgspec

from genet.simulation.devices import NVIDIA, Gpu
from genet.simulation.exporters.dcgm import Generation
from genet.simulation.scenarios.build import Scenario
from genet.simulation.scenarios.parts import A100, H100, IDLE, L40S, T4, gfd_labels, spec_of

_PROFILE = "1g.10gb"
_SLICES = 7
_SPLIT = 10
_SHARED = "nvidia.com/gpu.shared"


def whole(scenario: Scenario, user: str) -> None:
    """Whole cards; the kubelet tells who has which. One fell off the bus, one is used from outside Kubernetes."""
    name = "whole-01"
    scenario.node(name, cpu=192, memory="2Ti", age="90d", labels=gfd_labels(H100, 8), devices={NVIDIA: 8},
                  unhealthy={NVIDIA: 1})  # fmt: skip
    scenario.cards(name, H100, 8, xid={3: 79}, foreign={6})
    scenario.reporting.add(name)
    scenario.user_pod(user, "train", name, "9h", limits={NVIDIA: 2})
    scenario.user_pod(user, "notebook", name, "3d", limits={NVIDIA: 1}, command=IDLE)


def two_models(scenario: Scenario, user: str) -> None:
    """The labels name one model, and one resource counts both."""
    name = "two-models-01"
    scenario.node(name, cpu=64, memory="512Gi", age="90d", labels=gfd_labels(L40S, 4), devices={NVIDIA: 4})
    scenario.cards(name, L40S, 2)
    scenario.cards(name, T4, 2, first=2)
    scenario.user_pod(user, "render", name, "2h", limits={NVIDIA: 1})


def mig_single(scenario: Scenario, user: str) -> None:
    """Strategy `single`: slices are asked for as whole GPUs, and counted as such in the labels."""
    labels = gfd_labels(A100, 2 * _SLICES, mig="single")
    labels["nvidia.com/gpu.product"] += f"-MIG-{_PROFILE}"
    scenario.node("mig-01", cpu=64, memory="512Gi", age="90d", labels=labels, devices={NVIDIA: 2 * _SLICES})
    scenario.cards("mig-01", A100, 2, profiles=[_PROFILE] * _SLICES, slice_resource=NVIDIA)
    for number in range(5):
        scenario.user_pod(user, f"slice-{number}", "mig-01", "4h", limits={NVIDIA: 1})


def mig_mixed(scenario: Scenario, user: str) -> None:
    """Strategy `mixed`: two profiles on one card, and a card beside it that is whole."""
    profiles = ("3g.40gb", "1g.10gb", "1g.10gb")
    slices = {f"nvidia.com/mig-{profile}": profiles.count(profile) for profile in profiles}
    labels = gfd_labels(A100, 2, mig="mixed") | {f"{name}.count": str(count) for name, count in slices.items()}
    scenario.node("mig-02", cpu=64, memory="512Gi", age="90d", labels=labels, devices={NVIDIA: 1, **slices})
    scenario.cards("mig-02", A100, 1, profiles=profiles)
    scenario.cards("mig-02", A100, 1, first=1)
    scenario.user_pod(user, "large-slice", "mig-02", "7h", limits={"nvidia.com/mig-3g.40gb": 1})
    scenario.user_pod(user, "small-slice", "mig-02", "6h", limits={"nvidia.com/mig-1g.10gb": 1}, command=IDLE)
    scenario.user_pod(user, "whole-card", "mig-02", "5h", limits={NVIDIA: 1})


def time_slicing(scenario: Scenario, user: str) -> None:
    """Renamed replicas: the resource says that they are shared, so the product does not."""
    labels = gfd_labels(L40S, 4, replicas=4, sharing="time-slicing") | {"nvidia.com/gpu.product": L40S.product}
    scenario.node("slicing-01", cpu=64, memory="512Gi", age="90d", labels=labels, devices={NVIDIA: 0, _SHARED: 16})
    scenario.cards("slicing-01", L40S, 4, resource=_SHARED, replicas=4)
    for number in range(6):
        scenario.user_pod(user, f"share-{number}", "slicing-01", "6h", limits={_SHARED: 1})


def virtual(scenario: Scenario, user: str) -> None:
    """Replicas that keep the resource's name, and an exporter that has a row for each."""
    name = "slicing-02"
    labels = gfd_labels(L40S, 2, replicas=4, sharing="time-slicing")
    scenario.node(name, cpu=64, memory="512Gi", age="90d", labels=labels, devices={NVIDIA: 8})
    scenario.cards(name, L40S, 2, replicas=4)
    scenario.generations[name] = Generation(virtual=True, job="dcgm-exporter")
    for number in range(3):
        scenario.user_pod(user, f"virtual-{number}", name, "5h", limits={NVIDIA: 1})


def mps(scenario: Scenario, user: str) -> None:
    """Shared by MPS, where the exporter cannot tell whose process is whose."""
    labels = gfd_labels(A100, 2, replicas=3, sharing="mps") | {"nvidia.com/mps.capable": "true"}
    scenario.node("mps-01", cpu=64, memory="512Gi", age="90d", labels=labels, devices={NVIDIA: 6})
    scenario.cards("mps-01", A100, 2, replicas=3, labelled=False)
    for number in range(2):
        scenario.user_pod(user, f"mps-{number}", "mps-01", "8h", limits={NVIDIA: 1})


def hami(scenario: Scenario, *users: str) -> None:
    """Both forms of the register, the JSON one and the text one before it; and both generations of metrics."""
    for name, as_text in (("hami-01", False), ("hami-02", True)):
        names = "legacy" if as_text else "new"
        cards = scenario.cards(name, L40S, 2, replicas=_SPLIT, labelled=False, hami=names)
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


def kai(scenario: Scenario, *users: str) -> None:
    """Halves of a card: a reservation pod holds it for the group, and its members ask for nothing."""
    name, group = "kai-01", "6c1f2a7e-kai-01-group"
    cards = scenario.cards(name, A100, 4)
    scenario.node(name, cpu=64, memory="512Gi", age="60d", labels=gfd_labels(A100, 4), devices={NVIDIA: 4})
    scenario.namespace("kai-resource-reservation", "60d")
    spec = spec_of("resource-reservation:0.9", ("resource-reservation",), {NVIDIA: 1})
    scenario.bare_pod(
        "kai-resource-reservation",
        f"gpu-reservation-{name}-x8k2d",
        name,
        "4h",
        spec,
        labels={"app": "kai-resource-reservation", "runai-gpu-group": group},
        annotations={"run.ai/reserve_for_gpu_index": cards[2].uuid},
    )
    for user in users:
        pod = scenario.user_pod(user, "half", name, "4h", annotations={"gpu-fraction": "0.5"})
        pod["metadata"]["labels"]["runai-gpu-group"] = group


def shared(scenario: Scenario, *users: str) -> None:
    """Cards that Genet's users share by agreement: the node advertises none of them."""
    labels = gfd_labels(T4, 2) | {"genet.io/gpu-mode": "shared"}
    scenario.node("shared-01", cpu=32, memory="128Gi", age="90d", labels=labels, devices={NVIDIA: 0})
    scenario.cards("shared-01", T4, 2, resource=None)
    for number, user in enumerate(users):
        chosen = "0,1" if number else "1"
        env = [{"name": "NVIDIA_VISIBLE_DEVICES", "value": chosen}]
        annotations = {"genet.io/gpu-devices": chosen}
        scenario.user_pod(user, "together", "shared-01", "3h", "t4-shared", annotations=annotations, env=env)
