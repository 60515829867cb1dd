"""The account of contract tests finds what ran on one cluster only."""

from tests.conftest import Account


def account(**outcomes: tuple[str, str]) -> Account:
    found = Account()
    for test, (embedded, real) in outcomes.items():
        found.outcomes[f"tests/contract/test_x.py::{test}"] = {"embedded": embedded, "real": real}
    return found


def test_what_both_ran_needs_no_reason():
    assert account(test_a=("passed", "passed"), test_b=("skipped", "skipped")).unexplained() == []


def test_what_one_skipped_needs_one():
    ran = account(test_a=("passed", "passed"), test_b=("passed", "skipped"), test_c=("skipped", "passed"))
    assert [test.rpartition("::")[2] for test in ran.unexplained()] == ["test_b", "test_c"]


def test_without_a_real_cluster_nothing_is_asked():
    assert account(test_a=("passed", "skipped"), test_b=("passed", "skipped")).unexplained() == []


def test_it_counts_by_backend():
    ran = account(test_a=("passed", "failed"), test_b=("passed", "skipped"))
    assert ran.of("embedded") == {"passed": 2}
    assert ran.of("real") == {"failed": 1, "skipped": 1}
