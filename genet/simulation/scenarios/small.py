"""Twelve nodes, seventy cards, every kind of GPU use: what `genet demo` shows.

Whole cards busy, idle and free; MIG; time-slicing; cards for sharing; a card gone bad; a card somebody uses outside
Kubernetes; a cordoned node and one that stopped answering; a pod that fits nowhere and one that keeps crashing.
"""

from datetime import datetime, timedelta

from genet.simulation.devices import NVIDIA
from genet.simulation.scenarios.build import Scenario
from genet.simulation.scenarios.parts import A100, H100, IDLE, L40S, RTX4090, T4, V100, gfd_labels

_PROFILES = ("3g.40gb", "2g.20gb", "1g.10gb", "1g.10gb")


def small(now: datetime, seed: int) -> Scenario:
    scenario = Scenario(now, seed)
    _nodes(scenario)
    _infrastructure(scenario)
    _people(scenario)
    _past(scenario)
    return scenario


def _nodes(scenario: Scenario) -> None:
    whole = {NVIDIA: 8}
    for name in ("h100-01", "h100-02", "h100-03"):
        scenario.node(name, cpu=192, memory="2Ti", age="90d", labels=gfd_labels(H100, 8), devices=whole)
        scenario.cards(name, H100, 8, foreign={6} if name == "h100-03" else ())
    for name in ("a100-01", "a100-02", "a100-03"):
        bad = {5: 79} if name == "a100-03" else {}
        unhealthy = {NVIDIA: len(bad)}
        labels = gfd_labels(A100, 8)
        scenario.node(name, cpu=128, memory="1Ti", age="300d", labels=labels, devices=whole, unhealthy=unhealthy)
        scenario.cards(name, A100, 8, xid=bad)

    slices = {f"nvidia.com/mig-{profile}": 4 * _PROFILES.count(profile) for profile in _PROFILES}
    labels = gfd_labels(A100, 4, mig="mixed") | {f"{name}.count": str(count) for name, count in slices.items()}
    scenario.node("a100-mig-01", cpu=128, memory="1Ti", age="200d", labels=labels, devices=slices)
    scenario.cards("a100-mig-01", A100, 4, profiles=_PROFILES)

    labels = gfd_labels(L40S, 4, replicas=4, sharing="time-slicing")
    scenario.node("l40s-01", cpu=64, memory="512Gi", age="120d", labels=labels, devices={NVIDIA: 16})
    scenario.cards("l40s-01", L40S, 4, replicas=4)

    scenario.node(
        "v100-01", cpu=96, memory="768Gi", age="700d", labels=gfd_labels(V100, 8), devices=whole, cordoned=True
    )
    scenario.cards("v100-01", V100, 8)

    labels = gfd_labels(RTX4090, 4)
    scenario.node(
        "rtx4090-01", cpu=32, memory="256Gi", age="150d", labels=labels, devices={NVIDIA: 4}, not_ready_for="25m"
    )
    scenario.cards("rtx4090-01", RTX4090, 4)

    labels = gfd_labels(T4, 2) | {"genet.io/gpu-mode": "shared"}
    scenario.node("t4-01", cpu=32, memory="128Gi", age="400d", labels=labels, devices={NVIDIA: 0})
    scenario.cards("t4-01", T4, 2, resource=None)

    scenario.node("cpu-01", cpu=64, memory="512Gi", age="300d")


def _infrastructure(scenario: Scenario) -> None:
    scenario.namespace("gpu-operator", "300d")
    for gpu_node in dict.fromkeys(gpu.node for gpu in scenario.gpus):
        for daemon in ("nvidia-dcgm-exporter", "nvidia-device-plugin"):
            name, image = f"{daemon}-{gpu_node}", f"{daemon}:4.5"
            scenario.pod("gpu-operator", name, gpu_node, "30d", image=image, command=(daemon,), limits=_LITTLE)
    scenario.pod(
        "kube-system", "coredns-7d764666f9-x2x5l", "cpu-01", "90d", image="coredns:1.12", command=(), limits=_LITTLE
    )


