"""Why a pod has no node. Pure.

The order is what a person should hear first: who holds the pod back on purpose, what is wrong with its claims, then
what Genet counts itself, then what only the scheduler knows.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from genet.kube.amounts import requested
from genet.kube.projection import Condition
from genet.lifecycle import write_time
from genet.pods.diagnosis import holders
from genet.pods.diagnosis.evidence import Evidence
from genet.pods.diagnosis.placement import Judged, Shortage, demands, judged, nearest
from genet.pods.diagnosis.reasons import Finding, finding, quoted
from genet.pods.diagnosis.volumes import claims
from genet.pods.diagnosis.words import Words, words

_SHOWN: Final = 5
_KUEUE: Final = ("kueue.x-k8s.io/admission", "kueue.x-k8s.io/topology")
_KUEUE_QUEUE: Final = "kueue.x-k8s.io/queue-name"
_VOLCANO_QUEUE: Final = "scheduling.volcano.sh/queue-name"
_VOLCANO_GROUP: Final = "scheduling.k8s.io/group-name"
_HOPES: Final = re.compile(r"\.? preemption: .*$", re.DOTALL)
"""What the scheduler says of taking others' room."""
_DEFAULT_SCHEDULER: Final = "default-scheduler"


def unscheduled(evidence: Evidence) -> Iterator[Finding]:
    """Of a pod without a node."""
    yield from _refused(evidence)
    held = list(_held_back(evidence))
    if held:
        yield from held
        return
    told = _condition(evidence)
    said = words(told.message if told else "")
    blocking = [*claims(evidence), *_device_claims(evidence, said)]
    # a class that waits for its first pod is no fault: the pod waits for a node, as the rest says
    yield from (found for found in blocking if found.code != "waiting_for_first_consumer")
    if any(found.code != "waiting_for_first_consumer" for found in blocking):
        return
    yield from _of_nodes(evidence, said, told)
    yield from (found for found in blocking if found.code == "waiting_for_first_consumer")


def _refused(evidence: Evidence) -> Iterator[Finding]:
    for item in evidence.refusals:
        yield finding(
            "quota_refused",
            controller=item.controller,
            resource=item.resource,
            used=item.used,
            asked=item.asked,
            limit=item.limit,
        )


def _held_back(evidence: Evidence) -> Iterator[Finding]:
    spec, meta = evidence.pod.spec, evidence.pod.metadata
    gates = [gate.name for gate in spec.scheduling_gates]
    queue = meta.labels.get(_KUEUE_QUEUE) or meta.annotations.get(_KUEUE_QUEUE)
    if any(gate in _KUEUE for gate in gates):
        yield finding("queued", system="Kueue", queue=queue)
    others = [gate for gate in gates if gate not in _KUEUE]
    if others:
        yield finding("gated", gates=others)
    if spec.scheduler_name == "volcano":
        name = meta.annotations.get(_VOLCANO_QUEUE) or meta.labels.get(_VOLCANO_QUEUE)
        yield finding("queued", system="Volcano", queue=name or meta.annotations.get(_VOLCANO_GROUP))


def _device_claims(evidence: Evidence, said: Words) -> Iterator[Finding]:
    for item in evidence.device_claims or ():
        if not item.exists and said.about_claims:
            yield finding("resource_claim_missing", claim=item.name)
        elif not item.allocated and said.about_claims:
            yield finding("resource_claim_not_allocated", claim=item.name)


def _of_nodes(evidence: Evidence, said: Words, told: Condition | None) -> Iterator[Finding]:
    pod = evidence.pod
    if evidence.pod.status.nominated_node_name:
        yield finding("making_room", node=pod.status.nominated_node_name)
        return
    if evidence.nodes is None:
        yield from _in_the_schedulers_words(told)
        return
    if not evidence.nodes:
        yield finding("no_nodes")
        return
    asked = requested(pod, pod.spec.overhead)
    allowed = judged(pod, asked, evidence.nodes)
    if not allowed:
        yield finding("selector_matches_nothing", selector=demands(pod), nodes=len(evidence.nodes))
        return
    usable = [node for node in allowed if node.open]
    fitting = [node for node in usable if node.fits]
    if fitting:
        yield from _although_one_fits(evidence, said, told, fitting)
        return
    yield from _short(evidence, usable)
    yield from _closed(allowed, bool(usable))


