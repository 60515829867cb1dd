"""GPU-hours, by tables and by one law: what is accounted and what is a gap make up the time asked for."""

from datetime import UTC, datetime, timedelta
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genet.gpus.usage.accounting import Account, Span, Use, exporters_account, own_account, totals, windows

START = datetime(2026, 6, 1, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.mark.parametrize(
    ("span", "step", "number"),
    [
        (timedelta(seconds=10), MINUTE, 1),
        (HOUR, MINUTE, 60),
        (24 * HOUR, 5 * MINUTE, 288),
        (timedelta(days=7), 30 * MINUTE, 336),
        (timedelta(days=7, seconds=1), HOUR, 169),
        (timedelta(days=92), 8 * HOUR, 276),
    ],
)
def test_a_time_is_cut_into_few_windows(span, step, number):
    cut = windows(START, START + span)
    assert (cut.step, cut.number) == (step, number)
    assert isclose(sum(cut.hours(place) for place in range(number)), span / HOUR)


def total(hours, percent=None):
    return pytest.approx((hours, percent))


def cut(number):
    return windows(START, START + number * MINUTE)


def test_replicas_and_scrapes_do_not_matter():
    for samples in (1, 4, 8):  # one scrape of one replica; four scrapes; four of each of two replicas
        account = own_account(
            [samples] * 60, {"ann": [2 * samples] * 60}, {"ann": [samples] * 60}, {"ann": [2 * samples] * 60}
        )
        assert totals(cut(60), [account]).by_key == {"ann": total(2, 50)}


def test_a_pod_of_a_quarter_of_a_window_has_a_quarter_of_it():
    account = own_account([8] * 60, {"ann": [2, *[None] * 59]}, {}, {})
    assert totals(cut(60), [account]).by_key == {"ann": total(0.25 / 60)}


def test_nothing_held_is_no_gap_and_nothing_known_is_one():
    account = own_account([1, None, None, 1, 1], {"ann": [1, None, None, None, None]}, {}, {})
    known = totals(cut(5), [account])
    assert known.gaps == (Span(START + MINUTE, START + 3 * MINUTE),)
    assert known.by_key == {"ann": total(1 / 60)}


def test_exporters_fill_what_genet_did_not_see_and_nothing_else():
    own = own_account([None, 1, 1], {"ann": [None, 1, 1]}, {"ann": [None, 1, 1]}, {"ann": [None, 1, 1]})
    held, percent, measured = (
        {"ann": [4, 8, None], "bob": [None, 1, None]},
        {"ann": [50, 25, None]},
        {"ann": [2, 1, None]},
    )
    theirs = exporters_account([8, 8, None], held, percent, measured)
    assert totals(cut(3), [own, theirs]).by_key == {"ann": total(6 / 60, 100 * 3 / 6)}


def test_cards_that_do_nothing_are_measured_and_cards_of_two_models_are_one_mean():
    account = exporters_account([8, 8], {"a": [4, 4]}, {"a": [0, 90]}, {"a": [4, 3]})
    assert totals(cut(2), [account]).by_key == {"a": total(8 / 60, 15)}
    unmeasured = exporters_account([8], {"a": [4]}, {"a": [None]}, {"a": [None]})
    assert totals(cut(1), [unmeasured]).by_key == {"a": total(4 / 60)}


def test_exporters_that_name_no_pods_know_nothing_of_holders():
    nobody = exporters_account([8, 8], {}, {}, {})
    assert totals(cut(2), [nobody]).gaps == (Span(START, START + 2 * MINUTE),)


def test_between_pods_that_exporters_name_nobody_held_anything():
    account = exporters_account([8, 8, 8], {"ann": [1, None, 1]}, {}, {})
    assert totals(cut(3), [account]).gaps == ()


@st.composite
def held(draw):
    number = draw(st.integers(1, 30))
    gauges = st.lists(st.none() | st.floats(0, 64), min_size=number, max_size=number)
    accounts = []
    for _ in range(draw(st.integers(0, 3))):
        covered = draw(st.lists(st.booleans(), min_size=number, max_size=number))
        use = draw(st.dictionaries(st.sampled_from(["ann", "bob", ""]), gauges))
        accounts.append(
            Account(covered, {key: [None if v is None else Use(v) for v in values] for key, values in use.items()})
        )
    return number, timedelta(seconds=draw(st.integers(0, 59))), accounts


@given(held())
def test_hours_are_the_integral_of_what_was_seen_and_gaps_are_the_rest(example):
    number, shorter, accounts = example
    whole = windows(START + shorter, START + number * MINUTE)
    known = totals(whole, accounts)
    integral = covered = timedelta()
    for place in range(whole.number):
        width = MINUTE if place else MINUTE - shorter
        source = next((account for account in accounts if account.covered[place]), None)
        if source is not None:
            covered += width
            integral += sum((use[place].devices for use in source.use.values() if use[place]), 0) * width
    assert isclose(sum(total.gpu_hours for total in known.by_key.values()), integral / HOUR, abs_tol=1e-4)
    assert covered + sum((gap.end - gap.start for gap in known.gaps), timedelta()) == whole.end - whole.start
