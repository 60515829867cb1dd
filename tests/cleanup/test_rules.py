from datetime import UTC, datetime, timedelta

import pytest

from genet import naming
from genet.cleanup import rules
from genet.kube.objects import Job, JobStatus, Namespace, NamespaceStatus
from genet.kube.projection import Condition, ObjectMeta
from genet.settings import Lifecycle

NOW = datetime(2026, 6, 1, 23, 0, tzinfo=UTC)
SETTINGS = Lifecycle(max_protect_hours=48)


def meta(until=None, *, hours_old=1.0, deleting=False, at=None):
    annotations = {} if until is None else {naming.PROTECTED_UNTIL: until}
    if at is not None:
        annotations[naming.PROTECTED_AT] = at
    return ObjectMeta(
        name="p",
        annotations=annotations,
        creation_timestamp=NOW - timedelta(hours=hours_old),
        deletion_timestamp=NOW if deleting else None,
    )


@pytest.mark.parametrize(
    ("members", "is_due", "reason"),
    [
        ([meta()], True, "unprotected"),
        ([meta("2026-06-01T22:59:59Z")], True, "expired"),
        ([meta("2026-06-01T23:00:00Z")], True, "expired"),
        ([meta("2026-06-01T23:00:01Z")], False, "protected"),
        ([meta("2099-01-01T00:00:00Z", hours_old=47)], False, "protected"),
        ([meta("2099-01-01T00:00:00Z", hours_old=48)], True, "expired"),
        ([meta("2099-01-01T00:00:00Z", hours_old=480, at="2026-06-01T12:00:00Z")], False, "protected"),
        ([meta("tomorrow", hours_old=47)], False, "unreadable"),
        ([meta("tomorrow", hours_old=48)], True, "expired"),
        ([meta("", hours_old=1)], False, "unreadable"),
        ([meta(deleting=True)], False, "terminating"),
        ([meta(), meta(), meta("2026-06-02T12:00:00Z")], False, "protected"),
        ([meta("2026-06-02T12:00:00Z"), meta()], False, "protected"),
        ([meta(), meta("2026-06-01T12:00:00Z")], True, "expired"),
        ([meta(), meta(deleting=True)], True, "unprotected"),
    ],
)
def test_what_goes_and_why(members, is_due, reason):
    verdict = rules.judge(members, NOW, SETTINGS)
    assert (verdict.is_due, verdict.reason) == (is_due, reason)


@pytest.mark.parametrize(("hours", "is_due"), [(-1, False), (1, False), (1.01, True), (1000, True)])
def test_what_was_deleted_with_a_long_grace_is_not_left_to_run_through_it(hours, is_due):
    leaving = ObjectMeta(name="o", deletion_timestamp=NOW + timedelta(hours=hours))
    verdict = rules.judge([leaving], NOW, SETTINGS)
    assert (verdict.is_due, verdict.reason) == (is_due, "lingering" if is_due else "terminating")


def test_the_verdict_tells_the_effective_end():
    assert rules.judge([meta("2099-01-01T00:00:00Z")], NOW, SETTINGS).until == NOW + timedelta(hours=47)


@pytest.mark.parametrize(
    ("is_due", "reason", "uids", "spared"),
    [
        (True, "unprotected", ["a"], True),
        (True, "expired", ["c", "a"], True),
        (True, "expired", ["c"], False),
        (True, "lingering", ["a"], False),
        (False, "protected", ["a"], False),
    ],
)
def test_what_is_due_is_spared_while_one_of_its_pods_is_being_saved(is_due, reason, uids, spared):
    verdict = rules.Verdict(is_due=is_due, reason=reason, until=NOW)
    wanted = rules.Verdict(is_due=False, reason="saving", until=NOW) if spared else verdict
    assert rules.spared(verdict, uids, {"a", "b"}) == wanted


def test_exempt_and_terminating_namespaces_are_not_visited():
    assert rules.is_visited(Namespace(metadata=ObjectMeta(name="n")))
    exempt = ObjectMeta(name="n", annotations={naming.EXEMPT: "true"})
    assert not rules.is_visited(Namespace(metadata=exempt))
    assert not rules.is_visited(Namespace(metadata=ObjectMeta(name="n"), status=NamespaceStatus(phase="Terminating")))


@pytest.mark.parametrize(
    ("kind", "status", "finished"),
    [("Complete", "True", True), ("Failed", "True", True), ("Complete", "False", False), ("Suspended", "True", False)],
)
def test_a_job_is_finished_when_its_condition_says_so(kind, status, finished):
    conditions = (Condition(type=kind, status=status),)
    assert rules.is_finished(Job(metadata=ObjectMeta(name="j"), status=JobStatus(conditions=conditions))) is finished
