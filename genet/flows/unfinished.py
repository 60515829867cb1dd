"""Which pods lack what belongs to them, and what belongs to pods that are gone: found and put right, by every replica.

Most is seen from the pods cache, at no cost: a pod without the note of its port, one that does not start (its Secret
may be missing), one that has ended. What the cache cannot show, Services that somebody deleted and what is left behind
by a creation or a restart that never ended, is found by a slow round through the namespaces. What fails is tried ever
more seldom.

Trap: the cache has the pods of all namespaces, and in those that Genet does not look after others write its labels.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from genet import naming
from genet.errors import Conflict, GenetError, NotFound
from genet.flows.ssh_keys import SSHKeys
from genet.kube.cache import Cache, Change
from genet.kube.client import KubeClient
from genet.kube.objects import PODS, SERVICES, Namespace, Pod, Service
from genet.kube.projection import KubeObject, Resource
from genet.kube.requests import is_finished
from genet.pods import ssh
from genet.pods.service import BY_NAMESPACE

log = logging.getLogger(__name__)

RELEASED_AT: Final = "genet.io/released-at"
"""Annotation of what a restart has taken off its pod: since when (RFC 3339)."""
FOUND_AT: Final = "genet.io/found-at"
"""Annotation of a claim's template that a creation relies on which did not make it: since when (RFC 3339)."""
GRACE: Final = timedelta(seconds=5)
"""How long a pod is left to the replica that made it."""
SLOW_START: Final = timedelta(seconds=45)
"""A pod on a node that does not run after as long may lack its Secret."""
ORPHAN_AFTER: Final = timedelta(minutes=10)
"""What no pod owns for as long goes, unless a restart is under way."""
_PARALLEL = 4
_MOST_AT_ONCE = 100
_PAUSE_SECONDS = 2.0
_CATCH_UP_SECONDS = 30.0
_ROUND_SECONDS = 3600.0
"""It costs some calls for each person, by every replica, and finds what hardly ever is."""
_MOST_WAIT = timedelta(minutes=10)

Where = tuple[str, str]
"""Namespace and name of a pod."""


class Completes(Protocol):
    async def make(self, pod: Pod) -> Pod: ...
    async def adopt(self, pod: Pod) -> Pod: ...
    async def close(self, pod: Pod) -> None: ...
    async def remove(self, namespace: str, pod_name: str) -> None: ...


@dataclass
class _Try:
    not_before: datetime
    failures: int = 0


