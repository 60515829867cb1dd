"""What pods ask for, by the scheduler's rule."""

import pytest

from genet.accelerators import counts_devices
from genet.kube.requests import devices, is_finished
from tests.pods.builders import pod

GPU, SLICE = "nvidia.com/gpu", "nvidia.com/mig-1g.10gb"


def container(name="c", *, sidecar=False, **resources):
    return {"name": name, "resources": resources, **({"restartPolicy": "Always"} if sidecar else {})}


def asking(number, **more):
    return container(limits={GPU: str(number)}, requests={GPU: str(number)}, **more)


@pytest.mark.parametrize(
    ("containers", "init", "expected"),
    [
        ([container()], [], {}),
        ([container(limits={"cpu": "2", "memory": "1Gi"})], [], {}),
        ([asking(2)], [], {GPU: 2}),
        ([container(limits={GPU: "2"})], [], {GPU: 2}),
        ([container(limits={GPU: "2", "cpu": "2"}, requests={"cpu": "1"})], [], {GPU: 2}),
        ([asking(0)], [], {}),
        ([asking(2), asking(1)], [], {GPU: 3}),
        ([asking(1), container(limits={SLICE: "1"})], [], {GPU: 1, SLICE: 1}),
        ([container(limits={"nvidia.com/gpumem": "4000"})], [], {}),
        ([container(limits={"lab.example/fpga": "3"})], [], {"lab.example/fpga": 3}),
        ([asking(1)], [asking(4)], {GPU: 4}),
        ([asking(4)], [asking(1), asking(2)], {GPU: 4}),
        ([asking(1)], [asking(1, sidecar=True)], {GPU: 2}),
        ([asking(1)], [asking(1, sidecar=True), asking(3)], {GPU: 4}),
        ([asking(1)], [asking(3), asking(1, sidecar=True)], {GPU: 3}),
        ([container()], [asking(1, sidecar=True), asking(1, sidecar=True)], {GPU: 2}),
    ],
)
def test_devices(containers, init, expected):
    is_device = counts_devices(["lab.example/fpga"])
    assert devices(pod(spec={"containers": containers, "initContainers": init}), is_device) == expected


@pytest.mark.parametrize(
    ("phase", "expected"),
    [("Succeeded", True), ("Failed", True), ("Running", False), ("Pending", False), ("Unknown", False), ("", False)],
)
def test_only_ended_pods_hold_nothing(phase, expected):
    assert is_finished(pod(phase=phase)) is expected
