"""Reads pods of people: lists from the cache, single ones with one live look where the cache has none yet."""

import re
from collections.abc import Callable, Iterable
from datetime import datetime

from genet import lifecycle, naming
from genet.errors import FieldError, Invalid, NotFound
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import EVENTS, PODS, Namespace, Pod
from genet.pods import model
from genet.pods.view import event_view, view
from genet.settings import Settings

BY_NAMESPACE = "namespace"
_POD_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_LOG_BYTES = 8 * 1024 * 1024
"""Most of a log that is ever read at once (bytes)."""


class Pods:
    """`user` is a userIdentifier throughout: whose namespace is meant has been decided before."""

    def __init__(
        self,
        kube: KubeClient,
        settings: Settings,
        *,
        pods: Cache[Pod],
        namespaces: Cache[Namespace],
        is_device: Callable[[str], bool],
        clock: Callable[[], datetime],
    ) -> None:
        self._kube = kube
        self._settings = settings
        self._pods = pods
        self._namespaces = namespaces
        self._clock = clock
        self.is_device = is_device

    def of(self, user: str) -> Iterable[Pod]:
        return self._pods.by(BY_NAMESPACE, naming.namespace(user))

    def of_everybody(self) -> list[tuple[str, Pod]]:
        """Pods in managed namespaces, each with its user."""
        return [(user, pod) for user in self._users() for pod in self.of(user)]

    async def get(self, user: str, name: str) -> Pod:
        """Raises NotFound also for what can be no pod's name."""
        known = self._pods.get(name, naming.namespace(user))
        if known is not None:
            return known
        if not _POD_NAME.fullmatch(name):
            raise NotFound("no such pod")
        try:
            pod = await self._kube.get(PODS, name, naming.namespace(user))
        except NotFound as error:
            raise NotFound("no such pod") from error
        self._pods.merge(pod)
        return pod

    def view(self, user: str, pods: Iterable[Pod]) -> tuple[model.Pod, ...]:
        """As people see them, newest first."""
        namespace = self._namespaces.get(naming.namespace(user))
        exempt = namespace is not None and lifecycle.is_exempt(namespace.metadata.annotations)
        now = self._clock()
        seen = [
            view(pod, self._settings, user=user, is_device=self.is_device, now=now, is_exempt=exempt) for pod in pods
        ]
        return tuple(sorted(seen, key=lambda pod: (pod.created_at, pod.id), reverse=True))

    def namespace_of(self, user: str) -> Namespace | None:
        return self._namespaces.get(naming.namespace(user))

    async def events(self, pod: Pod) -> model.PodEvents:
        selector = f"involvedObject.uid={pod.metadata.uid}"
        listing = await self._kube.list(EVENTS, pod.metadata.namespace, field_selector=selector)
        events = [event_view(event) for event in listing.items]
        # events without any time sort last
        events.sort(key=lambda event: event.last_seen.timestamp() if event.last_seen else 0.0, reverse=True)
        return model.PodEvents(tuple(events))

    async def logs(
        self, pod: Pod, *, tail_lines: int, since_seconds: int | None, container: str | None, previous: bool
    ) -> model.PodLogs:
        names = [c.name for c in (*pod.spec.containers, *pod.spec.init_containers)]
        name = names[0] if container is None else container
        if name not in names:
            message = f"no such container; there are: {', '.join(names)}"
            raise Invalid("the log cannot be read", errors=[FieldError("container", message)])
        # one line more than asked tells whether there was more
        raw = await self._kube.logs(
            pod.metadata.namespace,
            pod.metadata.name,
            container=name,
            tail_lines=tail_lines + 1,
            since_seconds=since_seconds,
            previous=previous,
            limit_bytes=_LOG_BYTES,
        )
        lines = raw.decode(errors="replace").splitlines(keepends=True)
        kept = lines[-tail_lines:] if tail_lines else []
        return model.PodLogs("".join(kept), name, truncated=len(lines) > len(kept) or len(raw) >= _LOG_BYTES)

    def _users(self) -> list[str]:
        managed = (ns for ns in self._namespaces.all() if ns.metadata.labels.get(naming.MANAGED) == "true")
        return sorted(ns.metadata.labels[naming.USER] for ns in managed if naming.USER in ns.metadata.labels)
