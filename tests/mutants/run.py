"""Takes one defence out at a time and sees the tests notice: `make mutants`.

Each `*.patch` beside this file switches one defence off and names in its header the tests that must fail then, one
`# tests: path::name` a line. A test without its parameters stands for all of its cases, of which one has to fail.
The tree itself is never touched: every patch is tried on a copy, and taken back there, so that what Python has compiled
serves the next one too. Each run of tests is a process of its own, forked from one that has imported everything but
Genet and its tests: of a run that takes four seconds, three are imports of libraries.

    --after-tests   the tests are known to be well without any mutant: they have just run
    --seconds N     begin no other mutant after as long; which ones are left out changes with the commit, and is told
"""

import argparse
import multiprocessing
import os
import random
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
_LIBRARIES = (
    "aiohttp.web",
    "authlib.integrations.requests_client",
    "cryptography.x509",
    "granian",
    "httpx",
    "hypothesis",
    "jinja2",
    "jwt",
    "kubernetes.aio.client",
    "litestar.testing",
    "prometheus_api_client",
    "pytest",
    "yaml",
)
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(list(_LIBRARIES))
_WIDTH = max(len(patch.stem) for patch in MUTANTS)


def main() -> int:
    parser = argparse.ArgumentParser(description="Takes one defence out at a time and sees the tests notice.")
    parser.add_argument("--after-tests", action="store_true")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    options = parser.parse_args()
    began = time.monotonic()
    mutants = [patch for patch in MUTANTS if shutil.which("helm") or not _is_of_the_chart(patch)]
    if left_out := len(MUTANTS) - len(mutants):
        print(f"helm is not installed: {left_out} mutants of the chart are left out")
    named = {patch: _tests(patch) for patch in mutants}
    everything = sorted({test for tests in named.values() for test in tests})
    with _copies() as copies, ThreadPoolExecutor(AT_ONCE) as pool:
        if not options.after_tests:
            batches = [everything[first : first + BATCH] for first in range(0, len(everything), BATCH)]
            if unwell := list(chain.from_iterable(pool.map(lambda batch: _unwell(batch, copies), batches))):
                print(f"not well without any mutant: {', '.join(unwell)}")
                return 1
        random.Random(_commit()).shuffle(mutants)  # noqa: S311 # no secret

        def tried(patch: Path) -> bool | None:
            """None: there was no time."""
            if time.monotonic() - began > options.seconds:
                return None
            return _try(patch, named[patch], copies) is None

        seen = list(pool.map(tried, mutants))
    if left_out := seen.count(None):
        print(f"{left_out} of {len(mutants)} were left out after {options.seconds:g} s")
    print(f"{seen.count(True)} passed, {seen.count(False)} failed")
    return 1 if False in seen else 0


def _commit() -> str:
    """Of the tree; empty outside of a repository."""
    answer = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, check=False, capture_output=True, text=True)
    return answer.stdout.strip()


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
    if any("[" in test for test in tests):
        return "names a case: all cases of a test stand under its name"
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
    arguments = ["-q", "-p", "no:cacheprovider", f"--junitxml={report}", *tests]
    process = _PROCESSES.Process(target=_pytest, args=(copy, arguments))
    process.start()
    process.join(LONGEST_SECONDS)
    if process.is_alive():
        process.kill()
        process.join()
        raise subprocess.TimeoutExpired(tests, LONGEST_SECONDS)
    return _read(report) if report.exists() else {}


def _pytest(copy: Path, arguments: list[str]) -> None:
    """In a process of its own, as if Python had been started in the copy."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.chdir(copy)
    sys.path.insert(0, str(copy))
    import pytest  # it is imported already, and not wanted in the process that starts all others

    # anyio, which libraries have imported by then, brings a plugin whose assertions are of no interest
    sys.exit(pytest.main(["-W", "ignore::pytest.PytestAssertRewriteWarning", *arguments]))


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
