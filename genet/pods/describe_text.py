"""A description as a person pastes it into a ticket: much as `kubectl describe pod` prints it. Pure.

In English whoever asks, apart from the reasons: the one who reads a ticket is often somebody else. No values of
variables, no annotations, no arguments of commands.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from genet.kube.details import DetailedPod
from genet.pods.description import ContainerDescription, PodDescription, State
from genet.pods.diagnosis.reasons import quoted
from genet.pods.model import PodEvent
from genet.pods.status import status_column

_EVENTS: Final = 30


def described(pod: DetailedPod, description: PodDescription, events: Sequence[PodEvent] | None, now: datetime) -> str:
    """`events` None: they could not be read."""
    return "\n".join(_lines(pod, description, events, now)) + "\n"


def _lines(
    pod: DetailedPod, description: PodDescription, events: Sequence[PodEvent] | None, now: datetime
) -> Iterator[str]:
    meta = pod.metadata
    yield from _pairs(
        ("Name", meta.name),
        ("Namespace", meta.namespace),
        ("Status", status_column(pod)),
        ("Node", f"{pod.spec.node_name or '<none>'}{f' / {pod.status.host_ip}' if pod.status.host_ip else ''}"),
        ("IP", pod.status.pod_ip or "<none>"),
        ("Created", _time(meta.creation_timestamp)),
        ("Started", _time(pod.status.start_time)),
        ("Deleted", _time(meta.deletion_timestamp) if meta.deletion_timestamp else ""),
        ("QoS class", pod.status.qos_class),
        ("Seen", _time(now)),
    )
    yield ""
    yield "Reasons:" if description.reasons else "Reasons:  <none>"
    for reason in description.reasons:
        yield f"  {reason.code}: {reason.text}"
    yield ""
    for container in description.containers:
        yield from _container(container)
    yield "Conditions:"
    for c in description.conditions:
        said = " ".join(part for part in (c.reason, quoted(c.message or "")) if part)
        yield f"  {c.type}: {c.status}{f'  {said}' if said else ''}"
    yield "Volumes:" if description.volumes else "Volumes:  <none>"
    for volume in description.volumes:
        parts = (volume.kind, volume.claim and f"claim {volume.claim}", volume.status, volume.size)
        paths = ", ".join(f"{m.path}{' (read only)' if m.read_only else ''}" for m in volume.mounts)
        yield f"  {volume.name}: {', '.join(part for part in parts if part)}{f' at {paths}' if paths else ''}"
    yield from _selection(pod)
    yield from _events(events)


def _container(container: ContainerDescription) -> Iterator[str]:
    yield f"{'Init container' if container.init else 'Container'} {container.name}:"
    rows = [
        ("Image", container.image),
        ("Image ID", container.image_id or ""),
        ("State", _state(container.state)),
        ("Last state", _state(container.last_state) if container.last_state else ""),
        ("Ready", str(container.ready)),
        ("Restarts", str(container.restarts)),
        ("Requests", _amounts(container.requests)),
        ("Limits", _amounts(container.limits)),
        ("Variables", f"{', '.join(container.env)} (values not shown)" if container.env else ""),
    ]
    yield from (f"  {line}" for line in _pairs(*rows))


def _state(state: State) -> str:
    parts = [state.state.capitalize()]
    parts += [part for part in (state.reason, quoted(state.message or "")) if part]
    if state.exit_code is not None:
        parts.append(f"exit code {state.exit_code}")
    parts += [
        f"{word} {_time(at)}" for word, at in (("started", state.started_at), ("finished", state.finished_at)) if at
    ]
    return ", ".join(parts)


def _selection(pod: DetailedPod) -> Iterator[str]:
    spec = pod.spec
    if spec.node_selector:
        yield f"Node selector: {', '.join(f'{key}={value}' for key, value in sorted(spec.node_selector.items()))}"
    if spec.tolerations:
        said = (f"{t.key or '*'}{f'={t.value}' if t.value else ''}:{t.effect or '*'}" for t in spec.tolerations)
        yield f"Tolerations: {', '.join(said)}"


def _events(events: Sequence[PodEvent] | None) -> Iterator[str]:
    if events is None:
        yield "Events:  <could not be read>"
        return
    yield "Events (newest first):" if events else "Events:  <none>"
    for event in events[:_EVENTS]:
        times = f" x{event.count}" if event.count > 1 else ""
        parts = (_time(event.last_seen), event.type, f"{event.reason}{times}", event.source, quoted(event.message))
        yield f"  {'  '.join(parts)}"
    if len(events) > _EVENTS:
        yield f"  … and {len(events) - _EVENTS} older"


def _pairs(*rows: tuple[str, str]) -> Iterable[str]:
    return [f"{name + ':':<12}{value}" for name, value in rows if value]


def _amounts(amounts: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={amount}" for name, amount in sorted(amounts.items()))


def _time(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if moment is not None else "<unknown>"
