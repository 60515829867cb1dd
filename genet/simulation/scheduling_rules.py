"""Which node can take a pod, and in whose words not: the filters of kube-scheduler. Pure.

The words matter as much as the answer: people, `kubectl describe` and Genet's own diagnosis read the FailedScheduling
text, so the reasons, their order and the two-part sentence are those of Kubernetes 1.34. Traps: the first filter that
fails gives a node's reasons, so a cordoned node without GPUs counts as unschedulable only; a node short of three
resources counts under three reasons; extended resources are whole numbers that live beside cpu and memory.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from genet.simulation.quantity import parse

Obj = dict[str, Any]
Amounts = Mapping[str, float]

_NATIVE: Final = ("cpu", "memory", "ephemeral-storage")
_NO_VICTIMS: Final = "No preemption victims found for incoming pod"
_NO_HELP: Final = "Preemption is not helpful for scheduling"
_UNSCHEDULABLE_TAINT: Final = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


@dataclass(slots=True)
class NodeState:
    """One node as the scheduler sees it: its object, what it can give, and what bound, unfinished pods take of it."""

    node: Obj
    allocatable: Amounts
    used: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one node cannot take a pod; `resolvable` says whether taking other pods away could help."""

    reasons: tuple[str, ...]
    resolvable: bool = False


def allocatable(node: Obj) -> dict[str, float]:
    return {name: parse(value) for name, value in node.get("status", {}).get("allocatable", {}).items()}


def requests(pod: Obj) -> dict[str, float]:
    """What a pod asks of a node: the sum of its containers, or an init container if it wants more; and one pod."""
    total: defaultdict[str, float] = defaultdict(float, pods=1)
    for container in pod["spec"]["containers"]:
        for name, amount in _asked(container).items():
            total[name] += amount
    for container in pod["spec"].get("initContainers") or ():
        for name, amount in _asked(container).items():
            total[name] = max(total[name], amount)
    return {name: amount for name, amount in total.items() if amount}


def _asked(container: Obj) -> dict[str, float]:
    """As the API server defaults it: a limit without a request is the request."""
    resources = container.get("resources") or {}
    asked = (resources.get("limits") or {}) | (resources.get("requests") or {})
    return {name: parse(value) for name, value in asked.items()}


def place(
    pod: Obj,
    nodes: Sequence[NodeState],
    volumes: Iterable[Sequence[Obj]] = (),
    reach: Callable[[str], bool] | None = None,
) -> NodeState | str:
    """The node for a pod (most cpu and memory left, then first by name), or the text that says why there is none.

    `volumes`: the node selector terms of each volume that can be had on some nodes only; `reach`: whether the node of
    that name has the devices that the pod claims.
    """
    asked = requests(pod)
    fitting: list[NodeState] = []
    refusals: list[Refusal] = []
    check = _filters(pod, asked, tuple(volumes))
    for state in nodes:
        refusal = check(state)
        if refusal is None and reach is not None and not reach(state.node["metadata"]["name"]):
            refusal = Refusal(("cannot allocate all claims",))
        if refusal is None:
            fitting.append(state)
        else:
            refusals.append(refusal)
    if not fitting:
        return explain(len(nodes), refusals)
    return min(fitting, key=lambda state: (-_room(state, asked), state.node["metadata"]["name"]))


def explain(nodes: int, refusals: Iterable[Refusal]) -> str:
    if not nodes:
        return "no nodes available to schedule pods"
    refusals = list(refusals)
    counts = Counter(reason for refusal in refusals for reason in refusal.reasons)
    reasons = ", ".join(sorted(f"{count} {reason}" for reason, count in counts.items()))
    hopes = Counter(_NO_VICTIMS if refusal.resolvable else _NO_HELP for refusal in refusals)
    preemption = ", ".join(sorted(f"{count} {hope}" for hope, count in hopes.items()))
    head = f"0/{nodes} nodes are available:"
    return f"{head} {reasons}. preemption: {head} {preemption}."


def explain_all(nodes: int, reason: str) -> str:
    """The text where the pod itself, not a node, is why no node was looked at (such as a claim that is not there)."""
    head = f"0/{nodes} nodes are available:"
    return f"{head} {reason}. preemption: {head} {nodes} {_NO_HELP}."


def tolerated(taint: Mapping[str, str], tolerations: Iterable[Mapping[str, Any]]) -> bool:
    return any(
        toleration.get("effect", "") in ("", taint["effect"])
        and (
            toleration.get("key", taint["key"]) == taint["key"]
            if toleration.get("operator") == "Exists"
            else toleration.get("key") == taint["key"] and toleration.get("value", "") == taint.get("value", "")
        )
        for toleration in tolerations
    )


def _filters(pod: Obj, asked: Amounts, volumes: Sequence[Sequence[Obj]]) -> Callable[[NodeState], Refusal | None]:
    """The filters in the order in which kube-scheduler runs them."""
    spec = pod["spec"]
    tolerations = spec.get("tolerations", ())
    selector: Mapping[str, str] = spec.get("nodeSelector") or {}
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")

    def check(state: NodeState) -> Refusal | None:
        node_spec = state.node.get("spec", {})
        if node_spec.get("unschedulable") and not tolerated(_UNSCHEDULABLE_TAINT, tolerations):
            return Refusal(("node(s) were unschedulable",))
        for taint in node_spec.get("taints") or ():
            if taint["effect"] in ("NoSchedule", "NoExecute") and not tolerated(taint, tolerations):
                return Refusal((f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}",))
        labels = state.node["metadata"].get("labels") or {}
        if any(labels.get(key) != value for key, value in selector.items()) or not (
            required is None or any(_term_matches(term, state.node) for term in required["nodeSelectorTerms"])
        ):
            return Refusal(("node(s) didn't match Pod's node affinity/selector",))
        return _shortage(state, asked) or _out_of_reach(state, volumes)

    return check


def _out_of_reach(state: NodeState, volumes: Sequence[Sequence[Obj]]) -> Refusal | None:
    if all(any(_term_matches(term, state.node) for term in terms) for terms in volumes):
        return None
    return Refusal(("node(s) had volume node affinity conflict",))


def _shortage(state: NodeState, asked: Amounts) -> Refusal | None:
    have, used = state.allocatable, state.used
    short = [name for name, amount in asked.items() if used[name] + amount > have.get(name, 0)]
    if not short:
        return None
    reasons = tuple("Too many pods" if name == "pods" else f"Insufficient {name}" for name in short)
    return Refusal(reasons, resolvable=all(asked[name] <= have.get(name, 0) for name in short))


def _term_matches(term: Obj, node: Obj) -> bool:
    labels = node["metadata"].get("labels") or {}
    fields = {"metadata.name": node["metadata"]["name"]}
    expressions = [(expression, labels) for expression in term.get("matchExpressions") or ()]
    expressions += [(expression, fields) for expression in term.get("matchFields") or ()]
    return bool(expressions) and all(_expression_matches(expression, values) for expression, values in expressions)


def _expression_matches(expression: Obj, labels: Mapping[str, str]) -> bool:
    value = labels.get(expression["key"])
    values: Sequence[str] = expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt":
            return value is not None and int(value) > int(values[0])
    return value is not None and int(value) < int(values[0])


def _room(state: NodeState, asked: Amounts) -> float:
    return sum(
        1 - (state.used[name] + asked.get(name, 0)) / state.allocatable[name]
        for name in _NATIVE
        if state.allocatable.get(name)
    )
