from typing import Any

import pytest

from genet.simulation.scheduling_rules import NodeState, allocatable, place, requests, tolerated


def node(name: str, **spec: Any) -> NodeState:
    resources = {"cpu": "8", "memory": "32Gi", "pods": "10"} | spec.pop("resources", {})
    labels = {"kubernetes.io/hostname": name, "rank": "7"}
    obj = {"metadata": {"name": name, "labels": labels}, "spec": spec, "status": {"allocatable": resources}}
    return NodeState(obj, allocatable(obj))


def pod(*, gpus: int = 0, cpu: str = "1", **spec: Any) -> dict[str, Any]:
    resources = {"requests": {"cpu": cpu}, "limits": {"nvidia.com/gpu": str(gpus)} if gpus else {}}
    return {"metadata": {}, "spec": {"containers": [{"resources": resources}], **spec}}


def affinity(*expressions: dict[str, Any]) -> dict[str, Any]:
    term = {"matchExpressions": list(expressions)}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}


def by_name(name: str) -> dict[str, Any]:
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [name]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}


def test_a_pod_goes_where_most_is_left_and_to_the_first_name_among_equals():
    busy, first, second = node("a"), node("b"), node("c")
    busy.used["cpu"] = 4
    assert place(pod(), [busy, second, first]) is first


def test_the_refusal_counts_each_reason_over_all_nodes():
    full = node("full", resources={"nvidia.com/gpu": "2"})
    full.used["nvidia.com/gpu"] = 1
    nodes = [
        full,
        node("plain"),
        node("cordoned", unschedulable=True),
        node("tainted", taints=[{"key": "hollow", "value": "yes", "effect": "NoSchedule"}]),
    ]
    assert place(pod(gpus=2), nodes) == (
        "0/4 nodes are available: 1 node(s) had untolerated taint {hollow: yes}, 1 node(s) were unschedulable, "
        "2 Insufficient nvidia.com/gpu. preemption: 0/4 nodes are available: "
        "1 No preemption victims found for incoming pod, 3 Preemption is not helpful for scheduling."
    )


def test_a_node_short_of_two_resources_counts_under_both():
    small = node("small", resources={"cpu": "1", "pods": "0"})
    assert str(place(pod(cpu="2"), [small])).startswith("0/1 nodes are available: 1 Insufficient cpu, 1 Too many pods.")


def test_a_cluster_without_nodes_says_so():
    assert place(pod(), []) == "no nodes available to schedule pods"


@pytest.mark.parametrize(
    ("spec", "fits"),
    [
        ({"nodeSelector": {"rank": "7"}}, True),
        ({"nodeSelector": {"rank": "8"}}, False),
        ({"affinity": affinity({"key": "rank", "operator": "In", "values": ["6", "7"]})}, True),
        ({"affinity": affinity({"key": "rank", "operator": "NotIn", "values": ["7"]})}, False),
        ({"affinity": affinity({"key": "rank", "operator": "Gt", "values": ["6"]})}, True),
        ({"affinity": affinity({"key": "rank", "operator": "Lt", "values": ["7"]})}, False),
        ({"affinity": affinity({"key": "other", "operator": "Exists"})}, False),
        ({"affinity": affinity({"key": "other", "operator": "DoesNotExist"})}, True),
        ({"affinity": affinity()}, False),
        ({"affinity": by_name("n")}, True),
        ({"affinity": by_name("other")}, False),
    ],
)
def test_selectors_and_required_affinity_choose_the_node(spec: dict[str, Any], fits: bool):
    assert isinstance(place(pod(**spec), [node("n")]), NodeState) is fits


@pytest.mark.parametrize(
    ("toleration", "passes"),
    [
        ({"key": "gpu", "operator": "Equal", "value": "h100", "effect": "NoSchedule"}, True),
        ({"key": "gpu", "value": "h100"}, True),
        ({"key": "gpu", "value": "a100"}, False),
        ({"key": "gpu", "operator": "Exists"}, True),
        ({"operator": "Exists"}, True),
        ({"key": "gpu", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "other", "operator": "Exists"}, False),
    ],
)
def test_tolerations_match_by_key_value_and_effect(toleration: dict[str, str], passes: bool):
    assert tolerated({"key": "gpu", "value": "h100", "effect": "NoSchedule"}, [toleration]) is passes


def test_a_pod_asks_for_the_sum_of_its_containers_and_for_a_place():
    containers = [{"resources": {"requests": {"cpu": cpu}, "limits": {"cpu": "4"}}} for cpu in ("1", "500m")]
    assert requests({"spec": {"containers": containers}}) == {"cpu": 1.5, "pods": 1}
