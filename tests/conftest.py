"""Keeps account of the contract tests, cluster by cluster: what ran on one only needs its reason in differences.md.

A contract test is one with a parameter that says `embedded` or `real`. Without a real cluster there is no account.
"""

from collections import Counter, defaultdict
from typing import Final

import pytest

from tests.differences import reasons

BACKENDS: Final = ("embedded", "real")


class Account:
    """What became of each contract test on each backend."""

    def __init__(self) -> None:
        self.outcomes: defaultdict[str, dict[str, str]] = defaultdict(dict)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            if (found := _split(item.nodeid)) is not None:
                test, backend = found
                self.outcomes[test][backend] = "not run"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found = _split(report.nodeid)
        if found is not None and (report.when == "call" or not report.passed):
            test, backend = found
            self.outcomes[test][backend] = report.outcome

    def of(self, backend: str) -> Counter[str]:
        return Counter(found[backend] for found in self.outcomes.values() if backend in found)

    def unexplained(self) -> list[str]:
        """Tests that one backend passed and the other did not run, without a line that says why."""
        if not all(self.of(backend)["passed"] for backend in BACKENDS):
            return []
        lonely = [test for test, found in self.outcomes.items() if set(found.values()) == {"passed", "skipped"}]
        return [test for test in lonely if test.rpartition("::")[2].partition("[")[0] not in reasons()]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.unexplained() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.outcomes:
            return
        terminalreporter.section("contract tests")
        for backend in BACKENDS:
            counts = self.of(backend)
            told = ", ".join(f"{counts[outcome]} {outcome}" for outcome in ("passed", "failed", "skipped"))
            terminalreporter.line(f"{backend}: {counts.total()} collected, {told}")
        for test in self.unexplained():
            terminalreporter.line(f"{test} ran on one backend only, and tests/contract/differences.md says not why")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Account(), "contract-account")


def _split(nodeid: str) -> tuple[str, str] | None:
    """The test without its backend, and the backend."""
    name, bracket, parameters = nodeid.partition("[")
    parts = parameters.removesuffix("]").split("-")
    backend = next((part for part in parts if part in BACKENDS), None)
    if backend is None:
        return None
    parts.remove(backend)
    return name + bracket + "-".join(parts), backend
