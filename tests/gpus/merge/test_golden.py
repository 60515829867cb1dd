"""Every way a GPU is used, as recorded objects and series with the heatmap they make: see golden/README.md."""

import os
from pathlib import Path

import pytest
import yaml

from tests.gpus.merge.golden_case import draw, rewritten

CASES = sorted((Path(__file__).parent / "golden").glob("*.yaml"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_the_heatmap_is_the_expected_one(case):
    drawn = draw(case)
    if os.environ.get("UPDATE_GOLDEN"):
        case.write_text(rewritten(case, drawn))
    assert drawn == yaml.safe_load(case.read_text())["heatmap"]


def test_every_section_of_the_sources_has_cases():
    assert {case.name[0] for case in CASES} == set("12345678")
