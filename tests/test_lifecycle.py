from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genet import lifecycle, naming
from genet.settings import Lifecycle

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
CREATED = NOON - timedelta(hours=1)
SETTINGS = Lifecycle(max_protect_hours=48)


def test_without_an_annotation_nothing_protects():
    assert lifecycle.protection({}, CREATED, SETTINGS) == lifecycle.Protection(None)


def test_protection_lasts_until_the_time_written():
    annotations = {naming.PROTECTED_UNTIL: "2026-06-01T17:00:00Z", naming.PROTECTED_AT: "2026-06-01T12:00:00Z"}
    assert lifecycle.marks(NOON + timedelta(hours=5), NOON) == annotations
    assert lifecycle.protection(annotations, CREATED, SETTINGS).until == NOON + timedelta(hours=5)


def test_what_kubectl_wrote_holds_no_longer_than_genet_would_have_allowed():
    forged = {naming.PROTECTED_UNTIL: "2099-01-01T00:00:00Z"}
    assert lifecycle.protection(forged, CREATED, SETTINGS).until == CREATED + timedelta(hours=48)
    extended = forged | {naming.PROTECTED_AT: "2026-06-01T12:00:00Z"}
    assert lifecycle.protection(extended, CREATED, SETTINGS).until == NOON + timedelta(hours=48)


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-06-01", "2026-06-01T12:00:00", "0001-01-01T00:00:00+23:00", "1780000000"]
)
def test_an_unreadable_value_protects_for_the_longest_time_from_creation(text):
    found = lifecycle.protection({naming.PROTECTED_UNTIL: text}, CREATED, SETTINGS)
    assert found == lifecycle.Protection(CREATED + timedelta(hours=48), is_readable=False)


def test_an_unreadable_change_time_counts_as_none():
    annotations = {naming.PROTECTED_UNTIL: "2099-01-01T00:00:00Z", naming.PROTECTED_AT: "yesterday"}
    assert lifecycle.protection(annotations, CREATED, SETTINGS).until == CREATED + timedelta(hours=48)


def test_other_zones_are_read_as_the_same_moment():
    annotations = {naming.PROTECTED_UNTIL: "2026-06-01T19:00:00+02:00"}
    assert lifecycle.protection(annotations, CREATED, SETTINGS).until == NOON + timedelta(hours=5)


def test_clearing_removes_both_annotations():
    assert lifecycle.marks(None, NOON) == {naming.PROTECTED_UNTIL: None, naming.PROTECTED_AT: None}


@pytest.mark.parametrize(
    ("zone", "time_of_day", "at", "expected"),
    [
        ("UTC", "23:00", "2026-06-01T12:00:00Z", "2026-06-01T23:00:00Z"),
        ("UTC", "23:00", "2026-06-01T23:00:00Z", "2026-06-01T23:00:00Z"),
        ("UTC", "23:00", "2026-06-01T23:00:01Z", "2026-06-02T23:00:00Z"),
        ("Asia/Shanghai", "23:00", "2026-06-01T16:30:00Z", "2026-06-02T15:00:00Z"),
        ("Pacific/Kiritimati", "01:00", "2026-06-01T10:30:00Z", "2026-06-01T11:00:00Z"),
        # Berlin: summer time begins 2026-03-29 at 02:00 and ends 2026-10-25 at 03:00
        ("Europe/Berlin", "23:00", "2026-03-28T23:00:00Z", "2026-03-29T21:00:00Z"),
        ("Europe/Berlin", "23:00", "2026-10-24T22:00:00Z", "2026-10-25T22:00:00Z"),
        ("Europe/Berlin", "02:30", "2026-03-29T00:00:00Z", "2026-03-29T01:30:00Z"),
        ("Europe/Berlin", "02:30", "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z"),
        ("Europe/Berlin", "02:30", "2026-10-25T00:45:00Z", "2026-10-26T01:30:00Z"),
    ],
)
def test_the_next_run_is_the_first_at_or_after(zone, time_of_day, at, expected):
    settings = Lifecycle(timezone=zone, auto_delete_time=time_of_day)
    assert lifecycle.next_run(datetime.fromisoformat(at), settings) == datetime.fromisoformat(expected)


@given(
    at=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 # given a zone by timezones
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    minutes=st.integers(0, 24 * 60 - 1),
)
def test_every_run_comes_within_a_day_and_an_hour(at, zone, minutes):
    settings = Lifecycle(timezone=zone, auto_delete_time=f"{minutes // 60:02}:{minutes % 60:02}")
    assert timedelta(0) <= lifecycle.next_run(at, settings) - at <= timedelta(hours=25)


def test_a_pod_goes_with_the_first_run_after_its_protection():
    end = datetime(2026, 6, 2, 23, 30, tzinfo=UTC)
    run = datetime(2026, 6, 3, 23, 0, tzinfo=UTC)
    assert lifecycle.deletes_at(NOON, end, SETTINGS, is_exempt=False) == run


@pytest.mark.parametrize("end", [None, NOON - timedelta(days=9)])
def test_an_unprotected_pod_goes_with_the_next_run(end):
    run = datetime(2026, 6, 1, 23, 0, tzinfo=UTC)
    assert lifecycle.deletes_at(NOON, end, SETTINGS, is_exempt=False) == run


def test_exempt_pods_and_a_clean_up_that_is_off_delete_nothing():
    assert lifecycle.deletes_at(NOON, None, SETTINGS, is_exempt=True) is None
    assert lifecycle.deletes_at(NOON, None, Lifecycle(enabled=False), is_exempt=False) is None


def test_only_true_exempts_a_namespace():
    assert lifecycle.is_exempt({naming.EXEMPT: "true"})
    assert not lifecycle.is_exempt({naming.EXEMPT: "false"})
    assert not lifecycle.is_exempt({})
