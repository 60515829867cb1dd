"""Ports of the nodes, on the embedded cluster and, unchanged, on a real API server."""

from typing import Any

import pytest

from genet.errors import AlreadyExists, Invalid, NotFound, QuotaRefused
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import RESOURCE_QUOTAS, SERVICES, Service
from genet.kube.watch import Scope
from tests.kube.test_contract import following


def service(name: str = "s", type_: str = "NodePort", **port: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"type": type_, "ports": [{"name": "ssh", "port": 22, **port}]}}


def node_port(found: Service) -> int:
    (port,) = found.spec.ports
    assert port.node_port is not None
    return port.node_port


async def test_a_service_is_given_a_port(kube: KubeClient, namespace):
    made = await kube.create(SERVICES, service(), namespace)
    assert 30000 <= node_port(made) <= 32767
    (port,) = made.spec.ports
    assert port.protocol == "TCP"
    assert await kube.get(SERVICES, "s", namespace) == made


async def test_a_patch_leaves_the_port_as_it_is(kube: KubeClient, namespace):
    made = await kube.create(SERVICES, service(), namespace)
    patch = {"metadata": {"ownerReferences": None, "annotations": {"a": "b"}}}
    changed = await kube.patch(SERVICES, "s", patch, namespace)
    assert changed.spec == made.spec
    selected = await kube.patch(SERVICES, "s", {"spec": {"selector": {"app": "x"}}}, namespace)
    assert (node_port(selected), selected.spec.selector) == (node_port(made), {"app": "x"})


async def test_a_port_is_given_once_and_again_when_its_service_is_gone(kube: KubeClient, namespace, until):
    taken = node_port(await kube.create(SERVICES, service("one"), namespace))
    with pytest.raises(Invalid, match=r"spec.ports\[0\].nodePort.*provided port is already allocated"):
        await kube.create(SERVICES, service("two", nodePort=taken), namespace)
    with pytest.raises(AlreadyExists):
        await kube.create(SERVICES, service("one"), namespace)
    await kube.delete(SERVICES, "one", namespace)
    with pytest.raises(NotFound):
        await kube.get(SERVICES, "one", namespace)
    assert node_port(await kube.create(SERVICES, service("two", nodePort=taken), namespace)) == taken


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (service(nodePort=80), "provided port is not in the valid range. The range of valid ports is 30000-32767"),
        (service("1s"), "a DNS-1035 label must consist of lower case alphanumeric characters"),
        (service(type_="Port"), 'spec.type: Unsupported value: "Port"'),
        (service(port=0), r"spec.ports\[0\].port: Invalid value: 0: must be between 1 and 65535, inclusive"),
        (service(type_="ClusterIP", nodePort=30022), r"spec.ports\[0\].nodePort: Forbidden: may not be used when"),
        ({"metadata": {"name": "s"}, "spec": {"type": "NodePort"}}, "spec.ports: Required value"),
    ],
)
async def test_what_is_no_service_is_invalid(kube: KubeClient, namespace, wrong, words):
    with pytest.raises(Invalid, match=words):
        await kube.create(SERVICES, wrong, namespace)


async def test_a_quota_counts_ports_of_the_nodes_and_load_balancers(kube: KubeClient, namespace, until):
    hard = {"services.nodeports": "1", "services.loadbalancers": "0"}
    await kube.create(RESOURCE_QUOTAS, {"metadata": {"name": "q"}, "spec": {"hard": hard}}, namespace)
    quotas = Cache(kube, RESOURCE_QUOTAS, scope=Scope(namespace))
    async with following(quotas):
        await until(lambda: any(quota.status.hard for quota in quotas.all()))
        await kube.create(SERVICES, service("one"), namespace)
        with pytest.raises(QuotaRefused, match=r"exceeded quota: q, requested: services.nodeports=1, used: services"):
            await kube.create(SERVICES, service("two"), namespace)
        with pytest.raises(QuotaRefused, match=r"services.loadbalancers=1"):
            await kube.create(SERVICES, service("three", "LoadBalancer"), namespace)
        await kube.create(SERVICES, service("inside", "ClusterIP"), namespace)
