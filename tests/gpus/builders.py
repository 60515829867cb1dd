"""Kubernetes objects and exporter series, as short as the tests need them."""

from datetime import UTC, datetime

from msgspec.structs import replace

from genet.gpus.merge.inventory import inventory
from genet.gpus.model import NodeFacts, Reading
from genet.kube import objects, projection
from genet.prometheus import Sample

GPU = "nvidia.com/gpu"
STARTED = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
A100 = {"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-40GB"}


def node(
    name="n1",
    capacity=None,
    *,
    allocatable=None,
    labels=None,
    annotations=None,
    ready="True",
    unschedulable=False,
    ip="10.0.0.1",
    version="1",
):
    capacity = {GPU: "4"} if capacity is None else capacity
    return objects.Node(
        metadata=projection.ObjectMeta(
            name=name, uid=name, labels=labels or {}, annotations=annotations or {}, resource_version=version
        ),
        spec=objects.NodeSpec(unschedulable=unschedulable),
        status=objects.NodeStatus(
            capacity={"cpu": "64", **capacity},
            allocatable={"cpu": "63", **(capacity if allocatable is None else allocatable)},
            conditions=(projection.Condition(type="Ready", status=ready),),
            addresses=(objects.NodeAddress(type="InternalIP", address=ip),),
        ),
    )


def pod(name, gpus=1, *, on="n1", namespace="user-ann-a", resource=GPU, phase="Running", labels=None, version="1"):
    requests = {resource: str(gpus)} if gpus else {}
    return objects.Pod(
        metadata=projection.ObjectMeta(
            name=name, namespace=namespace, uid=f"uid-{name}", labels=labels or {}, resource_version=version
        ),
        spec=objects.PodSpec(
            node_name=on,
            containers=(objects.Container(name="main", resources=objects.ResourceRequirements(requests=requests)),),
        ),
        status=objects.PodStatus(phase=phase, start_time=STARTED, pod_ip=f"10.1.0.{len(name)}"),
    )


def series(metric, value, gpu=0, *, host="n1", **labels):
    """One series of dcgm-exporter 4.x, as scraped with honorLabels."""
    always = {"__name__": metric, "UUID": f"GPU-{host}-{gpu}", "gpu": str(gpu), "hostname": host, "job": "dcgm"}
    return Sample(labels=always | labels, value=float(value), timestamp=0.0)


def reading(index, **fields):
    return Reading(uuid=f"GPU-{index}", index=index, **fields)


def readings(count, **fields):
    return [reading(index, **fields) for index in range(count)]


def told(of, *ids, resource=GPU, health="Healthy", message=""):
    """The pod with the kubelet's word on its devices."""
    healths = tuple(objects.ResourceHealth(resource_id=each, health=health, message=message) for each in ids)
    container = objects.ContainerStatus(
        name="main", allocated_resources_status=(objects.ResourceStatus(name=resource, resources=healths),)
    )
    return replace(of, status=replace(of.status, container_statuses=(container,)))


def merged(n=None, pods=(), readings=(), types=(), **facts):
    """What becomes of one node: its devices by kind."""
    known = NodeFacts(node=n or node(), pods=tuple(pods), readings=tuple(readings), **facts)
    return inventory(known, types)


def only(*args, **kwargs):
    """The node, where all its devices are of one kind."""
    (found,) = merged(*args, **kwargs).values()
    return found.node


def statuses(found):
    return [slot.status for slot in found.slots]
