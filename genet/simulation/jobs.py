"""The Job controller: pods until enough have succeeded, or too many have failed.

A test makes a container of a Job log something and fail by its command, `["sh", "-c", "echo some line; exit 3"]`; what
else can go wrong is told by names: see failures.py for images, programs and volumes, nerdctl.py for saved images. A
node that is lost is played by accidents.py.

Traps: its pods pass admission like everybody's, so a quota can hold a Job up (FailedCreate) until something changes;
after a failure the next pod comes after 10 s, 20 s, …. A pod that is deleted before it has ended counts as failed, and
one that had ended stays counted. A Job whose end is decided says so (SuccessCriteriaMet, FailureTarget) while its last
pods still end: only Complete and Failed mean that it is over.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from genet.simulation.admission import Admission
from genet.simulation.errors import ApiError
from genet.simulation.pod_status import condition, finished, with_condition
from genet.simulation.recorder import Recorder
from genet.simulation.resources import KINDS
from genet.simulation.store import Key, Store, key_of, timestamp

Obj = dict[str, Any]

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
        self._timers: dict[Key, tuple[datetime, asyncio.Task[None]]] = {}
        self._deleted: dict[str, dict[str, bool]] = {}
        """By uid of a Job: pods of it that are gone, and whether they had succeeded."""
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
            for _, timer in self._timers.values():
                timer.cancel()

    def _changed(self, plural: str, kind: str, new: Obj, _: Obj | None) -> None:
        if plural == "jobs" and kind == "DELETED":
            self._deleted.pop(new["metadata"]["uid"], None)
        elif plural == "jobs":
            self._mark(key_of(new))
        elif plural == "pods":
            for owner in new["metadata"].get("ownerReferences") or ():
                if owner["kind"] == "Job":
                    if kind == "DELETED" and self._store.find("jobs", new["metadata"]["namespace"], owner["name"]):
                        had_succeeded = new["status"]["phase"] == "Succeeded"
                        self._deleted.setdefault(owner["uid"], {})[new["metadata"]["uid"]] = had_succeeded
                    self._mark((new["metadata"]["namespace"], owner["name"]))

    def _mark(self, key: Key) -> None:
        self._changed_jobs[key] = None
        self._wake.set()

    def _mark_later(self, key: Key, seconds: float) -> None:
        """The earliest moment counts: whoever looks then asks for the next one."""

        async def later() -> None:
            await self._sleep(seconds)
            del self._timers[key]
            self._mark(key)

        at = self._store.clock() + timedelta(seconds=seconds)
        if key in self._timers:
            due, timer = self._timers[key]
            if due <= at:
                return
            timer.cancel()
        self._timers[key] = at, asyncio.ensure_future(later())

    def _reconcile(self, key: Key, job: Obj) -> None:
        spec, status, now = job["spec"], job.get("status", {}), self._store.clock()
        conditions = {item["type"]: item for item in status.get("conditions", ()) if item["status"] == "True"}
        if ended := conditions.get("Complete") or conditions.get("Failed"):
            self._expire(key, spec, datetime.fromisoformat(ended["lastTransitionTime"]))
        if ended or "deletionTimestamp" in job["metadata"]:
            return
        pods = [pod for pod in self._store.list("pods", key[0]) if _owned(pod, job)]
        active = [pod for pod in pods if not finished(pod) and "deletionTimestamp" not in pod["metadata"]]
        ending = [pod for pod in pods if not finished(pod) and "deletionTimestamp" in pod["metadata"]]
        phases = [pod["status"]["phase"] for pod in pods]
        gone = list(self._deleted.get(job["metadata"]["uid"], {}).values())
        succeeded = phases.count("Succeeded") + gone.count(True)
        failed = phases.count("Failed") + len(ending) + gone.count(False)
        counts = {"succeeded": succeeded, "failed": failed, "ready": sum(map(_ready, active))}
        status = {**status, "startTime": status.get("startTime") or timestamp(now), **counts}
        decided = conditions.get("SuccessCriteriaMet") or conditions.get("FailureTarget")
        if decided:
            self._conclude(job, status, decided["type"], decided["reason"], decided["message"], active, ending)
        elif succeeded >= spec["completions"]:
            message = "Reached expected number of succeeded pods"
            self._conclude(job, status, "SuccessCriteriaMet", "CompletionsReached", message, active, ending)
        elif failed > spec["backoffLimit"]:
            message = "Job has reached the specified backoff limit"
            self._conclude(job, status, "FailureTarget", "BackoffLimitExceeded", message, active, ending)
        elif self._is_over_time(key, spec, datetime.fromisoformat(status["startTime"])):
            message = "Job was active longer than specified deadline"
            self._conclude(job, status, "FailureTarget", "DeadlineExceeded", message, active, ending)
        else:
            wanted = min(spec["parallelism"], spec["completions"] - succeeded) - len(active)
            created = sum(self._create(key, job) for _ in range(wanted)) if self._may_create(key, pods, failed) else 0
            self._report(job, {**status, "active": len(active) + created})

    def _may_create(self, key: Key, pods: Iterable[Obj], failed: int) -> bool:
        """Whether the pause after the last failure is over; else the job is looked at again when it is."""
        if not failed:
            return True
        back_off = min(_FIRST_BACK_OFF << min(failed - 1, 10), _LONGEST_BACK_OFF)
        last = max(map(_failed_at, pods), default=self._store.clock())
        left = last + timedelta(seconds=back_off) - self._store.clock()
        if left > timedelta():
            self._mark_later(key, left.total_seconds())
        return left <= timedelta()

    def _create(self, key: Key, job: Obj) -> bool:
        metadata, template = job["metadata"], job["spec"]["template"]
        identity = {"apiVersion": "batch/v1", "kind": "Job", "name": metadata["name"], "uid": metadata["uid"]}
        pod = {
            "metadata": {
                **template["metadata"],
                "generateName": f"{metadata['name']}-",
                "namespace": metadata["namespace"],
                "ownerReferences": [{**identity, "controller": True, "blockOwnerDeletion": True}],
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

    def _is_over_time(self, key: Key, spec: Obj, since: datetime) -> bool:
        if "activeDeadlineSeconds" not in spec:
            return False
        left = since + timedelta(seconds=spec["activeDeadlineSeconds"]) - self._store.clock()
        if left > timedelta():
            self._mark_later(key, left.total_seconds())
        return left <= timedelta()

    def _conclude(  # noqa: PLR0917 - a condition's own fields
        self, job: Obj, status: Obj, kind: str, reason: str, message: str, active: Sequence[Obj], ending: Sequence[Obj]
    ) -> None:
        """What was decided, and that it is over once no pod is left that runs."""
        for pod in active:
            self._store.delete("pods", *key_of(pod))
        now = self._store.clock()
        new = condition(kind, "True", now, reason=reason, message=message)
        status = {**status, "active": 0, "conditions": with_condition(status.get("conditions", ()), new)}
        if active or ending:
            self._report(job, {**status, "terminating": len(active) + len(ending)})
            return
        status.pop("terminating", None)
        succeeded = kind == "SuccessCriteriaMet"
        over = condition("Complete" if succeeded else "Failed", "True", now, reason=reason, message=message)
        completion = {"completionTime": timestamp(now)} if succeeded else {}
        self._report(job, {**status, **completion, "conditions": [*status["conditions"], over]})
        if succeeded:
            self._recorder.normal("jobs", job, "Completed", "Job completed")
        else:
            self._recorder.warning("jobs", job, reason, message)

    def _report(self, job: Obj, status: Obj) -> None:
        status = {name: value for name, value in status.items() if value != 0 or name == "ready"}
        self._store.update("jobs", {**job, "status": status}, subresource="status")

    def _expire(self, key: Key, spec: Obj, ended: datetime) -> None:
        if "ttlSecondsAfterFinished" in spec:
            left = ended + timedelta(seconds=spec["ttlSecondsAfterFinished"]) - self._store.clock()
            if left > timedelta():
                self._mark_later(key, left.total_seconds())
            else:
                self._store.delete("jobs", *key)


def _owned(pod: Obj, job: Obj) -> bool:
    return any(owner["uid"] == job["metadata"]["uid"] for owner in pod["metadata"].get("ownerReferences") or ())


def _failed_at(pod: Obj) -> datetime:
    statuses = [*pod["status"].get("initContainerStatuses", ()), *pod["status"].get("containerStatuses", ())]
    ends = [item["state"].get("terminated") for item in statuses]
    times = [end["finishedAt"] for end in ends if end and pod["status"]["phase"] == "Failed"]
    return datetime.fromisoformat(max(times, default=pod["metadata"]["creationTimestamp"]))


def _ready(pod: Obj) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)
