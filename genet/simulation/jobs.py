"""The Job controller: pods until enough have succeeded, or too many have failed.

Traps: its pods pass admission like everybody's, so a quota can hold a Job up (FailedCreate) until something changes;
after a failure the next pod comes after 10 s, 20 s, …; what is counted once stays counted when the pods are gone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any, Final

from genet.simulation.admission import Admission
from genet.simulation.errors import ApiError
from genet.simulation.pod_status import condition, finished
from genet.simulation.recorder import Recorder
from genet.simulation.resources import KINDS
from genet.simulation.store import Store, timestamp

Obj = dict[str, Any]
Key = tuple[str, str]

_FIRST_BACK_OFF: Final = 10
_LONGEST_BACK_OFF: Final = 360
_QUOTA_RETRY_SECONDS: Final = 5


class Jobs:
    def __init__(self, store: Store, admission: Admission, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._store = store
        self._admission = admission
        self._sleep = sleep
        self._recorder = Recorder(store, "job-controller")
        self._changed_jobs: dict[Key, None] = {}
        self._wake = asyncio.Event()
        self._timers: dict[Key, asyncio.Task[None]] = {}
        self._ended: dict[str, dict[str, str]] = {}
        """By job UID: the phase in which each of its pods ended."""
        self._paused_for: dict[str, int] = {}
        """By job UID: after how many failures the last pause was made."""
        for job in store.list("jobs"):
            self._mark((job["metadata"]["namespace"], job["metadata"]["name"]))
        store.subscribe(self._changed)

    async def run(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                for key in list(self._changed_jobs):
                    del self._changed_jobs[key]
                    if job := self._store.find("jobs", *key):
                        self._reconcile(key, job)
        finally:
            for timer in self._timers.values():
                timer.cancel()

    def _changed(self, plural: str, kind: str, new: Obj, _: Obj | None) -> None:
        metadata = new["metadata"]
        if plural == "jobs" and kind != "DELETED":
            self._mark((metadata["namespace"], metadata["name"]))
        elif plural == "pods":
            for owner in metadata.get("ownerReferences") or ():
                if owner["kind"] == "Job":
                    self._mark((metadata["namespace"], owner["name"]))

    def _mark(self, key: Key) -> None:
        self._changed_jobs[key] = None
        self._wake.set()

    def _mark_later(self, key: Key, seconds: float) -> None:
        async def later() -> None:
            await self._sleep(seconds)
            del self._timers[key]
            self._mark(key)

        if key not in self._timers:
            self._timers[key] = asyncio.ensure_future(later())

    def _reconcile(self, key: Key, job: Obj) -> None:
        spec, status, now = job["spec"], job.get("status", {}), self._store.clock()
        ended = next((item for item in status.get("conditions", ()) if item["status"] == "True"), None)
        if ended:
            self._expire(key, job, ended, now)
        if ended or "deletionTimestamp" in job["metadata"]:
            return
        pods = [pod for pod in self._store.list("pods", key[0]) if _owned(pod, job)]
        succeeded, failed = self._count(job, pods)
        active = [pod for pod in pods if not finished(pod) and "deletionTimestamp" not in pod["metadata"]]
        completions = spec.get("completions") or 1
        limit = spec.get("backoffLimit", 6)
        status = {
            **status,
            "startTime": status.get("startTime") or timestamp(now),
            "succeeded": succeeded,
            "failed": failed + sum(_restarts(pod) for pod in active) if _restarts_in_place(job) else failed,
            "ready": sum(_ready(pod) for pod in active),
        }
        deadline = spec.get("activeDeadlineSeconds")
        if succeeded >= completions:
            self._conclude(key, job, {**status, "completionTime": timestamp(now)}, "CompletionsReached")
        elif status["failed"] > limit:
            self._conclude(key, job, status, "BackoffLimitExceeded", active)
        elif deadline and (now - datetime.fromisoformat(status["startTime"])).total_seconds() >= deadline:
            self._conclude(key, job, status, "DeadlineExceeded", active)
        else:
            wanted = 0 if spec.get("suspend") else min(spec.get("parallelism", 1), completions - succeeded)
            created = sum(self._create(key, job, failed) for _ in range(wanted - len(active)))
            self._report(job, {**status, "active": len(active) + created})
            if deadline:
                self._mark_later(key, deadline)

    def _count(self, job: Obj, pods: list[Obj]) -> tuple[int, int]:
        """How many have succeeded and failed so far, the ones that are gone included."""
        uid = job["metadata"]["uid"]
        for pod in pods:
            if finished(pod):
                self._ended.setdefault(uid, {})[pod["metadata"]["uid"]] = pod["status"]["phase"]
        phases = list(self._ended.get(uid, {}).values())
        return phases.count("Succeeded"), phases.count("Failed")

    def _create(self, key: Key, job: Obj, failed: int) -> bool:
        """One more pod; after a failure only when its time has come."""
        metadata = job["metadata"]
        if failed > self._paused_for.get(metadata["uid"], 0):
            self._paused_for[metadata["uid"]] = failed
            self._mark_later(key, min(_FIRST_BACK_OFF * 2 ** (failed - 1), _LONGEST_BACK_OFF))
            return False
        if key in self._timers and failed:
            return False
        template = job["spec"]["template"]
        owner = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "name": metadata["name"],
            "uid": metadata["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
        names = {"job-name": metadata["name"], "controller-uid": metadata["uid"]}
        labels = names | {f"batch.kubernetes.io/{name}": value for name, value in names.items()}
        about = template.get("metadata") or {}
        pod = {
            "metadata": {
                **about,
                "generateName": f"{metadata['name']}-",
                "namespace": metadata["namespace"],
                "labels": (about.get("labels") or {}) | labels,
                "ownerReferences": [owner],
            },
            "spec": template["spec"],
        }
        try:
            created = self._store.create("pods", self._admission.create(KINDS["pods"], pod))
        except ApiError as error:
            self._recorder.warning("jobs", job, "FailedCreate", f"Error creating: {error}")
            self._mark_later(key, _QUOTA_RETRY_SECONDS)
            return False
        self._recorder.normal("jobs", job, "SuccessfulCreate", f"Created pod: {created['metadata']['name']}")
        return True

    def _conclude(self, key: Key, job: Obj, status: Obj, reason: str, active: Iterable[Obj] = ()) -> None:
        for pod in active:
            self._store.delete("pods", key[0], pod["metadata"]["name"])
        self._ended.pop(job["metadata"]["uid"], None)
        self._paused_for.pop(job["metadata"]["uid"], None)
        kind, message = "Complete" if reason == "CompletionsReached" else "Failed", _MESSAGES[reason]
        new = condition(kind, "True", self._store.clock(), reason=reason, message=message)
        self._report(job, {**status, "active": 0, "ready": 0, "conditions": [*status.get("conditions", ()), new]})
        if kind == "Complete":
            self._recorder.normal("jobs", job, "Completed", "Job completed")
        else:
            self._recorder.warning("jobs", job, reason, message)

    def _report(self, job: Obj, status: Obj) -> None:
        status = {name: value for name, value in status.items() if value != 0 or name == "ready"}
        self._store.update("jobs", {**job, "status": status}, subresource="status")

    def _expire(self, key: Key, job: Obj, ended: Obj, now: datetime) -> None:
        seconds = job["spec"].get("ttlSecondsAfterFinished")
        if seconds is None:
            return
        left = seconds - (now - datetime.fromisoformat(ended["lastTransitionTime"])).total_seconds()
        if left > 0:
            self._mark_later(key, left)
        else:
            self._store.delete("jobs", *key, propagation="Foreground")


def _owned(pod: Obj, job: Obj) -> bool:
    return any(owner["uid"] == job["metadata"]["uid"] for owner in pod["metadata"].get("ownerReferences") or ())


def _restarts_in_place(job: Obj) -> bool:
    return bool(job["spec"]["template"]["spec"].get("restartPolicy") == "OnFailure")


def _restarts(pod: Obj) -> int:
    return sum(int(item["restartCount"]) for item in pod.get("status", {}).get("containerStatuses", ()))


def _ready(pod: Obj) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


_MESSAGES: Final = {
    "CompletionsReached": "Reached expected number of succeeded pods",
    "BackoffLimitExceeded": "Job has reached the specified backoff limit",
    "DeadlineExceeded": "Job was active longer than specified deadline",
}
