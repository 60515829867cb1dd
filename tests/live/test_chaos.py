"""Many people, hundreds of operations at random, two replicas that are killed at random: what must hold.

What is true is asked of the API server alone: its watch says how much there ever was at once, its lists what is left.
"""

import os
import random
import time
from contextlib import ExitStack

import httpx
import pytest

from tests.chaos import checks
from tests.chaos.pair import Pair
from tests.chaos.people import Person
from tests.chaos.storm import Storm
from tests.chaos.truth import Truth
from tests.processes import configuration, embedded_cluster

PEOPLE = 20
POD_LIMIT, GPU_LIMIT = 3, 4
GPU, DRIVER = "nvidia.com/gpu", "gpu.nvidia.com"
SETTINGS = {
    "podLimitPerUser": POD_LIMIT,
    "gpuLimitPerUser": GPU_LIMIT,
    "gpu": {
        "availableTypes": [
            {"name": "gpu", "resourceName": GPU},
            {"name": "waits", "resourceName": GPU, "nodeSelector": {"genet.io/nowhere": "true"}},
            {"name": "slice", "resourceName": "nvidia.com/mig-1g.10gb", "mode": "mig"},
            {"name": "shared", "resourceName": GPU, "mode": "shared"},
            {"name": "claimed", "resourceName": DRIVER, "mode": "dra", "deviceClass": DRIVER},
        ]
    },
    "pod": {"defaults": {"cpu": "10m", "memory": "16Mi"}},
    "storage": {
        "volumes": [
            {"name": "workspace", "mountPath": "/workspace", "size": "1Gi"},
            {"name": "cache", "mountPath": "/cache", "size": "1Gi", "reclaimPolicy": "Delete"},
        ]
    },
}
MODES = [
    {},
    {"gpuType": "gpu", "gpuCount": 1},
    {"gpuType": "gpu", "gpuCount": 3},
    {"gpuType": "waits", "gpuCount": 2},
    {"gpuType": "slice", "gpuCount": 1},
    {"gpuType": "shared", "gpuCount": 2, "nodeName": "t4-01", "gpuDevices": [0, 1]},
    {"gpuType": "claimed", "gpuCount": 2},
]


def furnish(server: str) -> None:
    """A node whose devices are claimed."""
    amounts = {"cpu": "64", "memory": "512Gi", "pods": "110"}
    node = {
        "metadata": {"name": "claims-01"},
        "status": {"capacity": amounts, "allocatable": amounts, "conditions": [{"type": "Ready", "status": "True"}]},
    }
    devices = [{"name": f"gpu-{number}", "attributes": {"uuid": {"string": f"GPU-{number}"}}} for number in range(16)]
    pool = {"name": "claims-01", "generation": 1, "resourceSliceCount": 1}
    slice_ = {"driver": DRIVER, "nodeName": "claims-01", "pool": pool, "devices": devices}
    group = "/apis/resource.k8s.io/v1"
    with httpx.Client(base_url=server, trust_env=False) as http:
        for path, obj in (
            ("/api/v1/nodes", node),
            (f"{group}/deviceclasses", {"metadata": {"name": DRIVER}, "spec": {}}),
            (f"{group}/resourceslices", {"metadata": {"name": "claims-01"}, "spec": slice_}),
        ):
            http.post(path, json=obj).raise_for_status()


SEEDS = os.environ.get("GENET_CHAOS_SEED", "1").split()
OPERATIONS = int(os.environ.get("GENET_CHAOS_OPERATIONS", "100"))


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_or_left_and_no_quota_is_passed(tmp_path, seed):
    number = random.SystemRandom().randrange(1, 10**6) if seed == "random" else int(seed)
    print(f"\nGENET_CHAOS_SEED={number} GENET_CHAOS_OPERATIONS={OPERATIONS}")
    people = [Person(f"chaos{which}") for which in range(PEOPLE)]
    began = time.monotonic()
    with ExitStack() as stack:
        embedded = stack.enter_context(embedded_cluster("small", tmp_path))
        furnish(embedded["server"])
        truth = stack.enter_context(Truth(embedded["server"], people, pod_limit=POD_LIMIT, gpu_limit=GPU_LIMIT))
        pair = Pair(configuration(tmp_path, embedded["kubeconfig"], **SETTINGS), stack)
        pair.wait()
        storm = Storm(pair, people, MODES, "debian:13")
        storm.rage(number, OPERATIONS, kills=max(3, OPERATIONS // 40))
        pair.wait()
        raged = time.monotonic()
        checks.everything(truth, pair, storm, people)
        rested = time.monotonic()
    full = sum(most[0] == POD_LIMIT or most[1] == GPU_LIMIT for most in truth.most.values())
    print(
        f"{OPERATIONS} operations, {pair.kills} kills in {raged - began:.0f} s, all true {rested - raged:.0f} s later; "
        f"{full} of {PEOPLE} people were once at a limit; {storm.told()}"
    )
