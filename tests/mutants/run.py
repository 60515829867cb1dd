"""Takes one defence out at a time and sees the tests notice: `make mutants`.

Each `*.patch` beside this file switches one defence off and names in its header the tests that must fail then, one
`# tests: path::name` a line. A test without its parameters stands for all of its cases, of which one has to fail.
The tree itself is never touched: every patch is tried on a copy.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).parents[2]
MUTANTS = sorted(Path(__file__).parent.glob("*.patch"))
AT_ONCE = 2
COPIED = ("genet", "tests", "pyproject.toml")
_WIDTH = max(len(patch.stem) for patch in MUTANTS)


def main() -> int:
    named = {patch: _tests(patch) for patch in MUTANTS}
    everything = sorted({test for tests in named.values() for test in tests})
    if unwell := _unwell(everything):
        print(f"not well without any mutant: {', '.join(unwell)}")
        return 1
    with ThreadPoolExecutor(AT_ONCE) as pool:
        complaints = list(pool.map(_try, MUTANTS, named.values()))
    survived = sum(complaint is not None for complaint in complaints)
    print(f"{len(MUTANTS) - survived} passed, {survived} failed")
    return 1 if survived else 0


def _try(patch: Path, tests: list[str]) -> str | None:
    """What is wrong with a mutant; None: its tests saw it."""
    began = time.monotonic()
    complaint = _unseen(patch, tests)
    print(f"{patch.stem:{_WIDTH}}  {time.monotonic() - began:5.1f} s  {complaint or 'seen'}", flush=True)
    return complaint


def _unseen(patch: Path, tests: list[str]) -> str | None:
    if not tests:
        return "names no test"
    try:
        outcomes = _outcomes(patch, tests)
    except subprocess.CalledProcessError as error:
        return f"does not apply: {error.stderr.strip()}"
    except subprocess.TimeoutExpired:
        return "HANGS"
    survived = [test for test in tests if "failed" not in outcomes.get(test, set())]
    return f"SURVIVED {', '.join(survived)}" if survived else None


def _unwell(tests: list[str]) -> list[str]:
    try:
        outcomes = _outcomes(None, tests)
    except subprocess.TimeoutExpired:
        return ["they hang"]
    return [test for test in tests if outcomes.get(test) != {"passed"}]


def _outcomes(patch: Path | None, tests: list[str]) -> dict[str, set[str]]:
    """How the cases of each test ended on a copy of the tree; CalledProcessError if the patch does not apply to it."""
    with tempfile.TemporaryDirectory(prefix="genet-mutant-") as directory:
        copy = Path(directory)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__", "static"))
            else:
                shutil.copy(source, copy / name)
        if patch is not None:
            subprocess.run(["git", "apply", "-C1", str(patch)], cwd=copy, check=True, capture_output=True, text=True)
        report = copy / "report.xml"
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *tests],
            cwd=copy,
            check=False,
            capture_output=True,
            timeout=120,
        )
        return _read(report)


def _read(report: Path) -> dict[str, set[str]]:
    outcomes: dict[str, set[str]] = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 # written by our own pytest
        test = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '').partition('[')[0]}"
        kinds = {child.tag for child in case}
        outcome = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        outcomes.setdefault(test, set()).add(outcome)
    return outcomes


def _tests(patch: Path) -> list[str]:
    lines = patch.read_text().splitlines()
    return [line.removeprefix("# tests: ").strip() for line in lines if line.startswith("# tests: ")]


if __name__ == "__main__":
    sys.exit(main())
