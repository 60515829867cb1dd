"""One run of the clean-up over the whole cluster.

What makes it safe: a namespace is judged on complete lists or not at all; every delete carries the uid and the
resourceVersion of what was judged, so whoever extends a pod in between wins; nothing is remembered, so a run that was
killed is finished by the next one, and of two at once the second only finds things gone.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from genet import lifecycle, naming
from genet.cleanup import rules
from genet.cleanup.owners import Owners
from genet.errors import AlreadyExists, Conflict, GenetError, NotFound
from genet.kube.client import KubeClient
from genet.kube.objects import EVENTS, JOBS, NAMESPACES, PODS, Pod
from genet.kube.projection import KubeObject, ObjectMeta, Resource
from genet.settings import Lifecycle

PARALLEL: Final = 8
"""Namespaces worked on at the same time."""
ATTEMPTS: Final = 5
"""Judgements of one object that keeps changing under the hand that deletes it."""

Done = Literal["deleted", "would-delete", "kept", "gone", "warned", "failed"]


async def _no_note(_pod: Pod, _verdict: rules.Verdict) -> None:
    return


async def _none_saved() -> Collection[str]:
    return ()


class Action(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was done about one object, or could not be."""

    time: datetime
    action: Done
    kind: str
    namespace: str
    name: str | None
    """None: all of this kind in the namespace."""
    reason: str
    protected_until: datetime | None


def telling(
    kind: str, clock: Callable[[], datetime], tell: Callable[[Action], None]
) -> Callable[[Done, str, str | None, str], None]:
    """How what is done to objects of one kind is told: by what it was, their namespace, their name, and the reason."""

    def action(done: Done, namespace: str, name: str | None, reason: str) -> None:
        tell(
            Action(
                time=clock(),
                action=done,
                kind=kind,
                namespace=namespace,
                name=name,
                reason=reason,
                protected_until=None,
            )
        )

    return action


class _Target(msgspec.Struct, frozen=True):
    """What is deleted as one."""

    resource: Resource[Any]
    owner: KubeObject
    """A pod of its own, a controller, or a finished job."""
    pods: list[Pod]
    """Which go with it; empty for a pod of its own."""

    @property
    def members(self) -> list[ObjectMeta]:
        return [self.owner.metadata, *(pod.metadata for pod in self.pods)]


