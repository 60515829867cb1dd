"""How far a Job is, and why it failed: from objects as the API server has them."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from genet.images import progress, trouble
from genet.images.progress import explained, finished_at, has_ended, judge, last_words, pod_of
from genet.images.wording import CODES, message
from genet.kube.objects import JOBS, PODS

NOW = datetime(2026, 1, 31, 8, tzinfo=UTC)
WORDS = 'time="2026-01-31T08:00:00Z" level=fatal msg="no space left on device"'


def job(kind=None, reason="", **status):
    conditions = [{"type": kind, "status": "True", "reason": reason, "lastTransitionTime": "2026-01-31T07:00:00Z"}]
    document = {
        "metadata": {"name": "commit-a-1", "uid": "j"},
        "status": {"conditions": conditions if kind else [], **status},
    }
    return JOBS.one.decode(msgspec.json.encode(document))


def pod(*, commit=None, push=None, uid="j", started="2026-01-31T07:59:59Z", reason="", conditions=(), deleted=None):
    def statuses(name, state):
        return [{"name": name, "state": state}] if state is not None else []

    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "commit-a-1", "uid": uid}
    document = {
        "metadata": {"name": "commit-a-1-x", "ownerReferences": [owner], "deletionTimestamp": deleted},
        "status": {
            "phase": "Pending",
            "reason": reason,
            "startTime": started,
            "conditions": list(conditions),
            "initContainerStatuses": statuses("commit", commit),
            "containerStatuses": statuses("push", push),
        },
    }
    return PODS.one.decode(msgspec.json.encode(document))


RUNNING = {"running": {"startedAt": "2026-01-31T07:59:00Z"}}
DONE = {"terminated": {"exitCode": 0, "reason": "Completed"}}


def waiting(reason, text=""):
    return {"waiting": {"reason": reason, "message": text}}


def ended(code, reason="Error", words=WORDS):
    return {"terminated": {"exitCode": code, "reason": reason, "message": words}}


UNSCHEDULABLE = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "too little cpu"}


@pytest.mark.parametrize(
    ("of_pod", "state", "code", "container"),
    [
        (None, "pending", "waiting", None),
        (pod(), "pending", "waiting", None),
        (pod(conditions=[UNSCHEDULABLE], started=None), "pending", "unschedulable", None),
        (pod(commit=waiting("PodInitializing")), "pending", "waiting", None),
        (pod(commit=waiting("PodInitializing"), started="2026-01-31T07:59:00Z"), "pending", "unprepared", None),
        (pod(commit=waiting("ImagePullBackOff", "no such image")), "pending", "unpullable", None),
        (pod(commit=waiting("CreateContainerError", "no such file")), "pending", "unstartable", None),
        (pod(commit=RUNNING, push=waiting("PodInitializing")), "running", "reading", "commit"),
        (pod(commit=DONE, push=waiting("PodInitializing")), "running", "pushing", "commit"),
        (pod(commit=DONE, push=RUNNING), "running", "pushing", "push"),
        (pod(commit=DONE, push=DONE), "running", "pushing", "push"),
        (pod(commit=RUNNING, deleted="2026-01-31T08:00:00Z"), "running", "ending", None),
    ],
)
def test_a_job_that_has_not_ended_says_what_it_is_at(of_pod, state, code, container):
    seen = judge(job(), of_pod, NOW)
    assert (seen.state, seen.code, seen.container) == (state, code, container)


@pytest.mark.parametrize("of_pod", [None, pod(commit=DONE, push=DONE)])
def test_what_has_succeeded_needs_no_words(of_pod):
    seen = judge(job("Complete"), of_pod, NOW)
    assert (seen.state, seen.code, seen.container) == ("succeeded", None, "push" if of_pod else None)


@pytest.mark.parametrize(
    ("reason", "of_pod", "code", "container", "is_maybe_paused"),
    [
        ("DeadlineExceeded", None, "deadline", None, True),
        ("DeadlineExceeded", pod(commit=RUNNING), "deadline", None, True),
        ("BackoffLimitExceeded", None, "vanished", None, True),
        ("BackoffLimitExceeded", pod(commit=ended(1)), "failed", "commit", False),
        ("BackoffLimitExceeded", pod(commit=ended(137, "OOMKilled")), "memory", "commit", True),
        ("BackoffLimitExceeded", pod(commit=ended(137), reason="Evicted"), "evicted", "commit", True),
        ("BackoffLimitExceeded", pod(commit=ended(137)), "killed", "commit", True),
        ("BackoffLimitExceeded", pod(reason="Evicted"), "evicted", None, True),
        ("BackoffLimitExceeded", pod(commit=DONE, push=ended(1)), "failed", "push", False),
        ("BackoffLimitExceeded", pod(commit=DONE, push=ended(137, "OOMKilled")), "memory", "push", False),
        ("BackoffLimitExceeded", pod(commit=DONE), "vanished", None, True),
    ],
)
def test_a_job_that_has_failed_says_why_and_who_may_stand_still(reason, of_pod, code, container, is_maybe_paused):
    seen = judge(job("Failed", reason), of_pod, NOW)
    assert (seen.state, seen.code, seen.container) == ("failed", code, container)
    assert seen.is_maybe_paused == is_maybe_paused


def test_a_condition_that_is_not_true_is_no_end():
    document = {"metadata": {"name": "a"}, "status": {"conditions": [{"type": "Failed", "status": "False"}]}}
    assert not has_ended(JOBS.one.decode(msgspec.json.encode(document)))
    assert not has_ended(job("FailureTarget"))
    assert not has_ended(job("Suspended"))
    assert has_ended(job("Failed"))


def test_the_end_is_when_it_was_complete_or_failed():
    assert finished_at(job()) is None
    assert finished_at(job("Failed")) == NOW - timedelta(hours=1)
    assert finished_at(job("Complete", completionTime="2026-01-31T07:30:00Z")) == NOW - timedelta(minutes=30)


def test_the_pods_of_an_earlier_job_of_that_name_are_not_its():
    assert pod_of(job(), [pod(uid="earlier")]) is None
    own = pod()
    assert pod_of(job(), [pod(uid="earlier"), own]) is own


def test_what_the_container_said_says_why():
    failed = judge(job("Failed"), pod(commit=ended(1)), NOW)
    assert explained(failed, WORDS).code == "space"
    running = judge(job(), pod(commit=RUNNING), NOW)
    assert explained(running, WORDS).code == "reading"
    assert last_words(pod(commit=ended(1)), "commit") == WORDS
    assert last_words(pod(commit=RUNNING), "commit") == last_words(pod(), "push") == ""


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("is_maybe_paused", [True, False])
@pytest.mark.parametrize("pauses", [True, False])
def test_all_that_can_be_said_has_words_without_holes(language, pauses, is_maybe_paused):
    params = {"image": "r.example/a/x:1", "minutes": "60", "detail": "too little cpu"}
    said = set(re.findall(r'"([a-z]+)"', Path(progress.__file__).read_text())) & CODES.keys()
    assert said | {code for code, _ in trouble.KNOWN} == CODES.keys()
    for code in CODES:
        text = message(code, params, language, pauses=pauses, is_maybe_paused=is_maybe_paused)
        assert text
        assert not re.search(r"[\[\]{}]", text)
        assert ("unpause" in text) == (pauses and is_maybe_paused)


def test_a_reading_that_pauses_says_so():
    said = [message("reading", {}, "en", pauses=pauses, is_maybe_paused=False) for pauses in (True, False)]
    assert ["stand still" in text for text in said] == [True, False]


def test_nothing_is_said_to_be_pushed_by_what_does_not_begin_or_after_what_failed():
    hindered = judge(job(), pod(commit=DONE, push=waiting("ErrImagePull", "no such image")), NOW)
    assert (hindered.state, hindered.code, hindered.params) == ("running", "unpullable", {"detail": "no such image"})
    assert judge(job(), pod(commit=DONE, push=waiting("PodInitializing")), NOW).code == "pushing"
    assert judge(job(), pod(commit=ended(1), push=waiting("PodInitializing")), NOW).code == "reading"
