"""What scenarios' manifests have in common: GPU models, GFD's labels, pods' specs, what a node says of itself."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

Obj = dict[str, Any]

KUBELET_VERSION: Final = "v1.34.2"
IDLE: Final = ("sleep", "infinity")
TRAINING: Final = ("python", "train.py")


class Model(NamedTuple):
    """A GPU model: what DCGM calls it, its MiB, and GFD's family."""

    name: str
    memory: int
    family: str

    @property
    def product(self) -> str:
        return self.name.replace(" ", "-")


H100: Final = Model("NVIDIA H100 80GB HBM3", 81559, "hopper")
A100: Final = Model("NVIDIA A100-SXM4-80GB", 81920, "ampere")
L40S: Final = Model("NVIDIA L40S", 46068, "ada-lovelace")
V100: Final = Model("Tesla V100-SXM2-32GB", 32768, "volta")
RTX4090: Final = Model("NVIDIA GeForce RTX 4090", 24564, "ada-lovelace")
T4: Final = Model("Tesla T4", 15360, "turing")


def gfd_labels(
    model: Model, count: int, *, replicas: int = 1, sharing: str = "none", mig: str = "none"
) -> dict[str, str]:
    """Labels as GPU feature discovery writes them."""
    return {
        "nvidia.com/gpu.present": "true",
        "nvidia.com/gpu.product": f"{model.product}-SHARED" if replicas > 1 else model.product,
        "nvidia.com/gpu.memory": str(model.memory),
        "nvidia.com/gpu.count": str(count),
        "nvidia.com/gpu.replicas": str(replicas),
        "nvidia.com/gpu.sharing-strategy": sharing,
        "nvidia.com/gpu.family": model.family,
        "nvidia.com/mig.capable": str(model in (H100, A100)).lower(),
        "nvidia.com/mig.strategy": mig,
    }


def spec_of(
    image: str,
    command: Sequence[str],
    limits: Mapping[str, str | int],
    env: Sequence[Obj] = (),
    selector: Mapping[str, str] | None = None,
) -> Obj:
    resources = {name: str(amount) for name, amount in limits.items()}
    container = {
        "name": "main",
        "image": image,
        "command": list(command),
        "env": list(env),
        "resources": {"limits": resources, "requests": resources},
    }
    return {
        "containers": [container],
        "nodeSelector": dict(selector or {}),
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "serviceAccountName": "default",
        "tolerations": [],
    }


NODE_INFO: Final = {
    "architecture": "amd64",
    "bootID": "00000000-0000-0000-0000-000000000000",
    "machineID": "00000000000000000000000000000000",
    "systemUUID": "00000000-0000-0000-0000-000000000000",
    "operatingSystem": "linux",
    "osImage": "Debian GNU/Linux 13 (trixie)",
    "kernelVersion": "6.12.48-amd64",
    "containerRuntimeVersion": "containerd://2.1.4",
    "kubeletVersion": KUBELET_VERSION,
    "kubeProxyVersion": KUBELET_VERSION,
}
