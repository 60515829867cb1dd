"""The one function: evidence to reasons, the most important first. Pure.

A pod is in one of a few situations, and each asks other questions: it is being deleted, has ended, has no node, its
node is away, its node prepares it, its init containers are at work, its containers do not run, or it runs.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from genet.kube.details import DetailedContainer, DetailedContainerStatus, DetailedPod
from genet.kube.objects import ContainerStatus, Pod
from genet.pods.diagnosis import containers, images, nodes, volumes
from genet.pods.diagnosis.evidence import Evidence
from genet.pods.diagnosis.reasons import Finding, Reason, finding, quoted
from genet.pods.diagnosis.scheduling import unscheduled
from genet.pods.diagnosis.texts import reason, sentence
from genet.pods.diagnosis.wording import Language


def diagnose(evidence: Evidence, language: Language = "en") -> tuple[Reason, ...]:
    """Why the pod does not run; nothing for one that runs and is well, or that ended as it should."""
    found: dict[tuple[str, str], Finding] = {}
    for item in findings(evidence):
        found.setdefault((item.code, repr(sorted(item.params.items(), key=lambda pair: pair[0]))), item)
    return tuple(reason(item, language) for item in found.values())


def sentence_alone(pod: Pod, now: datetime, language: Language) -> str | None:
    """The first sentence of a diagnosis from the pod alone, for lists; None: the pod alone says nothing."""
    detailed = pod if isinstance(pod, DetailedPod) else msgspec.convert(msgspec.to_builtins(pod), DetailedPod)
    first = next(findings(Evidence(detailed, now, events=None, claims=None, device_claims=None)), None)
    return sentence(first, language) if first is not None else None


def findings(evidence: Evidence) -> Iterator[Finding]:
    pod = evidence.pod
    if evidence.restarting is not None:
        message = evidence.restarting.message
        yield finding("restarting", seconds=_seconds(evidence.restarting.since, evidence.now), message=message)
        return
    if pod.status.phase in ("Succeeded", "Failed"):
        yield from _over(evidence)
        return
    if pod.metadata.deletion_timestamp is not None:
        yield from nodes.ending(evidence)
        return
    if not pod.spec.node_name:
        yield from unscheduled(evidence)
        return
    away = nodes.lost(evidence)
    if away is not None:
        yield away
        return
    yield from _on_its_node(evidence)


def _over(evidence: Evidence) -> Iterator[Finding]:
    pod = evidence.pod
    if pod.metadata.deletion_timestamp is not None and pod.metadata.finalizers:
        yield from nodes.ending(evidence)
    if pod.status.phase == "Succeeded":
        return
    by_node = nodes.failed(evidence)
    if by_node is not None:
        yield by_node
        return
    ends = [
        containers.ended(evidence, container, status, status.state.terminated)
        for container, status in _pairs(evidence)
        if status.state.terminated is not None and status.state.terminated.exit_code
    ]
    yield from ends
    if not ends:
        message = quoted(": ".join(part for part in (pod.status.reason, pod.status.message) if part))
        yield finding("pod_failed", message=message or None)


def _on_its_node(evidence: Evidence) -> Iterator[Finding]:
    inits = list(_pairs(evidence, init=True))
    total = len(evidence.pod.spec.init_containers)
    for container, status in inits:
        if _is_through(container, status):
            continue
        yield from _init(evidence, container, status, total)
        return
    mains = list(_pairs(evidence))
    if not mains or any(_prepares(status) for _, status in mains):
        yield from _being_prepared(evidence)
        if not all(_prepares(status) for _, status in mains):
            yield from _of_containers(evidence, mains)
        return
    yield from _of_containers(evidence, mains)


def _of_containers(
    evidence: Evidence, pairs: list[tuple[DetailedContainer, DetailedContainerStatus]]
) -> Iterator[Finding]:
    for container, status in pairs:
        if status.state.running is None:
            yield from containers.waiting(evidence, container, status)
    for container, status in pairs:
        if status.state.running is not None:
            yield from containers.running(container, status, evidence)


def _init(
    evidence: Evidence, container: DetailedContainer, status: DetailedContainerStatus, total: int
) -> Iterator[Finding]:
    place = containers.position(evidence.pod.spec.init_containers, container.name)
    running = status.state.running
    if running is not None:
        seconds = _seconds(running.started_at, evidence.now)
        yield finding("init_running", container=container.name, seconds=seconds, position=place, total=total)
        return
    if _prepares(status):
        yield from _being_prepared(evidence)
        return
    found = list(containers.waiting(evidence, container, status))
    yield from found
    yield finding("init_not_done", container=container.name, position=place, total=total)


def _being_prepared(evidence: Evidence) -> Iterator[Finding]:
    """Containers that wait without a reason of their own: for volumes, a network, an image."""
    found = [*volumes.mounts(evidence), *volumes.claims(evidence)] or [*containers.sandbox(evidence)]
    if not found:
        every = (*evidence.pod.spec.init_containers, *evidence.pod.spec.containers)
        pulls = (images.pulling(evidence, container.name, container.image) for container in every)
        found = [pull for pull in pulls if pull is not None][:1]
    started = evidence.pod.status.start_time or evidence.pod.metadata.creation_timestamp
    yield from found or [finding("creating", node=evidence.pod.spec.node_name, seconds=_seconds(started, evidence.now))]


def _pairs(evidence: Evidence, *, init: bool = False) -> Iterator[tuple[DetailedContainer, DetailedContainerStatus]]:
    pod = evidence.pod
    specs = {item.name: item for item in (pod.spec.init_containers if init else pod.spec.containers)}
    for status in pod.status.init_container_statuses if init else pod.status.container_statuses:
        yield specs.get(status.name, DetailedContainer(status.name, image=status.image)), status


def _prepares(status: ContainerStatus) -> bool:
    state = status.state
    if state.running is not None or state.terminated is not None or status.last_state.terminated is not None:
        return False
    return state.waiting is None or state.waiting.reason in ("", "ContainerCreating", "PodInitializing")


def _is_through(container: DetailedContainer, status: DetailedContainerStatus) -> bool:
    if status.state.terminated is not None and status.state.terminated.exit_code == 0:
        return True
    return container.restart_policy == "Always" and status.started is True


def _seconds(since: datetime | None, now: datetime) -> int | None:
    return max(0, int((now - since).total_seconds())) if since is not None else None
