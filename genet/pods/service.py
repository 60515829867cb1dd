"""Reads pods of people: lists from the cache, single ones with one live look where the cache has none yet."""

import re
from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec

from genet import lifecycle, naming
from genet.errors import NotFound
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import EVENTS, PODS, Namespace, Pod
from genet.kube.requests import is_finished
from genet.pods import model, restarting
from genet.pods.diagnosis.wording import Language
from genet.pods.view import newest_first
from genet.pods.views import Views
from genet.settings import Settings

BY_NAMESPACE = "namespace"
_POD_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


class Pods:
    """`user` is a userIdentifier throughout: whose namespace is meant has been decided before."""

    def __init__(
        self,
        kube: KubeClient,
        settings: Settings,
        *,
        pods: Cache[Pod],
        namespaces: Cache[Namespace],
        restarts: restarting.Restarts,
        is_device: Callable[[str], bool],
        clock: Callable[[], datetime],
    ) -> None:
        self._kube = kube
        self._views = Views(settings, is_device)
        self._pods = pods
        self._namespaces = namespaces
        self._restarts = restarts
        self._clock = clock
        self.is_device = is_device

    def of(self, user: str) -> Iterable[Pod]:
        """All there are; a pod that is being restarted is among them also while there is no object of it."""
        there = self._pods.by(BY_NAMESPACE, naming.namespace(user))
        restarts = self._restarts.of(user)
        if not restarts:
            return there
        names = {pod.metadata.name for pod in there}
        return [*there, *(restarting.stand_in(value) for name, value in restarts.items() if name not in names)]

    def counted(self, user: str) -> Iterable[Pod]:
        """As `of`, for the quota, where one that is being restarted counts also when its old processes have ended."""
        restarts = self._restarts.of(user)
        return [
            restarting.stand_in(restart)
            if (restart := restarts.get(pod.metadata.name)) and is_finished(pod) and not restart.is_cancelled
            else pod
            for pod in self.of(user)
        ]

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
            restart = await self._restarts.find(naming.namespace(user), name)
            if restart is None:
                raise NotFound("no such pod") from error
            return restarting.stand_in(restart.value)
        self._pods.merge(pod)
        return pod

    def view(self, user: str, pods: Iterable[Pod], language: Language = "en") -> tuple[model.Pod, ...]:
        """As people see them, newest first."""
        namespace = self._namespaces.get(naming.namespace(user))
        exempt = namespace is not None and lifecycle.is_exempt(namespace.metadata.annotations)
        now = self._clock()
        seen = [self._views.view(pod, user, now, language, is_exempt=exempt) for pod in pods]
        restarts = self._restarts.of(user)
        if not restarts:
            return _newest_first(seen)
        return _newest_first(_restarting(pod, restarts.get(pod.id), language) for pod in seen)

    def view_everybody(self, language: Language = "en") -> tuple[model.Pod, ...]:
        """Pods of all managed namespaces, newest first."""
        return _newest_first(pod for user in self._users() for pod in self.view(user, self.of(user), language))

    async def events(self, pod: Pod) -> model.PodEvents:
        selector = f"involvedObject.uid={pod.metadata.uid}"
        listing = await self._kube.list(EVENTS, pod.metadata.namespace, field_selector=selector)
        return model.PodEvents(newest_first(listing.items))

    def _users(self) -> list[str]:
        managed = (ns for ns in self._namespaces.all() if ns.metadata.labels.get(naming.MANAGED) == "true")
        return sorted(ns.metadata.labels[naming.USER] for ns in managed if naming.USER in ns.metadata.labels)


def _restarting(pod: model.Pod, restart: restarting.Restart | None, language: Language) -> model.Pod:
    if restart is None:
        return pod
    status, message = restarting.status_of(restart), restarting.message_of(restart, language)
    return msgspec.structs.replace(pod, status=status, message=message)


def _newest_first(pods: Iterable[model.Pod]) -> tuple[model.Pod, ...]:
    return tuple(sorted(pods, key=lambda pod: (pod.created_at, pod.id), reverse=True))
