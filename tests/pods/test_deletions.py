from datetime import UTC, datetime, timedelta

import msgspec

from genet.pods.deletions import KEPT, MOST, MOST_BYTES, Deletion, read, shown, written

NOW = datetime(2026, 6, 8, 23, tzinfo=UTC)


def deletion(number, *, ago=timedelta(), image="debian:13", **more):
    more = {"code": "cleanup_unprotected"} | more
    return Deletion(
        pod=f"pod-{number}", uid=f"uid-{number}", image=image, created_at=NOW - ago, deleted_at=NOW - ago, **more
    )


def names(text):
    return [one.pod for one in read(text, NOW)]


def test_it_is_kept_for_a_week():
    text = written("[]", [deletion(1, ago=KEPT - timedelta(seconds=1))], NOW - KEPT + timedelta(seconds=1))
    assert names(text) == ["pod-1"]
    assert read(text, NOW + timedelta(seconds=1)) == []
    assert names(written(text, [deletion(2)], NOW + timedelta(seconds=1))) == ["pod-2"]


def test_the_oldest_leave_where_there_are_many():
    text = "[]"
    for number in range(MOST + 5):
        text = written(text, [deletion(number, ago=timedelta(hours=1) - timedelta(seconds=number))], NOW)
    assert names(text) == [f"pod-{number}" for number in range(5, MOST + 5)]


def test_it_never_grows_beyond_its_bytes_whatever_the_images_are_called():
    text = written("[]", [deletion(number, image="i" * 5000) for number in range(MOST)], NOW)
    assert len(text.encode()) <= MOST_BYTES
    assert names(text)[-1] == f"pod-{MOST - 1}"


def test_a_pod_is_noted_once():
    text = written("[]", [deletion(1)], NOW)
    assert written(text, [deletion(1, code="by_person", by="alice-alice")], NOW) == text


def test_what_cannot_be_read_is_as_if_it_were_not_there():
    for text in ("", "nonsense", "{}", '[{"pod": 1}]'):
        assert read(text, NOW) == []
        assert names(written(text, [deletion(1)], NOW)) == ["pod-1"]


def test_it_says_why_in_both_languages():
    expired = deletion(1, code="cleanup_expired", until=NOW)
    english, chinese = shown(expired, "en"), shown(expired, "zh")
    assert english.reason.params == chinese.reason.params == {"until": "2026-06-08T23:00:00Z"}
    assert english.reason.text.startswith("The nightly clean-up deleted it: its protection ended at ")
    assert "到期" in chinese.reason.text
    by = shown(deletion(2, code="by_person", by="alice-alice"), "en")
    assert (by.by, by.reason.params, by.reason.text) == (
        "alice-alice",
        {"by": "alice-alice"},
        "alice-alice deleted it.",
    )
    assert msgspec.to_builtins(by).keys() >= {"gpuType", "gpuCount", "deletedAt"}