class CleanUp:
    """Use once: `await CleanUp(...).run()`."""

    def __init__(
        self,
        kube: KubeClient,
        settings: Lifecycle,
        *,
        clock: Callable[[], datetime],
        tell: Callable[[Action], None],
        note: Callable[[Pod, rules.Verdict], Awaitable[None]] = _no_note,
        being_saved: Callable[[], Awaitable[Collection[str]]] = _none_saved,
        dry_run: bool = False,
    ) -> None:
        """`tell` is called with every action as it happens, `note` with each pod gone; `dry_run` writes nothing.

        `being_saved`: uids of the pods that are just being saved as images. If it cannot tell, what is due stays.
        """
        self._kube = kube
        self._settings = settings
        self._clock = clock
        self._tell = tell
        self._note = note
        self._being_saved = being_saved
        self._dry_run = dry_run
        self._done: Counter[Done] = Counter()
        self._places = asyncio.Semaphore(PARALLEL)

    async def run(self) -> Counter[Done]:
        """How often what was done.

        Raises:
            GenetError: the namespaces cannot be listed, so nothing was done.
        """
        managed = await self._kube.list(NAMESPACES, label_selector=f"{naming.MANAGED}=true")
        async with asyncio.TaskGroup() as group:
            for namespace in filter(rules.is_visited, managed.items):
                group.create_task(self._visit(namespace.metadata.name))
        return self._done

    async def _visit(self, namespace: str) -> None:
        async with self._places:
            try:
                targets = await self._targets(namespace)
            except GenetError as error:
                self._record("failed", PODS.kind, namespace, None, error.detail)
                return
            for target in targets:
                await self._settle(namespace, target)

    async def _targets(self, namespace: str) -> list[_Target]:
        pods = await self._kube.list(PODS, namespace)
        owners = Owners(self._kube, namespace)
        targets: dict[str, _Target] = {}
        is_complete = True
        for pod in pods.items:
            try:
                resource, owner = await owners.topmost(pod)
            except GenetError as error:
                is_complete = False
                self._record("failed", PODS.kind, namespace, pod.metadata.name, error.detail)
                continue
            target = targets.setdefault(owner.metadata.uid, _Target(resource, owner, []))
            if owner is not pod:
                target.pods.append(pod)
        for job in await self._finished_jobs(namespace):
            targets.setdefault(job.metadata.uid, _Target(JOBS, job, []))
        # A pod of unknown origin may be the protected one of any controller here.
        return [target for target in targets.values() if is_complete or target.resource is PODS]

    async def _finished_jobs(self, namespace: str) -> list[KubeObject]:
        try:
            jobs = await self._kube.list(JOBS, namespace)
        except GenetError as error:
            self._record("failed", JOBS.kind, namespace, None, error.detail)
            return []
        return [job for job in jobs.items if rules.is_finished(job)]

    async def _settle(self, namespace: str, target: _Target) -> None:
        kind, name = target.resource.kind, target.owner.metadata.name
        try:
            done, verdict = await self._judge(namespace, target)
            if done == "deleted":
                for pod in [target.owner] if isinstance(target.owner, Pod) else target.pods:
                    await self._note(pod, verdict)
            self._record(done, kind, namespace, name, verdict.reason, until=verdict.until)
            if done == "kept" and not self._dry_run:
                for meta in target.members:
                    await self._warn(kind if meta is target.owner.metadata else PODS.kind, meta)
        except GenetError as error:
            self._record("failed", kind, namespace, name, error.detail)

    async def _judge(self, namespace: str, target: _Target) -> tuple[Done, rules.Verdict]:
        for _ in range(ATTEMPTS):
            verdict = await self._verdict(target)
            if not verdict.is_due:
                return "kept", verdict
            if self._dry_run:
                return "would-delete", verdict
            meta = target.owner.metadata
            try:
                await self._kube.delete(
                    target.resource,
                    meta.name,
                    namespace,
                    uid=meta.uid,
                    resource_version=meta.resource_version,
                    grace_period_seconds=rules.SHORT_END_SECONDS if verdict.reason == "lingering" else None,
                )
            except NotFound:
                return "gone", verdict
            except Conflict:
                again = await self._read_again(namespace, target)
                if again is None:
                    return "gone", verdict
                target = again
            else:
                return "deleted", verdict
        raise Conflict("it changes too often to be judged")

    async def _verdict(self, target: _Target) -> rules.Verdict:
        verdict = rules.judge(target.members, self._clock(), self._settings)
        if not verdict.is_due:
            return verdict
        return rules.spared(verdict, (meta.uid for meta in target.members), await self._being_saved())

    async def _read_again(self, namespace: str, target: _Target) -> _Target | None:
        owner = await self._find(target.resource, target.owner.metadata.name, namespace)
        pods = [await self._find(PODS, pod.metadata.name, namespace) for pod in target.pods]
        return owner and _Target(target.resource, owner, [pod for pod in pods if pod is not None])

    async def _find(self, resource: Resource[Any], name: str, namespace: str) -> Any:
        try:
            return await self._kube.get(resource, name, namespace)
        except NotFound:
            return None

    async def _warn(self, kind: str, meta: ObjectMeta) -> None:
        """One Warning event a day, held by its name: whoever comes second that day finds it there."""
        now = self._clock()
        found = lifecycle.protection(meta.annotations, meta.creation_timestamp or now, self._settings)
        if found.is_readable or found.until is None or found.until <= now:
            return
        manifest = _event(kind, meta, found.until, now)
        try:
            await self._kube.create(EVENTS, manifest, meta.namespace)
        except AlreadyExists:
            return
        self._record("warned", kind, meta.namespace, meta.name, "unreadable", until=found.until)

    def _record(
        self, action: Done, kind: str, namespace: str, name: str | None, why: str, *, until: datetime | None = None
    ) -> None:
        self._done[action] += 1
        self._tell(
            Action(
                time=self._clock(),
                action=action,
                kind=kind,
                namespace=namespace,
                name=name,
                reason=why,
                protected_until=until,
            )
        )


def _event(kind: str, meta: ObjectMeta, until: datetime, now: datetime) -> dict[str, Any]:
    at = lifecycle.write_time(now.replace(microsecond=0))
    return {
        "metadata": {"name": f"{meta.name[:200]}.{meta.uid[:8]}.{now:%Y%m%d}", "namespace": meta.namespace},
        "involvedObject": {"kind": kind, "name": meta.name, "namespace": meta.namespace, "uid": meta.uid},
        "type": "Warning",
        "reason": "ProtectionUnreadable",
        "message": f"{naming.PROTECTED_UNTIL} is no RFC 3339 time; it protects until {lifecycle.write_time(until)}",
        "source": {"component": "genet-cleanup"},
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }
