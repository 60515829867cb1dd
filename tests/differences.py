"""Reads `tests/contract/differences.md`: where the embedded cluster and a real one may differ, and why."""

import re
from pathlib import Path

FILE = Path(__file__).parent / "contract" / "differences.md"
_LINE = re.compile(r"- (?P<name>[^:\s]+): (?P<reason>\S.*)")


def reasons() -> dict[str, str]:
    """By the name of a step of the tour (`tour/…`), or of a test that runs on one of the two."""
    lines = [line for line in FILE.read_text().splitlines() if line.startswith("- ")]
    found = [_LINE.fullmatch(line) for line in lines]
    assert all(found), "a line of differences.md is not `- name: reason`"
    return {match["name"]: match["reason"] for match in found if match}