def _although_one_fits(
    evidence: Evidence, said: Words, told: Condition | None, fitting: Sequence[Judged]
) -> Iterator[Finding]:
    """What Genet counts is no reason; the scheduler knows more, or will see in a moment."""
    if told is None:
        yield _not_looked_at(evidence)
        return
    for code, nodes in said.known.items():
        yield finding(code, nodes=nodes)
    if said.unknown:
        yield finding("scheduler_says", message=quoted(", ".join(said.unknown)))
    elif said.about_claims:  # whose fault could not be read
        yield finding("scheduler_says", message=quoted(_HOPES.sub("", told.message)))
    elif not said.known:
        yield finding("should_fit_now", node=fitting[0].name, nodes=len(fitting))


def _short(evidence: Evidence, usable: Sequence[Judged]) -> Iterator[Finding]:
    closest = nearest(usable)
    if closest is None:
        return
    for short in closest.short:
        label = evidence.labels.get(short.resource)
        largest = max(usable, key=lambda node, of=short: node.room.capacity(of.resource))  # type: ignore[misc] # of the loop
        most = largest.room.capacity(short.resource)
        about: dict[str, str | float | None] = {"resource": short.resource, "label": label}
        if not most:
            yield finding("no_node_has", asked=float(short.asked), nodes=len(usable), **about)
        elif most < short.asked:
            yield finding(
                "too_large",
                asked=float(short.asked),
                largest=float(most),
                node=largest.name,
                nodes=len(usable),
                **about,
            )
        else:
            yield _no_room(short, closest, usable, about)
            yield from holders.of(evidence, short.resource, {node.name for node in usable}, label)
            yield from holders.others(evidence, short.resource, label)


def _no_room(
    short: Shortage, closest: Judged, usable: Sequence[Judged], about: Mapping[str, str | float | None]
) -> Finding:
    fits = float(short.free) if len(closest.short) == 1 else None
    return finding(
        "no_node_fits",
        asked=float(short.asked),
        free=float(short.free),
        short=float(short.missing),
        fits=fits,
        node=closest.name,
        nodes=len(usable),
        freeTotal=float(sum(node.room.free(short.resource) for node in usable)),
        **about,
    )


def _closed(allowed: Sequence[Judged], others_usable: bool) -> Iterator[Finding]:
    """Nodes that the pod is kept from, where these would have had room, or where there are no others."""
    away = [node for node in allowed if not node.ready]
    cordoned = [node for node in allowed if node.ready and node.cordoned]
    tainted = [node for node in allowed if node.ready and not node.cordoned and node.taints]
    if away and (not others_usable or any(not node.short for node in away)):
        since = min((at for node in away if (at := not_ready_since(node))), default=None)
        yield _named("nodes_not_ready", away, since=since)
    if cordoned and (not others_usable or any(not node.short for node in cordoned)):
        yield _named("nodes_cordoned", cordoned)
    roomy = [node for node in tainted if not node.short]
    if tainted and (not others_usable or roomy):
        taints = sorted(
            {f"{t.key}{'=' if t.value else ''}{t.value}:{t.effect}" for node in tainted for t in node.taints}
        )
        yield finding("taints_not_tolerated", taints=taints[:_SHOWN], nodes=len(tainted), wouldFit=len(roomy))


def _named(code: str, nodes: Sequence[Judged], **more: str | None) -> Finding:
    names = [node.name for node in nodes]
    return finding(code, names=names[:_SHOWN], others=max(0, len(names) - _SHOWN), nodes=len(names), **more)


def not_ready_since(node: Judged) -> str | None:
    moments = [item.last_transition_time for item in node.room.node.status.conditions if item.type == "Ready"]
    return write_time(moments[0]) if moments and moments[0] is not None else None


def _in_the_schedulers_words(told: Condition | None) -> Iterator[Finding]:
    if told is not None and told.message:
        yield finding("scheduler_says", message=quoted(_HOPES.sub("", told.message)))


def _not_looked_at(evidence: Evidence) -> Finding:
    made = evidence.pod.metadata.creation_timestamp
    seconds = max(0, int((evidence.now - made).total_seconds())) if made else None
    scheduler = evidence.pod.spec.scheduler_name or _DEFAULT_SCHEDULER
    return finding("waiting_for_scheduler", scheduler=scheduler, seconds=seconds)


def _condition(evidence: Evidence) -> Condition | None:
    found = (c for c in evidence.pod.status.conditions if c.type == "PodScheduled" and c.status == "False")
    return next(found, None)
