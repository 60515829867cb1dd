"""5,000 nodes, 40,000 GPUs, 50,000 pods: for measuring, and for finding what does not scale."""

from datetime import datetime

from genet.simulation.devices import NVIDIA
from genet.simulation.scenarios.build import Scenario
from genet.simulation.scenarios.parts import A100, H100, IDLE, TRAINING, gfd_labels, spec_of

_NODES = 5_000
_CPU_PODS_PER_NODE = 6
_USERS = 500


def large(now: datetime, seed: int) -> Scenario:
    scenario = Scenario(now, seed)
    users = [scenario.user(f"u{number:04}") for number in range(_USERS)]
    scenario.namespace("batch", "90d")
    labels = {model: gfd_labels(model, 8) for model in (H100, A100)}
    specs = {
        (count, command): spec_of("pytorch:2.9-cuda12.8", command, {NVIDIA: count, "cpu": "8", "memory": "64Gi"})
        for count in (1, 2)
        for command in (TRAINING, IDLE)
    }
    plain = spec_of("worker:1.0", ("worker",), {"cpu": "1", "memory": "2Gi"})
    for number in range(_NODES):
        model = H100 if number % 5 < 2 else A100  # noqa: PLR2004 - two in five
        name = f"gpu-{number:04}"
        scenario.node(name, cpu=128, memory="1Ti", age="100d", labels=labels[model], devices={NVIDIA: 8})
        scenario.cards(name, model, 8)
        # Four pods with one or two GPUs each, 7 of 8 GPUs or fewer: the cluster is busy, and never quite full.
        for slot in range(4):
            user = users[(number * 4 + slot) * 7 % _USERS]
            spec = specs[1 + (slot + number) % 2 * (slot > 0), IDLE if (number + slot) % 9 == 0 else TRAINING]
            labels_ = {"genet.io/user": user, "genet.io/managed": "true"}
            pod_name = f"pod-{user}-job-{number:04}-{slot}"
            scenario.bare_pod(f"user-{user}", pod_name, name, f"{1 + number % 47}h", spec, labels=labels_)
        for slot in range(_CPU_PODS_PER_NODE):
            scenario.bare_pod("batch", f"worker-{number:04}-{slot}", name, "2d", plain)
    return scenario
