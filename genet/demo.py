"""`genet demo`: the whole product on one machine, over the embedded cluster instead of a real one.

The cluster is a process of its own: the server speaks to it over HTTP as to any other, and a big scenario does not
slow down the page. It ends with its parent, however that ends, because its standard input closes then.
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from genet.settings import Settings
from genet.web.server import serve

_GPU = "nvidia.com/gpu"
_PRODUCT = "nvidia.com/gpu.product"


class Embedded(msgspec.Struct, frozen=True):
    """Where the embedded cluster serves."""

    server: str
    prometheus: str
    kubeconfig: str


async def demo(scenario: str, port: int) -> None:
    """Serve the demo on 127.0.0.1 until SIGTERM or SIGINT."""
    with tempfile.TemporaryDirectory(prefix="genet-demo-") as directory:
        async with _cluster(scenario, Path(directory) / "kubeconfig") as cluster:
            address = f"http://127.0.0.1:{port}"
            print(f"Genet demo, scenario {scenario}: {address}")
            print(f"  as somebody else:  {address}/?user=alice")
            print(f"  with kubectl:      export KUBECONFIG={cluster.kubeconfig}")
            print("  ctrl-C ends it", flush=True)
            await serve(settings(cluster, scenario), "127.0.0.1", port)


def settings(cluster: Embedded, scenario: str) -> Settings:
    """A small lab's configuration over a scenario's nodes."""
    document: dict[str, Any] = {
        "auth": {"mode": "dev"},
        "server": {"metricsPort": None, "drainSeconds": 0},
        "kubernetes": {"kubeconfig": cluster.kubeconfig},
        "prometheusURL": cluster.prometheus,
        "gpu": {
            "availableTypes": _OFFERS[scenario],
            "ascendDeviceInfo": scenario == "mixed",
            "presetImages": [
                {
                    "name": "PyTorch",
                    "image": "docker.io/pytorch/pytorch:2.8.0-cuda12.8-cudnn9-devel",
                    "description": "PyTorch 2.8 with CUDA 12.8 and the compilers",
                    "icon": "🔥",
                },
                {
                    "name": "Ubuntu",
                    "image": "docker.io/library/ubuntu:24.04",
                    "description": "A bare Ubuntu 24.04",
                    "icon": "🐧",
                },
            ],
        },
        "storage": {"volumes": [{"name": "workspace", "mountPath": "/workspace", "size": "100Gi"}]},
        "lifecycle": {"defaultProtectHours": 8},
        # nothing is stored: the embedded cluster plays nerdctl and the registry
        "commit": {
            "enabled": True,
            "repository": "registry.demo.invalid/people/{userIdentifier}",
            "image": "registry.demo.invalid/genet/nerdctl:2",
            "namespace": "genet-demo-jobs",
        },
    }
    return msgspec.convert(document, Settings)


def _type(name: str, label: str, product: str = "", *, resource: str = _GPU, most: int = 8) -> dict[str, Any]:
    return {
        "name": name,
        "label": label,
        "resourceName": resource,
        "mode": "mig" if "/mig-" in resource else "exclusive",
        "nodeSelector": {_PRODUCT: product} if product else {},
        "maxPerPod": most,
    }


_WHOLE = (
    _type("h100", "NVIDIA H100 80 GB", "NVIDIA-H100-80GB-HBM3"),
    _type("a100", "NVIDIA A100 80 GB", "NVIDIA-A100-SXM4-80GB"),
)
_MIG = _type("mig-1g.10gb", "NVIDIA A100 slice, 10 GB", resource="nvidia.com/mig-1g.10gb", most=1)
_OFFERS = {
    "empty": (),
    "small": (*_WHOLE, _type("l40s-shared", "NVIDIA L40S, shared by time", "NVIDIA-L40S-SHARED", most=2), _MIG),
    "mixed": (
        *_WHOLE,
        _type("l40s-shared", "NVIDIA L40S, shared by time", resource="nvidia.com/gpu.shared", most=2),
        _type("a100-mps", "NVIDIA A100, shared by MPS", "NVIDIA-A100-SXM4-80GB-SHARED", most=1),
        _MIG,
        _type("mi300x", "AMD Instinct MI300X", resource="amd.com/gpu"),
        _type("ascend", "Huawei Ascend 910B", resource="huawei.com/Ascend910"),
    ),
    "large": _WHOLE,
}


@asynccontextmanager
async def _cluster(scenario: str, kubeconfig: Path) -> AsyncIterator[Embedded]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "genet.simulation", "--scenario", scenario, "--kubeconfig", str(kubeconfig), "--until-stdin-closes"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # ctrl-C goes to the whole terminal group: the cluster must outlive the server's last call
        start_new_session=True,
    )
    assert process.stdin is not None  # noqa: S101 # asked for above
    assert process.stdout is not None  # noqa: S101 # asked for above
    try:
        line = await process.stdout.readline()
        if not line:
            raise OSError("the embedded cluster did not start")
        yield msgspec.json.decode(line, type=Embedded)
    finally:
        process.stdin.close()
        await process.wait()