def _people(scenario: Scenario) -> None:
    alice, bob, carol, dave, erin, lihua = (
        scenario.user(name) for name in ("alice", "bob", "carol", "dave", "erin", "lihua")
    )
    # One node full, one half full, one all but free.
    scenario.user_pod(alice, "llama-ft", "h100-01", "3d", "h100", limits=_gpus(4), command=("torchrun", "ft.py"))
    scenario.user_pod(bob, "pretrain", "h100-01", "22h", "h100", limits=_gpus(4), command=("deepspeed", "run.py"))
    scenario.user_pod(carol, "reward", "h100-02", "5h", "h100", limits=_gpus(2))
    scenario.user_pod(lihua, "notebook", "h100-02", "9d", "h100", limits=_gpus(1), image=_NOTEBOOK, command=IDLE)
    scenario.user_pod(lihua, "serve", "h100-02", "40m", "h100", limits=_gpus(2), image="vllm:0.11", command=("vllm",))

    scenario.user_pod(erin, "probe", "h100-03", "50m", "h100", limits=_gpus(1))

    protected = {"genet.io/protected-until": (scenario.now + timedelta(hours=30)).strftime("%Y-%m-%dT%H:%M:%SZ")}
    scenario.user_pod(dave, "diffusion", "a100-01", "2d", "a100", limits=_gpus(8), annotations=protected)
    for number, age in enumerate(("6h", "2h", "12m")):
        scenario.user_pod(erin, f"sweep-{number}", "a100-02", age, "a100", limits=_gpus(1))
    scenario.user_pod(alice, "eval", "a100-03", "8h", "a100", limits=_gpus(2))
    scenario.user_pod(bob, "debug", "a100-03", "4d", "a100", limits=_gpus(1), image=_NOTEBOOK, command=_works("91h"))

    for user, name, profile in (
        (carol, "slice", "3g.40gb"),
        (dave, "lab-1", "1g.10gb"),
        (dave, "lab-2", "1g.10gb"),
        (erin, "slice", "2g.20gb"),
        (lihua, "course", "1g.10gb"),
    ):
        limits = {f"nvidia.com/mig-{profile}": 1}
        scenario.user_pod(user, name, "a100-mig-01", "1d", f"mig-{profile}", limits=limits)
    for user in (alice, carol, erin, lihua, bob, dave):
        scenario.user_pod(user, "infer", "l40s-01", "3h", "l40s-shared", limits=_gpus(1), command=("tritonserver",))
    scenario.user_pod(erin, "legacy", "v100-01", "20d", "v100", limits=_gpus(2), command=_works("477h"))
    scenario.user_pod(carol, "lost", "rtx4090-01", "7d", "rtx4090", limits=_gpus(1))
    scenario.evicted.append(("user-carol-carol", "pod-carol-carol-lost", scenario.ago("20m")))
    shared = [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "1"}]
    for user in (bob, lihua):
        scenario.user_pod(
            user, "small", "t4-01", "10h", "t4-shared", annotations={"genet.io/gpu-devices": "1"}, env=shared
        )
    scenario.user_pod(alice, "tools", "cpu-01", "6d", image="debian:13", command=IDLE)

    # The scheduler says why, once it runs.
    only_h100 = {"nvidia.com/gpu.product": H100.product}
    scenario.user_pod(bob, "huge", None, "35m", "h100", limits=_gpus(8), selector=only_h100)
    crash = {
        "name": "main",
        "image": "pytorch:2.9-cuda12.8",
        "imageID": "",
        "ready": False,
        "started": False,
        "restartCount": 6,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
    }
    failing = ("sh", "-c", "echo 'FileNotFoundError: data/train.parquet'; exit 1")
    scenario.user_pod(erin, "broken", "a100-02", "15m", "a100", limits=_gpus(1), command=failing, state=crash)


def _past(scenario: Scenario) -> None:
    """Who was there before: what free cards, and the usage of the last days, remember."""
    for user, name, node, cards, since, until in (
        ("carol-carol", "warm-up", "h100-03", range(6), "6d", "5d"),
        ("alice-alice", "ablation", "h100-03", (0, 1, 2, 3), "70h", "51h"),
        ("bob-bob", "sft", "h100-03", range(6), "30h", "9h"),
        ("erin-erin", "sweep-old", "a100-02", range(8), "4d", "52h"),
        ("dave-dave", "vae", "a100-02", (2, 3, 4, 5), "40h", "17h"),
        ("lihua-lihua", "serve-old", "a100-02", (0, 7), "13h", "7h"),
        ("alice-alice", "eval-old", "a100-03", (0, 1, 2), "6d", "5d"),
    ):
        scenario.held(user, name, node, cards, since=since, until=until)


def _works(time: str) -> tuple[str, ...]:
    """For so long, and then leaves its cards idle."""
    return ("sh", "-c", f"timeout {time} python train.py; sleep infinity")


def _gpus(count: int) -> dict[str, int]:
    return {NVIDIA: count}


_LITTLE = {"cpu": "100m", "memory": "128Mi"}
_NOTEBOOK = "jupyter:2025-10"
