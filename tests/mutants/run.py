"""Takes one defence out at a time and sees the tests notice: `make mutants`.

Each `*.patch` beside this file switches one defence off and names in its header the tests that must fail then, one
`# tests: path::name` a line. A test without its parameters stands for all of its cases, of which one has to fail.
The tree itself is never touched: every patch is tried on a copy, and taken back there, so that what Python has compiled
serves the next one too.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from queue import SimpleQueue
from xml.etree import ElementTree as ET

ROOT = Path(__file__).parents[2]
MUTANTS = sorted(Path(__file__).parent.glob("*.patch"))
AT_ONCE = 2
COPIED = ("genet", "helm", "tests", "pyproject.toml")
BATCH = 40
"""Tests of one run without a mutant."""
LONGEST_SECONDS = 300
_WIDTH = max(len(patch.stem) for patch in MUTANTS)


def main() -> int:
    mutants = [patch for patch in MUTANTS if shutil.which("helm") or not _is_of_the_chart(patch)]
    if left_out := len(MUTANTS) - len(mutants):
        print(f"helm is not installed: {left_out} mutants of the chart are left out")
    named = {patch: _tests(patch) for patch in mutants}
    everything = sorted({test for tests in named.values() for test in tests})
    with _copies() as copies, ThreadPoolExecutor(AT_ONCE) as pool:
        batches = [everything[first : first + BATCH] for first in range(0, len(everything), BATCH)]
        if unwell := list(chain.from_iterable(pool.map(lambda batch: _unwell(batch, copies), batches))):
            print(f"not well without any mutant: {', '.join(unwell)}")
            return 1
        complaints = list(pool.map(lambda patch: _try(patch, named[patch], copies), mutants))
    survived = sum(complaint is not None for complaint in complaints)
    print(f"{len(mutants) - survived} passed, {survived} failed")
    return 1 if survived else 0


def _try(patch: Path, tests: list[str], copies: SimpleQueue[Path]) -> str | None:
    """What is wrong with a mutant; None: its tests saw it."""
    copy = copies.get()
    began = time.monotonic()
    try:
        complaint = _unseen(patch, tests, copy)
    finally:
        copies.put(copy)
    print(f"{patch.stem:{_WIDTH}}  {time.monotonic() - began:5.1f} s  {complaint or 'seen'}", flush=True)
    return complaint


def _unseen(patch: Path, tests: list[str], copy: Path) -> str | None:
    if not tests:
        return "names no test"
    try:
        with _applied(patch, copy):
            outcomes = _outcomes(tests, copy)
    except subprocess.CalledProcessError as error:
        return f"does not apply: {error.stderr.strip()}"
    except subprocess.TimeoutExpired:
        return "HANGS"
    survived = [test for test in tests if "failed" not in outcomes.get(test, set())]
    return f"SURVIVED {', '.join(survived)}" if survived else None


def _unwell(tests: list[str], copies: SimpleQueue[Path]) -> list[str]:
    copy = copies.get()
    try:
        outcomes = _outcomes(tests, copy)
    except subprocess.TimeoutExpired:
        return [f"one of {', '.join(tests)} hangs"]
    finally:
        copies.put(copy)
    # a case for a real cluster is skipped where there is none
    return [test for test in tests if outcomes.get(test, set()) - {"skipped"} != {"passed"}]


def _outcomes(tests: list[str], copy: Path) -> dict[str, set[str]]:
    """How the cases of each test ended."""
    report = copy / "report.xml"
    report.unlink(missing_ok=True)
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *tests],
        cwd=copy,
        check=False,
        capture_output=True,
        timeout=LONGEST_SECONDS,
    )
    return _read(report) if report.exists() else {}


@contextmanager
def _copies() -> Iterator[SimpleQueue[Path]]:
    """Copies of the tree, as many as are used at once."""
    with tempfile.TemporaryDirectory(prefix="genet-mutants-") as directory:
        free: SimpleQueue[Path] = SimpleQueue()
        for number in range(AT_ONCE):
            copy = Path(directory) / str(number)
            copy.mkdir()
            for name in COPIED:
                source = ROOT / name
                if source.is_dir():
                    shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__", "static"))
                else:
                    shutil.copy(source, copy / name)
            free.put(copy)
        yield free


@contextmanager
def _applied(patch: Path, copy: Path) -> Iterator[None]:
    """The patch on the copy; CalledProcessError if it does not fit."""
    command = ["git", "apply", "-C1", str(patch)]
    subprocess.run(command, cwd=copy, check=True, capture_output=True, text=True)
    try:
        yield
    finally:
        subprocess.run([*command, "--reverse"], cwd=copy, check=True, capture_output=True, text=True)


def _read(report: Path) -> dict[str, set[str]]:
    outcomes: dict[str, set[str]] = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 # written by our own pytest
        test = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '').partition('[')[0]}"
        kinds = {child.tag for child in case}
        outcome = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        outcomes.setdefault(test, set()).add(outcome)
    return outcomes


def _is_of_the_chart(patch: Path) -> bool:
    return "\n+++ b/helm/" in patch.read_text()


def _tests(patch: Path) -> list[str]:
    lines = patch.read_text().splitlines()
    return [line.removeprefix("# tests: ").strip() for line in lines if line.startswith("# tests: ")]


if __name__ == "__main__":
    sys.exit(main())
