"""`docs/openid-checklist.md` names tests and mutants: they are there, and every row names some or says why not."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "openid-checklist.md").read_text()
REASONS = ("Not shown", "Does not apply")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
VULNERABILITY = re.compile(r"CVE-\d{4}-\d+|GHSA(?:-[0-9a-z]{4}){3}")


class Row(NamedTuple):
    behaviour: str
    source: str
    shown_by: str
    mutant: str


def rows_of(page: str) -> list[Row]:
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    rows = [Row(*(cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1])) for line in lines]
    return [row for row in rows if row.behaviour != "What must hold"]


ROWS = rows_of(PAGE)


@cache
def names_in(file: str) -> frozenset[str]:
    """By the names of their functions, without parameters."""
    path = ROOT / file
    nodes = ast.walk(ast.parse(path.read_text())) if path.is_file() else ()
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def missing(row: Row) -> list[str]:
    """What is wrong with a row."""
    tests = TEST.findall(row.shown_by)
    found = [f"{file}::{name}" for file, name in tests if not name.startswith("test_") or name not in names_in(file)]
    if row.shown_by.count("::") != len(tests):
        found.append("a test that cannot be read")
    if not tests and not row.shown_by.startswith(REASONS):
        found.append("no test, and no word about why")
    mutants = re.findall(r"`([^`]+)`", row.mutant)
    if row.mutant and not mutants and not row.mutant.startswith("none: "):
        found.append("a mutant that cannot be read")
    shown = {f"{file}::{name}" for file, name in tests}
    return [*found, *(f"{name}: seen by none of these tests" for name in mutants if not seen_by(name) & shown)]


@cache
def seen_by(mutant: str) -> frozenset[str]:
    """The tests that fail with it; none where there is no such mutant."""
    patch = ROOT / "tests" / "mutants" / f"{mutant}.patch"
    text = patch.read_text() if patch.is_file() else ""
    return frozenset(re.findall(r"^# tests: (\S+?)(?:\[|\s|$)", text, re.MULTILINE))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.behaviour[:60])
def test_what_a_row_names_is_there(row):
    assert row.behaviour
    assert row.source
    assert missing(row) == []


def test_no_row_is_there_twice():
    behaviours = [(row.behaviour, row.source) for row in ROWS]
    assert len(behaviours) == len(set(behaviours)) > 200


def test_every_vulnerability_that_a_test_or_the_code_speaks_of_is_on_the_page():
    files = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "genet").rglob("*.py")]
    spoken_of = {found for file in files for found in VULNERABILITY.findall(file.read_text())}
    assert len(spoken_of) > 20
    assert spoken_of - set(VULNERABILITY.findall(PAGE)) == set()


def test_a_page_that_lies_is_found_out():
    good = "`tests/oidc/test_codes.py::test_what_is_no_code_is_refused`"
    lies = [
        f"{good}, `tests/test_checklist.py::test_of_nothing`",
        "`tests/nowhere.py::test_x`",
        "`tests/test_checklist.py::missing`",
        "",
        "by looking at it",
        f"{good}, tests/test_checklist.py::test_of_nothing",
    ]
    for lie in lies:
        (row,) = rows_of(f"| x | y | {lie} | |")
        assert missing(row), lie
    seen = "`tests/oidc/test_clients.py::test_who_does_not_know_it_is_refused`"
    mutant = "`client-secrets-not-compared`"
    for tests, mutants, is_good in (
        (good, "", True),
        (seen, mutant, True),
        (f"{good}, {seen}", mutant, True),
        (good, mutant, False),
        (seen, f"{mutant}, `of-nothing`", False),
        (seen, "soon", False),
    ):
        (row,) = rows_of(f"| x | y | {tests} | {mutants} |")
        assert (missing(row) == []) is is_good, (tests, mutants)
    (row,) = rows_of("| x | y | Not shown: because | |")
    assert missing(row) == []