class Unfinished:
    def __init__(
        self,
        kube: KubeClient,
        companions: Completes,
        *,
        pods: Cache[Pod],
        namespaces: Cache[Namespace],
        keys: SSHKeys,
        clock: Callable[[], datetime],
        is_restarting: Callable[[str, str], bool],
        templates: Callable[[], Resource[Any] | None],
        is_on: bool,
    ) -> None:
        """Collaborators as of `Companions`.

        `is_on`: whether pods have ways in by SSH; otherwise only what failed is tried again, and left claims removed.
        """
        self._is_on = is_on
        self._templates = templates
        self._kube = kube
        self._companions = companions
        self._pods = pods
        self._namespaces = namespaces
        self._keys = keys
        self._clock = clock
        self._is_restarting = is_restarting
        self._waiting: dict[Where, _Try] = {}
        """No more than there are pods: who leaves the cache leaves here."""

    async def run(self) -> None:
        unsubscribe = self._pods.subscribe(self.follow)
        try:
            self.follow([(None, pod) for pod in self._pods.all()])
            await self._pods.wait_ready()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._complete_for_ever())
                if self._is_on:
                    group.create_task(self._catch_up_for_ever())
                group.create_task(self._go_round_for_ever())
        finally:
            unsubscribe()

    def put_off(self, pod: Pod) -> None:
        """It was tried a moment ago, and failed."""
        self._failed((pod.metadata.namespace, pod.metadata.name))

    def follow(self, changes: Collection[Change[Pod]]) -> None:
        now = self._clock()
        for before, after in changes:
            known = after or before
            if known is None:
                continue
            where = known.metadata.namespace, known.metadata.name
            patience = _patience(after) if after and self._is_on else None
            if after is None or (patience is None and not self._has_failed(where)):
                self._waiting.pop(where, None)
            elif patience is not None and where not in self._waiting:
                # not all replicas at once
                self._waiting[where] = _Try(now + patience * random.uniform(1, 2))  # noqa: S311 # no secret

    async def complete(self) -> None:
        """Those whose time has come, once."""
        now = self._clock()
        due = [where for where, one in self._waiting.items() if one.not_before <= now][:_MOST_AT_ONCE]
        await _each(due, self._complete)

    async def _complete(self, where: Where) -> None:
        namespace, name = where
        pod = self._pods.get(name, namespace)
        has_reason = _patience(pod) is not None or self._has_failed(where)
        is_leaving = pod is not None and pod.metadata.deletion_timestamp is not None
        home = self._namespaces.get(namespace)
        if home is None and pod is not None:  # not heard of yet
            self._failed(where)
            return
        is_foreign = home is None or _user_of(home) is None
        if pod is None or is_leaving or is_foreign or not has_reason or self._is_restarting(namespace, name):
            self._waiting.pop(where, None)
            return
        try:
            if is_finished(pod):
                await self._companions.close(pod)
            else:
                pod = await self._companions.adopt(pod)
        except GenetError as error:
            log.warning("pod %s/%s is not complete yet: %s", namespace, name, error.detail)
            self._failed(where)
            return
        if not self._is_on or _patience(self._pods.get(name, namespace)) is None:
            self._waiting.pop(where, None)
        else:  # it does not start, for whatever reason: nothing is lost by looking again later
            self._failed(where)

    def _has_failed(self, where: Where) -> bool:
        one = self._waiting.get(where)
        return one is not None and one.failures > 0

    def _failed(self, where: Where) -> None:
        one = self._waiting.setdefault(where, _Try(self._clock()))
        one.failures += 1
        wait = min(_MOST_WAIT, timedelta(seconds=2.0 ** min(one.failures, 12)))
        one.not_before = self._clock() + wait * random.uniform(0.5, 1)  # noqa: S311 # no secret

    async def go_round(self) -> None:
        """Through all namespaces of people, once."""
        users = [
            (namespace.metadata.name, user) for namespace in self._namespaces.all() if (user := _user_of(namespace))
        ]
        await _each(users, self._look_through)

    async def _look_through(self, whose: tuple[str, str]) -> None:
        namespace, user = whose
        try:
            if resource := self._templates():
                await self._remove_templates(resource, namespace)
            if self._is_on:
                await self._look_at_services(namespace, user)
        except GenetError as error:
            log.warning("what belongs to the pods of %s could not be looked through: %s", namespace, error.detail)

    async def _remove_templates(self, resource: Resource[Any], namespace: str) -> None:
        """Those of creations that ended half-way, and of restarts that never ended."""
        for template in (await self._kube.list(resource, namespace, label_selector=f"{naming.CREATED_BY}=genet")).items:
            meta = template.metadata
            if meta.owner_references or not self._is_old(template) or self._is_restarting(namespace, meta.name):
                continue
            try:
                await self._kube.get(PODS, meta.name, namespace)
            except NotFound:
                # in the very state that was judged: a creation that has found it since relies on it
                with suppress(NotFound, Conflict):
                    await self._kube.delete(
                        resource, meta.name, namespace, uid=meta.uid, resource_version=meta.resource_version
                    )
                    log.info("removed the claim's template of no pod %s/%s", namespace, meta.name)

    async def _look_at_services(self, namespace: str, user: str) -> None:
        selector = f"{naming.MANAGED}=true,{naming.POD}"
        listing = await self._kube.list(SERVICES, namespace, label_selector=selector)
        for service in listing.items:
            await self._check(service)
        there = {service.metadata.name for service in listing.items}
        pods = [pod for pod in self._pods.by(BY_NAMESPACE, namespace) if _is_ours(pod)]
        for pod in pods:
            if naming.SSH_PORT in pod.metadata.annotations and pod.metadata.name not in there:
                await self._again(pod)
        if pods:
            await self._keys.publish(user)

    async def _check(self, service: Service) -> None:
        meta = service.metadata
        pod = self._pods.get(meta.labels[naming.POD], meta.namespace)
        if self._is_restarting(meta.namespace, meta.labels[naming.POD]):
            return
        if pod is not None:
            if _is_ours(pod) and not ssh.is_owned_by(service, pod):
                await self._again(pod)
            return
        if meta.owner_references or not self._is_old(service):
            return  # the cluster's own collector deletes what has an owner
        try:
            await self._kube.get(PODS, meta.labels[naming.POD], meta.namespace)
        except NotFound:
            await self._companions.remove(meta.namespace, meta.labels[naming.POD])
            log.info("removed what was left of pod %s/%s", meta.namespace, meta.labels[naming.POD])

    async def _again(self, pod: Pod) -> None:
        if not is_finished(pod) and pod.metadata.deletion_timestamp is None:
            await self._companions.make(pod)

    def _is_old(self, companion: KubeObject) -> bool:
        meta = companion.metadata
        texts = [meta.annotations[key] for key in (RELEASED_AT, FOUND_AT) if key in meta.annotations]
        try:
            times = [meta.creation_timestamp, *map(datetime.fromisoformat, texts)]
            return all(time is None or self._clock() - time >= ORPHAN_AFTER for time in times)
        except (ValueError, TypeError):
            return True

    async def _complete_for_ever(self) -> None:
        while True:
            await self.complete()
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _catch_up_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_CATCH_UP_SECONDS)
            await self._keys.catch_up()

    async def _go_round_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_ROUND_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 # no secret
            await self.go_round()


def _user_of(namespace: Namespace) -> str | None:
    """Whose it is; None: Genet does not look after it, or not any more."""
    meta, user = namespace.metadata, namespace.metadata.labels.get(naming.USER)
    is_managed = meta.labels.get(naming.MANAGED) == "true" and meta.deletion_timestamp is None
    return user if is_managed and user and meta.name == naming.namespace(user) else None


def _is_ours(pod: Pod) -> bool:
    labels = pod.metadata.labels
    return labels.get(naming.CREATED_BY) == "genet" and labels.get(naming.POD) == pod.metadata.name


def _patience(pod: Pod | None) -> timedelta | None:
    """How long to wait before something is done about the pod; None: it lacks nothing."""
    if pod is None or not _is_ours(pod) or pod.metadata.deletion_timestamp is not None:
        return None
    has_port = naming.SSH_PORT in pod.metadata.annotations
    if is_finished(pod):
        return GRACE if has_port else None
    if not has_port:
        return GRACE
    if pod.spec.node_name and pod.status.phase == "Pending":
        return SLOW_START
    return None


async def _each(items: Collection[Where], work: Callable[[Where], Awaitable[None]]) -> None:
    """A few at once, until all are through."""
    queue = list(items)

    async def worker() -> None:
        while queue:
            await work(queue.pop())

    await asyncio.gather(*(worker() for _ in range(_PARALLEL)))
