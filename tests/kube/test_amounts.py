"""What a pod asks of its node, of every resource, as the scheduler counts it."""

from decimal import Decimal

import pytest

from genet.kube.amounts import amount, requested
from tests.pods.builders import pod


def container(limits=None, *, sidecar=False, **requests):
    resources = {"limits": limits or {}, "requests": requests}
    return {"name": "c", "resources": resources, **({"restartPolicy": "Always"} if sidecar else {})}


@pytest.mark.parametrize(
    ("containers", "init", "expected"),
    [
        ([container()], [], {}),
        ([container(cpu="500m"), container(cpu="1")], [], {"cpu": "1.5"}),
        ([container({"cpu": "2", "memory": "1Ki"}, cpu="1")], [], {"cpu": "1", "memory": "1024"}),
        ([container(cpu="0")], [], {}),
        ([container(cpu="1")], [container(cpu="3"), container(memory="5")], {"cpu": "3", "memory": "5"}),
        ([container(cpu="1")], [container(cpu="1", sidecar=True), container(cpu="3")], {"cpu": "4"}),
        ([container(cpu="1")], [container(cpu="3"), container(cpu="1", sidecar=True)], {"cpu": "3"}),
        ([container(cpu="4")], [container(cpu="1", sidecar=True)], {"cpu": "5"}),
    ],
)
def test_what_is_asked_of_a_node(containers, init, expected):
    asked = requested(pod(spec={"containers": containers, "initContainers": init}))
    assert asked == {name: Decimal(text) for name, text in expected.items()} | {"pods": Decimal(1)}


def test_overhead_counts_too():
    asked = requested(pod(spec={"containers": [container(cpu="1")]}), {"cpu": "250m"})
    assert asked["cpu"] == Decimal("1.25")


def test_what_is_no_quantity_counts_as_nothing():
    assert amount("nonsense") == 0
    assert amount("") == 0
