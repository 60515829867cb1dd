"""A pod as the cluster knows it becomes a pod as people see it. Pure."""

import re
from collections.abc import Callable, Iterable
from datetime import datetime

from genet import lifecycle, naming
from genet.kube import objects
from genet.kube.requests import devices
from genet.pods import status
from genet.pods.connection import connection, ssh_port
from genet.pods.diagnosis.wording import Language
from genet.pods.model import Pod, PodEvent
from genet.settings import Settings


def view(
    pod: objects.Pod,
    settings: Settings,
    *,
    user: str,
    is_device: Callable[[str], bool],
    now: datetime,
    is_exempt: bool,
    language: Language = "en",
) -> Pod:
    """`user` is the userIdentifier of the namespace's owner, `is_exempt` whether the clean-up stays out of it."""
    meta, main = pod.metadata, pod.spec.containers[0] if pod.spec.containers else objects.Container("")
    counts = devices(pod, is_device)
    created_at = meta.creation_timestamp or now
    protection = lifecycle.protection(meta.annotations, created_at, settings.lifecycle)
    return Pod(
        id=meta.name,
        name=naming.pod_suffix(user, meta.name),
        namespace=meta.namespace,
        managed=meta.labels.get(naming.CREATED_BY) == "genet",
        user_identifier=user,
        status=status.status_column(pod),
        message=status.message(pod, now, language),
        image=main.image,
        gpu_count=sum(counts.values()),
        gpu_type=meta.labels.get(naming.GPU_TYPE) or _type_of(counts, settings),
        gpu_devices=_chosen_cards(meta.annotations.get(naming.GPU_DEVICES, "")),
        cpu=main.resources.limits.get("cpu"),
        memory=main.resources.limits.get("memory"),
        node_name=pod.spec.node_name or None,
        node_ip=pod.status.host_ip or None,
        ssh_port=ssh_port(pod),
        created_at=created_at,
        started_at=pod.status.start_time,
        protected_until=protection.until if protection.is_readable else None,
        deletes_at=lifecycle.deletes_at(now, protection.until, settings.lifecycle, is_exempt=is_exempt),
        restarts=status.restarts(pod),
        connection=connection(pod, settings),
    )


def newest_first(events: Iterable[objects.Event]) -> tuple[PodEvent, ...]:
    # within a second the event written last is the newest
    written = sorted(events, key=lambda event: int(event.metadata.resource_version or 0), reverse=True)
    seen = [event_view(event) for event in written]
    # events without any time sort last
    seen.sort(key=lambda event: -event.last_seen.timestamp() if event.last_seen else 0.0)
    return tuple(seen)


def event_view(event: objects.Event) -> PodEvent:
    """Times in whole seconds: the kubelet tells no more, beside it microseconds would look later."""
    first = event.first_timestamp or event.event_time
    last = event.last_timestamp or (event.series.last_observed_time if event.series else None) or event.event_time
    return PodEvent(
        type=event.type,
        reason=event.reason,
        message=event.message,
        count=event.count or (event.series.count if event.series else 0) or 1,
        first_seen=first and first.replace(microsecond=0),
        last_seen=last and last.replace(microsecond=0),
        source=event.source.component or event.reporting_component,
    )


def _type_of(counts: dict[str, int], settings: Settings) -> str | None:
    return next((kind.name for kind in settings.gpu.available_types if kind.resource_name in counts), None)


def _chosen_cards(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(",") if re.fullmatch(r"[0-9]{1,4}", part))
